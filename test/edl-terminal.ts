// The storage of an A/B phone with UFS, small: partition tables, misc, super, vbmeta. Content is pseudo-random, so that nothing is equal by
// accident.
import { randomBytes } from 'node:crypto'
import { type GptEntry, type GptTable, gptUsable, type SectorSize } from '../src/main/core/formats/gpt.ts'
import { encodeSlotAttributes, type SlotAttributes } from '../src/main/core/formats/slot-attributes.ts'
import { LP_ATTRIBUTE, SuperBuilder } from '../src/main/core/formats/super-builder.ts'
import { encodeSuperTables } from '../src/main/core/formats/super-writer.ts'
import { buildVbmeta } from '../src/main/core/formats/vbmeta-writer.ts'
import { VIRTUAL_AB_OFFSET } from '../src/main/core/formats/virtual-ab-message.ts'
import type { Slot } from '../src/shared/units.ts'
import { MemoryStorage } from './firehose-double.ts'

export const KIB = 1024
export const MIB = 1024 * KIB
/** Qualcomm's type GUID for the entry of a pair that is not in use. */
export const UNUSED = '77036CD4-03D5-42BB-8ED1-37E5A88BAA34'
/** ZTE sets bit 60 on many entries (zte-domain §4.3). */
export const ZTE_BIT = 1n << 60n
export const SUPER_BYTES = 8 * MIB
const BOOTED: SlotAttributes = {
  priority: 3,
  active: true,
  retryCount: 7,
  successful: true,
  unbootable: false,
}

export interface Wanted {
  readonly name: string
  /** Bytes. */
  readonly size: number
  readonly typeGuid?: string
  readonly attributes?: bigint
}

export const guid = (n: number) =>
  `${n.toString(16).padStart(8, '0').toUpperCase()}-0000-4000-8000-000000000000`

/** 0x7F for the active slot and 0x7A for the other one, as a phone has them that has booted both. */
export function slotBits(slot: Slot, active: Slot = 'a'): bigint {
  const on = slot === active
  return encodeSlotAttributes(ZTE_BIT, { ...BOOTED, active: on, priority: on ? 3 : 2 })
}

/** Both entries of a slotted partition on one LUN; the active one carries its own type GUID. */
export function pair(base: string, size: number, type: number, active: Slot = 'a'): Wanted[] {
  return (['a', 'b'] as const).map((slot) => ({
    name: `${base}_${slot}`,
    size,
    typeGuid: slot === active ? guid(type) : UNUSED,
    attributes: slotBits(slot, active),
  }))
}

export function tableFor(lun: number, wanted: readonly Wanted[], disk: DiskSize): GptTable {
  const { sectorSize, sectors: diskSectors } = disk
  const usable = gptUsable(sectorSize, diskSectors)
  let next = usable.firstUsable
  const entries = wanted.map((one, index): GptEntry => {
    const firstLba = next
    next += Math.ceil(one.size / sectorSize)
    const { name, typeGuid = guid(0x100 * (lun + 1) + index), attributes = 0n } = one
    const uniqueGuid = guid(0xf000 + 0x100 * lun + index)
    return { name, typeGuid, uniqueGuid, firstLba, lastLba: next - 1, attributes, index }
  })
  return { diskGuid: guid(0xd00 + lun), sectorSize, diskSectors, ...usable, entryCount: 128, entries }
}

export interface DiskSize {
  readonly sectorSize: SectorSize
  readonly sectors: number
}

export const LAYOUT: Readonly<Record<number, readonly Wanted[]>> = {
  0: [
    { name: 'persist', size: 64 * KIB },
    { name: 'misc', size: 64 * KIB },
    { name: 'super', size: SUPER_BYTES },
    { name: 'userdata', size: 256 * KIB },
  ],
  1: [{ name: 'xbl_a', size: 64 * KIB, typeGuid: guid(0x1), attributes: slotBits('a') }],
  2: [{ name: 'xbl_b', size: 64 * KIB, typeGuid: guid(0x1), attributes: slotBits('b') }],
  4: [
    ...pair('abl', 64 * KIB, 0x2),
    ...pair('boot', 192 * KIB, 0x3),
    ...pair('vbmeta', 64 * KIB, 0x4),
    { name: 'devinfo', size: 4 * KIB, attributes: ZTE_BIT },
  ],
  5: [
    { name: 'modemst1', size: 32 * KIB },
    { name: 'fsg', size: 32 * KIB },
  ],
}

export function phone(sectorSize: SectorSize = 4096, layout = LAYOUT): MemoryStorage {
  const sizes = Object.entries(layout).map(([lun, wanted]) => {
    const content = wanted.reduce((sum, { size }) => sum + Math.ceil(size / sectorSize), 0)
    return [Number(lun), content + 80] as const
  })
  const storage = new MemoryStorage(sectorSize, new Map(sizes), 1)
  for (const [lun, sectors] of sizes) {
    randomFill(storage.bytes(lun))
    storage.partition(lun, tableFor(lun, layout[lun] ?? [], { sectorSize, sectors }))
  }
  put(storage, layout, 'misc', new Uint8Array(64 * KIB))
  put(storage, layout, 'super', superTables())
  put(storage, layout, 'vbmeta_a', vbmeta(7, 'ZTE/NX769J/NX769J:15/AKQ1/1:user/release-keys'))
  put(storage, layout, 'vbmeta_b', vbmeta(6, 'ZTE/NX769J/NX769J:14/UKQ1/1:user/release-keys'))
  return storage
}

/** Puts bytes at the start of a partition. */
export function put(
  storage: MemoryStorage,
  layout: Readonly<Record<number, readonly Wanted[]>>,
  name: string,
  bytes: Uint8Array,
  offset = 0,
): void {
  const place = placeOf(storage, layout, name)
  if (place !== undefined) storage.bytes(place.lun).set(bytes, place.offset + offset)
}

/** Bytes of a partition. */
export function held(storage: MemoryStorage, name: string, layout = LAYOUT): Uint8Array<ArrayBuffer> {
  const place = placeOf(storage, layout, name)
  if (place === undefined) throw new Error(`no ${name}`)
  return storage.bytes(place.lun).slice(place.offset, place.offset + place.size)
}

export function placeOf(
  { sectorSize }: MemoryStorage,
  layout: Readonly<Record<number, readonly Wanted[]>>,
  name: string,
) {
  for (const [lun, wanted] of Object.entries(layout)) {
    let at = gptUsable(sectorSize === 512 ? 512 : 4096, 2 ** 20).firstUsable * sectorSize
    for (const one of wanted) {
      if (one.name === name) return { lun: Number(lun), offset: at, size: one.size }
      at += Math.ceil(one.size / sectorSize) * sectorSize
    }
  }
  return undefined
}

/** Virtual A/B: slot a filled, slot b with names only. */
export function superBuilder(): SuperBuilder {
  const options = {
    size: SUPER_BYTES,
    metadataSlots: 3,
    metadataMaxSize: 8192,
    alignment: 64 * KIB,
    virtualAb: true,
  }
  const builder = SuperBuilder.create(options).addGroup('g_a', 0).addGroup('g_b', 0)
  for (const slot of ['a', 'b'] as const)
    for (const base of ['system', 'vendor'])
      builder.addPartition(`${base}_${slot}`, `g_${slot}`, LP_ATTRIBUTE.readOnly)
  return builder.resize('system_a', MIB).resize('vendor_a', 512 * KIB)
}

function superTables(): Uint8Array {
  const builder = superBuilder()
  return encodeSuperTables(builder.geometry, builder.build())
}

function vbmeta(rollbackIndex: number, fingerprint: string): Uint8Array {
  const property = (key: string, value: string) =>
    ({ kind: 'property', key, value: new TextEncoder().encode(value) }) as const
  return buildVbmeta({
    algorithm: 'none',
    rollbackIndex,
    flags: 0,
    descriptors: [
      property('com.android.build.system.fingerprint', fingerprint),
      property('com.android.build.system.security_patch', '2026-01-05'),
    ],
  })
}

/** The virtual A/B message in misc: `status` 2 is snapshotted, 3 merging. */
export function stage(storage: MemoryStorage, status: number, source: Slot): void {
  const message = new Uint8Array(64)
  const view = new DataView(message.buffer)
  view.setUint8(0, 2)
  view.setUint32(1, 0x56740ab0, true)
  view.setUint8(5, status)
  view.setUint8(6, source === 'b' ? 1 : 0)
  put(storage, LAYOUT, 'misc', message, VIRTUAL_AB_OFFSET)
}

function randomFill(bytes: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < bytes.length; at += MIB) bytes.set(randomBytes(Math.min(MIB, bytes.length - at)), at)
}
