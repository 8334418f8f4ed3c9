import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { crc32Fill } from './crc32-fill.ts'

const u32 = fc.integer({ min: 0, max: 0xffffffff })

it('is what zlib computes over the expanded run', () => {
  fc.assert(
    fc.property(u32, u32, fc.nat(9000), (start, word, length) => {
      const run = Uint8Array.from({ length }, (_, i) => (word >>> ((i % 4) * 8)) & 0xff)
      expect(crc32Fill(start, word, length)).toBe(crc32(run, start))
    }),
  )
})

it('takes no longer for petabytes', () => {
  // Appending a run in two parts is appending it at once.
  const half = 2 ** 51
  expect(crc32Fill(crc32Fill(7, 0xdeadbeef, half), 0xdeadbeef, half)).toBe(crc32Fill(7, 0xdeadbeef, 2 * half))
})
