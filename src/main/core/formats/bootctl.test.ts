import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { damaged, outcome } from '../../../../test/images.ts'
import {
  type BootloaderControl,
  encodeBootloaderControl,
  parseBootloaderControl,
  parseBootloaderMessage,
  withBootCommand,
} from './bootctl.ts'

const FRESH: BootloaderControl = {
  suffix: '_a',
  version: 1,
  slotCount: 2,
  recoveryTries: 5,
  mergeStatus: 7,
  slots: [
    { priority: 15, triesRemaining: 2, successful: false, verityCorrupted: false },
    { priority: 0, triesRemaining: 0, successful: false, verityCorrupted: true },
  ],
}

const slot = fc.record({
  priority: fc.nat(15),
  triesRemaining: fc.nat(7),
  successful: fc.boolean(),
  verityCorrupted: fc.boolean(),
})
const control: fc.Arbitrary<BootloaderControl> = fc
  .record({
    suffix: fc.constantFrom('_a', '_b', ''),
    version: fc.constant(1),
    recoveryTries: fc.nat(7),
    mergeStatus: fc.nat(7),
    slots: fc.array(slot, { minLength: 1, maxLength: 4 }),
  })
  .map((fields) => ({ ...fields, slotCount: fields.slots.length }))

describe('bootloader control', () => {
  it('has the bits where a compiler puts those of AOSP’s packed struct', () => {
    // Bytes 8..16 of the same values in `struct bootloader_control` as gcc 12 lays it out.
    const bytes = encodeBootloaderControl(FRESH)
    expect(Buffer.from(bytes.subarray(0, 16)).toString('hex')).toBe('5f6100004243414201ea01002f000001')
    expect(parseBootloaderControl(bytes)).toEqual(FRESH)
  })

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(control, (value) => {
        expect(parseBootloaderControl(encodeBootloaderControl(value))).toEqual(value)
      }),
    )
  })

  it('refuses every flipped bit under its checksum', () => {
    const bytes = encodeBootloaderControl(FRESH)
    for (let bit = 0; bit < 32 * 8; bit++) {
      const flipped = new Uint8Array(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => parseBootloaderControl(flipped)).toThrow(
        expect.objectContaining({ code: 'bootctl-invalid' }),
      )
    }
  })

  it.each([
    { ...FRESH, slots: FRESH.slots.slice(1) },
    { ...FRESH, suffix: '_abc' },
    { ...FRESH, recoveryTries: 8 },
    {
      ...FRESH,
      slots: [{ priority: 16, triesRemaining: 0, successful: true, verityCorrupted: false }],
      slotCount: 1,
    },
    { ...FRESH, slots: [], slotCount: 0 },
  ])('does not write what its fields cannot hold (%#)', (value) => {
    expect(() => encodeBootloaderControl(value)).toThrow(expect.objectContaining({ code: 'bootctl-invalid' }))
  })

  it('gives a result or one error for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(damaged(encodeBootloaderControl(FRESH)), async (bytes) => {
        await outcome(() => parseBootloaderControl(bytes))
      }),
    )
  })
})

describe('bootloader message', () => {
  it('reads command and arguments', () => {
    const misc = new Uint8Array(2048)
    misc.set(new TextEncoder().encode('boot-fastboot\0leftover'), 0)
    misc.set(new TextEncoder().encode('recovery\n--wipe_data\n'), 64)
    expect(parseBootloaderMessage(misc)).toEqual({
      command: 'boot-fastboot',
      status: '',
      recovery: 'recovery\n--wipe_data\n',
      stage: '',
    })
  })

  it('is written over what stood there, and leaves the rest of misc alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2048, maxLength: 2048 }), (misc) => {
        const changed = withBootCommand(misc, { command: 'boot-recovery', recovery: 'recovery\n' })
        expect(parseBootloaderMessage(changed)).toMatchObject({
          ...{ command: 'boot-recovery', status: '', recovery: 'recovery\n' },
        })
        expect(Buffer.compare(changed.subarray(832), misc.subarray(832))).toBe(0)
      }),
    )
    const message = { command: 'x'.repeat(33), recovery: '' }
    expect(() => withBootCommand(new Uint8Array(2048), message)).toThrow('longer than 32')
    expect(() => withBootCommand(new Uint8Array(2047), { command: '', recovery: '' })).toThrow('2047')
  })

  it('wants the whole message', () => {
    expect(() => parseBootloaderMessage(new Uint8Array(2047))).toThrow(
      expect.objectContaining({ code: 'bootctl-invalid' }),
    )
  })

  it('gives texts without NULs, as long as their fields at most, whatever the bytes', () => {
    const anyMisc = fc.uint8Array({ minLength: 2048, maxLength: 2100 })
    fc.assert(
      fc.property(anyMisc, (misc) => {
        const message = parseBootloaderMessage(misc)
        const limits = { command: 32, status: 32, recovery: 768, stage: 32 }
        for (const [field, limit] of Object.entries(limits)) {
          const text = message[field as keyof typeof limits]
          expect(text).not.toContain('\0')
          // Bytes that are no UTF-8 become one replacement character each, never more.
          expect(text.length).toBeLessThanOrEqual(limit)
        }
      }),
    )
  })
})
