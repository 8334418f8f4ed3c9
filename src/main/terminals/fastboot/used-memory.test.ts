import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytes } from '../../../shared/units.ts'
import { randomBytes } from '../../../simulator/randomness.ts'
import { type SparsePiece, splitToSparse } from '../../core/formats/sparse-writer.ts'
import type { Extent, ImageSource } from '../../core/source.ts'
import { UsedMemory } from './used-memory.ts'

const BLOCK = 4096
const MOST_PARTS = 10_000
const signal = new AbortController().signal

/** Runs of blocks, each of noise or all alike, cut into extents that lie across them. */
const images = fc.record({
  runs: fc.array(fc.record({ blocks: fc.integer({ min: 1, max: 10 }), noise: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  }),
  extentBytes: fc.integer({ min: 3000, max: 100_000 }),
  limit: fc.integer({ min: 3 * BLOCK, max: 100_000 }),
})

function imageOf(runs: readonly { blocks: number; noise: boolean }[], extentBytes: number): ImageSource {
  const noiseOf = (i: number, blocks: number) => randomBytes(`run ${i}`, blocks * BLOCK)
  const content = Buffer.concat(
    runs.map(({ blocks, noise }, i) => (noise ? noiseOf(i, blocks) : Buffer.alloc(blocks * BLOCK, i))),
  )
  return {
    size: bytes(content.length),
    sha256: undefined,
    async *extents() {
      for (let offset = 0; offset < content.length; offset += extentBytes)
        yield { kind: 'data', offset, bytes: new Uint8Array(content.subarray(offset, offset + extentBytes)) }
    },
  }
}

/** What goes over the wire when the next piece is made while this one is sent, as `flashImage` does. */
async function sent(image: ImageSource, limit: number, memory: UsedMemory | undefined, seen: Extent[] = []) {
  const tap = (extent: Extent) => {
    seen.push(extent)
    memory?.note(extent)
    return extent
  }
  const pieces: AsyncGenerator<SparsePiece> = splitToSparse(image, { limit, signal, tap })
  const wire: Buffer[] = []
  let next = await pieces.next()
  while (!next.done) {
    const piece = next.value
    next = await pieces.next()
    // The writer never ends over bytes that were taken from under it.
    if (wire.length > MOST_PARTS) throw new Error('pieces without end')
    for (const part of memory?.freedWhenSent(piece) ?? piece.parts) wire.push(Buffer.from(part))
  }
  return Buffer.concat(wire)
}

describe('memory of what is sent', () => {
  it('is never freed before its last part went out, and is free when all is sent', async () => {
    await fc.assert(
      fc.asyncProperty(images, async ({ runs, extentBytes, limit }) => {
        const image = imageOf(runs, extentBytes)
        const extents: Extent[] = []
        const wire = await sent(image, limit, new UsedMemory(), extents)
        expect(wire.equals(await sent(image, limit, undefined))).toBe(true)
        const held = extents.filter((one) => one.kind === 'data' && one.bytes.length > 0)
        expect(held.length).toBe(0)
      }),
      { numRuns: 60 },
    )
  })
})
