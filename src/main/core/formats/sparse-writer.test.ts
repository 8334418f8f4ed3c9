import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect, expand, memorySource, NEVER } from '../../../../test/images.ts'
import { bytes } from '../../../shared/units.ts'
import type { Extent, ImageSource } from '../source.ts'
import { extentEnd } from './extents.ts'
import { memoryImage } from './raw-image.ts'
import { openSparse } from './sparse-reader.ts'
import { type SparsePiece, type SplitOptions, splitToSparse } from './sparse-writer.ts'

function imageOf(extents: readonly Extent[]): ImageSource {
  return {
    size: bytes(extents.reduce((_, extent) => extentEnd(extent), 0)),
    sha256: undefined,
    // Copies: whoever reads the image may take its buffers away.
    async *extents() {
      for (const e of extents) yield e.kind === 'data' ? { ...e, bytes: e.bytes.slice() } : e
    },
  }
}

async function pieces(image: ImageSource, o: Omit<SplitOptions, 'signal'>): Promise<SparsePiece[]> {
  return await collect(splitToSparse(image, { ...o, signal: NEVER }))
}

/** What a disk of `size` bytes full of 0xEE holds after every piece was flashed; don't-cares keep what is there. */
async function flash(all: readonly SparsePiece[], size: number): Promise<Uint8Array> {
  const disk = new Uint8Array(size).fill(0xee)
  for (const piece of all) {
    const file = Buffer.concat(piece.parts)
    expect(file.byteLength).toBe(piece.size)
    const image = await openSparse(memorySource(file))
    expect(image.size).toBe(size)
    const content = await expand(image)
    for await (const extent of image.extents({ signal: NEVER }))
      if (extent.kind !== 'hole') disk.set(content.subarray(extent.offset, extentEnd(extent)), extent.offset)
  }
  return disk
}

const BLOCK = 32
/** 28 bytes of header, two don't-cares of 12. */
const FRAME = 52

/** Images of data, fills and holes that begin and end anywhere, with many repeated words among the data. */
const anyImage: fc.Arbitrary<readonly Extent[]> = fc
  .array(
    fc.record({
      kind: fc.constantFrom('data', 'fill', 'hole'),
      length: fc.integer({ min: 1, max: 5 * BLOCK }),
      word: fc.constantFrom(0, 0x01010101, 0x04030201, 0xffffffff),
      noise: fc.uint8Array({ minLength: 1, maxLength: 4 }),
    }),
    { maxLength: 12 },
  )
  .map((runs) => {
    let offset = 0
    return runs.map(({ kind, length, word, noise }): Extent => {
      const at = offset
      offset += length
      if (kind === 'fill') return { kind, offset: at, length, word }
      if (kind === 'hole') return { kind, offset: at, length }
      return {
        kind: 'data',
        offset: at,
        bytes: Uint8Array.from({ length }, (_, i) => noise[i % noise.length] ?? 0),
      }
    })
  })

describe('sparse pieces', () => {
  it('expand to the image, whatever its runs and the limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyImage,
        fc.integer({ min: FRAME + 12 + BLOCK, max: 600 }),
        async (extents, limit) => {
          const image = imageOf(extents)
          const all = await pieces(image, { limit, blockSize: BLOCK })
          const size = Math.ceil(image.size / BLOCK) * BLOCK
          const disk = await flash(all, size)
          const wanted = Buffer.concat([await expand(image), new Uint8Array(size - image.size)])
          // A block that is all hole keeps what the disk had; one that is partly hole is written, with zeros there.
          for (let block = 0; block < size; block += BLOCK) {
            const hole = extents
              .filter((extent) => extent.offset < block + BLOCK && extentEnd(extent) > block)
              .every((extent) => extent.kind === 'hole')
            const expected = hole ? Buffer.alloc(BLOCK, 0xee) : wanted.subarray(block, block + BLOCK)
            expect(
              Buffer.from(disk.subarray(block, block + BLOCK)).equals(expected),
              `block at ${block}`,
            ).toBe(true)
          }
          for (const piece of all) expect(piece.size).toBeLessThanOrEqual(limit)
          const ends = all.map((piece) => piece.end)
          expect(all.map((piece) => piece.start)).toEqual([0, ...ends].slice(0, all.length))
          expect(ends.at(-1) ?? 0).toBe(image.size)
        },
      ),
    )
  })

  it('say how much of the image they carry', async () => {
    const content = Uint8Array.from({ length: 10 * BLOCK + 5 }, (_, i) => i % 251)
    const all = await pieces(memoryImage(content), { limit: FRAME + 12 + 4 * BLOCK, blockSize: BLOCK })
    expect(all.map(({ start, end, imageBytes }) => [start, end, imageBytes])).toEqual([
      [0, 4 * BLOCK, 4 * BLOCK],
      [4 * BLOCK, 8 * BLOCK, 4 * BLOCK],
      [8 * BLOCK, 10 * BLOCK + 5, 2 * BLOCK + 5],
    ])
  })

  it('turn equal words into one fill and holes into nothing', async () => {
    const image = imageOf([
      { kind: 'data', offset: 0, bytes: new Uint8Array(1024).fill(0xab) },
      { kind: 'fill', offset: 1024, length: 1024, word: 0xabababab },
      { kind: 'hole', offset: 2048, length: 2 ** 40 },
    ])
    const [piece, ...more] = await pieces(image, { limit: 4096, blockSize: 512 })
    expect(more).toEqual([])
    expect(piece).toMatchObject({ size: 28 + 16 + 12, imageBytes: 2048, end: 2048 + 2 ** 40 })
  })

  it('turn the word of a fill that begins inside a block', async () => {
    const image = imageOf([
      { kind: 'data', offset: 0, bytes: Uint8Array.of(9) },
      { kind: 'fill', offset: 1, length: 63, word: 0x04030201 },
    ])
    const disk = await flash(await pieces(image, { limit: 4096, blockSize: 16 }), 64)
    expect([...disk]).toEqual([9, ...Array.from({ length: 63 }, (_, i) => (i % 4) + 1)])
  })

  it('of an image that is all hole is one that writes nothing; of an empty one there are none', async () => {
    const [piece, ...more] = await pieces(imageOf([{ kind: 'hole', offset: 0, length: 65536 }]), {
      limit: 8192,
    })
    expect([piece?.size, piece?.imageBytes, more.length]).toEqual([28 + 12, 0, 0])
    expect(await pieces(memoryImage(new Uint8Array(0)), { limit: 8192 })).toEqual([])
  })

  it('do not keep megabytes of fill alive for a block of data', async () => {
    const mixed = new Uint8Array(1024 * 1024)
    mixed[0] = 1
    const [piece] = await pieces(memoryImage(mixed), { limit: 2 ** 30 })
    const kept = new Set(piece?.parts.map((part) => part.buffer))
    expect([...kept].reduce((sum, buffer) => sum + buffer.byteLength, 0)).toBeLessThan(16384)
  })

  it('are made of few parts', async () => {
    const checkered = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i & 4096 ? i % 251 : 0))
    const [piece] = await pieces(memoryImage(checkered), { limit: 2 ** 30 })
    expect(piece?.parts.length).toBeLessThan(8)
  })

  it('go through the tap, in order, and carry what it gives back', async () => {
    const seen: number[] = []
    const tap = async (extent: Extent): Promise<Extent> => {
      seen.push(extent.offset)
      return extent.kind === 'data' ? { ...extent, bytes: structuredClone(extent.bytes) } : extent
    }
    const content = Uint8Array.from({ length: 5 * 1024 * 1024 }, (_, i) => (i * i) & 0xff)
    const all = await pieces(memoryImage(content), { limit: 2 ** 20, tap })
    expect(seen).toEqual([0, 4 * 1024 * 1024])
    expect(Buffer.from(await flash(all, content.byteLength)).equals(content)).toBe(true)
  })

  it('may begin with a small one', async () => {
    const content = Uint8Array.from({ length: 3 * 1024 * 1024 }, (_, i) => (i * i) & 0xff)
    const all = await pieces(memoryImage(content), { limit: 2 ** 20, firstLimit: 2 ** 16 })
    expect(all[0]?.size).toBeLessThanOrEqual(2 ** 16)
    expect(all[1]?.size).toBeGreaterThan(2 ** 19)
    expect(Buffer.from(await flash(all, content.byteLength)).equals(content)).toBe(true)
  })

  it('are refused when not one block fits, or the image has too many', async () => {
    const small = pieces(memoryImage(new Uint8Array(4096)), { limit: FRAME + 12 + 4095 })
    await expect(small).rejects.toMatchObject({ code: 'image-too-large' })
    const notNumber = pieces(memoryImage(new Uint8Array(4096)), { limit: Number.NaN })
    await expect(notNumber).rejects.toMatchObject({ code: 'image-too-large' })
    const huge = imageOf([{ kind: 'hole', offset: 0, length: 2 ** 32 * 16 + 16 }])
    await expect(pieces(huge, { limit: 8192, blockSize: 16 })).rejects.toMatchObject({
      code: 'image-too-large',
    })
  })

  it('stop with the signal', async () => {
    const stop = new AbortController()
    stop.abort()
    const run = collect(splitToSparse(memoryImage(new Uint8Array(9)), { limit: 8192, signal: stop.signal }))
    await expect(run).rejects.toMatchObject({ code: 'cancelled' })
  })
})
