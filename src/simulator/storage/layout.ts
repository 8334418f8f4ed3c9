// Lays the partitions of a profile out on its LUNs: the partition tables a terminal leaves the factory with.
import { encodeGpt, type GptEntry, type GptTable, gptUsable } from '../../main/core/formats/gpt.ts'
import { encodeSlotAttributes, type SlotAttributes } from '../../main/core/formats/slot-attributes.ts'
import { SLOTS, type Slot } from '../../shared/units.ts'
import type { PartitionProfile, TerminalProfile } from '../profiles/types.ts'
import { guidOf } from '../randomness.ts'
import type { SimulatedStorage, StorageGeometry } from './storage.ts'

/** Qualcomm's type GUID for the entry of a pair that is not in use; the other one carries the partition's own. */
export const INACTIVE_TYPE = '77036CD4-03D5-42BB-8ED1-37E5A88BAA34'
/** ZTE sets bit 60 on many entries (zte-domain §4.3). */
const ZTE_BIT = 1n << 60n
/** Partitions begin at such multiples, as partitioning programs expect. */
const ALIGNMENT = 1024 * 1024

/** 0x7F and 0x7A of §4.3: both slots came from the factory and have booted; a is active. */
const FACTORY_SLOTS: Readonly<Record<Slot, SlotAttributes>> = {
  a: { priority: 3, active: true, retryCount: 7, successful: true, unbootable: false },
  b: { priority: 2, active: false, retryCount: 7, successful: true, unbootable: false },
}

interface Placed {
  readonly name: string
  readonly slot: Slot | undefined
  readonly profile: PartitionProfile
}

/** Every partition by its full name, with the LUN it lies on. */
function placed(profile: TerminalProfile): ReadonlyMap<number, readonly Placed[]> {
  const luns = new Map<number, Placed[]>()
  const put = (lun: number, one: Placed) => {
    luns.set(lun, [...(luns.get(lun) ?? []), one])
  }
  for (const partition of profile.partitions) {
    if (partition.logical) continue
    if (!partition.slotted) put(partition.lun, { name: partition.name, slot: undefined, profile: partition })
    else
      for (const slot of SLOTS) {
        const lun = slot === 'b' ? (partition.lunB ?? partition.lun) : partition.lun
        put(lun, { name: `${partition.name}_${slot}`, slot, profile: partition })
      }
  }
  return luns
}

/** The LUNs that a profile's partitions need. */
export function geometryOf(profile: TerminalProfile): StorageGeometry {
  const luns: (number | undefined)[] = []
  for (const [lun, partitions] of placed(profile)) {
    const data = partitions.reduce((sum, { profile: { size } }) => sum + align(size, ALIGNMENT), 0)
    // Room for both tables, and for the alignment of the first partition.
    luns[lun] = data + 2 * ALIGNMENT
  }
  return { sectorSize: profile.sectorSize, luns: Array.from(luns) }
}

/** The names of all partitions, slot suffixes included. */
export function partitionNames(profile: TerminalProfile): readonly string[] {
  return [...placed(profile).values()].flat().map(({ name }) => name)
}

/** Writes fresh partition tables to every LUN. */
export async function partition(storage: SimulatedStorage, profile: TerminalProfile): Promise<void> {
  for (const [lun, partitions] of placed(profile)) {
    const medium = storage.luns.get(lun)
    const sectors = Math.floor((medium?.size ?? 0) / storage.sectorSize)
    const { protectiveMbr, primary, backup } = encodeGpt(tableOf(profile, lun, partitions, sectors))
    await storage.write(lun, 0, protectiveMbr)
    await storage.write(lun, primary.lba * storage.sectorSize, primary.bytes)
    await storage.write(lun, backup.lba * storage.sectorSize, backup.bytes)
  }
}

/** The table of each LUN as the terminal leaves the factory with it. */
export function factoryTables(profile: TerminalProfile): ReadonlyMap<number, GptTable> {
  const { luns } = geometryOf(profile)
  return new Map(
    Array.from(placed(profile), ([lun, partitions]) => {
      const sectors = Math.floor((luns[lun] ?? 0) / profile.sectorSize)
      return [lun, tableOf(profile, lun, partitions, sectors)]
    }),
  )
}

function tableOf(
  profile: TerminalProfile,
  lun: number,
  partitions: readonly Placed[],
  diskSectors: number,
): GptTable {
  const { sectorSize } = profile
  const usable = gptUsable(sectorSize, diskSectors)
  const step = ALIGNMENT / sectorSize
  let next = align(usable.firstUsable, step)
  const entries = partitions.map((one): GptEntry => {
    const firstLba = next
    next = align(firstLba + one.profile.size / sectorSize, step)
    const lastLba = firstLba + one.profile.size / sectorSize - 1
    const uniqueGuid = guidOf(`${profile.id} unique ${one.name}`)
    return {
      name: one.name,
      firstLba,
      lastLba,
      uniqueGuid,
      typeGuid: typeOf(profile, one),
      attributes: attributesOf(profile, one.slot),
    }
  })
  const diskGuid = guidOf(`${profile.id} disk ${lun}`)
  return { diskGuid, sectorSize, diskSectors, ...usable, entryCount: 128, entries }
}

function typeOf(profile: TerminalProfile, one: Placed): string {
  const swapped = profile.slotScheme === 'qualcomm-gpt' && one.profile.lunB === undefined
  return swapped && one.slot === 'b' ? INACTIVE_TYPE : guidOf(`type ${one.profile.name}`)
}

function attributesOf(profile: TerminalProfile, slot: Slot | undefined): bigint {
  if (profile.slotScheme !== 'qualcomm-gpt') return 0n
  return slot ? encodeSlotAttributes(ZTE_BIT, FACTORY_SLOTS[slot]) : ZTE_BIT
}

function align(value: number, step: number): number {
  return Math.ceil(value / step) * step
}
