// The super that a terminal leaves the factory with, and that its packages bring along: groups and partitions for both slots.
import { LP_ATTRIBUTE, SuperBuilder } from '../../main/core/formats/super-builder.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { SLOTS, type Slot } from '../../shared/units.ts'
import type { DynamicProfile, TerminalProfile } from '../profiles/types.ts'

/** Boot slots and one more, as lpmake is told for Virtual A/B. */
const METADATA_SLOTS = 3
const BLOCK = 4096

/** Where in userdata an update keeps what super has no room for: behind the owner's data. */
export const STAGED_FROM = 1024 * 1024

/** Bytes that the logical partitions of one slot take. */
export function contentSize({ partitions }: TerminalProfile, { alignment }: DynamicProfile): number {
  const logical = partitions.filter((partition) => partition.logical)
  return logical.reduce((sum, { size }) => sum + alignUp(size, alignment), 0)
}

/** Bytes that the super of a profile needs, for the sizes its logical partitions have. */
export function superSize(profile: TerminalProfile, dynamic: DynamicProfile): number {
  const { alignment, metadataMaxSize, slotsInSuper, spare } = dynamic
  const content = contentSize(profile, dynamic)
  const tables = alignUp(4096 + 2 * (4096 + metadataMaxSize * METADATA_SLOTS), alignment)
  return alignUp(tables + content * slotsInSuper * (1 + spare), Math.max(BLOCK, alignment))
}

/** The layout without content: every partition of both slots, empty. What `super_empty.img` holds. */
export function emptySuper(profile: TerminalProfile): SuperBuilder {
  const { dynamic } = profile
  const size = profile.partitions.find(({ name }) => name === 'super')?.size
  if (!dynamic || size === undefined) throw new SlotbenchError('internal', `${profile.id} has no super`)
  const { alignment, metadataMaxSize } = dynamic
  const builder = SuperBuilder.create({
    ...{ size, alignment, metadataMaxSize, metadataSlots: METADATA_SLOTS, virtualAb: true },
  })
  const [room] = builder.build().blockDevices
  for (const slot of SLOTS)
    builder.addGroup(`${dynamic.group}_${slot}`, size - (room?.firstLogicalSector ?? 0) * 512)
  for (const slot of SLOTS) {
    for (const { name, logical } of profile.partitions) {
      if (logical) builder.addPartition(`${name}_${slot}`, `${dynamic.group}_${slot}`, LP_ATTRIBUTE.readOnly)
    }
  }
  return builder
}

/** The layout with room for the content of the given slots. */
export function filledSuper(profile: TerminalProfile, slots: readonly Slot[]): SuperBuilder {
  const builder = emptySuper(profile)
  for (const slot of slots) {
    for (const { name, logical, size } of profile.partitions)
      if (logical) builder.resize(`${name}_${slot}`, size)
  }
  return builder
}

/** The slots whose logical partitions the factory fills. */
export function factorySlotsInSuper({ dynamic }: TerminalProfile): readonly Slot[] {
  return SLOTS.slice(0, dynamic?.slotsInSuper ?? 0)
}

function alignUp(value: number, step: number): number {
  return Math.ceil(value / step) * step
}
