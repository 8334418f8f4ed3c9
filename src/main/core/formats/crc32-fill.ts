// The CRC-32 of a long run of one repeated word, in a few dozen steps however long the run is: a header of a few
// bytes can promise petabytes, and no one should wait for their checksum.
import { crc32 } from 'node:zlib'

/** x^32 modulo the polynomial of CRC-32, bit-reversed as CRC-32 keeps its numbers. */
const X32 = 0xedb88320
const HIGH_BIT = 0x80000000

/** The checksum `crc` continued over `length` bytes made of the repeated little-endian u32 `word`. */
export function crc32Fill(crc: number, word: number, length: number): number {
  const pattern = new Uint8Array(4)
  new DataView(pattern.buffer).setUint32(0, word, true)
  // A CRC is linear: appending a part whose CRC is c multiplies what was there by x^(bits of the part) and adds c.
  // So parts of 1, 2, 4 ... words are made by doubling, and those that `length` is the sum of are appended.
  let result = crc
  let part = crc32(pattern)
  let shift = X32
  for (let words = Math.floor(length / 4); words > 0; words = Math.floor(words / 2)) {
    if (words % 2 === 1) result = (multiply(shift, result) ^ part) >>> 0
    part = (multiply(shift, part) ^ part) >>> 0
    shift = multiply(shift, shift)
  }
  return crc32(pattern.subarray(0, length % 4), result)
}

/** The product of two polynomials over GF(2) modulo CRC-32's; the highest bit is x^0. */
function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = HIGH_BIT; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted
    shifted = shifted & 1 ? (shifted >>> 1) ^ X32 : shifted >>> 1
  }
  return product >>> 0
}
