// slotbench export | import: ROMs for benches without a network, with the owner's signatures.
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { asSlotbenchError, SlotbenchError } from '../../../../shared/errors.ts'
import { formatBytes } from '../../../../shared/format.ts'
import type { KnownRepository } from '../../../io/repository/known-repositories.ts'
import { packagesOn, writeStick } from '../../../io/repository/stick.ts'
import type { Listing } from '../../../repository/listing.ts'
import { type ListedRepository, type RomLibrary, repositoryAddress, romNamed } from '../../rom-library.ts'
import type { CommandContext } from '../command.ts'
import { listAll, showFetch, withLibrary } from '../library.ts'
import { readRoot } from './repositories.ts'

/** @param names ROMs, and the folder as the last of them. */
export async function exportStick(context: CommandContext, names: readonly string[]): Promise<number> {
  const { output, signal } = context
  const folder = names.at(-1) ?? ''
  const wanted = names.slice(0, -1)
  if (wanted.length === 0) throw new SlotbenchError('usage', 'name at least one ROM, and the folder')
  return withLibrary(context, async (library) => {
    const listed = await listAll(library, context)
    const found = wanted.map((name) => romNamed(listed, name))
    const [first] = found
    if (first === undefined || found.some((one) => one.repository.name !== first.repository.name))
      throw new SlotbenchError('usage', 'a stick holds ROMs of one repository')
    const one = listed.find(({ repository }) => repository.name === first.repository.name)
    const roms = []
    for (const rom of found) {
      const { cached } = await library.fetch(rom, showFetch(context))
      const index = await readFile(join(dirname(cached.path), 'chunks'))
      roms.push({ rom: rom.rom, path: cached.path, index })
    }
    const { url } = first.repository
    await writeStick(
      resolve(folder),
      {
        ...{ roms, trusted: library.repositories.trusted(first.repository.name) },
        source: url === undefined ? undefined : library.metadataAt(url, signal),
        deployment: one && (await deploymentOf(library, one, signal)),
      },
      { signal, onRom: ({ name }) => output.note(`Writing ${name} …`) },
    )
    output.data({ exported: roms.map(({ rom }) => rom.name), folder: resolve(folder) })
    output.line(`${roms.length} ROMs of ${first.repository.name} are in ${resolve(folder)}.`)
    return 0
  })
}

async function deploymentOf(library: RomLibrary, listed: ListedRepository, signal: AbortSignal) {
  const content = await library.deploymentFile(listed, signal)
  const target = listed.listing.deployment
  return content === undefined || target === undefined ? undefined : { target, content }
}

export interface ImportOptions {
  /** Trusts a repository that the bench does not know yet. */
  readonly root?: string
  readonly name?: string
}

export async function importStick(
  context: CommandContext,
  folder: string,
  options: ImportOptions,
): Promise<number> {
  const { output } = context
  const base = repositoryAddress(resolve(folder))
  return withLibrary(context, async (library) => {
    if (options.root !== undefined) {
      const added = { name: options.name ?? 'stick', mirrors: [] }
      const known = await library.repositories.get(added.name).catch(() => undefined)
      if (known !== undefined)
        throw new SlotbenchError('usage', `there is a repository ${added.name} already; leave --root out`)
      await library.repositories.add(added, await readRoot(options.root))
    }
    const { repository, listing } = await believed(library, base, { context, options }).catch(
      async (error) => {
        // Trusted for this stick alone, which does not deserve it.
        if (options.root !== undefined) await library.repositories.remove(options.name ?? 'stick')
        throw error
      },
    )
    const there = await packagesOn(resolve(folder))
    const roms = listing.roms.filter(({ target }) => there.has(target.sha256))
    if (roms.length === 0)
      throw new SlotbenchError('rom-unknown', `${folder} holds no ROM that ${repository.name} vouches for`)
    for (const rom of roms) {
      const { cached } = await library.fetchFrom(rom, [base], showFetch(context))
      output.line(`${rom.publisher}/${rom.name}  ${formatBytes(rom.target.size)}  ${cached.path}`)
    }
    output.data({ imported: roms.map(({ name }) => name), repository: repository.name })
    output.line(`${roms.length} ROMs of ${repository.name}, every signature and byte checked.`)
    return 0
  })
}

/** The first known repository whose keys signed what is on the stick. A stick that is older than what the bench has seen proves
 * nothing itself; its packages count as far as the newer list still names them. */
async function believed(
  library: RomLibrary,
  base: string,
  { context, options }: { readonly context: CommandContext; readonly options: ImportOptions },
): Promise<{ readonly repository: KnownRepository; readonly listing: Listing }> {
  const all = await library.repositories.list()
  const known = options.name === undefined ? all : all.filter(({ name }) => name === options.name)
  if (known.length === 0)
    throw new SlotbenchError(
      'repo-unknown',
      'this bench trusts no repository yet; give the stick’s root with --root root.json',
    )
  const failures: SlotbenchError[] = []
  for (const repository of known) {
    try {
      return { repository, listing: await library.refresh(repository, base, context.signal) }
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      const kept = await library.repositories.keptListing(repository.name)
      if (error.code === 'repo-rollback' && kept !== undefined && kept.expires > new Date())
        return { repository, listing: kept }
      failures.push(error)
    }
  }
  // Of several repositories, the one whose keys fit says what is wrong.
  throw (
    failures.find(({ code }) => code !== 'repo-signature') ??
    failures[0] ??
    new SlotbenchError('internal', 'nothing was tried')
  )
}
