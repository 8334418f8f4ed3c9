// Where the demo's ROM comes from: a signed repository of its own, served on loopback, and fetched from as from any other.
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FIRST_SETTINGS } from '../../../../shared/contract.ts'
import { SlotbenchError } from '../../../../shared/errors.ts'
import type { TerminalProfile } from '../../../../simulator/profiles/types.ts'
import { FolderStore } from '../../../io/repository/folder-store.ts'
import type { RoleKeys } from '../../../repository/publishing/documents.ts'
import { addPublisher, initRepository, publish } from '../../../repository/publishing/repository.ts'
import type { SealOptions } from '../../../repository/publishing/seal.ts'
import { newSigner, type Signer } from '../../../repository/publishing/signing-key.ts'
import type { Bench } from '../../bench.ts'
import { addPackage } from '../../repo/add-package.ts'
import { RomLibrary, romNamed } from '../../rom-library.ts'
import { writeDemoRom } from '../../simulated.ts'
import { VERSION } from '../../version.ts'
import type { CommandContext } from '../command.ts'
import { showFetch } from '../library.ts'

const PUBLISHER = 'demo'
/** Nobody keeps its keys, so nobody can sign it anew: what has expired is made again. */
const LIFETIME_DAYS = 365
const YOUNG_MS = (LIFETIME_DAYS - 1) * 86_400_000

/** @returns the path of the package in the bench's cache. */
export async function fetchDemoRom(
  bench: Bench,
  model: TerminalProfile,
  context: CommandContext,
): Promise<string> {
  const { output, signal } = context
  const name = `${model.product}-full-ota-${VERSION}.zip`
  const store = await demoRepository(bench, model, { name, context })
  const { serveRepository } = await import('../../repo/server.ts')
  const place = { host: '127.0.0.1', port: 0 }
  const server = await serveRepository(store, { ...place, uploads: false, maxUpload: 0, signal })
  const library = new RomLibrary({
    data: bench.data,
    workshop: bench.workshop,
    limit: FIRST_SETTINGS.cacheLimit,
  })
  try {
    const root = await readFile(join(store.root, 'public', 'metadata', '1.root.json'))
    const repository = await library.repositories.add({ name: 'demo', url: server.url, mirrors: [] }, root)
    const listed = await library.list(repository, signal)
    const found = romNamed([listed], name)
    output.line(`${server.url}  ${found.rom.publisher}/${name}, signed by the publisher’s key`)
    const { cached, result } = await library.fetch(found, showFetch(context))
    output.line(
      result === undefined
        ? 'It is in the cache already.'
        : 'Fetched; every chunk matches its signed digest.',
    )
    const release = await library.cache.use(cached, signal)
    await release()
    return cached.path
  } finally {
    await library.close()
    await server.stop(0)
  }
}

/** Made once per version and kept; half a repository is never taken for a whole one. */
async function demoRepository(
  bench: Bench,
  model: TerminalProfile,
  { name, context }: { readonly name: string; readonly context: CommandContext },
): Promise<FolderStore> {
  const folder = join(bench.data, `repository-${VERSION}`)
  const made = await stat(join(folder, 'public', 'metadata', 'timestamp.json')).catch(() => undefined)
  if (made !== undefined && Date.now() - made.mtimeMs < YOUNG_MS) return new FolderStore(folder)
  context.output.note('Making a full OTA package for it, and a repository (first run only) …')
  const unfinished = `${folder}.part`
  await rm(unfinished, { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
  await makeRepository(unfinished, model, { name, signal: context.signal })
  await rename(unfinished, folder)
  return new FolderStore(folder)
}

async function makeRepository(
  folder: string,
  model: TerminalProfile,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<void> {
  const store = new FolderStore(folder)
  const keys = new ThrowawayKeys()
  const roles = { root: keys.role(), targets: keys.role(), snapshot: keys.role(), timestamp: keys.role() }
  await initRepository(store, roles, keys.seal)
  await addPublisher(store, { name: PUBLISHER, keys: keys.role() }, keys.seal)
  const path = join(folder, 'package.zip')
  await mkdir(folder, { recursive: true })
  await writeDemoRom(model, path)
  if (signal.aborted) throw new SlotbenchError('cancelled', 'the demo was stopped')
  await addPackage(store, path, { publisher: PUBLISHER, name, signal })
  await rm(path)
  await publish(store, keys.seal)
}

/** In memory alone, for as long as the repository is made. */
class ThrowawayKeys {
  readonly #signers = new Map<string, Signer>()

  role(): RoleKeys {
    const signer = newSigner()
    this.#signers.set(signer.keyId, signer)
    return { keys: [signer.publicKey], threshold: 1 }
  }

  get seal(): SealOptions {
    const days = LIFETIME_DAYS
    return {
      ring: { signer: async (keyId) => this.#signers.get(keyId) },
      now: new Date(),
      lifetimes: { root: days, targets: days, snapshot: days, timestamp: days },
    }
  }
}
