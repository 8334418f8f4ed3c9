// A repository looked at from outside, as a bench that trusts its first root sees it, and every file that it promises read.
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import { MAX_INDEX, makeChunkIndex, parseChunkIndex } from '../../repository/chunk-index.ts'
import { type PublishedRom, type TargetRef, targetFile } from '../../repository/format.ts'
import type { Listing } from '../../repository/listing.ts'
import { publicMetadata } from '../../repository/publishing/edition.ts'
import { PUBLIC, type RepositoryStore } from '../../repository/publishing/store.ts'
import { refreshTrusted, trustRoot } from './trusted-metadata.ts'

export interface VerifiedRepository {
  readonly listing: Listing
  readonly damage: readonly { readonly file: string; readonly detail: string }[]
}

export interface VerifyRepositoryOptions {
  readonly signal: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

const MAX_ROOT = 1024 * 1024

/** @throws SlotbenchError when its metadata do not hold; damage of its files is in the result. */
export async function verifyRepository(
  store: RepositoryStore,
  { signal, onProgress }: VerifyRepositoryOptions,
): Promise<VerifiedRepository> {
  const listing = await listRepository(store)
  const damage: { file: string; detail: string }[] = []
  const total = listing.roms.reduce((sum, { target }) => sum + target.size, 0)
  let done = 0
  const onBytes = (count: number) => {
    done += count
    onProgress?.(done, total)
  }
  const check = async (target: TargetRef, work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      if (signal.aborted) throw error
      damage.push({ file: pathOf(target), detail: asSlotbenchError(error).message })
    }
  }
  for (const rom of listing.roms) await check(rom.target, () => verifyRom(store, rom, { signal, onBytes }))
  const { deployment } = listing
  if (deployment !== undefined)
    await check(deployment, async () => void (await readTarget(store, deployment)))
  return { listing, damage }
}

/** What a bench would see that trusts the first root. */
export async function listRepository(store: RepositoryStore): Promise<Listing> {
  const folder = await mkdtemp(join(tmpdir(), 'slotbench-verify-'))
  try {
    const root = await store.read(publicMetadata('1.root.json'), MAX_ROOT)
    if (root === undefined)
      throw new SlotbenchError('repo-damaged', 'there is no 1.root.json: this is no repository')
    await trustRoot(folder, root)
    return await refreshTrusted(folder, async (name, max) => {
      const content = await store.read(publicMetadata(name), max)
      return content && Buffer.from(content.buffer)
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Making the index anew reads every byte of the package and shows whether index and package still belong together. */
async function verifyRom(
  store: RepositoryStore,
  rom: PublishedRom,
  options: { readonly signal: AbortSignal; readonly onBytes: (count: number) => void },
): Promise<void> {
  const index = await readTarget(store, rom.index)
  const source = await store.open(pathOf(rom.target))
  try {
    const anew = await makeChunkIndex(source, options)
    const { sha256, size } = parseChunkIndex(anew)
    if (sha256 !== rom.target.sha256 || size !== rom.target.size)
      throw new SlotbenchError('repo-damaged', 'its bytes are not those that were signed')
    if (!Buffer.from(anew).equals(index))
      throw new SlotbenchError('repo-damaged', 'its chunk index is not the one of this package')
  } finally {
    await source.close()
  }
}

async function readTarget(store: RepositoryStore, target: TargetRef): Promise<Uint8Array<ArrayBuffer>> {
  const content = await store.read(pathOf(target), MAX_INDEX)
  if (content === undefined) throw new SlotbenchError('repo-damaged', `${pathOf(target)} is missing`)
  if (createHash('sha256').update(content).digest('hex') !== target.sha256)
    throw new SlotbenchError('repo-damaged', `${pathOf(target)} is not what was signed`)
  return content
}

function pathOf(target: TargetRef): string {
  return `${PUBLIC}/${targetFile(target)}`
}
