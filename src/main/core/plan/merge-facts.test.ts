import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MODES, type TerminalFacts, terminalFactsSchema } from '../../../shared/terminal.ts'
import { mergeFacts } from './merge-facts.ts'

const from =
  (mode: string) =>
  <T>(value: T) => ({ value, source: mode })
const reading = (mode: TerminalFacts['mode'], more: Partial<TerminalFacts> = {}): TerminalFacts => ({
  mode,
  bay: 'usb:1-2',
  slots: {},
  partitions: {},
  hasSlot: {},
  variables: {},
  ...more,
})
const [sys, boot, user] = [from('getprop'), from('bootloader'), from('fastbootd')]

const SYSTEM = reading('system', {
  product: sys('NX741J'),
  unlocked: sys(false),
  fingerprint: sys('system/1'),
  securityPatch: sys('2026-05-01'),
  batteryPercent: sys(80),
  names: [sys('NX741J'), sys('Red Magic')],
  variables: { product: 'NX741J', 'ro.x': '1' },
})
const BOOTLOADER = reading('bootloader', {
  product: boot('PQ85A01'),
  unlocked: boot(true),
  maxDownload: boot(100),
  maxFetch: boot(50),
  readBackIn: ['bootloader'],
  batteryPercent: boot(79),
  snapshotStatus: boot('merging'),
  rollback: boot({ '0': 5, '1': 2 }),
  slots: { a: { successful: boot(true), retryCount: boot(7) } },
  partitions: { boot_a: { size: 64 }, super: { size: 1000 }, system_a: { size: 1 } },
  hasSlot: { boot: true, system: false },
  variables: { product: 'PQ85A01' },
})
const FASTBOOTD = reading('fastbootd', {
  product: user('cook'),
  unlocked: user(false),
  maxDownload: user(10),
  readBackIn: [],
  batteryPercent: user(78),
  snapshotStatus: user('none'),
  superPartition: user('super'),
  fingerprint: user('recovery/0'),
  securityPatch: user('2026-01-01'),
  rollback: user({ '0': 4 }),
  slots: { a: { successful: user(false), unbootable: user(false) } },
  partitions: {
    boot_a: { size: 32, logical: false },
    system_a: { size: 500, logical: true },
    'system_b-cow': { size: 5, logical: true },
  },
  hasSlot: { boot: true, system: true },
  variables: { product: 'cook', 'is-userspace': 'yes' },
})

describe('facts of several modes', () => {
  const merged = mergeFacts([SYSTEM, BOOTLOADER, FASTBOOTD])

  it('are where the terminal was last', () => {
    expect([merged.mode, merged.surveyed]).toEqual(['fastbootd', ['system', 'bootloader', 'fastbootd']])
    expect(merged.batteryPercent?.value).toBe(78)
  })

  it.each([
    ['product', 'PQ85A01'],
    ['unlocked', true],
    ['maxDownload', 100],
    ['superPartition', 'super'],
    ['snapshotStatus', 'none'],
    ['fingerprint', 'system/1'],
    ['securityPatch', '2026-05-01'],
  ] as const)('%s is that of the mode that knows best', (key, value) => {
    expect(merged[key]?.value).toBe(value)
  })

  it('keep the highest rollback indices, every name once, and the modes that can be read', () => {
    expect(merged.rollback?.value).toEqual({ '0': 5, '1': 2 })
    expect(merged.names?.map(({ value }) => value)).toEqual(['PQ85A01', 'NX741J', 'Red Magic', 'cook'])
    expect(merged.readBackIn).toEqual(['bootloader'])
    expect(merged.variables).toEqual({ product: 'PQ85A01', 'ro.x': '1', 'is-userspace': 'yes' })
  })

  it('know the marks of a slot from the bootloader, and from others what it does not tell', () => {
    expect(merged.slots.a?.successful?.value).toBe(true)
    expect(merged.slots.a?.retryCount?.value).toBe(7)
    expect(merged.slots.a?.unbootable?.value).toBe(false)
  })

  it('know physical partitions from the bootloader and logical ones from fastbootd', () => {
    expect(merged.partitions).toEqual({
      boot_a: { size: 64, logical: false },
      super: { size: 1000 },
      system_a: { size: 500, logical: true },
      'system_b-cow': { size: 5, logical: true },
    })
    expect(merged.hasSlot).toEqual({ boot: true, system: true })
  })

  it('forget a logical partition that fastbootd has no more', () => {
    const later = { ...FASTBOOTD, partitions: { system_a: { size: 600, logical: true } } }
    const { partitions } = mergeFacts([BOOTLOADER, FASTBOOTD, later])
    expect(partitions['system_b-cow']).toBeUndefined()
    expect(partitions['system_a']).toEqual({ size: 600, logical: true })
  })

  it('of one mode stay what they are', () => {
    const { surveyed, names, ...rest } = mergeFacts([BOOTLOADER])
    expect([surveyed, names?.[0]?.value]).toEqual([['bootloader'], 'PQ85A01'])
    expect(rest).toEqual(BOOTLOADER)
  })

  it('are facts whatever is missing', () => {
    const some = (given: TerminalFacts) =>
      fc.subarray(Object.keys(given)).map((keys) => {
        const dropped = Object.entries(given).filter(([key]) => !keys.includes(key))
        return { ...reading(given.mode), ...Object.fromEntries(dropped) } as TerminalFacts
      })
    const any = fc.oneof(
      ...[SYSTEM, BOOTLOADER, FASTBOOTD].map(some),
      fc.constantFrom(...MODES).map((m) => reading(m)),
    )
    fc.assert(
      fc.property(any, fc.array(any, { maxLength: 4 }), (first, rest) => {
        const all = mergeFacts([first, ...rest])
        expect(terminalFactsSchema.parse(all)).toEqual(all)
        expect(all.mode).toBe((rest.at(-1) ?? first).mode)
      }),
    )
  })
})
