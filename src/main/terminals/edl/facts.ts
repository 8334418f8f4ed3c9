// What a terminal tells in EDL, as facts. Pure: reading is done elsewhere, what the readings mean is decided here.
import type { EdlFacts, Fact, PartitionFacts, TerminalFacts } from '../../../shared/terminal.ts'
import { SLOTS, type Slot, splitSlot } from '../../../shared/units.ts'
import { superTables } from '../../core/formats/super-tables.ts'
import type { AvbFacts } from '../../core/rom/avb-facts.ts'
import { contradictions, isPartitionName, placedPartitions } from '../../core/storage/partitions.ts'
import {
  activeSlot,
  type SlotStorage,
  slotScheme,
  slotState,
  slotStateOf,
} from '../../core/storage/slot-switch.ts'
import { tableData } from '../../core/storage/table-data.ts'
import { present } from '../fact-fields.ts'
import type { EdlDisk } from '../types.ts'
import type { MiscContent } from './misc.ts'
import { tablesOf } from './read-storage.ts'
import type { SuperOnTerminal } from './super-on-terminal.ts'

/** What is known before any of the storage is read. */
export interface EdlOrigin {
  readonly bay: string
  readonly chipSerial: Fact<string> | undefined
  readonly hwId: Fact<string> | undefined
  readonly pkHash: Fact<string> | undefined
}

/** Everything that was read. */
export interface EdlReading {
  readonly memory: string
  readonly writable: boolean
  readonly digests: boolean
  readonly disks: readonly EdlDisk[]
  readonly misc: MiscContent | undefined
  readonly super: SuperOnTerminal | undefined
  /** From the vbmeta of the active slot. */
  readonly avb: AvbFacts | undefined
  /** What could not be made sense of, in words. */
  readonly notes: readonly string[]
}

export const SUPER = 'super'

export function slotStorage({ disks, memory, misc }: EdlReading): SlotStorage {
  return { tables: tablesOf(disks), ufs: memory === 'ufs', control: misc?.control }
}

export function factsOf(reading: EdlReading, origin: EdlOrigin): TerminalFacts {
  const storage = slotStorage(reading)
  const active = activeSlot(storage)
  const hasSlots = slotScheme(storage) !== 'none'
  const { super: read, avb } = reading
  const tables = read && superTables(read.metadata)
  const vbmeta = avb && `vbmeta${active === undefined ? '' : `_${active}`}`
  const said = <T>(value: T | undefined, source: string): Fact<T> | undefined =>
    value === undefined ? undefined : { value, source }
  return {
    mode: 'edl',
    readBackIn: ['edl'],
    bay: origin.bay,
    ...present({
      chipSerial: origin.chipSerial,
      slotCount: { value: hasSlots ? 2 : 1, source: 'partition tables' },
      currentSlot: said(active, sourceOfSlots(storage)),
      snapshotStatus: said(snapshotStatus(reading.misc, active), 'virtual A/B message in misc'),
      securityPatch: said(avb?.securityPatch, `${vbmeta}, what is installed`),
      fingerprint: said(avb?.build, `${vbmeta}, what is installed`),
      names: namesIn(avb?.build, `fingerprint in ${vbmeta}, what is installed`),
      rollback: said(avb && { ...avb.rollback }, `${vbmeta}`),
      superPartition: said(superName(reading.disks), 'partition tables'),
      superTables: said(tables, `metadata ${read?.slot} of super`),
    }),
    slots: present(Object.fromEntries(SLOTS.map((slot) => [slot, stateOf(storage, slot)]))),
    edl: edlFacts(reading, origin),
    ...partitionsOf(reading),
    variables: {},
  }
}

function edlFacts(reading: EdlReading, origin: EdlOrigin): EdlFacts {
  const { disks, memory, writable, digests } = reading
  const [disk] = disks
  const said = [...contradictionsOf(reading), ...reading.notes]
  return {
    ...present({
      hwId: origin.hwId,
      pkHash: origin.pkHash,
      memory: { value: memory, source: 'programmer' },
      sectorSize: disk && { value: disk.sectorSize, source: 'programmer' },
      contradictions: said.length > 0 ? said : undefined,
    }),
    luns: disks.map(({ lun, sectors, primary, backup, table }) => ({
      ...{ lun, sectors, primary, backup },
      ...(table === undefined ? {} : { table: tableData(table) }),
    })),
    writable,
    digests,
  }
}

function superName(disks: readonly EdlDisk[]): string | undefined {
  return placedPartitions(tablesOf(disks)).find(({ name }) => name === SUPER)?.name
}

function logicalNames({ super: read }: EdlReading): ReadonlyMap<string, number> {
  const named = (read?.metadata.partitions ?? []).filter(({ name }) => isPartitionName(name))
  return new Map(named.map(({ name, size }) => [name, size]))
}

function contradictionsOf(reading: EdlReading): readonly string[] {
  const tables = tablesOf(reading.disks)
  const physical = new Set(placedPartitions(tables).map(({ name }) => name))
  const twice = [...logicalNames(reading).keys()].filter((name) => physical.has(name))
  return [
    ...contradictions(tables),
    ...twice.map((name) => `${name} is a partition of a LUN and of super; which one is meant cannot be told`),
  ]
}

/** A name that stands for several partitions has no size: nobody can say which one is meant. */
function partitionsOf(reading: EdlReading): Pick<TerminalFacts, 'partitions' | 'hasSlot'> {
  const partitions = new Map<string, PartitionFacts>()
  const logical = logicalNames(reading)
  const placed = Map.groupBy(placedPartitions(tablesOf(reading.disks)), ({ name }) => name)
  for (const [name, [first, ...others]] of placed) {
    if (first === undefined || !isPartitionName(name)) continue
    const clear = others.length === 0 && !logical.has(name)
    partitions.set(name, { ...(clear && { size: first.size, logical: false }) })
  }
  for (const [name, size] of logical) if (!placed.has(name)) partitions.set(name, { size, logical: true })
  const hasSlot = new Map<string, boolean>()
  for (const name of partitions.keys()) {
    const { base, slot } = splitSlot(name)
    hasSlot.set(base, slot !== undefined || hasSlot.get(base) === true)
  }
  return { partitions: Object.fromEntries(partitions), hasSlot: Object.fromEntries(hasSlot) }
}

function sourceOfSlots(storage: SlotStorage): string {
  if (slotScheme(storage) === 'misc') return 'bootloader control in misc'
  const between =
    slotStateOf(storage) === 'between' ? '; other pairs say otherwise, as after half a switch' : ''
  return `attributes of boot_a and boot_b${between}`
}

function stateOf(storage: SlotStorage, slot: Slot): TerminalFacts['slots']['a'] {
  const state = slotState(storage, slot)
  if (state === undefined) return undefined
  const source = slotScheme(storage) === 'misc' ? 'bootloader control in misc' : `attributes of boot_${slot}`
  const { successful, unbootable, retryCount } = state
  return {
    successful: { value: successful, source },
    unbootable: { value: unbootable, source },
    retryCount: { value: retryCount, source },
  }
}

/** In fastbootd's words. A terminal that boots from the slot the update came from counts as not updating: that boot will throw the
 * snapshots away (AOSP libboot_control, GetSnapshotMergeStatus; fastboot/device/variables.cpp, GetSnapshotUpdateStatus). */
function snapshotStatus(misc: MiscContent | undefined, active: Slot | undefined): string | undefined {
  if (misc === undefined) return undefined
  const { update } = misc
  const pending =
    update?.status === 'merging' || (update?.status === 'snapshotted' && update.source !== active)
  return update !== undefined && pending ? update.status : 'none'
}

/** brand/product/device:version/… (AOSP ro.build.fingerprint): the product and the device by name. */
function namesIn(fingerprint: string | undefined, source: string): Fact<string>[] | undefined {
  const match = /^[^/:]+\/([^/:]+)\/([^/:]+):/.exec(fingerprint ?? '')
  const names = [...new Set([match?.[2], match?.[1]])].filter((name) => name !== undefined && name !== '')
  return names.length > 0 ? names.map((value) => ({ value: value ?? '', source })) : undefined
}
