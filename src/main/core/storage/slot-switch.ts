// Switching the slot of a Qualcomm terminal: which tables change how, in which order, and whose slot a storage stands on.
//
// Four things change together (zte-domain §4.3): the attributes of every `_a`/`_b` entry, the type GUIDs that stand on the active entry
// of each pair, both copies of each table with their checksums, and on UFS the boot LUN. They cannot change at once, so the order is:
//
//   1. the tables of LUNs without `boot_a`/`boot_b`, by number. Nothing that decides looks at them: the boot ROM goes by the boot LUN,
//      the bootloader by the attributes of `boot`. Until step 2 the terminal is on the slot it was on.
//   2. the table of the LUN with `boot`. The first boot stage finds the firmware by type GUIDs, the bootloader its slot by attributes;
//      both change in one table, whose copies are written one after the other (copy-order.ts). The moment in which readers see the new
//      one instead of the old one is the first torn sector of the second copy: there is no state in between.
//   3. the boot LUN, one command. Between 2 and 3 the first stage of one slot meets the firmware of the other: both are whole, but only
//      that pair was never tried, so it is the shortest stretch and comes last. What was proven is the tables; the boot LUN cannot be
//      read back, and setting it again does no harm.
//
// A switch that was cut off is simply made again, to either side: what is computed depends only on the slot that is wanted, on who
// carries a pair's own type GUID, and on bits that a switch does not touch.
import { SlotbenchError } from '../../../shared/errors.ts'
import { otherSlot, SLOTS, type Slot, splitSlot } from '../../../shared/units.ts'
import type { BootloaderControl, ControlSlot } from '../formats/bootctl.ts'
import type { GptEntry, GptTable } from '../formats/gpt.ts'
import {
  decodeSlotAttributes,
  encodeSlotAttributes,
  type SlotAttributes,
} from '../formats/slot-attributes.ts'
import { type LunTable, type PlacedPartition, placedPartitions } from './partitions.ts'

/** What a storage says of its slots. */
export interface SlotStorage {
  /** Of every LUN whose table can be read. */
  readonly tables: readonly LunTable[]
  /** Only UFS has boot LUNs. */
  readonly ufs: boolean
  /** From misc; undefined where there is none. */
  readonly control: BootloaderControl | undefined
}

/** `gpt`: attributes of the entries, as Qualcomm's bootloader keeps them; `misc`: bootloader control, as others do. */
export type SlotScheme = 'gpt' | 'misc' | 'none'

export interface SlotSwitch {
  /** As they are to be, in the order in which they are written. Those that need no change are among them: their copies may. */
  readonly tables: readonly LunTable[]
  /** For misc, where slots are kept there. */
  readonly control: BootloaderControl | undefined
  /** For UFS, after everything else. */
  readonly bootLun: 1 | 2 | undefined
}

/** The bootloader keeps the state of a slot with this partition. */
const DECIDING = 'boot'
/** Qualcomm's type GUID for the entry of a pair that is not in use. */
const UNUSED_TYPE = '77036CD4-03D5-42BB-8ED1-37E5A88BAA34'
/** UFS: the boot ROM reads the first stage (xbl, xbl_config, on newer chips multiimg and tme images) from the LUN that is chosen as boot
 * LUN. Which images those are differs from chip to chip; that one of a pair lies on each of these LUNs does not. */
const BOOT_LUN = { a: 1, b: 2 } as const

/** Qualcomm's bootloader ignores the record in misc (zte-domain §4.5), so it counts only where attributes were never set. */
export function slotScheme({ tables, control }: SlotStorage): SlotScheme {
  const pairs = pairsOf(tables)
  if (!pairs.some(({ base }) => base === DECIDING)) return 'none'
  const used = pairs.some(({ a, b }) => [a, b].some(({ entry }) => slotBits(entry) !== 0n))
  return !used && control !== undefined && control.slotCount >= 2 ? 'misc' : 'gpt'
}

/** The slot that the terminal boots next, by the rule of whoever decides; undefined where nothing was ever set, or there are none. */
export function activeSlot(storage: SlotStorage): Slot | undefined {
  switch (slotScheme(storage)) {
    case 'gpt': {
      const boot = bootPair(storage.tables)
      const [a, b] = [
        decodeSlotAttributes(boot.a.entry.attributes),
        decodeSlotAttributes(boot.b.entry.attributes),
      ]
      if (slotBits(boot.a.entry) === 0n && slotBits(boot.b.entry) === 0n) return undefined
      if (a.active !== b.active) return b.active ? 'b' : 'a'
      return b.priority > a.priority ? 'b' : 'a'
    }
    case 'misc':
      return controlSlot(storage.control)
    default:
      return undefined
  }
}

/** The state of one slot, as the bootloader keeps it. */
export function slotState(storage: SlotStorage, slot: Slot): Omit<SlotAttributes, 'active'> | undefined {
  switch (slotScheme(storage)) {
    case 'gpt': {
      const { entry } = bootPair(storage.tables)[slot]
      return slotBits(entry) === 0n ? undefined : decodeSlotAttributes(entry.attributes)
    }
    case 'misc': {
      const kept = storage.control?.slots[SLOTS.indexOf(slot)]
      if (kept === undefined) return undefined
      const { priority, triesRemaining: retryCount, successful } = kept
      return { priority, retryCount, successful, unbootable: priority === 0 }
    }
    default:
      return undefined
  }
}

/** Where the tables stand: wholly on one slot, or between the two. `between` is what a switch that was cut off leaves. It is also what a
 * system leaves whose own updater does not know every pair, so it is no damage by itself; the boot LUN cannot be read and is not part of
 * it. Undefined where there are no slots, or nothing was ever set. */
export function slotStateOf(storage: SlotStorage): Slot | 'between' | undefined {
  const active = activeSlot(storage)
  if (active === undefined || slotScheme(storage) === 'misc') return active
  const settled = (slot: Slot) =>
    pairsOf(storage.tables).every((pair) => {
      const types = typesOf(pair, slot)
      return SLOTS.every((side) => {
        const { entry } = pair[side]
        return (
          decodeSlotAttributes(entry.attributes).active === (side === slot) && entry.typeGuid === types[side]
        )
      })
    })
  return SLOTS.find(settled) ?? 'between'
}

/** What has to be written so that `slot` boots next, with fresh tries and nothing proven.
 * @throws SlotbenchError `terminal-refused` when the storage has no slots, or its boot LUNs cannot be told apart. */
export function planSlotSwitch(storage: SlotStorage, slot: Slot): SlotSwitch {
  switch (slotScheme(storage)) {
    case 'none':
      throw new SlotbenchError(
        'terminal-refused',
        'the partition tables name no boot_a and boot_b: there are no slots',
      )
    case 'misc':
      return {
        tables: [],
        control: storage.control && switchedControl(storage.control, slot),
        bootLun: undefined,
      }
    default: {
      const bootLun = storage.ufs ? chosenBootLun(storage.tables, slot) : undefined
      return { tables: switchedTables(storage, slot), control: undefined, bootLun }
    }
  }
}

interface Pair extends Readonly<Record<Slot, PlacedPartition>> {
  readonly base: string
}

/** Entries of both slots, wherever each lies. A name that stands twice belongs to no pair. */
function pairsOf(tables: readonly LunTable[]): Pair[] {
  const byName = Map.groupBy(placedPartitions(tables), ({ name }) => name)
  return [...byName].flatMap(([name, [a, ...others]]) => {
    const { base, slot } = splitSlot(name)
    const [b, ...more] = byName.get(`${base}_b`) ?? []
    if (slot !== 'a' || !a || !b || others.length + more.length > 0) return []
    return { base, a, b }
  })
}

function bootPair(tables: readonly LunTable[]): Pair {
  const pair = pairsOf(tables).find(({ base }) => base === DECIDING)
  if (pair === undefined) throw new SlotbenchError('internal', 'slots without boot_a and boot_b')
  return pair
}

function switchedTables(storage: SlotStorage, slot: Slot): LunTable[] {
  const pairs = new Map(pairsOf(storage.tables).map((pair) => [pair.base, pair]))
  const deciding = new Set(SLOTS.map((side) => bootPair(storage.tables)[side].range.lun))
  const changed = (table: GptTable): GptTable => ({
    ...table,
    entries: table.entries.map((entry) => {
      const { base, slot: side } = splitSlot(entry.name)
      const pair = side && pairs.get(base)
      if (side === undefined || pair === undefined) return entry
      const attributes = withRole(entry.attributes, { deciding: base === DECIDING, active: side === slot })
      return { ...entry, attributes, typeGuid: typesOf(pair, slot)[side] }
    }),
  })
  return storage.tables
    .filter(({ table }) => table.entries.some(({ name }) => pairs.has(splitSlot(name).base)))
    .toSorted((x, y) => Number(deciding.has(x.lun)) - Number(deciding.has(y.lun)) || x.lun - y.lun)
    .map(({ lun, table }) => ({ lun, table: changed(table) }))
}

/** The rules of Qualcomm's bootloader, as zte-domain §4.3 has them; whatever else stands in the attributes stays. */
function withRole(
  attributes: bigint,
  role: { readonly deciding: boolean; readonly active: boolean },
): bigint {
  const present = decodeSlotAttributes(attributes)
  const { active } = role
  if (!role.deciding) return encodeSlotAttributes(attributes, { ...present, active })
  const fresh = { priority: 3, active, retryCount: 7, successful: false, unbootable: false }
  return encodeSlotAttributes(attributes, active ? fresh : { ...present, active, priority: 2 })
}

/** Which type GUID each side of a pair carries when `slot` is the active one. Those of a pair on two LUNs stay: the boot LUN chooses. */
function typesOf(pair: Pair, slot: Slot): Readonly<Record<Slot, string>> {
  const { a, b } = pair
  const as = { a: a.entry.typeGuid, b: b.entry.typeGuid }
  if (a.range.lun !== b.range.lun || as.a === as.b) return as
  return ownerOf(pair) === slot ? as : { a: as.b, b: as.a }
}

/** The side that carries the pair's own GUID. The one for "not in use" tells it whatever the attributes say: other programs switch the
 * bits alone. Where neither side has that one, the active side is the owner, as for Qualcomm's boot HAL. */
function ownerOf(pair: Pair): Slot {
  const unused = SLOTS.find((side) => pair[side].entry.typeGuid === UNUSED_TYPE)
  if (unused !== undefined) return otherSlot(unused)
  return decodeSlotAttributes(pair.b.entry.attributes).active &&
    !decodeSlotAttributes(pair.a.entry.attributes).active
    ? 'b'
    : 'a'
}

/** Undefined where the first boot stage has no slots: then there is nothing to choose, and choosing LUN 2 would boot nothing. */
function chosenBootLun(tables: readonly LunTable[], slot: Slot): 1 | 2 | undefined {
  const luns: ReadonlySet<number> = new Set(Object.values(BOOT_LUN))
  const staged = pairsOf(tables).filter(
    ({ a, b }) => a.range.lun !== b.range.lun && luns.has(a.range.lun) && luns.has(b.range.lun),
  )
  const turned = staged.find(({ a }) => a.range.lun !== BOOT_LUN.a)
  if (turned !== undefined)
    throw new SlotbenchError(
      'terminal-refused',
      `${turned.base}_a lies on LUN 2 and ${turned.base}_b on LUN 1; which boot LUN belongs to which slot cannot be told`,
    )
  return staged.length > 0 ? BOOT_LUN[slot] : undefined
}

/** As AOSP's boot control sets a slot active (libboot_control.cpp: 15 and 6 tries, the others below), with nothing proven. */
function switchedControl(control: BootloaderControl, slot: Slot): BootloaderControl {
  const slots = control.slots.map((kept, i): ControlSlot => {
    if (SLOTS[i] !== slot) return { ...kept, priority: Math.min(kept.priority, 14) }
    return { priority: 15, triesRemaining: 6, successful: false, verityCorrupted: false }
  })
  return { ...control, suffix: `_${slot}`, slots }
}

/** Highest priority, then successful, then tries (zte-domain §4.5). */
function controlSlot(control: BootloaderControl | undefined): Slot | undefined {
  const [a, b] = control?.slots ?? []
  if (a === undefined || b === undefined) return undefined
  const rank = (kept: ControlSlot) => kept.priority * 100 + (kept.successful ? 10 : 0) + kept.triesRemaining
  return rank(b) > rank(a) ? 'b' : 'a'
}

function slotBits(entry: GptEntry): bigint {
  return (entry.attributes >> 48n) & 0xffn
}
