// Content-defined chunking (FastCDC, Xia et al., USENIX ATC 2016, with normalised chunk sizes): where a file is cut depends on
// the bytes around the cut only, so that two builds of one ROM have most of their chunks in common wherever those lie.
import { createHash } from 'node:crypto'

/** Bytes. They are part of the format: other numbers cut elsewhere, and nothing is shared with older indexes any more. */
export const MIN_CHUNK = 32 * 1024
const NORMAL_CHUNK = 128 * 1024
export const MAX_CHUNK = 512 * 1024

/** Below the normal size a cut needs two bits more than log2 of it, above two bits less. The highest bits of the rolling hash are
 * used, for they have seen the most bytes. */
const RARE = topBits(19)
const OFTEN = topBits(15)
const GEAR = gearTable()

function topBits(count: number): number {
  return ~(2 ** (32 - count) - 1)
}

/** 256 words that look random and are the same for ever. */
function gearTable(): Int32Array {
  const table = new Int32Array(256)
  for (let i = 0; i < table.length; i++)
    table[i] = createHash('sha256').update(`slotbench chunks 1 ${i}`).digest().readInt32LE()
  return table
}

/** Length of the chunk that begins `bytes`: from `MIN_CHUNK` to `MAX_CHUNK`, or all of `bytes` where that is less.
 * `bytes` has to hold `MAX_CHUNK` bytes, or everything up to the end of the file. */
export function chunkLength(bytes: Uint8Array): number {
  const end = Math.min(bytes.length, MAX_CHUNK)
  if (end <= MIN_CHUNK) return end
  const normal = Math.min(end, NORMAL_CHUNK)
  let hash = 0
  let at = MIN_CHUNK
  for (; at < normal; at++) {
    hash = ((hash << 1) + (GEAR[bytes[at] as number] as number)) | 0
    if ((hash & RARE) === 0) return at + 1
  }
  for (; at < end; at++) {
    hash = ((hash << 1) + (GEAR[bytes[at] as number] as number)) | 0
    if ((hash & OFTEN) === 0) return at + 1
  }
  return end
}
