// The bench's side of TUF: tuf-js checks, we fetch, and what it accepted is kept so that no power cut can spoil it.
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Metadata, MetadataKind, type Root, type Targets, type Timestamp } from '@tufjs/models'
import { type Fetcher, type TargetFile, Updater } from 'tuf-js'
import { DownloadHTTPError } from 'tuf-js/dist/error.js'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import { bytes, sha256 } from '../../../shared/units.ts'
import {
  checkPublisher,
  DEPLOYMENT,
  indexPath,
  type PublishedRom,
  parseRomPath,
  romFactsSchema,
  romPath,
  type TargetRef,
} from '../../repository/format.ts'
import type { Listing, MetadataSource } from '../../repository/listing.ts'
import { PUBLISHED_AT, parseDocument } from '../../repository/publishing/documents.ts'
import { writeWhole } from '../files/write-whole.ts'
import { diagnose, type LastDocument } from './diagnose-metadata.ts'
import { withFileLock } from './file-lock.ts'

/** How long another process may refresh the same repository; milliseconds. */
const BUSY_MS = 60_000
const LOCK = 'lock'
const CLOCK_TOLERANCE_MS = 86_400_000
/** tuf-js's own limits, but for what a repository with some hundred ROMs needs. */
const LIMITS = { maxDelegations: 64, targetsMaxLength: 16 * 1024 * 1024 }

/** Makes `root` what the folder trusts, and forgets whatever it trusted before.
 * @throws SlotbenchError `repo-signature` when it is not signed by its own keys, `repo-invalid` when it is none. */
export async function trustRoot(folder: string, root: Uint8Array): Promise<void> {
  let document: Metadata<Root>
  try {
    document = parseDocument(MetadataKind.Root, root)
  } catch (cause) {
    throw new SlotbenchError('repo-invalid', 'this is no root.json of a repository', { cause })
  }
  try {
    document.verifyDelegate('root', document)
  } catch (cause) {
    throw new SlotbenchError('repo-signature', 'root.json is not signed by its own keys', { cause })
  }
  await rm(folder, { recursive: true, force: true })
  await writeWhole(join(folder, 'root.json'), root)
}

/** Brings what the folder trusts up to date and lists it.
 * @throws SlotbenchError one code for each thing that can be wrong; what was trusted before stays trusted. */
export async function refreshTrusted(
  folder: string,
  source: MetadataSource,
  now: () => Date = () => new Date(),
): Promise<Listing> {
  return withFileLock(join(folder, LOCK), { waitMs: BUSY_MS }, async () => {
    await removeLeftovers(folder)
    const scratch = await mkdtemp(join(folder, SCRATCH))
    try {
      await copyMetadata(folder, scratch)
      try {
        return await refresh(scratch, source, now)
      } finally {
        // What tuf-js accepted it has written, also when something later failed: it guards against older states from now on.
        await commit(scratch, folder)
      }
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  })
}

const SCRATCH = 'refresh-'

/** Of a process that was killed: nobody else works here now. */
async function removeLeftovers(folder: string): Promise<void> {
  const left = (await readdir(folder)).filter((name) => name.startsWith(SCRATCH))
  for (const name of left) await rm(join(folder, name), { recursive: true, force: true })
}

async function metadataNames(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => /^[a-z0-9-]+\.json$/.test(name))
}

async function copyMetadata(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const name of await metadataNames(from)) await cp(join(from, name), join(to, name))
}

/** Each file whole or as it was; any mixture of old and new is one that the next refresh takes. */
async function commit(scratch: string, folder: string): Promise<void> {
  for (const name of await metadataNames(scratch)) {
    const content = await readFile(join(scratch, name))
    const before = await readFile(join(folder, name)).catch(() => undefined)
    if (before === undefined || !content.equals(before)) await writeWhole(join(folder, name), content)
  }
}

/** tuf-js wants an address; nothing of it is ever looked up. */
const BASE = 'http://repository.invalid/'

class SourceFetcher implements Fetcher {
  readonly #source: MetadataSource
  failure: SlotbenchError | undefined
  last: LastDocument | undefined

  constructor(source: MetadataSource) {
    this.#source = source
  }

  async downloadBytes(url: string, max: number): Promise<Buffer> {
    const name = decodeURIComponent(url.slice(BASE.length))
    let content: Buffer | undefined
    try {
      content = await this.#source(name, max)
      if (content === undefined && !name.endsWith('.root.json'))
        throw new SlotbenchError('repo-incomplete', `there is no ${name}`)
    } catch (error) {
      this.failure = asSlotbenchError(error, 'repo-unreachable')
      throw error
    }
    if (content === undefined) throw new DownloadHTTPError('not found', 404)
    this.last = { name, content }
    return content
  }

  /** Of targets, which are none of tuf-js's business here. */
  downloadFile(): Promise<never> {
    throw new SlotbenchError('internal', 'targets are not fetched by the metadata client')
  }
}

async function refresh(folder: string, source: MetadataSource, now: () => Date): Promise<Listing> {
  const fetcher = new SourceFetcher(source)
  /** Runs a step of tuf-js; its errors lose their class on the way, so what was fetched is looked at again. */
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    fetcher.failure = undefined
    try {
      return await work()
    } catch (error) {
      throw fetcher.failure ?? (await diagnose(folder, fetcher.last, { error, now: now() }))
    }
  }
  const updater = await step(
    async () => new Updater({ metadataDir: folder, metadataBaseUrl: BASE, fetcher, config: LIMITS }),
  )
  await step(() => updater.refresh())
  const timestamp = parseDocument(MetadataKind.Timestamp, await readFile(join(folder, 'timestamp.json')))
  const publishedAt = publishedTime(timestamp)
  if (publishedAt !== undefined && now().getTime() < publishedAt.getTime() - CLOCK_TOLERANCE_MS)
    throw new SlotbenchError(
      'host-clock',
      `this computer says ${now().toISOString()}, the repository was signed at ${publishedAt.toISOString()}`,
    )
  const lookUp = (path: string) => step(() => updater.getTargetInfo(path))
  const roms = await listRoms(folder, lookUp)
  const deployment = await lookUp(DEPLOYMENT)
  return {
    ...roms,
    deployment: deployment && refOf(deployment),
    publishedAt,
    expires: new Date(timestamp.signed.expires),
  }
}

function publishedTime(timestamp: Metadata<Timestamp>): Date | undefined {
  const time = Date.parse(String(timestamp.signed.unrecognizedFields[PUBLISHED_AT]))
  return Number.isNaN(time) ? undefined : new Date(time)
}

type LookUp = (path: string) => Promise<TargetFile | undefined>

async function listRoms(folder: string, lookUp: LookUp): Promise<Pick<Listing, 'roms' | 'problems'>> {
  const targets = parseDocument(MetadataKind.Targets, await readFile(join(folder, 'targets.json')))
  const roms: PublishedRom[] = []
  const problems: Listing['problems'][number][] = []
  for (const publisher of Object.keys(targets.signed.delegations?.roles ?? {})) {
    try {
      checkPublisher(publisher)
      // Looking for anything in its folder makes tuf-js fetch and check what the publisher signed.
      await lookUp(romPath(publisher, 'index'))
      const document = parseDocument(MetadataKind.Targets, await readFile(join(folder, `${publisher}.json`)))
      roms.push(...(await romsOf(publisher, document, lookUp)))
    } catch (error) {
      problems.push({ publisher, error: asSlotbenchError(error) })
    }
  }
  return { roms, problems }
}

async function romsOf(
  publisher: string,
  document: Metadata<Targets>,
  lookUp: LookUp,
): Promise<readonly PublishedRom[]> {
  const roms: PublishedRom[] = []
  for (const path of Object.keys(document.signed.targets)) {
    const named = parseRomPath(path)
    if (named?.publisher !== publisher) continue
    // Asked for by its path, so that tuf-js decides whether this publisher may sign for it.
    const [target, index] = [await lookUp(path), await lookUp(indexPath(path))]
    const facts = romFactsSchema.safeParse(target?.custom['slotbench'])
    if (target === undefined || index === undefined || !facts.success) continue
    roms.push({ publisher, name: named.name, target: refOf(target), index: refOf(index), facts: facts.data })
  }
  return roms
}

/** @throws SlotbenchError `repo-invalid` for an entry without a SHA-256 or with a size that no file has. */
function refOf({ path, length, hashes }: TargetFile): TargetRef {
  try {
    return { path, size: bytes(length), sha256: sha256(hashes['sha256'] ?? '') }
  } catch (cause) {
    throw new SlotbenchError('repo-invalid', `the entry of ${path} is not readable`, { cause })
  }
}
