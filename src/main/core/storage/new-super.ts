// Empty tables for a super whose own are lost, from what a package says of its groups.
import { createHash } from 'node:crypto'
import type { StepOf } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import { SLOTS, sha256, slotted } from '../../../shared/units.ts'
import { memoryImage } from '../formats/raw-image.ts'
import { LP_ATTRIBUTE, SuperBuilder } from '../formats/super-builder.ts'
import type { SuperMetadata } from '../formats/super-metadata.ts'
import { encodeSuperEmpty } from '../formats/super-writer.ts'
import type { ImageSource } from '../source.ts'

export type NewSuper = Omit<StepOf<'new-super'>, 'id'>

/** lpmake's own, and tighter ones for a super in which that would waste too much. */
export const ALIGNMENTS = [1024 * 1024, 64 * 1024, 4096] as const

/** @param super_ its size, and the bytes at whose multiples partitions are to begin.
 * @returns undefined where the package does not say what is inside super. */
export function newSuper(
  rom: RomInfo,
  super_: { readonly name: string; readonly size: number; readonly alignment: number },
): NewSuper | undefined {
  if (rom.dynamicGroups.length === 0) return undefined
  const virtualAb = rom.virtualAb === true
  return {
    kind: 'new-super',
    partition: super_.name,
    bytes: super_.size,
    alignment: super_.alignment,
    virtualAb,
    // lpmake is given one more for the snapshots of Virtual A/B (AOSP build/make, core/Makefile).
    metadataSlots: virtualAb ? 3 : 2,
    groups: rom.dynamicGroups.flatMap(({ name, size, partitions }) =>
      SLOTS.map((slot) => ({
        name: `${name}_${slot}`,
        maximum: size,
        partitions: partitions.map((base) => slotted(base, slot)),
      })),
    ),
  }
}

/** @throws SlotbenchError `super-invalid` when the tables leave no room. */
export function newSuperMetadata(plan: NewSuper): {
  readonly metadata: SuperMetadata
  /** As lpmake leaves `super_empty.img`. */
  readonly image: ImageSource
} {
  const { bytes, metadataSlots, virtualAb, groups, alignment } = plan
  const builder = SuperBuilder.create({ size: bytes, metadataSlots, virtualAb, alignment })
  for (const { name, maximum, partitions } of groups) {
    builder.addGroup(name, maximum)
    for (const partition of partitions) builder.addPartition(partition, name, LP_ATTRIBUTE.readOnly)
  }
  const metadata = builder.build()
  const content = encodeSuperEmpty(builder.geometry, metadata)
  const digest = sha256(createHash('sha256').update(content).digest('hex'))
  return { metadata, image: memoryImage(content, { sha256: digest }) }
}
