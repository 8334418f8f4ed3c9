// Chunks: they make up the file whatever it holds, and a change costs the chunks around it only.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memorySource, NEVER, noise } from '../../../test/firmware-repository.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { chunkLength, MAX_CHUNK, MIN_CHUNK } from './chunk-cutter.ts'
import { type Chunk, type ChunkIndex, makeChunkIndex, parseChunkIndex } from './chunk-index.ts'

const MIB = 1024 * 1024

async function indexOf(content: Uint8Array<ArrayBuffer>): Promise<ChunkIndex> {
  return parseChunkIndex(await makeChunkIndex(memorySource('x', content), { signal: NEVER }))
}

function chunksOf(index: ChunkIndex): readonly Chunk[] {
  return Array.from({ length: index.count }, (_, i) => index.chunk(i))
}

/** Bytes of chunks that `after` has and `before` has not. */
function newBytes(before: ChunkIndex, after: ChunkIndex): number {
  const known = new Set(chunksOf(before).map(({ sha256 }) => sha256))
  return chunksOf(after).reduce((sum, { sha256, length }) => (known.has(sha256) ? sum : sum + length), 0)
}

it('cuts noise into chunks of sensible sizes that make up the file', async () => {
  const content = noise('chunks', 40 * MIB)
  const index = await indexOf(content)
  const chunks = chunksOf(index)
  let end = 0
  for (const { offset, length } of chunks.slice(0, -1)) {
    expect(offset).toBe(end)
    expect(length).toBeGreaterThan(MIN_CHUNK)
    expect(length).toBeLessThanOrEqual(MAX_CHUNK)
    end = offset + length
  }
  expect(index.size).toBe(content.length)
  const average = content.length / chunks.length
  expect(average).toBeGreaterThan(96 * 1024)
  expect(average).toBeLessThan(192 * 1024)
})

it('cuts at the same places for ever: other cuts would make every index there is useless', async () => {
  const index = await indexOf(noise('for ever', 2 * MIB))
  expect(chunksOf(index).map(({ length }) => length)).toMatchInlineSnapshot(`
    [
      152781,
      168793,
      151293,
      220349,
      153609,
      129249,
      131784,
      136386,
      46458,
      48743,
      136577,
      136152,
      195025,
      142083,
      147870,
    ]
  `)
})

it('pays for a change with the chunks around it, also when everything after it moves', async () => {
  const content = noise('before', 24 * MIB)
  const before = await indexOf(content)
  const at = 9 * MIB + 12_345
  const inserted = Buffer.concat([content.subarray(0, at), noise('inserted', 777), content.subarray(at)])
  expect(newBytes(before, await indexOf(new Uint8Array(inserted)))).toBeLessThan(3 * MAX_CHUNK)
  const overwritten = content.slice()
  overwritten.set(noise('overwritten', 100), at)
  expect(newBytes(before, await indexOf(overwritten))).toBeLessThan(3 * MAX_CHUNK)
  const removed = Buffer.concat([content.subarray(0, at), content.subarray(at + 5000)])
  expect(newBytes(before, await indexOf(new Uint8Array(removed)))).toBeLessThan(3 * MAX_CHUNK)
})

it('finds zeros to be one chunk again and again', async () => {
  const chunks = chunksOf(await indexOf(new Uint8Array(8 * MIB)))
  expect(new Set(chunks.map(({ sha256 }) => sha256)).size).toBe(1)
})

it('knows files without a byte and files of less than a chunk', async () => {
  expect(await indexOf(new Uint8Array(0))).toMatchObject({ size: 0, count: 0 })
  expect((await indexOf(noise('few', 5))).chunk(0)).toMatchObject({ offset: 0, length: 5 })
  expect(chunkLength(new Uint8Array(0))).toBe(0)
})

describe('an index from outside', () => {
  const parses = (content: Uint8Array) => {
    try {
      const index = parseChunkIndex(content)
      let size = 0
      for (let i = 0; i < index.count; i++) size += index.chunk(i).length
      expect(size).toBe(index.size)
    } catch (error) {
      expect(error).toBeInstanceOf(SlotbenchError)
    }
  }

  it('is an index or an error, whatever bytes it has', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), parses))
  })

  it('is an index or an error when a good one was changed', async () => {
    const good = await makeChunkIndex(memorySource('x', noise('good', MIB)), { signal: NEVER })
    const change = fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255), cut: fc.nat(40) })
    fc.assert(
      fc.property(change, ({ at, to, cut }) => {
        const changed = good.slice(0, good.length - (cut > 36 ? cut : 0))
        changed[at] = to
        parses(changed)
      }),
    )
  })
})
