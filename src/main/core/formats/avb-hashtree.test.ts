import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HashtreeBuilder, type HashtreeShape, hashtreeLevels } from './avb-hashtree.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
/** The images of avbtool's own tests: 00 01 … ff 00 … */
function counting(length: number): Uint8Array {
  const image = new Uint8Array(length)
  for (let i = 0; i < length; i++) image[i] = i & 0xff
  return image
}

type Change = Partial<HashtreeShape>

function shapeOf(imageSize: number, change: Change = {}): HashtreeShape {
  return {
    ...{ imageSize, dataBlockSize: 4096, hashBlockSize: 4096, algorithm: 'sha1' },
    salt: Uint8Array.of(0xd0, 0x0d, 0xf0, 0x0d),
    ...change,
  }
}

/** Root, the tree as it lies in an image, and the digests of its levels. */
function treeOf(image: Uint8Array, change: Change = {}, feed?: (builder: HashtreeBuilder) => void) {
  const levels: Buffer[][] = hashtreeLevels(shapeOf(image.byteLength, change)).map(() => [])
  const builder = new HashtreeBuilder(shapeOf(image.byteLength, change), (level, block) =>
    levels[level]?.push(Buffer.from(block)),
  )
  if (feed === undefined) builder.update(image)
  else feed(builder)
  const result = builder.finish()
  const bytes = levels.map((blocks) => Buffer.concat(blocks))
  expect(result.levels).toEqual(bytes.map((level) => hex(sha256(level))))
  expect(bytes.map((level) => level.byteLength)).toEqual(hashtreeLevels(shapeOf(image.byteLength, change)))
  return { root: result.root, tree: Buffer.concat(bytes) }
}

const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()

describe('hash tree', () => {
  // Root digests and tree sizes that external_avb's avbtool_unittest.cc and avb_slot_verify_unittest.cc expect.
  it.each([
    [1028 * 1024, 16384, 'e811611467dcd6e8dc4324e45f706c2bdd51db67'],
    [8 * 1024 * 1024, 69632, 'd52d93c988d336a79abe1c05240ae9a79a9b7d61'],
    [16 * 1024 * 1024, 135168, 'c9ffc3bfae5000269a55a56621547fd1fcf819df'],
  ])('over %i bytes is what avbtool computes', (size, treeSize, root) => {
    const tree = treeOf(counting(size))
    expect([tree.root, tree.tree.byteLength]).toEqual([root, treeSize])
  })

  it('has its top level first and hashes with the salt in front', () => {
    const image = counting(129 * 4096)
    const salt = Uint8Array.of(1, 2, 3)
    const { root, tree } = treeOf(image, { algorithm: 'sha256', salt })
    expect(tree.byteLength).toBe(3 * 4096)
    const [top, first, second] = [0, 1, 2].map((i) => tree.subarray(i * 4096, (i + 1) * 4096)) as [
      Buffer,
      Buffer,
      Buffer,
    ]
    expect(hex(first.subarray(32, 64))).toBe(hex(sha256(salt, image.subarray(4096, 8192))))
    expect(hex(second.subarray(0, 32))).toBe(hex(sha256(salt, image.subarray(128 * 4096))))
    expect(second.subarray(32).every((byte) => byte === 0)).toBe(true)
    expect(hex(top.subarray(0, 32))).toBe(hex(sha256(salt, first)))
    expect(hex(top.subarray(32, 64))).toBe(hex(sha256(salt, second)))
    expect(root).toBe(hex(sha256(salt, top)))
  })

  it('over one block is the hash of that block, without a tree', () => {
    const image = counting(5)
    const { root, tree } = treeOf(image, { algorithm: 'sha256', salt: new Uint8Array(0) })
    expect(tree.byteLength).toBe(0)
    expect(root).toBe(hex(sha256(image, new Uint8Array(4091))))
  })

  it('takes data and hash blocks of different sizes', () => {
    const image = counting(2 * 1024)
    const { root, tree } = treeOf(image, {
      algorithm: 'sha256',
      dataBlockSize: 1024,
      salt: new Uint8Array(0),
    })
    const leaves = [image.subarray(0, 1024), image.subarray(1024)].map((block) => sha256(block))
    expect(hex(tree)).toBe(hex(Buffer.concat([...leaves, new Uint8Array(4096 - 64)])))
    expect(root).toBe(hex(sha256(tree)))
  })

  it.each([
    { algorithm: 'md5' },
    { algorithm: 'constructor' },
    { dataBlockSize: 0 },
    { dataBlockSize: 3000 },
    { hashBlockSize: 2 ** 31 },
    { imageSize: 0 },
    { imageSize: -4096 },
    { imageSize: Number.NaN },
    { imageSize: 2 ** 53 - 4096 },
    { salt: new Uint8Array(257) },
  ])('is refused before anything is read: %o', (change) => {
    const refused = expect.objectContaining({ code: 'vbmeta-invalid' })
    expect(() => new HashtreeBuilder(shapeOf(4096, change))).toThrow(refused)
  })

  it('is the same however the image comes: in pieces of any size, as fills', () => {
    const run = fc.oneof(
      fc.record({ bytes: fc.uint8Array({ minLength: 1, maxLength: 3000 }) }),
      fc.record({
        word: fc.integer({ min: 0, max: 0xffffffff }),
        length: fc.integer({ min: 1, max: 20_000 }),
      }),
    )
    const expanded = (one: { bytes: Uint8Array } | { word: number; length: number }) => {
      if ('bytes' in one) return Buffer.from(one.bytes)
      const word = Buffer.alloc(4)
      word.writeUInt32LE(one.word)
      return Buffer.alloc(one.length, word)
    }
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 12 }), (runs) => {
        const image = Buffer.concat(runs.map(expanded))
        const change = { algorithm: 'sha256', dataBlockSize: 1024, hashBlockSize: 512 }
        const inPieces = treeOf(image, change, (builder) => {
          for (const one of runs)
            if ('bytes' in one) builder.update(one.bytes)
            else builder.fill(one.word, one.length)
        })
        expect(inPieces).toEqual(treeOf(image, change))
      }),
      { numRuns: 60 },
    )
  })
})
