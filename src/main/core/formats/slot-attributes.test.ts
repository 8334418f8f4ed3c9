import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeSlotAttributes, encodeSlotAttributes } from './slot-attributes.ts'

// Values seen on terminals (domain reference §4.3): byte 6 of the attributes.
it.each([
  [0x3f, { priority: 3, active: true, retryCount: 7, successful: false, unbootable: false }],
  [0x7f, { priority: 3, active: true, retryCount: 7, successful: true, unbootable: false }],
  [0x3a, { priority: 2, active: false, retryCount: 7, successful: false, unbootable: false }],
  [0x6f, { priority: 3, active: true, retryCount: 5, successful: true, unbootable: false }],
  [0x80, { priority: 0, active: false, retryCount: 0, successful: false, unbootable: true }],
])('reads and writes %i', (byte, state) => {
  const attributes = BigInt(byte) << 48n
  expect(decodeSlotAttributes(attributes)).toEqual(state)
  expect(encodeSlotAttributes(0n, state)).toBe(attributes)
})

it('keeps the bits it does not know, as on NX679J', () => {
  const active = { priority: 3, active: true, retryCount: 7, successful: true, unbootable: false }
  expect(encodeSlotAttributes(0x103a_0000_0000_0004n, active)).toBe(0x107f_0000_0000_0004n)
})

it('changes nothing when the state stays', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (attributes) => {
      expect(encodeSlotAttributes(attributes, decodeSlotAttributes(attributes))).toBe(attributes)
    }),
  )
})
