import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { terminalFactsSchema } from '../../../shared/terminal.ts'
import { factsFromVariables } from './facts.ts'
import { parseMillivolts, parseNumber, parsePartitionSize, parsePercent, parseTruth } from './values.ts'

const context = { bay: 'usb:1-2', usbSerial: 'USB1', usbProduct: undefined }
const facts = (variables: Record<string, string>) =>
  factsFromVariables(new Map(Object.entries(variables)), context)

describe('values', () => {
  it.each([
    ['4.2V', 4200],
    ['4200mV', 4200],
    ['4200 mV', 4200],
    ['4200', 4200],
    ['4.2', 4200],
    ['4200000', 4200],
    ['8.7v', 8700],
    ['', undefined],
    ['0', undefined],
    ['99V', undefined],
    ['good', undefined],
  ])('voltage %j is %j mV', (text, millivolts) => expect(parseMillivolts(text)).toBe(millivolts))

  it.each([
    ['0x6000000', 0x6000000],
    ['6000000', 0x6000000],
    ['100663296', 0x6000000],
    ['5ff7000', 0x5ff7000],
    [' 0x1000', 4096],
    ['0', 0],
    ['none', undefined],
    ['0xffffffffffffffffff', undefined],
  ])('partition size %j is %j bytes', (text, size) => expect(parsePartitionSize(text)).toBe(size))

  it('reads numbers, truths and percentages, and nothing else', () => {
    expect(['805306368', '0x30000000', ' 12', '1e3', '-1', '', '0x'].map(parseNumber)).toEqual([
      805306368,
      805306368,
      12,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(['yes', 'true', '1', 'No', 'false', '0', 'maybe', ''].map(parseTruth)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      undefined,
      undefined,
    ])
    expect(['87', '87%', '100', '101', '-3', 'full'].map(parsePercent)).toEqual([
      87,
      87,
      100,
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('facts', () => {
  it('reads a Qualcomm A/B phone (NX679J, zte-domain §2.4)', () => {
    const found = facts({
      product: 'NX679J',
      serialno: 'abc123',
      unlocked: 'yes',
      secure: 'yes',
      'slot-count': '2',
      'current-slot': 'a',
      'max-download-size': '805306368',
      'battery-voltage': '4021',
      'slot-successful:a': 'yes',
      'slot-unbootable:b': 'no',
      'slot-retry-count:b': '7',
      'has-slot:boot': 'yes',
      'partition-size:boot_a': ' 0x6000000',
      'partition-type:boot_a': 'raw',
    })
    expect(found).toMatchObject({
      mode: 'bootloader',
      serial: { value: 'abc123', source: 'getvar serialno' },
      unlocked: { value: true },
      slotCount: { value: 2 },
      currentSlot: { value: 'a' },
      maxDownload: { value: 805306368, source: 'getvar max-download-size' },
      batteryMillivolts: { value: 4021 },
      slots: {
        a: { successful: { value: true } },
        b: { unbootable: { value: false }, retryCount: { value: 7 } },
      },
      partitions: { boot_a: { size: 0x6000000, type: 'raw' } },
      hasSlot: { boot: true },
    })
    expect(terminalFactsSchema.parse(found)).toEqual(found)
  })

  it('knows next to nothing of one that tells next to nothing, and takes empty answers for none', () => {
    const found = facts({ product: '', unlocked: '', 'current-slot': '_b', 'slot-suffixes': '_a,_b' })
    expect(found).toMatchObject({
      serial: { value: 'USB1', source: 'USB descriptor' },
      currentSlot: { value: 'b' },
      slotCount: { value: 2, source: 'getvar slot-suffixes' },
    })
    for (const absent of ['product', 'unlocked', 'maxDownload', 'maxFetch', 'rollback'])
      expect(found).not.toHaveProperty(absent)
    expect(found.slots).toEqual({})
  })

  it('caps downloads at 1 GiB and tells fastbootd from the bootloader', () => {
    const found = facts({
      'max-download-size': '0xffffffff',
      'is-userspace': 'yes',
      'is-logical:system_a': 'yes',
    })
    expect(found.maxDownload?.value).toBe(1024 ** 3)
    expect(found.mode).toBe('fastbootd')
    expect(found.partitions).toEqual({ system_a: { logical: true } })
  })

  it('whatever a terminal says, the facts are valid', () => {
    const name = fc.oneof(
      fc.string(),
      fc
        .tuple(
          fc.constantFrom('partition-size', 'has-slot', 'is-logical', 'slot-retry-count', 'partition-type'),
          fc.string(),
        )
        .map(([family, rest]) => `${family}:${rest}`),
      fc.constantFrom(
        'max-download-size',
        'slot-count',
        'current-slot',
        'battery-soc',
        '__proto__',
        'has-slot:__proto__',
      ),
    )
    const value = fc.oneof(fc.string(), fc.constantFrom('yes', '0x10', '-1', '99999999999999999999', 'a'))
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (entries) => {
        const result = terminalFactsSchema.safeParse(factsFromVariables(new Map(entries), context))
        expect(result.error).toBeUndefined()
      }),
    )
  })
})
