import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect, NEVER } from '../../../../test/images.ts'
import { bytes } from '../../../shared/units.ts'
import { extentEnd } from '../formats/extents.ts'
import type { Extent, ImageSource } from '../source.ts'
import { type Piece, pieceContents, pieceRanges } from './pieces.ts'

const LIMITS = { first: 8192, most: 16384 }
const same = async (extent: Extent) => extent

function image(list: readonly Extent[], size: number): ImageSource {
  return {
    size: bytes(size),
    sha256: undefined,
    async *extents() {
      yield* list
    },
  }
}

const hole = (size: number) => image([{ kind: 'hole', offset: 0, length: size }], size)

describe('pieces of an image', () => {
  it('fill the ranges in order, the first ones smaller, and end where the image does', () => {
    const ranges = [
      { lun: 0, first: 10, count: 4 },
      { lun: 0, first: 100, count: 90 },
    ]
    const size = 50_000
    expect(pieceRanges(ranges, { size, sectorSize: 4096 }, LIMITS)).toEqual([
      { range: { lun: 0, first: 10, count: 2 }, start: 0, end: 8192 },
      { range: { lun: 0, first: 12, count: 2 }, start: 8192, end: 16384 },
      { range: { lun: 0, first: 100, count: 4 }, start: 16384, end: 32768 },
      { range: { lun: 0, first: 104, count: 4 }, start: 32768, end: 49152 },
      { range: { lun: 0, first: 108, count: 1 }, start: 49152, end: 50_000 },
    ])
  })

  it('are refused where there is too little room', () => {
    const ranges = [{ lun: 0, first: 0, count: 2 }]
    const run = () => pieceRanges(ranges, { size: 8193, sectorSize: 4096 }, LIMITS)
    expect(run).toThrow(expect.objectContaining({ code: 'image-too-large' }))
  })

  it('hold every byte once, whatever the runs of the image and the ranges are', async () => {
    const count = fc.integer({ min: 1, max: 9 })
    const kinds = fc.constantFrom('data', 'fill', 'hole')
    const runs = fc.array(fc.tuple(kinds, fc.integer({ min: 1, max: 9000 })), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(runs, fc.array(count, { minLength: 1, maxLength: 12 }), async (wanted, counts) => {
        const whole: number[] = []
        const list = wanted.map(([kind, length], i): Extent => {
          const offset = whole.length
          const word = 0x01020304 * (i + 1)
          for (let at = 0; at < length; at++)
            whole.push(
              kind === 'data' ? (i * 7 + at) & 0xff : kind === 'fill' ? (word >>> ((at % 4) * 8)) & 0xff : 0,
            )
          if (kind === 'data') return { kind, offset, bytes: Uint8Array.from(whole.slice(offset)) }
          return kind === 'fill'
            ? { kind, offset, length, word: word >>> 0 }
            : { kind: 'hole', offset, length }
        })
        const room = counts.reduce((sum, one) => sum + one * 512, 0)
        if (room < whole.length) counts.push(Math.ceil((whole.length - room) / 512))
        const ranges = counts.map((one, i) => ({ lun: 0, first: 100 * i, count: one }))
        const pieces = pieceRanges(
          ranges,
          { size: whole.length, sectorSize: 512 },
          { first: 1024, most: 4096 },
        )
        const contents = await collect(
          pieceContents(image(list, whole.length), pieces, { signal: NEVER, tap: same }),
        )
        expect(contents).toHaveLength(pieces.length)
        expect(flat(contents, pieces)).toEqual(whole)
      }),
    )
  })

  it('say when the image is not as long as it claims', async () => {
    const pieces = pieceRanges([{ lun: 0, first: 0, count: 4 }], { size: 8000, sectorSize: 4096 }, LIMITS)
    for (const size of [7999, 8001])
      await expect(
        collect(pieceContents(hole(size), pieces, { signal: NEVER, tap: same })),
      ).rejects.toMatchObject({
        code: 'internal',
      })
  })
})

/** The bytes of all pieces, each run at its place and within its piece. */
function flat(contents: readonly (readonly Extent[])[], pieces: readonly Piece[]): number[] {
  const all: number[] = []
  contents.forEach((runs, i) => {
    const piece = pieces[i]
    expect(all.length).toBe(piece?.start)
    for (const run of runs) {
      expect(run.offset).toBe(all.length)
      expect(extentEnd(run)).toBeLessThanOrEqual(piece?.end ?? 0)
      if (run.kind === 'data') all.push(...run.bytes)
      else
        for (let at = 0; at < run.length; at++)
          all.push(run.kind === 'fill' ? (run.word >>> ((at % 4) * 8)) & 0xff : 0)
    }
    expect(all.length).toBe(piece?.end)
  })
  return all
}
