import { describe, expect, it } from 'vitest'
import type { SuperTables, TerminalFacts } from '../../../../shared/terminal.ts'
import { superUsage } from './super-usage.ts'

const KB = 1024
const facts = (more: Partial<TerminalFacts>): TerminalFacts => ({
  ...{ mode: 'fastbootd', bay: 'usb:1-2', slots: {}, partitions: {}, hasSlot: {}, variables: {} },
  ...more,
})

const TABLES: SuperTables = {
  size: 1024 * KB,
  firstByte: 64 * KB,
  alignment: 64 * KB,
  groups: [
    { name: 'default', maximum: 0 },
    { name: 'main_a', maximum: 500 * KB },
    { name: 'main_b', maximum: 100 * KB },
  ],
  partitions: [
    { name: 'system_a', group: 'main_a', bytes: 100 * KB },
    { name: 'vendor_a', group: 'main_a', bytes: 64 * KB },
    { name: 'system_b', group: 'main_b', bytes: 120 * KB },
    { name: 'vendor_b', group: 'main_b', bytes: 0 },
  ],
}

describe('how full super is', () => {
  it('comes from its tables, in whole units, and by group', () => {
    expect(superUsage(facts({ superTables: { value: TABLES, source: 'fetch' } }))).toEqual({
      size: 1024 * KB,
      taken: (128 + 64 + 128) * KB,
      free: (1024 - 64 - 320) * KB,
      from: 'tables',
      groups: [
        { name: 'default', taken: 0 },
        { name: 'main_a', taken: 164 * KB, limit: 500 * KB, free: 336 * KB },
        // Overfull, as no sound table is: nothing is free, and never less.
        { name: 'main_b', taken: 120 * KB, limit: 100 * KB, free: 0 },
      ],
    })
  })

  it('is estimated from sizes where the tables cannot be read', () => {
    const partitions = {
      super: { size: 1000 },
      system_a: { size: 600, logical: true },
      boot_a: { size: 50, logical: false },
    }
    expect(superUsage(facts({ partitions }))).toEqual({
      ...{ size: 1000, taken: 600, free: 400, from: 'estimate', groups: [] },
    })
  })

  it.each([
    ['no super', { system_a: { size: 600, logical: true } }],
    ['nothing that is known to be inside', { super: { size: 1000 }, boot_a: { size: 5 } }],
    ['a partition whose size is not told', { super: { size: 1000 }, system_a: { logical: true } }],
  ] as const)('is not known with %s', (_, partitions) => {
    expect(superUsage(facts({ partitions }))).toBeUndefined()
  })
})
