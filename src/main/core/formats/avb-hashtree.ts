// The dm-verity hash tree of an image: what AVB's hashtree descriptors vouch for (kernel: Documentation/device-mapper/
// verity; layout as avbtool writes it: the topmost level first). Built while the image streams by, in memory of a few blocks.
import { createHash, hash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'

export interface HashtreeShape {
  /** Bytes; a last block that is cut short counts as filled up with zeros. */
  readonly imageSize: number
  readonly dataBlockSize: number
  readonly hashBlockSize: number
  /** `sha1`, `sha256` or `sha512`. */
  readonly algorithm: string
  readonly salt: Uint8Array
}

export interface Hashtree {
  /** In hex. */
  readonly root: string
  /** SHA-256 (hex) of each level as it lies in the image, from the top down; none when the image is a single block. */
  readonly levels: readonly string[]
}

const DIGEST_BYTES: ReadonlyMap<string, number> = new Map([
  ['sha1', 20],
  ['sha256', 32],
  ['sha512', 64],
])
/** Of an image of 128 GiB in blocks of 4 KiB with SHA-256: beyond it a size is corrupt. */
const MAX_TREE = 1024 * 1024 * 1024
/** Salts have as many bytes as a digest; the kernel takes up to 256. */
const MAX_SALT = 256

/** Bytes of each level of the tree, from the top down.
 * @throws SlotbenchError `vbmeta-invalid` when the numbers describe no tree. */
export function hashtreeLevels(shape: HashtreeShape): readonly number[] {
  checkShape(shape)
  const stride = strideOf(shape.algorithm)
  const sizes: number[] = []
  let total = 0
  let blocks = Math.ceil(shape.imageSize / shape.dataBlockSize)
  while (blocks > 1) {
    blocks = Math.ceil((blocks * stride) / shape.hashBlockSize)
    sizes.unshift(blocks * shape.hashBlockSize)
    total += blocks * shape.hashBlockSize
    if (total > MAX_TREE) throw invalid(`a hash tree over ${shape.imageSize} bytes is too large`)
  }
  return sizes
}

/** Takes the image's bytes in order and gives its tree; what comes after `imageSize` must not be given.
 * @throws SlotbenchError `vbmeta-invalid` when the numbers describe no tree. */
export class HashtreeBuilder {
  readonly #data: BlockHasher
  readonly #digestBytes: number
  /** From the leaves up. */
  readonly #levels: readonly Level[]
  #root = ''

  /** @param onBlock hears each block of each level (0: the top) when it is complete. */
  constructor(shape: HashtreeShape, onBlock?: (level: number, block: Uint8Array) => void) {
    const sizes = hashtreeLevels(shape)
    const { algorithm, salt, dataBlockSize, hashBlockSize } = shape
    this.#digestBytes = DIGEST_BYTES.get(algorithm) ?? 0
    this.#data = new BlockHasher({ algorithm, salt, blockSize: dataBlockSize }, (d) => this.#append(0, d))
    const last = sizes.length - 1
    this.#levels = sizes.map((_, i) => {
      const sha256 = createHash('sha256')
      const blocks = new BlockHasher({ algorithm, salt, blockSize: hashBlockSize }, (digest, block) => {
        sha256.update(block)
        onBlock?.(last - i, block)
        this.#append(i + 1, digest)
      })
      return { blocks, sha256 }
    })
  }

  update(bytes: Uint8Array): void {
    this.#data.update(bytes)
  }

  /** `length` bytes of the repeated little-endian u32 `word`. */
  fill(word: number, length: number): void {
    this.#data.fill(word, length)
  }

  finish(): Hashtree {
    this.#data.finish()
    for (const { blocks } of this.#levels) blocks.finish()
    return {
      root: Buffer.from(this.#root, 'latin1').toString('hex'),
      levels: this.#levels.map(({ sha256 }) => sha256.digest('hex')).reverse(),
    }
  }

  #append(index: number, digest: string): void {
    const level = this.#levels[index]
    if (level === undefined) this.#root = digest
    else level.blocks.append(digest, this.#digestBytes)
  }
}

interface Level {
  readonly blocks: BlockHasher
  readonly sha256: ReturnType<typeof createHash>
}

interface BlockShape {
  readonly algorithm: string
  readonly salt: Uint8Array
  readonly blockSize: number
}

/** Cuts what it is given into blocks and gives H(salt ‖ block) of each (dm-verity version 1). Digests travel as latin1 strings:
 * with a buffer each, hashing 4 KiB takes half as long again. */
class BlockHasher {
  readonly #algorithm: string
  /** Salt, then the block that is being filled. */
  readonly #salted: Buffer
  readonly #block: Buffer
  readonly #give: (digest: string, block: Uint8Array) => void
  #used = 0

  constructor({ algorithm, salt, blockSize }: BlockShape, give: (d: string, block: Uint8Array) => void) {
    this.#algorithm = algorithm
    this.#salted = Buffer.alloc(salt.byteLength + blockSize)
    this.#salted.set(salt)
    this.#block = this.#salted.subarray(salt.byteLength)
    this.#give = give
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; ) {
      const length = Math.min(this.#block.byteLength - this.#used, bytes.byteLength - at)
      this.#block.set(bytes.subarray(at, at + length), this.#used)
      at += length
      this.#used += length
      if (this.#used === this.#block.byteLength) this.#complete(1)
    }
  }

  fill(word: number, length: number): void {
    const size = this.#block.byteLength
    const pattern = wordBytes(word)
    let done = Math.min(length, this.#used === 0 ? 0 : size - this.#used)
    if (done > 0) this.update(repeated(pattern, 0, done))
    const whole = Math.floor((length - done) / size)
    if (whole > 0) {
      // All whole blocks of a fill are alike, so one digest stands for all.
      this.#block.set(repeated(pattern, done, size))
      this.#complete(whole)
      done += whole * size
    }
    if (done < length) this.update(repeated(pattern, done, length - done))
  }

  /** One digest of the level below. Its place is a power of two of bytes, so SHA-1's 20 take 32. */
  append(digest: string, digestBytes: number): void {
    this.#block.write(digest, this.#used, digestBytes, 'latin1')
    const next = this.#used + strideOf(this.#algorithm)
    this.#block.fill(0, this.#used + digestBytes, next)
    this.#used = next
    if (this.#used === this.#block.byteLength) this.#complete(1)
  }

  finish(): void {
    if (this.#used === 0) return
    this.#block.fill(0, this.#used)
    this.#complete(1)
  }

  #complete(times: number): void {
    this.#used = 0
    const digest = hash(this.#algorithm, this.#salted, 'binary')
    for (let i = 0; i < times; i++) this.#give(digest, this.#block)
  }
}

function wordBytes(word: number): Buffer {
  const pattern = Buffer.alloc(4)
  pattern.writeUInt32LE(word >>> 0)
  return pattern
}

/** `length` bytes of the repeated pattern as it reads `skipped` bytes after its beginning. */
function repeated(pattern: Buffer, skipped: number, length: number): Buffer {
  const turn = skipped % 4
  return Buffer.alloc(length, Buffer.concat([pattern.subarray(turn), pattern.subarray(0, turn)]))
}

function strideOf(algorithm: string): number {
  return 2 ** Math.ceil(Math.log2(DIGEST_BYTES.get(algorithm) ?? 1))
}

function checkShape({ dataBlockSize, hashBlockSize, imageSize, algorithm, salt }: HashtreeShape): void {
  if (!DIGEST_BYTES.has(algorithm)) throw invalid(`hash trees with ${algorithm.slice(0, 40)} are not known`)
  // dm-verity takes powers of two from one sector to one page; libavb images use 4096.
  for (const size of [dataBlockSize, hashBlockSize])
    if (!Number.isInteger(Math.log2(size)) || size < 512 || size > 65536)
      throw invalid(`hash tree blocks of ${size} bytes`)
  if (!Number.isSafeInteger(imageSize) || imageSize <= 0) throw invalid(`a hash tree over ${imageSize} bytes`)
  if (salt.byteLength > MAX_SALT) throw invalid(`a hash tree with a salt of ${salt.byteLength} bytes`)
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('vbmeta-invalid', detail)
}
