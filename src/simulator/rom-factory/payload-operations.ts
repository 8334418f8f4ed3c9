// Turns one image into the operations of a payload: chunk by chunk, or as one large operation.
import { createHash, type Hash } from 'node:crypto'
import { OPERATION_TYPE } from '../../main/core/formats/payload-manifest.ts'
import type { ImageSource } from '../../main/core/source.ts'
import { abortError, SlotbenchError } from '../../shared/errors.ts'
import type { BlobSpool } from './blob-spool.ts'
import { BROTLI, bsdf2Patch, bsdiff40Patch } from './bsdiff-encoder.ts'
import type { CompressedKind, Compressor, Compressors } from './compressors.ts'
import { type Chunk, chunksOf, imageRuns, paddedSize, type Run, runBytes } from './image-chunks.ts'

export type WrittenKind = 'replace' | CompressedKind

export interface OperationOptions {
  /** A multiple of 4096. */
  readonly chunkBytes: number
  /** The smallest of all, or these in turn. */
  readonly compress: 'auto' | readonly WrittenKind[]
  /** One operation for each whole partition; `auto` then means zstd. */
  readonly largeOperations: boolean
  /** Every other chunk of zeros as DISCARD instead of ZERO. */
  readonly discard: boolean
  /** In a delta, chunks that changed become SOURCE_BSDIFF (bzip2) or BROTLI_BSDIFF where that is shorter. */
  readonly patches?: 'bzip2' | 'brotli'
  readonly compressors: Compressors
}

export interface WrittenOperation {
  readonly type: number
  readonly dataOffset?: number
  readonly dataLength?: number
  readonly dataSha256?: Uint8Array
  readonly srcExtents?: readonly WrittenExtent[]
  readonly srcSha256?: Uint8Array
  readonly dstExtents: readonly WrittenExtent[]
}

export interface WrittenExtent {
  readonly startBlock: number
  readonly numBlocks: number
}

export interface WrittenPartition {
  readonly name: string
  readonly size: number
  readonly sha256: Buffer
  readonly operations: readonly WrittenOperation[]
  /** Of the image that a delta starts from. */
  readonly old?: { readonly size: number; readonly sha256: Buffer }
}

export const BLOCK_SIZE = 4096

const TYPES: Readonly<Record<WrittenKind, number>> = {
  replace: OPERATION_TYPE.replace,
  bzip2: OPERATION_TYPE.replaceBz,
  xz: OPERATION_TYPE.replaceXz,
  zstd: OPERATION_TYPE.replaceZstd,
}

/** Chunks that are compressed at the same time: the encoders work beside this thread. */
const SIDE_BY_SIDE = 4
/** More than this is not given to an encoder that holds all of its input. */
const MAX_HELD = 64 * 1024 * 1024

export class OperationWriter {
  readonly #options: OperationOptions
  readonly #spool: BlobSpool
  readonly #signal: AbortSignal
  #turn = 0
  #zeroTurn = 0

  constructor(options: OperationOptions, spool: BlobSpool, signal: AbortSignal) {
    if (!(options.chunkBytes > 0) || options.chunkBytes % BLOCK_SIZE !== 0)
      throw new SlotbenchError('internal', `chunks of ${options.chunkBytes} bytes`)
    this.#options = options
    this.#spool = spool
    this.#signal = signal
  }

  /** Spools the data of `image`. Images are padded with zeros to whole blocks, as AOSP's generator does. */
  async write(name: string, image: ImageSource): Promise<WrittenPartition> {
    const hash = createHash('sha256')
    const runs = hashed(imageRuns(image, this.#signal, BLOCK_SIZE), hash)
    const operations = this.#options.largeOperations
      ? [await this.#large(runs, paddedSize(image.size, BLOCK_SIZE))]
      : await this.#small(runs)
    return { name, size: paddedSize(image.size, BLOCK_SIZE), sha256: hash.digest(), operations }
  }

  /** As a delta: chunks that are the same at the same place of `old` are copied from there, the others written as ever. */
  async writeDelta(name: string, image: ImageSource, old: ImageSource): Promise<WrittenPartition> {
    const [hash, oldHash] = [createHash('sha256'), createHash('sha256')]
    const { chunkBytes } = this.#options
    const oldChunks = chunksOf(hashed(imageRuns(old, this.#signal, BLOCK_SIZE), oldHash), chunkBytes)
    const operations: WrittenOperation[] = []
    for await (const chunk of chunksOf(
      hashed(imageRuns(image, this.#signal, BLOCK_SIZE), hash),
      chunkBytes,
    )) {
      const { value: oldChunk } = await oldChunks.next()
      const copy = oldChunk && copyOf(chunk, oldChunk)
      operations.push(copy ?? (await this.#changed(chunk, oldChunk)))
    }
    // What is left of the old image counts for its digest.
    for await (const _ of oldChunks);
    const size = paddedSize(image.size, BLOCK_SIZE)
    const before = { size: paddedSize(old.size, BLOCK_SIZE), sha256: oldHash.digest() }
    return { name, size, sha256: hash.digest(), operations, old: before }
  }

  async #changed(chunk: Chunk, old: Chunk | undefined): Promise<WrittenOperation> {
    const encoded = await this.#encode(chunk)
    const { patches } = this.#options
    if (patches === undefined || !chunk.bytes || !old?.bytes || encoded.data === undefined)
      return this.#place(encoded)
    const patch =
      patches === 'brotli'
        ? await bsdf2Patch(old.bytes, chunk.bytes, BROTLI)
        : await bsdiff40Patch(old.bytes, chunk.bytes, {
            id: 1,
            compress: (bytes) => this.#compressed('bzip2', bytes),
          })
    if (patch.length >= encoded.data.length) return this.#place(encoded)
    return {
      type: patches === 'brotli' ? OPERATION_TYPE.brotliBsdiff : OPERATION_TYPE.sourceBsdiff,
      ...blobFields(await this.#spool.append([patch])),
      srcExtents: [extent(old.offset, old.length)],
      srcSha256: createHash('sha256').update(old.bytes).digest(),
      dstExtents: [extent(chunk.offset, chunk.length)],
    }
  }

  async #small(runs: AsyncIterable<Run>): Promise<WrittenOperation[]> {
    const operations: WrittenOperation[] = []
    const waiting: Promise<EncodedChunk>[] = []
    const writeFirst = async () => {
      const chunk = await waiting.shift()
      if (chunk !== undefined) operations.push(await this.#place(chunk))
    }
    for await (const chunk of chunksOf(runs, this.#options.chunkBytes)) {
      if (this.#signal.aborted) throw abortError(this.#signal)
      const encoded = this.#encode(chunk)
      encoded.catch(() => {})
      waiting.push(encoded)
      if (waiting.length === SIDE_BY_SIDE) await writeFirst()
    }
    while (waiting.length > 0) await writeFirst()
    return operations
  }

  async #place({ chunk, type, data }: EncodedChunk): Promise<WrittenOperation> {
    const dstExtents = [extent(chunk.offset, chunk.length)]
    if (data === undefined) return { type, dstExtents }
    return { type, ...blobFields(await this.#spool.append([data])), dstExtents }
  }

  async #encode(chunk: Chunk): Promise<EncodedChunk> {
    const { bytes } = chunk
    if (bytes === undefined) {
      const discard = this.#options.discard && this.#zeroTurn++ % 2 === 1
      return { chunk, type: discard ? OPERATION_TYPE.discard : OPERATION_TYPE.zero }
    }
    const candidates = this.#kinds().map(async (kind) => ({
      kind,
      data: await this.#compressed(kind, bytes),
    }))
    const [first, ...others] = await Promise.all(candidates)
    if (first === undefined) throw new SlotbenchError('internal', 'no way to write an operation')
    const best = others.reduce((best, one) => (one.data.length < best.data.length ? one : best), first)
    return { chunk, type: TYPES[best.kind], data: best.data }
  }

  /** What the next chunk may be written as; the first wins when sizes are equal. */
  #kinds(): readonly WrittenKind[] {
    const { compress, compressors } = this.#options
    if (compress === 'auto') return ['replace', ...(Object.keys(compressors) as CompressedKind[])]
    const kind = compress[this.#turn++ % compress.length]
    return kind === undefined ? [] : [kind]
  }

  async #compressed(kind: WrittenKind, bytes: Uint8Array): Promise<Uint8Array> {
    if (kind === 'replace') return bytes
    const parts: Uint8Array[] = []
    const compressor = this.#compressor(kind)
    for await (const part of compressor.compress(once(bytes), bytes.length, this.#signal)) parts.push(part)
    return Buffer.concat(parts)
  }

  async #large(runs: AsyncIterable<Run>, size: number): Promise<WrittenOperation> {
    const kind = this.#options.compress === 'auto' ? 'zstd' : (this.#kinds()[0] ?? 'replace')
    const input = allBytes(runs)
    const dstExtents = [extent(0, size)]
    if (kind === 'replace')
      return { type: TYPES.replace, ...blobFields(await this.#spool.append(input)), dstExtents }
    const compressor = this.#compressor(kind)
    if (!compressor.streams && size > MAX_HELD)
      throw new SlotbenchError('internal', `this ${kind} encoder holds its input; ${size} bytes are too many`)
    const blob = await this.#spool.append(compressor.compress(input, size, this.#signal))
    return { type: TYPES[kind], ...blobFields(blob), dstExtents }
  }

  #compressor(kind: CompressedKind): Compressor {
    const compressor = this.#options.compressors[kind]
    if (compressor === undefined) throw new SlotbenchError('internal', `no ${kind} encoder was given`)
    return compressor
  }
}

interface EncodedChunk {
  readonly chunk: Chunk
  readonly type: number
  readonly data?: Uint8Array
}

/** SOURCE_COPY, where both images hold the same data. */
function copyOf(chunk: Chunk, old: Chunk): WrittenOperation | undefined {
  if (chunk.bytes === undefined || old.bytes === undefined || Buffer.compare(chunk.bytes, old.bytes) !== 0)
    return undefined
  const extents = [extent(chunk.offset, chunk.length)]
  const srcSha256 = createHash('sha256').update(chunk.bytes).digest()
  return { type: OPERATION_TYPE.sourceCopy, srcExtents: extents, srcSha256, dstExtents: extents }
}

function extent(offset: number, length: number) {
  return { startBlock: offset / BLOCK_SIZE, numBlocks: length / BLOCK_SIZE }
}

function blobFields(blob: { readonly offset: number; readonly length: number; readonly sha256: Buffer }) {
  return { dataOffset: blob.offset, dataLength: blob.length, dataSha256: blob.sha256 }
}

async function* hashed(runs: AsyncIterable<Run>, hash: Hash): AsyncGenerator<Run> {
  for await (const run of runs) {
    for (const piece of runBytes(run)) hash.update(piece)
    yield run
  }
}

async function* allBytes(runs: AsyncIterable<Run>): AsyncGenerator<Uint8Array> {
  for await (const run of runs) yield* runBytes(run)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
