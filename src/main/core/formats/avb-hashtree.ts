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
  readonly #data: DataBlocks
  /** From the leaves up. */
  readonly #levels: readonly Level[]
  #root = ''

  /** @param onBlock hears each block of each level (0: the top) when it is complete. */
  constructor(shape: HashtreeShape, onBlock?: (level: number, block: Uint8Array) => void) {
    const sizes = hashtreeLevels(shape)
    const last = sizes.length - 1
    this.#levels = sizes.map(
      (_, i) =>
        new Level(shape, (digest, block) => {
          onBlock?.(last - i, block)
          this.#give(i + 1, digest)
        }),
    )
    this.#data = new DataBlocks(shape, (digest) => this.#give(0, digest))
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
    for (const level of this.#levels) level.finish()
    return {
      root: Buffer.from(this.#root, 'latin1').toString('hex'),
      levels: this.#levels.map((level) => level.sha256()).reverse(),
    }
  }

  #give(index: number, digest: string): void {
    const level = this.#levels[index]
    if (level === undefined) this.#root = digest
    else level.append(digest)
  }
}

/** H(salt ‖ block) of whole blocks (dm-verity version 1). Digests travel as latin1 strings: with a buffer each, hashing 4 KiB takes
 * a fifth longer. */
class SaltedBlock {
  readonly algorithm: string
  readonly block: Buffer
  readonly #salted: Buffer

  constructor({ algorithm, salt }: HashtreeShape, blockSize: number) {
    this.algorithm = algorithm
    this.#salted = Buffer.alloc(salt.byteLength + blockSize)
    this.#salted.set(salt)
    this.block = this.#salted.subarray(salt.byteLength)
  }

  digest(): string {
    return hash(this.algorithm, this.#salted, 'binary')
  }
}

/** Cuts the image into blocks, the last one filled up with zeros, and gives the digest of each. */
class DataBlocks {
  readonly #salted: SaltedBlock
  readonly #give: (digest: string) => void
  #used = 0

  constructor(shape: HashtreeShape, give: (digest: string) => void) {
    this.#salted = new SaltedBlock(shape, shape.dataBlockSize)
    this.#give = give
  }

  update(bytes: Uint8Array): void {
    const { block } = this.#salted
    const size = block.byteLength
    let at = this.#used === 0 ? 0 : this.#fillUp(bytes)
    // Whole blocks are the rule, and most of what all of this costs.
    for (; bytes.byteLength - at >= size; at += size) {
      block.set(bytes.subarray(at, at + size))
      this.#give(this.#salted.digest())
    }
    if (at < bytes.byteLength) this.#fillUp(bytes.subarray(at))
  }

  fill(word: number, length: number): void {
    const { block } = this.#salted
    const size = block.byteLength
    const pattern = wordBytes(word)
    let done = Math.min(length, this.#used === 0 ? 0 : size - this.#used)
    if (done > 0) this.#fillUp(repeated(pattern, 0, done))
    const whole = Math.floor((length - done) / size)
    if (whole > 0) {
      // All whole blocks of a fill are alike, so one digest stands for all.
      block.set(repeated(pattern, done, size))
      const digest = this.#salted.digest()
      for (let i = 0; i < whole; i++) this.#give(digest)
      done += whole * size
    }
    if (done < length) this.#fillUp(repeated(pattern, done, length - done))
  }

  finish(): void {
    if (this.#used > 0) this.#fillUp(Buffer.alloc(this.#salted.block.byteLength - this.#used))
  }

  /** @returns how many of the bytes went into the block that was begun. */
  #fillUp(bytes: Uint8Array): number {
    const { block } = this.#salted
    const part = bytes.subarray(0, block.byteLength - this.#used)
    block.set(part, this.#used)
    this.#used += part.byteLength
    if (this.#used === block.byteLength) {
      this.#used = 0
      this.#give(this.#salted.digest())
    }
    return part.byteLength
  }
}

/** Puts the digests of the level below side by side into blocks, the last one filled up with zeros. */
class Level {
  readonly #salted: SaltedBlock
  /** Bytes from one digest to the next: a power of two, so SHA-1's 20 take 32. */
  readonly #stride: number
  readonly #sha256 = createHash('sha256')
  readonly #give: (digest: string, block: Uint8Array) => void
  /** Digests that are not yet a block, one character a byte. */
  #text = ''

  constructor(shape: HashtreeShape, give: (digest: string, block: Uint8Array) => void) {
    this.#salted = new SaltedBlock(shape, shape.hashBlockSize)
    this.#stride = strideOf(shape.algorithm)
    this.#give = give
  }

  append(digest: string): void {
    this.#text += digest.length === this.#stride ? digest : digest.padEnd(this.#stride, '\0')
    if (this.#text.length === this.#salted.block.byteLength) this.finish()
  }

  finish(): void {
    if (this.#text === '') return
    const { block } = this.#salted
    block.fill(0, block.write(this.#text, 'latin1'))
    this.#text = ''
    this.#sha256.update(block)
    this.#give(this.#salted.digest(), block)
  }

  sha256(): string {
    return this.#sha256.digest('hex')
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
