// Makes one partition of the new build: the old image proven, every operation carried out, the result proven.
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import type { Sha256 } from '../../../shared/units.ts'
import { fillWord } from '../formats/extents.ts'
import { hashtreeBytes } from '../formats/hashtree-bytes.ts'
import type { DeltaPartition, Verity } from '../formats/payload-delta.ts'
import { byteSourceImage } from '../formats/raw-image.ts'
import { sliceSource } from '../formats/slice-source.ts'
import { fecParity, fecSize } from '../formats/verity-fec.ts'
import { release } from '../release.ts'
import type { ByteSource, Extent, ImageSource } from '../source.ts'
import type { Workshop } from '../workshop.ts'
import { type OperationContext, runOperation } from './delta-operation.ts'
import type { WorkFile } from './rom-folder.ts'
import type { PartitionTarget } from './target-writer.ts'
import { sha256OfImage } from './verify.ts'

export interface PartitionTools {
  readonly workshop: Workshop
  readonly signal: AbortSignal
  onBytes(count: number): void
}

export interface PartitionWork extends PartitionTools {
  readonly partition: DeltaPartition
  /** The payload. */
  readonly data: ByteSource
  readonly blockSize: number
  /** The image of the base; undefined where the partition is new. */
  readonly old: ImageSource | undefined
  /** Where the partition goes. */
  readonly target: PartitionTarget
  /** An empty file for the old image, where that has to be expanded. */
  scratch(size: number): Promise<WorkFile>
}

/** @throws SlotbenchError `delta-wrong-base` when the old image is not the one, and what operations throw. */
export async function makePartition(work: PartitionWork): Promise<void> {
  const { partition, old, target, data, blockSize } = work
  const common = { workshop: work.workshop, signal: work.signal, data, partition: partition.name, blockSize }
  if (partition.inPlace) {
    const scratch = await work.scratch(Math.max(partition.old?.size ?? 0, partition.size))
    try {
      if (old !== undefined) proveOld(partition, await expandInto(scratch, old, work))
      const both = { ...targetIn(scratch, 0, scratch.size), fresh: false }
      const context: OperationContext = { ...common, old: scratch, target: both, inPlace: true }
      await runAll({ ...work, context, width: 1 })
      await copyAll(scratch, target, { size: partition.size, signal: work.signal })
    } finally {
      await scratch.close()
    }
    return
  }
  const source = await oldSource(work)
  try {
    const context: OperationContext = { ...common, old: source?.bytes, target, inPlace: false }
    await runAll({ ...work, context, width: work.workshop.width })
    if (partition.verity !== undefined) await writeVerity(partition.verity, work)
  } finally {
    await source?.close()
  }
}

/** SHA-256 of a partition as it lies in the target. */
export function digestTarget(
  target: PartitionTarget,
  { name, size }: Pick<DeltaPartition, 'name' | 'size'>,
  tools: PartitionTools,
): Promise<Sha256> {
  const source: ByteSource = {
    name,
    size,
    read: (offset, length, signal = tools.signal) => target.read(offset, length, signal),
    close: async () => {},
  }
  return sha256OfImage(byteSourceImage(source), tools)
}

/** The old image as proven bytes: where it lies if it can be read there, otherwise expanded. */
async function oldSource(
  work: PartitionWork,
): Promise<{ readonly bytes: ByteSource; close(): Promise<void> } | undefined> {
  const { old, partition } = work
  if (old === undefined || partition.old === undefined) return undefined
  if (old.raw !== undefined) {
    proveOld(partition, await sha256OfImage(byteSourceImage(old.raw), work))
    return { bytes: old.raw, close: async () => {} }
  }
  const scratch = await work.scratch(partition.old.size)
  try {
    proveOld(partition, await expandInto(scratch, old, work))
    return { bytes: scratch, close: () => scratch.close() }
  } catch (error) {
    await scratch.close()
    throw error
  }
}

function proveOld({ name, old }: DeltaPartition, actual: Sha256): void {
  if (old === undefined || old.sha256 === actual) return
  throw new SlotbenchError(
    'delta-wrong-base',
    `${name}: the base’s image has SHA-256 ${actual}, the delta starts from ${old.sha256}`,
  )
}

/** A partition that stays as it is. Its digest is the caller's to prove. */
export async function writeImage(
  image: ImageSource,
  target: PartitionTarget,
  tools: PartitionTools,
): Promise<void> {
  await expandInto(target, image, tools)
}

/** @returns the digest of the image. */
async function expandInto(
  file: Pick<PartitionTarget, 'fresh' | 'write'>,
  image: ImageSource,
  tools: PartitionTools,
): Promise<Sha256> {
  const hasher = tools.workshop.hasher()
  try {
    for await (const extent of image.extents({ signal: tools.signal })) {
      if (extent.kind === 'data') {
        const { length } = extent.bytes
        const counted = await hasher.update(extent.bytes)
        await file.write(extent.offset, counted, tools.signal)
        release(counted)
        tools.onBytes(length)
      } else {
        await hasher.fill(extent.kind === 'fill' ? extent.word : 0, extent.length)
        await writeFill(file, extent, tools.signal)
        tools.onBytes(extent.length)
      }
    }
    return await hasher.digest()
  } finally {
    hasher.close()
  }
}

const FILL_PIECE = 1024 * 1024

/** Holes count as zeros, and a fresh file is zeros already. */
async function writeFill(
  file: Pick<PartitionTarget, 'fresh' | 'write'>,
  extent: Exclude<Extent, { kind: 'data' }>,
  signal: AbortSignal,
): Promise<void> {
  const word = extent.kind === 'fill' ? extent.word : 0
  if (word === 0 && file.fresh) return
  const bytes = new Uint8Array(Math.min(FILL_PIECE, extent.length))
  fillWord(bytes, word)
  for (let done = 0; done < extent.length; done += bytes.length)
    await file.write(extent.offset + done, bytes.subarray(0, extent.length - done), signal)
}

interface OperationRun extends PartitionWork {
  readonly context: OperationContext
  /** Operations at the same time. */
  readonly width: number
}

/** The first failure stops the others and is the one that is thrown, after all of them have ended. */
async function runAll({ partition, context, width, signal, onBytes }: OperationRun): Promise<void> {
  const stop = new AbortController()
  const inner = { ...context, signal: AbortSignal.any([signal, stop.signal]) }
  const rest = partition.operations.values()
  const failures: unknown[] = []
  const lane = async () => {
    for (const operation of rest) {
      if (inner.signal.aborted) return
      try {
        await runOperation(operation, inner)
        onBytes(operation.outputBytes)
      } catch (error) {
        failures.push(error)
        stop.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  if (signal.aborted) throw abortError(signal)
  if (failures.length > 0) throw failures[0]
}

const COPY_PIECE = 4 * 1024 * 1024

async function copyAll(
  from: ByteSource,
  to: PartitionTarget,
  { size, signal }: { readonly size: number; readonly signal: AbortSignal },
): Promise<void> {
  for (let at = 0; at < size; at += COPY_PIECE)
    await to.write(at, await from.read(at, Math.min(COPY_PIECE, size - at), signal), signal)
}

/** Hash tree, then error correction, which covers the tree too. The digest of the partition proves both. */
async function writeVerity(
  verity: Verity,
  { partition, target, signal, onBytes }: PartitionWork,
): Promise<void> {
  const { algorithm, salt, blockSize, treeData, tree: place, fec } = verity
  const refuse = (detail: string): SlotbenchError =>
    new SlotbenchError('payload-invalid', `partition ${partition.name}: ${detail}`)
  const reader = (start: number) => (offset: number, length: number) =>
    target.read(start + offset, length, signal)
  const spec = { algorithm, salt, dataBlockSize: blockSize, hashBlockSize: blockSize }
  const { tree } = await hashtreeBytes({
    ...spec,
    read: reader(treeData.offset),
    imageSize: treeData.length,
  }).catch((error: unknown) => {
    throw error instanceof SlotbenchError && error.code === 'vbmeta-invalid' ? refuse(error.message) : error
  })
  if (tree.length !== place.length) throw refuse(`a hash tree of ${tree.length} bytes in ${place.length}`)
  await target.write(place.offset, tree, signal)
  onBytes(place.length)
  if (fec === undefined) return
  const parity = { dataSize: fec.data.length, blockSize, roots: fec.roots }
  if (fecSize(parity) !== fec.parity.length)
    throw refuse(`error correction of ${fecSize(parity)} bytes in ${fec.parity.length}`)
  let at = fec.parity.offset
  for await (const piece of fecParity({ ...parity, read: reader(fec.data.offset) })) {
    await target.write(at, piece, signal)
    at += piece.length
    onBytes(piece.length)
  }
}

/** The part of a work file that is one partition. */
export function targetIn(file: WorkFile, start: number, size: number): PartitionTarget {
  const slice = sliceSource(file, { name: file.name, start, size })
  return {
    fresh: file.fresh,
    read: (offset, length, signal) => slice.read(offset, length, signal),
    write: (offset, bytes, signal) => {
      if (offset < 0 || offset + bytes.length > size)
        throw new SlotbenchError(
          'internal',
          `a write of ${bytes.length} bytes at ${offset} leaves its partition`,
        )
      return file.write(start + offset, bytes, signal)
    },
  }
}
