// The chunk index of a file: what pieces it is made of, in order, each with its length and SHA-256. A target of its own, so that a
// client knows every piece before it asks for any.
import { createHash, hash } from 'node:crypto'
import { SlotbenchError } from '../../shared/errors.ts'
import { type Bytes, bytes, type Sha256, sha256 } from '../../shared/units.ts'
import type { ByteSource } from '../core/source.ts'
import { chunkLength, MAX_CHUNK } from './chunk-cutter.ts'

export interface Chunk {
  readonly offset: number
  readonly length: number
  readonly sha256: Sha256
}

export interface ChunkIndex {
  /** Of the file. */
  readonly size: Bytes
  readonly sha256: Sha256
  readonly count: number
  /** @throws RangeError when there is no chunk `i`. */
  chunk(i: number): Chunk
}

const MAGIC = Buffer.from('SBCHUNK1', 'latin1')
const HEADER = MAGIC.length + 8 + 32 + 4
const RECORD = 4 + 32
/** A file of 64 GiB in chunks of the smallest average; more than that is no ROM. */
export const MAX_INDEX = 32 * 1024 * 1024

/** Kept as it came: 36 bytes a chunk instead of objects, for a ROM has some 40 000. */
class PackedIndex implements ChunkIndex {
  readonly size: Bytes
  readonly sha256: Sha256
  readonly count: number
  readonly #records: Buffer
  readonly #offsets: Float64Array

  constructor(size: Bytes, digest: Sha256, records: Buffer, offsets: Float64Array) {
    this.size = size
    this.sha256 = digest
    this.#records = records
    this.#offsets = offsets
    this.count = offsets.length
  }

  chunk(i: number): Chunk {
    const offset = this.#offsets[i]
    if (offset === undefined) throw new RangeError(`there is no chunk ${i}`)
    const at = i * RECORD
    return {
      offset,
      length: this.#records.readUInt32LE(at),
      sha256: this.#records.toString('hex', at + 4, at + RECORD) as Sha256,
    }
  }
}

/** @throws SlotbenchError `repo-invalid` when it contradicts itself. */
export function parseChunkIndex(content: Uint8Array): ChunkIndex {
  const buffer = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  if (buffer.length < HEADER || !buffer.subarray(0, MAGIC.length).equals(MAGIC))
    throw invalid('it does not begin as one')
  const size = buffer.readBigUInt64LE(MAGIC.length)
  const digest = buffer.toString('hex', MAGIC.length + 8, MAGIC.length + 40)
  const count = buffer.readUInt32LE(HEADER - 4)
  const records = buffer.subarray(HEADER)
  if (records.length !== count * RECORD) throw invalid(`it promises ${count} chunks and has room for others`)
  const offsets = new Float64Array(count)
  let offset = 0
  for (let i = 0; i < count; i++) {
    const length = records.readUInt32LE(i * RECORD)
    if (length === 0 || length > MAX_CHUNK) throw invalid(`chunk ${i} has ${length} bytes`)
    offsets[i] = offset
    offset += length
  }
  if (BigInt(offset) !== size) throw invalid(`its chunks make ${offset} bytes, its file has ${size}`)
  return new PackedIndex(bytes(offset), sha256(digest), records, offsets)
}

function invalid(why: string): SlotbenchError {
  return new SlotbenchError('repo-invalid', `the chunk index is damaged: ${why}`)
}

/** Read at a time while indexing; bytes. */
const WINDOW = 8 * 1024 * 1024

export interface IndexOptions {
  readonly signal: AbortSignal
  readonly onBytes?: (count: number) => void
}

/** Reads `source` once and makes its index.
 * @throws SlotbenchError what reading throws; `package-unsafe` for a file too large to be indexed. */
export async function makeChunkIndex(
  source: ByteSource,
  { signal, onBytes }: IndexOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = createHash('sha256')
  const records: Buffer[] = []
  for (let at = 0; at < source.size; ) {
    const window = await source.read(at, Math.min(WINDOW, source.size - at), signal)
    const last = at + window.length === source.size
    let used = 0
    // The tail of a window is cut in the next one, where what follows it is known.
    while (used < window.length && (last || window.length - used >= MAX_CHUNK)) {
      const chunk = window.subarray(used, used + chunkLength(window.subarray(used)))
      records.push(record(chunk))
      used += chunk.length
    }
    whole.update(window.subarray(0, used))
    onBytes?.(used)
    at += used
  }
  if (HEADER + records.length * RECORD > MAX_INDEX)
    throw new SlotbenchError('package-unsafe', `${source.name} is too large for a chunk index`)
  return packed(source.size, whole.digest(), records)
}

function record(chunk: Uint8Array): Buffer {
  const entry = Buffer.alloc(RECORD)
  entry.writeUInt32LE(chunk.length)
  entry.set(hash('sha256', chunk, 'buffer'), 4)
  return entry
}

function packed(size: number, digest: Uint8Array, records: readonly Buffer[]): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(HEADER + records.length * RECORD)
  const view = Buffer.from(content.buffer)
  view.set(MAGIC)
  view.writeBigUInt64LE(BigInt(size), MAGIC.length)
  view.set(digest, MAGIC.length + 8)
  view.writeUInt32LE(records.length, HEADER - 4)
  for (const [i, entry] of records.entries()) view.set(entry, HEADER + i * RECORD)
  return content
}
