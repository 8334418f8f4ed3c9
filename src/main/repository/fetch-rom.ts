// From a ROM in a listing to the same ROM in the cache, proven: its index, its chunks, its whole.
import { createHash } from 'node:crypto'
import { abortError, asSlotbenchError, SlotbenchError } from '../../shared/errors.ts'
import { Deadline } from '../../shared/io-options.ts'
import type { Workshop } from '../core/workshop.ts'
import { type ChunkIndex, MAX_INDEX, parseChunkIndex } from './chunk-index.ts'
import { type DownloadOptions, type DownloadResult, download } from './download.ts'
import { type PublishedRom, type TargetRef, targetFile } from './format.ts'
import { fetchSmall, type HttpClient, PATIENCE } from './http.ts'
import { BACK_OFF, Mirrors } from './mirrors.ts'
import type { CachedRom, RomStore, UnfinishedRom } from './rom-store.ts'
import { WholeHash } from './whole-hash.ts'

export interface FetchDeps {
  readonly http: HttpClient
  readonly store: RomStore
  readonly workshop: Pick<Workshop, 'hasher'>
  /** Addresses of the repository, the preferred one first, with or without a slash at the end. */
  readonly bases: readonly string[]
}

export interface FetchOptions extends DownloadOptions {
  readonly onWait?: (owner: string) => void
}

export interface Fetched {
  readonly cached: CachedRom
  /** Undefined when it was in the cache already. */
  readonly result: DownloadResult | undefined
}

/** @throws SlotbenchError; whatever was fetched before stays, and the next call goes on from there. */
export async function fetchRom(rom: PublishedRom, deps: FetchDeps, options: FetchOptions): Promise<Fetched> {
  const there = await deps.store.find(rom.target.sha256)
  if (there !== undefined) return { cached: there, result: undefined }
  const content = await fetchTarget(rom.index, { ...deps, max: MAX_INDEX }, options)
  const index = parseChunkIndex(content)
  if (index.size !== rom.target.size || index.sha256 !== rom.target.sha256)
    throw new SlotbenchError('repo-invalid', `${rom.index.path} is the index of another file`)
  await deps.store.makeRoom(rom.target.size)
  const begun = await deps.store.begin(rom, index, options)
  if (begun.kind === 'finished') return { cached: begun.cached, result: undefined }
  const { unfinished } = begun
  try {
    const result = await complete(rom, { index, unfinished }, { deps, options })
    return { cached: await unfinished.finish(content), result }
  } finally {
    await unfinished.close()
  }
}

interface Work {
  readonly index: ChunkIndex
  readonly unfinished: UnfinishedRom
}
interface Means {
  readonly deps: FetchDeps
  readonly options: FetchOptions
}

async function complete(rom: PublishedRom, work: Work, means: Means): Promise<DownloadResult> {
  const first = await attempt(rom, work, means)
  if (first.whole) return first.result
  // Chunks that the journal knew are not there any more (a disk that forgot, another program): look, and fetch those alone.
  await work.unfinished.recheck(means.options.signal)
  const second = await attempt(rom, work, means)
  if (second.whole) return second.result
  await work.unfinished.discard()
  throw new SlotbenchError('repo-invalid', `the chunks of ${rom.index.path} do not make ${rom.target.path}`)
}

async function attempt(rom: PublishedRom, { index, unfinished }: Work, { deps, options }: Means) {
  const whole = new WholeHash(unfinished.file, deps.workshop, options.signal)
  try {
    const urls = addressesOf(rom.target, deps.bases)
    const seeds = () => deps.store.seeds(rom)
    const result = await download(
      { index, urls, file: unfinished.file, http: deps.http, seeds },
      { ...options, onPrefix: (end) => whole.advance(end) },
    )
    return { result, whole: (await whole.digest(rom.target.size)) === rom.target.sha256 }
  } finally {
    whole.close()
  }
}

function addressesOf(target: TargetRef, bases: readonly string[]): readonly string[] {
  return bases.map((base) => addressOf(base, targetFile(target)))
}

/** @param file below the repository, slashes forward. */
export function addressOf(base: string, file: string): string {
  const path = file.split('/').map(encodeURIComponent).join('/')
  return new URL(path, base.endsWith('/') ? base : `${base}/`).href
}

/** A small target as a whole, checked.
 * @throws SlotbenchError `repo-wrong-data`, `repo-too-long` and those of `fetchSmall`, of the last server that is left. */
export async function fetchTarget(
  target: TargetRef,
  {
    http,
    bases,
    max,
  }: { readonly http: HttpClient; readonly bases: readonly string[]; readonly max: number },
  options: Pick<DownloadOptions, 'signal' | 'patience' | 'backOff' | 'onTrouble'>,
): Promise<Buffer<ArrayBuffer>> {
  const { signal, patience = PATIENCE, backOff = BACK_OFF } = options
  if (target.size > max)
    throw new SlotbenchError('repo-too-long', `${target.path} has ${target.size} bytes, more than ${max}`)
  const mirrors = new Mirrors(addressesOf(target, bases), backOff)
  for (;;) {
    const mirror = await mirrors.take(signal)
    try {
      const deadline = Deadline.after(SMALL_MS)
      const content = await fetchSmall(
        http,
        { url: mirror.url, max: target.size },
        { signal, deadline, patience },
      )
      if (content === undefined) throw new SlotbenchError('repo-incomplete', `there is no ${mirror.url}`)
      const digest = createHash('sha256').update(content).digest('hex')
      if (digest !== target.sha256)
        throw new SlotbenchError('repo-wrong-data', `${mirror.url} is not what was signed`)
      return content
    } catch (error) {
      if (signal.aborted) throw abortError(signal)
      const known = asSlotbenchError(error)
      options.onTrouble?.(known)
      mirrors.failed(mirror, known)
    }
  }
}

const SMALL_MS = 300_000
