import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type HashtreeSpec, hashtreeRoot } from './avb-hashtree.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
/** The images of avbtool's own tests: 00 01 … ff 00 … */
function counting(length: number): Uint8Array {
  const image = new Uint8Array(length)
  for (let i = 0; i < length; i++) image[i] = i & 0xff
  return image
}

function spec(image: Uint8Array, change: Partial<HashtreeSpec> = {}): HashtreeSpec {
  return {
    read: async (offset, length) => image.subarray(offset, offset + length),
    ...{ imageSize: image.byteLength, dataBlockSize: 4096, hashBlockSize: 4096, algorithm: 'sha1' },
    salt: Uint8Array.of(0xd0, 0x0d, 0xf0, 0x0d),
    ...change,
  }
}

const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()

describe('hash tree', () => {
  // Root digests and tree sizes that external_avb's avbtool_unittest.cc and avb_slot_verify_unittest.cc expect.
  it.each([
    [1028 * 1024, 16384, 'e811611467dcd6e8dc4324e45f706c2bdd51db67'],
    [8 * 1024 * 1024, 69632, 'd52d93c988d336a79abe1c05240ae9a79a9b7d61'],
    [16 * 1024 * 1024, 135168, 'c9ffc3bfae5000269a55a56621547fd1fcf819df'],
  ])('over %i bytes is what avbtool computes', async (size, treeSize, root) => {
    const tree = await hashtreeRoot(spec(counting(size)))
    expect([hex(tree.root), tree.tree.byteLength]).toEqual([root, treeSize])
  })

  it('has its top level first and hashes with the salt in front', async () => {
    const image = counting(129 * 4096)
    const salt = Uint8Array.of(1, 2, 3)
    const { root, tree } = await hashtreeRoot(spec(image, { algorithm: 'sha256', salt }))
    expect(tree.byteLength).toBe(3 * 4096)
    const [top, first, second] = [0, 1, 2].map((i) => tree.subarray(i * 4096, (i + 1) * 4096)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    expect(hex(first.subarray(32, 64))).toBe(hex(sha256(salt, image.subarray(4096, 8192))))
    expect(hex(second.subarray(0, 32))).toBe(hex(sha256(salt, image.subarray(128 * 4096))))
    expect(second.subarray(32).every((byte) => byte === 0)).toBe(true)
    expect(hex(top.subarray(0, 32))).toBe(hex(sha256(salt, first)))
    expect(hex(top.subarray(32, 64))).toBe(hex(sha256(salt, second)))
    expect(hex(root)).toBe(hex(sha256(salt, top)))
  })

  it('over one block is the hash of that block, without a tree', async () => {
    const image = counting(5)
    const { root, tree } = await hashtreeRoot(spec(image, { algorithm: 'sha256', salt: new Uint8Array(0) }))
    expect(tree.byteLength).toBe(0)
    expect(hex(root)).toBe(hex(sha256(image, new Uint8Array(4091))))
  })

  it('takes data and hash blocks of different sizes', async () => {
    const image = counting(2 * 1024)
    const { root, tree } = await hashtreeRoot(
      spec(image, { algorithm: 'sha256', dataBlockSize: 1024, salt: new Uint8Array(0) }),
    )
    const leaves = [image.subarray(0, 1024), image.subarray(1024)].map((block) => sha256(block))
    expect(hex(tree)).toBe(hex(Buffer.concat([...leaves, new Uint8Array(4096 - 64)])))
    expect(hex(root)).toBe(hex(sha256(tree)))
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
  ])('is refused before anything is read: %o', async (change) => {
    const read = async () => expect.unreachable()
    await expect(hashtreeRoot(spec(new Uint8Array(4096), { ...change, read }))).rejects.toMatchObject({
      code: 'vbmeta-invalid',
    })
  })
})
