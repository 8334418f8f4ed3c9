// Takes chunks out of a stream of bytes: each is checked when it is complete; those side by side are written together, while the
// next ones arrive.
import { hash } from 'node:crypto'
import { SlotbenchError } from '../../shared/errors.ts'
import type { Chunk, ChunkIndex } from './chunk-index.ts'
import type { ChunkRuns } from './chunk-runs.ts'
import type { ByteRange } from './range-request.ts'

export interface Receiving {
  readonly index: ChunkIndex
  /** What the body holds; it begins with a chunk. */
  readonly range: ByteRange
  readonly url: string
  readonly runs: ChunkRuns
  wanted(chunk: Chunk): boolean
  /** Nothing of the file is wanted any more, from anybody. */
  complete(): boolean
  onBytes(count: number): void
  /** A chunk came and is what was signed. */
  onGood(): void
}

/** @throws SlotbenchError `repo-wrong-data`, `repo-unreachable` when the body ends too early, and what writing throws. */
export async function receiveChunks(body: AsyncIterable<Uint8Array>, receiving: Receiving): Promise<void> {
  const { index, range, url, runs } = receiving
  let number = firstChunk(index, range.start)
  let chunk = index.chunk(number)
  let filled = 0
  try {
    for await (const piece of body) {
      receiving.onBytes(piece.length)
      for (let used = 0; used < piece.length; ) {
        if (chunk.offset >= range.end) return
        const some = piece.subarray(used, used + chunk.length - filled)
        runs.room.set(some, filled)
        filled += some.length
        used += some.length
        if (filled < chunk.length) break
        filled = 0
        await place(chunk, receiving)
        number++
        if (number === index.count || receiving.complete()) return
        chunk = index.chunk(number)
      }
    }
  } finally {
    await runs.end()
  }
  if (chunk.offset < range.end)
    throw new SlotbenchError(
      'repo-unreachable',
      `${url}: the server hung up ${range.end - chunk.offset - filled} bytes too early`,
    )
}

async function place(chunk: Chunk, { url, runs, wanted, onGood }: Receiving): Promise<void> {
  if (!wanted(chunk)) return runs.interrupt()
  if (hash('sha256', runs.room.subarray(0, chunk.length)) !== chunk.sha256)
    throw new SlotbenchError(
      'repo-wrong-data',
      `${url}: bytes from ${chunk.offset} on are not those that were signed`,
    )
  onGood()
  await runs.take(chunk)
}

/** Number of the chunk that begins at `offset`. */
function firstChunk(index: ChunkIndex, offset: number): number {
  let [low, high] = [0, index.count - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (index.chunk(middle).offset < offset) low = middle + 1
    else high = middle
  }
  return low
}
