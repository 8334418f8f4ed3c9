// Proves a ROM before anything is planned on it: reads every image once, on all cores, and compares every digest.
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import type { RomImageInfo, RomInfo } from '../../../shared/rom.ts'
import { type Sha256, sha256 } from '../../../shared/units.ts'
import { release } from '../release.ts'
import type { Extent, ImageSource } from '../source.ts'
import type { StreamHasher, Workshop } from '../workshop.ts'
import type { ContainerCheck, Rom, VerifiedImageInfo, VerifiedRom } from './types.ts'

export interface VerifyProgress {
  /** Bytes proven so far and in all. */
  readonly done: number
  readonly total: number
  /** What is being read. */
  readonly item: string
}

export interface VerifyOptions {
  readonly signal: AbortSignal
  readonly workshop: Workshop
  readonly onProgress?: (progress: VerifyProgress) => void
}

/** Images read side by side: small ones fill the cores that the tail of a large one leaves idle. More would only cost
 * memory, because operations within an image already run in parallel. */
const SIDE_BY_SIDE = 2

/** @throws SlotbenchError `digest-mismatch` naming the image, or what reading and decoding throw. */
export async function verifyRom(rom: Rom, options: VerifyOptions): Promise<VerifiedRom> {
  // Of a delta, what its container vouches for is all that can be proven here; the rest is the recovery's to prove.
  const images = rom.info.delta === true ? [] : rom.info.images
  const checks = rom.containerChecks ?? []
  const total = [...images, ...checks].reduce((sum, item) => sum + item.size, 0)
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  let done = 0
  const count = (item: string) => (bytes: number) => {
    done += bytes
    options.onProgress?.({ done, total, item })
  }
  const digests = new Map<RomImageInfo, Sha256>()
  const tasks = [
    ...checks.map((check) => () => runCheck(check, signal, count(check.name))),
    ...images.map((image) => async () => {
      const source = rom.image(image)
      digests.set(image, await proveImage(image, source, { ...options, signal, onBytes: count(image.name) }))
    }),
  ]
  try {
    await inParallel(tasks, SIDE_BY_SIDE, stop)
  } catch (error) {
    throw options.signal.aborted ? abortError(options.signal) : error
  }
  return verified(
    rom,
    rom.info.images.map((image) => ({
      ...image,
      sha256: rom.info.delta === true ? sha256(image.sha256 ?? '') : digestOf(digests, image),
    })),
  )
}

function runCheck(
  check: ContainerCheck,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<void> {
  return check.run({ signal, onBytes })
}

/** The first failure stops the others and is the one that is thrown, after all of them have ended. */
async function inParallel(
  tasks: readonly (() => Promise<void>)[],
  width: number,
  stop: AbortController,
): Promise<void> {
  const rest = tasks.values()
  const failures: unknown[] = []
  const lane = async () => {
    for (const task of rest) {
      if (failures.length > 0) return
      try {
        await task()
      } catch (error) {
        failures.push(error)
        stop.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  if (failures.length > 0) throw failures[0]
}

interface ProveOptions {
  readonly signal: AbortSignal
  readonly workshop: Workshop
  readonly onBytes: (count: number) => void
}

async function proveImage(image: RomImageInfo, source: ImageSource, options: ProveOptions): Promise<Sha256> {
  const actual = await digestImage(source, options)
  const expected = source.sha256 ?? image.sha256
  if (expected !== undefined && expected !== actual)
    throw new SlotbenchError(
      'digest-mismatch',
      `image ${image.name} has SHA-256 ${actual}, the package promises ${expected}`,
    )
  return actual
}

/** Pieces that may be with the hasher at the same time. */
const IN_FLIGHT = 2

/** SHA-256 of the whole image, holes counted as zeros. */
export async function digestImage(source: ImageSource, options: ProveOptions): Promise<Sha256> {
  const hasher = options.workshop.hasher()
  const pending: Promise<unknown>[] = []
  try {
    for await (const extent of source.extents({ signal: options.signal })) {
      const length = extent.kind === 'data' ? extent.bytes.length : extent.length
      const counted = countExtent(hasher, extent)
      counted.catch(() => {})
      pending.push(counted)
      if (pending.length >= IN_FLIGHT) await pending.shift()
      options.onBytes(length)
    }
    await Promise.all(pending)
    return await hasher.digest()
  } finally {
    hasher.close()
  }
}

async function countExtent(hasher: StreamHasher, extent: Extent): Promise<void> {
  if (extent.kind === 'data') release(await hasher.update(extent.bytes))
  else await hasher.fill(extent.kind === 'fill' ? extent.word : 0, extent.length)
}

function digestOf(digests: ReadonlyMap<RomImageInfo, Sha256>, image: RomImageInfo): Sha256 {
  const digest = digests.get(image)
  if (digest === undefined) throw new SlotbenchError('internal', `image ${image.name} was not read`)
  return digest
}

/** Small enough to be read and digested when the package was opened. */
function tablesOf(
  { superEmpty }: RomInfo,
  { name, slot }: Pick<RomImageInfo, 'name' | 'slot'>,
): Pick<VerifiedImageInfo, 'name' | 'slot' | 'sha256'> | undefined {
  if (superEmpty?.name !== name || slot !== undefined) return undefined
  return { name, sha256: sha256(superEmpty.sha256) }
}

function verified(rom: Rom, images: VerifiedImageInfo[]): VerifiedRom {
  return {
    info: { ...rom.info, images },
    containerChecks: rom.containerChecks ?? [],
    image(wanted) {
      const image =
        images.find((one) => one.name === wanted.name && one.slot === wanted.slot) ??
        tablesOf(rom.info, wanted)
      if (image === undefined)
        throw new SlotbenchError('package-incomplete', `the package has no image ${wanted.name}`)
      const source = rom.image(image)
      return { size: source.size, sha256: image.sha256, extents: (options) => source.extents(options) }
    },
    ...(rom.loader === undefined ? {} : { loader: rom.loader }),
    close: () => rom.close(),
  }
}
