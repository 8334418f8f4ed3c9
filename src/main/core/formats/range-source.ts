// Ranges of a source, one after the other, as one source.
import { bytes } from '../../../shared/units.ts'
import type { ByteSource } from '../source.ts'
import { beyondEnd } from './slice-source.ts'

/** @param size bytes; may be less than the ranges together, whose rest is then left out.
 * Closing it leaves `parent` open. */
export function rangeSource(
  parent: ByteSource,
  ranges: readonly { readonly offset: number; readonly length: number }[],
  size: number,
): ByteSource {
  const starts: number[] = []
  let total = 0
  for (const { length } of ranges) {
    starts.push(total)
    total += length
  }
  const { name } = parent
  return {
    name,
    size: bytes(Math.min(size, total)),
    async read(offset, length, signal) {
      if (offset < 0 || length < 0 || offset + length > size) throw beyondEnd(name, offset + length)
      const result = new Uint8Array(length)
      for (let index = rangeAt(starts, offset), done = 0; done < length; index++) {
        const [range, start] = [ranges[index], starts[index]]
        if (range === undefined || start === undefined) throw beyondEnd(name, offset + length)
        const skip = offset + done - start
        const take = Math.min(range.length - skip, length - done)
        result.set(await parent.read(range.offset + skip, take, signal), done)
        done += take
      }
      return result
    },
    async close() {},
  }
}

/** The last range that begins at or before `offset`. */
function rangeAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low
}
