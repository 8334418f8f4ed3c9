// The dm-verity hash tree of an image: what AVB's hashtree descriptors vouch for (kernel: Documentation/device-mapper/
// verity; layout as avbtool writes it: the topmost level first).
import { hash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import { joinBytes } from './join-bytes.ts'

export interface HashtreeSpec {
  /** Exactly `length` bytes of the image from `offset`. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array>
  /** Bytes; a last block that is cut short counts as filled up with zeros. */
  readonly imageSize: number
  readonly dataBlockSize: number
  readonly hashBlockSize: number
  /** `sha1`, `sha256` or `sha512`. */
  readonly algorithm: string
  readonly salt: Uint8Array
}

export interface Hashtree {
  readonly root: Uint8Array<ArrayBuffer>
  /** The levels from the top down; empty when the image is a single block. */
  readonly tree: Uint8Array<ArrayBuffer>
}

const DIGEST_BYTES: ReadonlyMap<string, number> = new Map([
  ['sha1', 20],
  ['sha256', 32],
  ['sha512', 64],
])
/** Of an image of 128 GiB in blocks of 4 KiB with SHA-256; keeps a corrupt size from costing memory. */
const MAX_TREE = 1024 * 1024 * 1024
const READ_SIZE = 1024 * 1024

/** Reads the image once, in order.
 * @throws SlotbenchError `vbmeta-invalid` when the numbers describe no tree; whatever `read` throws passes through. */
export async function hashtreeRoot(spec: HashtreeSpec): Promise<Hashtree> {
  checkSpec(spec)
  const digestBytes = DIGEST_BYTES.get(spec.algorithm) ?? 0
  // Digests stand at multiples of a power of two, so SHA-1's 20 bytes take 32.
  const layout: LevelLayout = { digestBytes, stride: 2 ** Math.ceil(Math.log2(digestBytes)) }
  if (treeSize(spec, layout) > MAX_TREE)
    throw invalid(`a hash tree over ${spec.imageSize} bytes is too large`)
  const leaves = await leafLevel(spec, layout)
  if (leaves.blocks === 1) return { root: leaves.bytes.slice(0, digestBytes), tree: new Uint8Array(0) }
  const levels = [leaves.bytes]
  let top = leaves.bytes
  while (top.byteLength > spec.hashBlockSize) {
    top = hashLevel(top, spec, layout)
    levels.unshift(top)
  }
  return { root: new BlockHasher(spec, spec.hashBlockSize).digest(top), tree: joinBytes(levels) }
}

interface LevelLayout {
  readonly digestBytes: number
  /** Bytes from one digest to the next. */
  readonly stride: number
}

function checkSpec(spec: HashtreeSpec): void {
  const { dataBlockSize, hashBlockSize, imageSize, algorithm } = spec
  if (!DIGEST_BYTES.has(algorithm)) throw invalid(`hash trees with ${algorithm.slice(0, 40)} are not known`)
  // dm-verity takes powers of two from one sector to one page; libavb images use 4096.
  for (const size of [dataBlockSize, hashBlockSize])
    if (!Number.isInteger(Math.log2(size)) || size < 512 || size > 65536)
      throw invalid(`hash tree blocks of ${size} bytes`)
  if (!Number.isSafeInteger(imageSize) || imageSize <= 0) throw invalid(`a hash tree over ${imageSize} bytes`)
}

function treeSize(spec: HashtreeSpec, { stride }: LevelLayout): number {
  let total = 0
  let blocks = Math.ceil(spec.imageSize / spec.dataBlockSize)
  while (blocks > 1) {
    blocks = Math.ceil((blocks * stride) / spec.hashBlockSize)
    total += blocks * spec.hashBlockSize
  }
  return total
}

async function leafLevel(
  spec: HashtreeSpec,
  { stride }: LevelLayout,
): Promise<{ readonly blocks: number; readonly bytes: Uint8Array<ArrayBuffer> }> {
  const { dataBlockSize, hashBlockSize, imageSize } = spec
  const blocks = Math.ceil(imageSize / dataBlockSize)
  const bytes = new Uint8Array(roundUp(blocks * stride, hashBlockSize))
  const hasher = new BlockHasher(spec, dataBlockSize)
  for (let offset = 0, block = 0; offset < imageSize; offset += READ_SIZE) {
    const piece = await spec.read(offset, Math.min(READ_SIZE, imageSize - offset))
    for (let at = 0; at < piece.byteLength; at += dataBlockSize, block++)
      bytes.set(hasher.digest(piece.subarray(at, at + dataBlockSize)), block * stride)
  }
  return { blocks, bytes }
}

function hashLevel(below: Uint8Array, spec: HashtreeSpec, { stride }: LevelLayout): Uint8Array<ArrayBuffer> {
  const { hashBlockSize } = spec
  const blocks = below.byteLength / hashBlockSize
  const bytes = new Uint8Array(roundUp(blocks * stride, hashBlockSize))
  const hasher = new BlockHasher(spec, hashBlockSize)
  for (let block = 0; block < blocks; block++) {
    const start = block * hashBlockSize
    bytes.set(hasher.digest(below.subarray(start, start + hashBlockSize)), block * stride)
  }
  return bytes
}

/** H(salt ‖ block), the block filled up with zeros (dm-verity version 1). */
class BlockHasher {
  readonly #algorithm: string
  readonly #salted: Uint8Array
  readonly #saltBytes: number

  constructor(spec: HashtreeSpec, blockSize: number) {
    this.#algorithm = spec.algorithm
    this.#saltBytes = spec.salt.byteLength
    this.#salted = new Uint8Array(this.#saltBytes + blockSize)
    this.#salted.set(spec.salt)
  }

  digest(block: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#salted.set(block, this.#saltBytes)
    this.#salted.fill(0, this.#saltBytes + block.byteLength)
    return new Uint8Array(hash(this.#algorithm, this.#salted, 'buffer'))
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('vbmeta-invalid', detail)
}
