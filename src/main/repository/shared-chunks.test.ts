// What files have in common is counted by their pieces, not by their places.
import { expect, it } from 'vitest'
import { memorySource, NEVER, noise } from '../../../test/firmware-repository.ts'
import { makeChunkIndex, parseChunkIndex } from './chunk-index.ts'
import { sharedBytes } from './shared-chunks.ts'

const MIB = 1024 * 1024
const indexOf = async (content: Uint8Array<ArrayBuffer>) =>
  parseChunkIndex(await makeChunkIndex(memorySource('x', content), { signal: NEVER }))

it('counts what lies in another file too, and nothing that one file holds twice', async () => {
  const [a, b] = [noise('a', 2 * MIB), noise('b', 2 * MIB)]
  const both = new Uint8Array([...b, ...a])
  const [first, second, twice] = await Promise.all([a, both, new Uint8Array([...b, ...b])].map(indexOf))
  const [inFirst = 0, inBoth = 0] = sharedBytes([first, second])
  expect(inFirst).toBe(inBoth)
  expect(inFirst).toBeGreaterThan(MIB)
  expect(inFirst).toBeLessThanOrEqual(2 * MIB)
  expect(sharedBytes([twice])).toEqual([0])
  expect(sharedBytes([first, undefined])).toEqual([0, 0])
})
