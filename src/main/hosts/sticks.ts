// ROMs for benches without a network: written to a folder with their owner's signatures, and taken from one.
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { asSlotbenchError, SlotbenchError } from '../../shared/errors.ts'
import type { KnownRepository } from '../io/repository/known-repositories.ts'
import { packagesOn, writeStick } from '../io/repository/stick.ts'
import type { FetchOptions } from '../repository/fetch-rom.ts'
import type { PublishedRom } from '../repository/format.ts'
import type { Listing } from '../repository/listing.ts'
import { type ListedRepository, type ListedRom, type RomLibrary, repositoryAddress } from './rom-library.ts'

export interface StickOptions extends Pick<FetchOptions, 'signal'> {
  /** The next ROM is fetched, and then written. */
  readonly fetching: (rom: PublishedRom) => FetchOptions
  readonly onWriting?: (rom: PublishedRom) => void
  /** Bytes that went to the stick. */
  readonly onBytes?: (count: number) => void
}

/** @param listed what the repositories of the ROMs show. What is not in the cache is fetched first.
 * @throws SlotbenchError `usage` for ROMs of several repositories; what fetching and writing throw. */
export async function exportStick(
  library: RomLibrary,
  { roms, listed }: { readonly roms: readonly ListedRom[]; readonly listed: readonly ListedRepository[] },
  folder: string,
  options: StickOptions,
): Promise<KnownRepository> {
  const [first] = roms
  if (first === undefined || roms.some((one) => one.repository.name !== first.repository.name))
    throw new SlotbenchError('usage', 'a stick holds ROMs of one repository')
  const { repository } = first
  const { signal, onWriting, onBytes } = options
  const content = []
  for (const one of roms) {
    const { cached } = await library.fetch(one, options.fetching(one.rom))
    const index = await readFile(join(dirname(cached.path), 'chunks'))
    content.push({ rom: one.rom, path: cached.path, index })
  }
  const one = listed.find(({ repository: { name } }) => name === repository.name)
  await writeStick(
    resolve(folder),
    {
      ...{ roms: content, trusted: library.repositories.trusted(repository.name) },
      source: repository.url === undefined ? undefined : library.metadataAt(repository.url, signal),
      deployment: one && (await deploymentOf(library, one, signal)),
    },
    { signal, ...(onWriting && { onRom: onWriting }), ...(onBytes && { onBytes }) },
  )
  return repository
}

async function deploymentOf(library: RomLibrary, listed: ListedRepository, signal: AbortSignal) {
  const content = await library.deploymentFile(listed, signal)
  const target = listed.listing.deployment
  return content === undefined || target === undefined ? undefined : { target, content }
}

export interface ImportOptions extends Pick<FetchOptions, 'signal'> {
  /** The repository that the stick belongs to; default: whichever of the known ones signed it. */
  readonly name?: string
  /** What there is on the stick, once its signatures hold. */
  readonly onRoms?: (roms: readonly PublishedRom[]) => void
  /** The next ROM is taken. */
  readonly fetching: (rom: PublishedRom) => FetchOptions
}

export interface Imported {
  readonly repository: KnownRepository
  readonly roms: readonly { readonly rom: PublishedRom; readonly path: string }[]
}

/** Takes every ROM that a known repository vouches for into the cache, each byte checked.
 * @throws SlotbenchError `repo-unknown` when no repository is known, `rom-unknown` when the stick holds none of its ROMs. */
export async function importStick(
  library: RomLibrary,
  folder: string,
  options: ImportOptions,
): Promise<Imported> {
  const base = repositoryAddress(resolve(folder))
  const { repository, listing } = await believed(library, base, options)
  const there = await packagesOn(resolve(folder))
  const roms = listing.roms.filter(({ target }) => there.has(target.sha256))
  if (roms.length === 0)
    throw new SlotbenchError('rom-unknown', `${folder} holds no ROM that ${repository.name} vouches for`)
  options.onRoms?.(roms)
  const imported = []
  for (const rom of roms) {
    const { cached } = await library.fetchFrom(rom, [base], options.fetching(rom))
    imported.push({ rom, path: cached.path })
  }
  return { repository, roms: imported }
}

/** The first known repository whose keys signed what is on the stick. A stick that is older than what the bench has seen proves
 * nothing itself; its packages count as far as the newer list still names them. */
async function believed(
  library: RomLibrary,
  base: string,
  { name, signal }: ImportOptions,
): Promise<{ readonly repository: KnownRepository; readonly listing: Listing }> {
  const all = await library.repositories.list()
  const known = name === undefined ? all : all.filter((one) => one.name === name)
  if (known.length === 0)
    throw new SlotbenchError('repo-unknown', 'this bench does not trust the repository of the stick yet')
  const failures: SlotbenchError[] = []
  for (const repository of known) {
    try {
      return { repository, listing: await library.refresh(repository, base, signal) }
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
