import { describe, expect, it } from 'vitest'
import {
  guid,
  LAYOUT,
  pair,
  slotBits,
  tableFor,
  UNUSED,
  type Wanted,
  ZTE_BIT,
} from '../../../../test/edl-terminal.ts'
import type { BootloaderControl } from '../formats/bootctl.ts'
import { decodeSlotAttributes } from '../formats/slot-attributes.ts'
import type { LunTable } from './partitions.ts'
import {
  activeSlot,
  planSlotSwitch,
  type SlotStorage,
  slotScheme,
  slotState,
  slotStateOf,
} from './slot-switch.ts'

const tablesFor = (layout: Readonly<Record<number, readonly Wanted[]>>): LunTable[] =>
  Object.entries(layout).map(([lun, wanted]) => ({
    lun: Number(lun),
    table: tableFor(Number(lun), wanted, { sectorSize: 4096, sectors: 4096 }),
  }))
const storage = (layout = LAYOUT, more: Partial<SlotStorage> = {}): SlotStorage => ({
  tables: tablesFor(layout),
  ufs: true,
  control: undefined,
  ...more,
})
const entry = (tables: readonly LunTable[], name: string) => {
  const found = tables.flatMap(({ table }) => table.entries).find((one) => one.name === name)
  if (found === undefined) throw new Error(`no ${name}`)
  return found
}
const bits = (tables: readonly LunTable[], name: string) =>
  Number((entry(tables, name).attributes >> 48n) & 0xffn)
/** The storage after some of the tables of a switch were written. */
const having = (before: SlotStorage, tables: readonly LunTable[]): SlotStorage => ({
  ...before,
  tables: before.tables.map((old) => tables.find(({ lun }) => lun === old.lun) ?? old),
})
const CONTROL: BootloaderControl = {
  ...{ suffix: '_a', version: 1, slotCount: 2, recoveryTries: 7, mergeStatus: 0 },
  slots: [
    { priority: 15, triesRemaining: 7, successful: true, verityCorrupted: false },
    { priority: 14, triesRemaining: 3, successful: true, verityCorrupted: false },
  ],
}

describe('a slot switch', () => {
  it('changes attributes as the bootloader does, and leaves every other bit alone', () => {
    const { tables } = planSlotSwitch(storage(), 'b')
    // Values of zte-domain §4.3: 0x3F fresh and active; the other one keeps tries and success, loses active, gets priority 2.
    expect(bits(tables, 'boot_b')).toBe(0x3f)
    expect(bits(tables, 'boot_a')).toBe(0x7a)
    // All others toggle the active bit and nothing else.
    expect(bits(tables, 'abl_a')).toBe(0x7b)
    expect(bits(tables, 'abl_b')).toBe(0x7e)
    expect(bits(tables, 'xbl_a')).toBe(0x7b)
    for (const name of ['boot_a', 'boot_b', 'abl_b', 'xbl_b', 'devinfo'])
      expect(entry(tables, name).attributes & ~(0xffn << 48n)).toBe(ZTE_BIT)
    expect(entry(tables, 'devinfo')).toEqual(entry(storage().tables, 'devinfo'))
  })

  it('moves the type GUID of a pair to the active side, unless the boot LUN chooses', () => {
    const { tables, bootLun } = planSlotSwitch(storage(), 'b')
    for (const [base, type] of [
      ['abl', 0x2],
      ['boot', 0x3],
      ['vbmeta', 0x4],
    ] as const) {
      expect(entry(tables, `${base}_b`).typeGuid).toBe(guid(type))
      expect(entry(tables, `${base}_a`).typeGuid).toBe(UNUSED)
    }
    expect([entry(tables, 'xbl_a').typeGuid, entry(tables, 'xbl_b').typeGuid]).toEqual([guid(1), guid(1)])
    expect(bootLun).toBe(2)
  })

  it('swaps the first stage by type GUID where there is one LUN, and sets no boot LUN there', () => {
    const emmc = { 0: [...pair('xbl', 65536, 9), ...pair('boot', 65536, 3)] }
    const { tables, bootLun } = planSlotSwitch(storage(emmc, { ufs: false }), 'b')
    expect(entry(tables, 'xbl_b').typeGuid).toBe(guid(9))
    expect(bootLun).toBeUndefined()
  })

  it('takes the table that decides last, and leaves out LUNs that have no part in it', () => {
    expect(planSlotSwitch(storage(), 'b').tables.map(({ lun }) => lun)).toEqual([1, 2, 4])
    const low = { ...LAYOUT, 0: pair('boot', 4096, 3), 4: pair('abl', 4096, 2) }
    expect(planSlotSwitch(storage(low), 'b').tables.map(({ lun }) => lun)).toEqual([1, 2, 4, 0])
  })

  it('is the same when it is made again, also from any point in between, and leads back as well', () => {
    for (const wanted of ['a', 'b'] as const) {
      const whole = planSlotSwitch(storage(), wanted)
      for (let done = 0; done <= whole.tables.length; done++) {
        const cut = having(storage(), planSlotSwitch(storage(), 'b').tables.slice(0, done))
        const resumed = having(cut, planSlotSwitch(cut, wanted).tables)
        expect(slotStateOf(resumed)).toBe(wanted)
        expect(activeSlot(resumed)).toBe(wanted)
        // Nothing of the way there shows in the end, but what a bootloader keeps of slot b: it was given up as active once.
        if (wanted === 'b') expect(resumed.tables).toEqual(having(storage(), whole.tables).tables)
      }
    }
  })

  it('tells a, b and what is in between', () => {
    const { tables } = planSlotSwitch(storage(), 'b')
    expect(slotStateOf(storage())).toBe('a')
    expect(slotStateOf(having(storage(), tables.slice(0, 1)))).toBe('between')
    expect(activeSlot(having(storage(), tables.slice(0, 2)))).toBe('a')
    expect(slotStateOf(having(storage(), tables))).toBe('b')
    expect(activeSlot(having(storage(), tables))).toBe('b')
  })

  it('mends a switch of which somebody else did the bits alone', () => {
    const halfway = {
      ...LAYOUT,
      4: pair('boot', 65536, 3).map((one, i) => ({ ...one, attributes: slotBits(i === 0 ? 'a' : 'b', 'b') })),
    }
    expect(slotStateOf(storage(halfway))).toBe('between')
    const { tables } = planSlotSwitch(storage(halfway), 'b')
    expect(entry(tables, 'boot_b').typeGuid).toBe(guid(3))
  })

  it('swaps two own GUIDs by the active bit, where none is the one for unused', () => {
    const two = pair('boot', 65536, 3).map((one, i) => ({ ...one, typeGuid: guid(0x30 + i) }))
    const { tables } = planSlotSwitch(storage({ ...LAYOUT, 4: two }), 'b')
    expect(entry(tables, 'boot_b').typeGuid).toBe(guid(0x30))
    const there = having(storage({ ...LAYOUT, 4: two }), tables)
    expect(planSlotSwitch(there, 'b').tables).toEqual(tables)
    const back = planSlotSwitch(there, 'a').tables
    expect(entry(back, 'boot_a').typeGuid).toBe(guid(0x30))
  })

  it('chooses no boot LUN where the first stage has no slots, and refuses where it is turned round', () => {
    const single = { ...LAYOUT, 1: [{ name: 'xbl', size: 4096 }], 2: [] }
    expect(planSlotSwitch(storage(single), 'b').bootLun).toBeUndefined()
    const turned = { ...LAYOUT, 1: LAYOUT[2] ?? [], 2: LAYOUT[1] ?? [] }
    expect(() => planSlotSwitch(storage(turned), 'b')).toThrow(
      expect.objectContaining({ code: 'terminal-refused' }),
    )
  })

  it('is not for terminals without slots', () => {
    const single = {
      0: [
        { name: 'boot', size: 4096 },
        { name: 'modem_a', size: 4096 },
      ],
    }
    expect(slotScheme(storage(single))).toBe('none')
    expect(slotStateOf(storage(single))).toBeUndefined()
    expect(() => planSlotSwitch(storage(single), 'a')).toThrow('no slots')
  })
})

describe('slots kept in misc', () => {
  const unused = {
    ...LAYOUT,
    4: pair('boot', 65536, 3).map((one) => ({ ...one, attributes: ZTE_BIT })),
    1: [],
    2: [],
  }

  it('count only where attributes were never set', () => {
    expect(slotScheme(storage(LAYOUT, { control: CONTROL }))).toBe('gpt')
    expect(slotScheme(storage(unused, { control: CONTROL }))).toBe('misc')
    expect(slotScheme(storage(unused))).toBe('gpt')
    expect(activeSlot(storage(unused))).toBeUndefined()
  })

  it('are switched as boot control does, with nothing proven', () => {
    const before = storage(unused, { control: CONTROL })
    expect(slotStateOf(before)).toBe('a')
    expect(slotState(before, 'b')).toMatchObject({ retryCount: 3, successful: true, unbootable: false })
    const { control, tables, bootLun } = planSlotSwitch(before, 'b')
    expect([tables, bootLun]).toEqual([[], undefined])
    expect(control?.slots).toEqual([
      { priority: 14, triesRemaining: 7, successful: true, verityCorrupted: false },
      { priority: 15, triesRemaining: 6, successful: false, verityCorrupted: false },
    ])
    expect(control?.suffix).toBe('_b')
    expect(slotStateOf({ ...before, control })).toBe('b')
  })
})

describe('the state of a slot', () => {
  it('is what the bootloader keeps with boot', () => {
    expect(slotState(storage(), 'a')).toEqual(decodeSlotAttributes(slotBits('a')))
    expect(slotState(storage(), 'b')).toMatchObject({ retryCount: 7, successful: true, unbootable: false })
  })
})
