// What several files have in common, by their chunk indexes.
import type { Chunk, ChunkIndex } from './chunk-index.ts'

const SEVERAL = -1

/** Of each file, the bytes that lie in another one of them as well; 0 for a file whose index is not known. */
export function sharedBytes(indexes: readonly (ChunkIndex | undefined)[]): readonly number[] {
  const owners = new Map<string, number>()
  for (const [own, index] of indexes.entries())
    for (const { sha256 } of chunksOf(index))
      owners.set(sha256, (owners.get(sha256) ?? own) === own ? own : SEVERAL)
  return indexes.map((index) => {
    let bytes = 0
    for (const { sha256, length } of chunksOf(index)) if (owners.get(sha256) === SEVERAL) bytes += length
    return bytes
  })
}

function* chunksOf(index: ChunkIndex | undefined): Generator<Chunk, void, void> {
  if (index === undefined) return
  for (let i = 0; i < index.count; i++) yield index.chunk(i)
}
