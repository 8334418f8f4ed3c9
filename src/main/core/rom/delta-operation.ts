// Carries out one operation of a delta: reads old bytes and data, checks both digests, writes the new bytes.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { Sha256 } from '../../../shared/units.ts'
import { applyPatch } from '../formats/bsdiff-patch.ts'
import { joinBytes } from '../formats/join-bytes.ts'
import type { DeltaOperation } from '../formats/payload-delta.ts'
import { expand } from '../formats/payload-expand.ts'
import { rangeSource } from '../formats/range-source.ts'
import { byteSourceImage, readPieces } from '../formats/raw-image.ts'
import { sliceSource } from '../formats/slice-source.ts'
import { release } from '../release.ts'
import type { ByteSource } from '../source.ts'
import type { Workshop } from '../workshop.ts'
import { type PartitionTarget, TargetWriter } from './target-writer.ts'
import { sha256OfImage } from './verify.ts'

export interface OperationContext {
  readonly workshop: Workshop
  readonly signal: AbortSignal
  /** The payload. */
  readonly data: ByteSource
  readonly partition: string
  readonly blockSize: number
  /** What the operations read; undefined where the old build does not have the partition. */
  readonly old: ByteSource | undefined
  readonly target: PartitionTarget
  /** The target is what is read too: all of an operation's sources are read before it writes. */
  readonly inPlace: boolean
}

type ReadsOld = Extract<DeltaOperation, { kind: 'copy' | 'patch' }>

/** @throws SlotbenchError `digest-mismatch`, `payload-invalid`, `decode-failed` and the like, naming partition and operation. */
export async function runOperation(operation: DeltaOperation, context: OperationContext): Promise<void> {
  const { signal, target, blockSize } = context
  const writer = new TargetWriter(target, operation.targets, signal)
  switch (operation.kind) {
    case 'zero':
      if (!target.fresh) await writer.finish(Number.POSITIVE_INFINITY)
      return
    case 'replace':
    case 'xz':
    case 'bzip2':
    case 'zstd': {
      const { data: source, workshop, partition } = context
      await writeAll(writer, expand(operation, { source, workshop, signal, partition }))
      return
    }
    case 'copy':
    case 'patch':
      await named(operation, context.partition, async () => {
        await writeAll(writer, newBytes(operation, context))
        await writer.finish(blockSize - 1)
      })
      return
    default:
      missingCase(operation)
  }
}

async function writeAll(writer: TargetWriter, pieces: AsyncIterable<Uint8Array<ArrayBuffer>>): Promise<void> {
  for await (const piece of pieces) {
    await writer.write(piece)
    release(piece)
  }
}

async function* newBytes(
  operation: ReadsOld,
  context: OperationContext,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { signal, workshop } = context
  const old = await checkedSource(operation, context)
  if (operation.kind === 'copy') {
    for await (const piece of readPieces(old, { start: 0, length: old.size, signal })) yield piece.bytes
    return
  }
  const patch = await checkedData(operation, context)
  yield* applyPatch(patch, old, { workshop, signal, maxOutput: operation.outputBytes })
}

/** Sources and data up to this size are read once and kept for the operation; larger ones are read twice. */
const MAX_KEPT = 4 * 1024 * 1024
/** In place, nothing can be read twice. */
const MAX_KEPT_IN_PLACE = 64 * 1024 * 1024

async function checkedSource(operation: ReadsOld, context: OperationContext): Promise<ByteSource> {
  const { old, inPlace } = context
  if (old === undefined) throw new SlotbenchError('internal', 'there is no old image to read')
  const source = rangeSource(old, operation.sources, operation.sourceBytes)
  if (inPlace && source.size > MAX_KEPT_IN_PLACE)
    throw new SlotbenchError('payload-unsupported', `it reads ${source.size} bytes in place`)
  return checked(source, { sha256: operation.sourceSha256, what: 'the old bytes', keep: inPlace }, context)
}

async function checkedData(
  operation: Extract<DeltaOperation, { kind: 'patch' }>,
  context: OperationContext,
): Promise<ByteSource> {
  const { dataOffset: start, dataLength: size, dataSha256 } = operation
  const source = sliceSource(context.data, { name: context.data.name, start, size })
  return checked(source, { sha256: dataSha256, what: 'the patch', keep: false }, context)
}

interface Expected {
  readonly sha256: Sha256 | undefined
  readonly what: string
  /** Read all of it now, however much it is. */
  readonly keep: boolean
}

/** The source, in memory where it is small, once its digest was found right. */
async function checked(
  source: ByteSource,
  { sha256, what, keep }: Expected,
  { workshop, signal }: OperationContext,
): Promise<ByteSource> {
  if (source.size > MAX_KEPT && !keep) {
    if (sha256 === undefined) return source
    const actual = await sha256OfImage(byteSourceImage(source), { workshop, signal, onBytes: () => {} })
    if (actual !== sha256) throw mismatch(what, sha256, actual)
    return source
  }
  const parts: Uint8Array[] = []
  for await (const piece of readPieces(source, { start: 0, length: source.size, signal }))
    parts.push(piece.bytes)
  const read = await workshop.sha256(joinBytes(parts))
  if (sha256 !== undefined && read.sha256 !== sha256) throw mismatch(what, sha256, read.sha256)
  return memorySource(read.bytes, source.name)
}

function memorySource(content: Uint8Array<ArrayBuffer>, name: string): ByteSource {
  return sliceSource(
    {
      name,
      size: content.byteLength as ByteSource['size'],
      read: async (offset, length) => content.slice(offset, offset + length),
      close: async () => {},
    },
    { name, start: 0, size: content.byteLength },
  )
}

async function named(operation: ReadsOld, partition: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const known = asSlotbenchError(error)
    if (known.code === 'cancelled' || known.code === 'host-io' || known.code === 'host-space') throw known
    throw new SlotbenchError(
      known.code,
      `partition ${partition}, operation ${operation.index}: ${known.message}`,
      { context: known.context, cause: error },
    )
  }
}

function mismatch(what: string, expected: string, actual: string): SlotbenchError {
  return new SlotbenchError(
    'digest-mismatch',
    `${what} have SHA-256 ${actual}, the manifest says ${expected}`,
  )
}
