// Expands one operation of a payload: whole when it is small, as a stream when it is large.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { ByteSource } from '../source.ts'
import type { Codec, Workshop } from '../workshop.ts'
import type { PayloadOperation } from './payload-operations.ts'
import { readPieces } from './raw-image.ts'

export type Piece = Uint8Array<ArrayBuffer>

/** Operations up to this size (data and output together) are expanded ahead of their turn. */
export const MAX_AHEAD = 16 * 1024 * 1024
const MAX_WHOLE_REPLACE = 4 * 1024 * 1024

export interface ExpandContext {
  readonly source: ByteSource
  readonly workshop: Workshop
  readonly signal: AbortSignal
  /** For messages. */
  readonly partition: string
}

/** What an operation holds in memory while it is expanded whole. */
export function costOf(operation: PayloadOperation): number {
  return operation.dataLength + operation.outputBytes
}

/** All output of an operation, in pieces of at most 4 MiB. */
export async function expandWhole(
  operation: PayloadOperation,
  context: ExpandContext,
): Promise<readonly Piece[]> {
  const pieces: Piece[] = []
  for await (const piece of expand(operation, context)) pieces.push(piece)
  return pieces
}

/** The output of an operation in order, in pieces of at most 4 MiB; the last one only when the digest is right.
 * @throws SlotbenchError `digest-mismatch`, `decode-failed`, `source-truncated`, naming partition and operation. */
export async function* expand(operation: PayloadOperation, context: ExpandContext): AsyncGenerator<Piece> {
  const { kind } = operation
  if (kind === 'zero') throw new SlotbenchError('internal', 'a ZERO operation has no output to expand')
  try {
    if (kind === 'replace') yield* copy(operation, context)
    else yield* decode(operation, kind, context)
  } catch (error) {
    const known = asSlotbenchError(error)
    if (known.code === 'cancelled') throw known
    throw new SlotbenchError(
      known.code,
      `partition ${context.partition}, operation ${operation.index}: ${known.message}`,
      {
        context: { file: context.source.name, offset: operation.dataOffset, ...known.context },
        cause: error,
      },
    )
  }
}

async function* decode(operation: PayloadOperation, codec: Codec, context: ExpandContext) {
  const { source, workshop, signal } = context
  const { dataOffset, dataLength, outputBytes, dataSha256 } = operation
  const small = costOf(operation) <= MAX_AHEAD
  const input = small ? await source.read(dataOffset, dataLength, signal) : dataPieces(operation, context)
  const job = { codec, input, inputBytes: dataLength, outputBytes }
  yield* workshop.decode(dataSha256 === undefined ? job : { ...job, inputSha256: dataSha256 }, signal)
}

async function* copy(operation: PayloadOperation, context: ExpandContext): AsyncGenerator<Piece> {
  yield* operation.dataLength <= MAX_WHOLE_REPLACE
    ? copyWhole(operation, context)
    : copyStream(operation, context)
  const padding = operation.outputBytes - operation.dataLength
  // Data that ends inside a block is padded with zeros (update_metadata.proto on REPLACE).
  if (padding > 0) yield new Uint8Array(padding)
}

async function* copyWhole(operation: PayloadOperation, context: ExpandContext): AsyncGenerator<Piece> {
  const read = await context.source.read(operation.dataOffset, operation.dataLength, context.signal)
  if (operation.dataSha256 === undefined) {
    yield read
    return
  }
  const { bytes, sha256 } = await context.workshop.sha256(read)
  if (sha256 !== operation.dataSha256) throw mismatch(operation.dataSha256, sha256)
  yield bytes
}

async function* copyStream(operation: PayloadOperation, context: ExpandContext): AsyncGenerator<Piece> {
  if (operation.dataSha256 === undefined) {
    yield* dataPieces(operation, context)
    return
  }
  const hasher = context.workshop.hasher()
  try {
    let held: Piece | undefined
    for await (const piece of dataPieces(operation, context)) {
      if (held !== undefined) yield held
      held = await hasher.update(piece)
    }
    const sha256 = await hasher.digest()
    if (sha256 !== operation.dataSha256) throw mismatch(operation.dataSha256, sha256)
    if (held !== undefined) yield held
  } finally {
    hasher.close()
  }
}

async function* dataPieces(operation: PayloadOperation, context: ExpandContext): AsyncGenerator<Piece> {
  const range = { start: operation.dataOffset, length: operation.dataLength, signal: context.signal }
  for await (const piece of readPieces(context.source, range)) yield piece.bytes
}

function mismatch(expected: string, actual: string): SlotbenchError {
  return new SlotbenchError(
    'digest-mismatch',
    `the data has SHA-256 ${actual}, the manifest says ${expected}`,
  )
}
