// Randomness that repeats: the same seed and label always give the same bytes, at any offset.
import { createCipheriv, createHash } from 'node:crypto'

const BLOCK = 16

/** Fills `target` with the bytes that stand at `offset` of the stream named by `label`. AES-CTR: fast, and any offset is one step away. */
export function randomBytesAt(label: string, offset: number, target: Uint8Array): void {
  const key = createHash('sha256').update(label).digest()
  const counter = Buffer.alloc(16)
  counter.writeBigUInt64BE(BigInt(Math.floor(offset / BLOCK)), 8)
  const cipher = createCipheriv('aes-256-ctr', key, counter)
  const skip = offset % BLOCK
  if (skip > 0) cipher.update(new Uint8Array(skip))
  target.set(cipher.update(new Uint8Array(target.length)))
}

export function randomBytes(label: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  randomBytesAt(label, 0, bytes)
  return bytes
}

/** A generator of numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A GUID that belongs to `label`, as RFC 9562 version 4 text in upper case. */
export function guidOf(label: string): string {
  const hex = createHash('sha256').update(label).digest('hex').toUpperCase()
  const variant = '89AB'.charAt(Number.parseInt(hex.charAt(16), 16) & 3)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
