import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { collect, damaged, expand, memorySource, NEVER, outcome } from '../../../../test/images.ts'
import { isSparse, openSparse } from './sparse-reader.ts'

const BLOCK = 16

interface ChunkSpec {
  readonly type: number
  readonly blocks: number
  readonly data?: Uint8Array
  /** Said instead of the true size. */
  readonly size?: number
}

const raw = (blocks: number): ChunkSpec => ({
  type: 0xcac1,
  blocks,
  data: Uint8Array.from({ length: blocks * BLOCK }, (_, i) => (i * 7) & 0xff),
})
const word = (value: number) => new Uint8Array(Uint32Array.of(value).buffer)
const fill = (blocks: number, value: number): ChunkSpec => ({ type: 0xcac2, blocks, data: word(value) })
const hole = (blocks: number): ChunkSpec => ({ type: 0xcac3, blocks })
const checksum = (value: number): ChunkSpec => ({ type: 0xcac4, blocks: 0, data: word(value) })

interface FileSpec {
  readonly major?: number
  readonly fileHeader?: number
  readonly chunkHeader?: number
  readonly blockSize?: number
  readonly totalBlocks?: number
  readonly totalChunks?: number
  readonly crc?: number
}

/** A sparse file put together by hand, so that it can lie. */
function sparse(chunks: readonly ChunkSpec[], o: FileSpec = {}): Uint8Array {
  const { fileHeader = 28, chunkHeader = 12 } = o
  const header = new DataView(new ArrayBuffer(Math.max(28, fileHeader)))
  header.setUint32(0, 0xed26ff3a, true)
  header.setUint16(4, o.major ?? 1, true)
  header.setUint16(8, fileHeader, true)
  header.setUint16(10, chunkHeader, true)
  header.setUint32(12, o.blockSize ?? BLOCK, true)
  header.setUint32(16, o.totalBlocks ?? chunks.reduce((sum, chunk) => sum + chunk.blocks, 0), true)
  header.setUint32(20, o.totalChunks ?? chunks.length, true)
  header.setUint32(24, o.crc ?? 0, true)
  const parts = chunks.map(({ type, blocks, data = new Uint8Array(0), size }) => {
    const view = new DataView(new ArrayBuffer(chunkHeader))
    view.setUint16(0, type, true)
    view.setUint32(4, blocks, true)
    view.setUint32(8, size ?? chunkHeader + data.byteLength, true)
    return Buffer.concat([new Uint8Array(view.buffer), data])
  })
  return new Uint8Array(Buffer.concat([new Uint8Array(header.buffer), ...parts]))
}

const read = async (file: Uint8Array, from = 0) => expand(await openSparse(memorySource(file)), from)

const CHUNKS = [raw(2), hole(1), fill(3, 0x04030201), raw(1), fill(1, 0)]
const IMAGE = Buffer.concat([
  raw(2).data as Uint8Array,
  new Uint8Array(BLOCK),
  Uint8Array.from({ length: 3 * BLOCK }, (_, i) => (i % 4) + 1),
  raw(1).data as Uint8Array,
  new Uint8Array(BLOCK),
])

describe('Android sparse', () => {
  it('expands the file that AOSP ships with its image', async () => {
    const file = readFileSync(fixture('sparse/test_file.bin.sparse'))
    const image = readFileSync(fixture('sparse/test_file.bin'))
    expect(isSparse(file.subarray(0, 28))).toBe(true)
    expect(isSparse(image.subarray(0, 28))).toBe(false)
    expect(Buffer.from(await read(file)).equals(image)).toBe(true)
  })

  it('expands every type of chunk and keeps holes and fills as they are', async () => {
    const image = await openSparse(memorySource(sparse(CHUNKS)))
    expect(image).toMatchObject({
      size: IMAGE.byteLength,
      blockSize: BLOCK,
      chunkCount: 5,
      declaredCrc32: undefined,
    })
    expect(Buffer.from(await expand(image)).equals(IMAGE)).toBe(true)
    const kinds: string[] = []
    for await (const extent of image.extents({ signal: NEVER })) kinds.push(extent.kind)
    expect(kinds).toEqual(['data', 'hole', 'fill', 'data', 'fill'])
  })

  it('starts at any offset', async () => {
    const image = await openSparse(memorySource(sparse(CHUNKS, { crc: crc32(IMAGE) })))
    for (let from = 0; from <= IMAGE.byteLength; from++)
      expect(Buffer.from(await expand(image, from)).equals(IMAGE.subarray(from)), `from ${from}`).toBe(true)
  })

  it('finds its way back into a long table of chunks', async () => {
    const chunks = Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? raw(1) : fill(1, i)))
    const image = await openSparse(memorySource(sparse(chunks)))
    const whole = Buffer.from(await expand(image))
    for (const from of [47999, 16 * 1500, 16 * 1500 + 5, 3, 0])
      expect(Buffer.from(await expand(image, from)).equals(whole.subarray(from))).toBe(true)
  })

  it('skips what larger headers carry', async () => {
    const file = sparse(CHUNKS, { fileHeader: 40, chunkHeader: 20 })
    expect(Buffer.from(await read(file)).equals(IMAGE)).toBe(true)
  })

  it('gives large data in pieces that have a buffer of their own', async () => {
    const data = new Uint8Array(9 * 1024 * 1024).fill(5)
    const chunk = { type: 0xcac1, blocks: data.byteLength / 4096, data }
    const image = await openSparse(memorySource(sparse([chunk], { blockSize: 4096 })))
    const buffers = new Set<ArrayBufferLike>()
    for await (const extent of image.extents({ signal: NEVER }))
      if (extent.kind === 'data') buffers.add(extent.bytes.buffer)
    expect(buffers.size).toBe(3)
  })

  it('checks the checksums on the way and at the end', async () => {
    const soFar = crc32(IMAGE.subarray(0, 3 * BLOCK))
    const good = [...CHUNKS.slice(0, 2), checksum(soFar), ...CHUNKS.slice(2), checksum(crc32(IMAGE))]
    expect(Buffer.from(await read(sparse(good, { crc: crc32(IMAGE) }))).equals(IMAGE)).toBe(true)
    const bad = [...CHUNKS.slice(0, 2), checksum(soFar ^ 1), ...CHUNKS.slice(2)]
    await expect(read(sparse(bad))).rejects.toMatchObject({ code: 'digest-mismatch' })
    await expect(read(sparse(CHUNKS, { crc: 1 }))).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  it('counts terabytes of fill into the checksum at once', async () => {
    const chunks = [{ type: 0xcac2, blocks: 0x7fffffff, data: word(7) }]
    const image = await openSparse(memorySource(sparse(chunks, { blockSize: 1048576, crc: 1 })))
    const pass = async () => {
      for await (const extent of image.extents({ signal: NEVER })) expect(extent.kind).toBe('fill')
    }
    await expect(pass()).rejects.toMatchObject({ code: 'digest-mismatch' })
  })

  it('stops when it is told to', async () => {
    const image = await openSparse(memorySource(sparse(CHUNKS)))
    const stop = new AbortController()
    const pass = async () => {
      for await (const _ of image.extents({ signal: stop.signal })) stop.abort()
    }
    await expect(pass()).rejects.toMatchObject({ code: 'cancelled' })
  })
})

describe('a sparse file that lies', () => {
  it.each<[string, Uint8Array, string]>([
    ['is another version', sparse(CHUNKS, { major: 2 }), 'sparse-invalid'],
    ['has headers too small', sparse(CHUNKS, { chunkHeader: 12, fileHeader: 27 }), 'sparse-invalid'],
    ['has blocks of no size', sparse(CHUNKS, { blockSize: 0 }), 'sparse-invalid'],
    ['has blocks of an odd size', sparse(CHUNKS, { blockSize: 15 }), 'sparse-invalid'],
    [
      'is larger than numbers go',
      sparse([], { blockSize: 0xfffffffc, totalBlocks: 0xffffffff }),
      'sparse-invalid',
    ],
    ['has more chunks than bytes', sparse(CHUNKS, { totalChunks: 0xffffffff }), 'sparse-invalid'],
    ['covers less than it says', sparse(CHUNKS, { totalBlocks: 9 }), 'sparse-invalid'],
    ['covers more than it says', sparse(CHUNKS, { totalBlocks: 7 }), 'sparse-invalid'],
    ['has a chunk of unknown type', sparse([{ type: 0xcac5, blocks: 1 }]), 'sparse-invalid'],
    ['has raw data of the wrong size', sparse([{ ...raw(1), blocks: 2 }]), 'sparse-invalid'],
    ['has a hole with data', sparse([{ ...hole(1), size: 16 }, raw(1)]), 'sparse-invalid'],
    ['has a fill without a word', sparse([{ type: 0xcac2, blocks: 1 }, raw(1)]), 'sparse-invalid'],
    ['has a checksum of blocks', sparse([{ ...checksum(0), blocks: 1 }]), 'sparse-invalid'],
    [
      'has a chunk of absurd size',
      sparse([{ type: 0xcac1, blocks: 0xffffffff, size: 0xffffffff }]),
      'sparse-invalid',
    ],
    ['ends inside its data', sparse([raw(2)]).slice(0, 45), 'source-truncated'],
    ['ends inside its table', sparse([raw(1), raw(1), raw(1)]).slice(0, 65), 'source-truncated'],
    ['is no sparse file', new Uint8Array(28), 'sparse-invalid'],
    ['is too short', sparse(CHUNKS).slice(0, 27), 'sparse-invalid'],
  ])('%s', async (_what, file, code) => {
    const pass = async () => collect((await openSparse(memorySource(file))).extents({ signal: NEVER }))
    await expect(pass()).rejects.toMatchObject({ code })
  })

  it('gives an image or one error for any damage', async () => {
    const valid = sparse([...CHUNKS, checksum(crc32(IMAGE))], { crc: crc32(IMAGE) })
    await fc.assert(
      fc.asyncProperty(damaged(valid), async (file) => {
        await outcome(async () => {
          const image = await openSparse(memorySource(file))
          let expected = 0
          for await (const extent of image.extents({ signal: NEVER })) {
            expect(extent.offset).toBe(expected)
            expected += extent.kind === 'data' ? extent.bytes.byteLength : extent.length
          }
          expect(expected).toBe(image.size)
        })
      }),
    )
  })
})
