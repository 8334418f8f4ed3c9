// A whole `super.img` in an image set: its logical partitions become images of the ROM; super itself is never written, because that
// would take the running slot's system away.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import { partitionName, type Slot, splitSlot } from '../../../shared/units.ts'
import {
  logicalImage,
  readSuper,
  readSuperImage,
  type SuperMetadata,
  type SuperReading,
} from '../formats/super.ts'
import type { ByteSource, ImageSource } from '../source.ts'

export interface InnerImage {
  readonly name: string
  /** `b` only where the package fills both slots. */
  readonly slot: Slot | undefined
  /** Named with a slot inside super. */
  readonly slotted: boolean
  readonly image: ImageSource
}

export interface SuperContainer {
  readonly metadata: SuperMetadata
  readonly images: readonly InnerImage[]
}

/** @param source raw or sparse, as it lies in the set. Empty partitions, as the second slot's are, hold nothing to write.
 * @throws SlotbenchError `super-invalid`, `source-truncated`, or `package-unsafe` for a name that no terminal could take. */
export async function openSuper(source: ByteSource, signal: AbortSignal): Promise<SuperContainer> {
  return contentOf(await readSuper(source, { signal }), source.name)
}

/** The same of a super that is expanded already.
 * @param name what it is called, for messages. */
export async function openSuperImage(
  image: ImageSource,
  name: string,
  signal: AbortSignal,
): Promise<SuperContainer> {
  return contentOf(await readSuperImage(image, name, { signal }), name)
}

/** Names inside super carry the slot; groups are given per slot too, of which one is enough. */
export function groupsOf(metadata: SuperMetadata | undefined): RomInfo['dynamicGroups'] {
  if (metadata === undefined) return []
  return metadata.groups
    .filter((group) => group.name !== 'default' && !group.name.endsWith('_b'))
    .map((group) => ({
      name: group.name.replace(/_a$/, ''),
      size: group.maximumSize,
      partitions: metadata.partitions
        .filter((partition) => partition.group === group.name)
        .map((partition) => partition.name.replace(/_a$/, '')),
    }))
}

function contentOf({ metadata, image }: SuperReading, source: string): SuperContainer {
  if (image === undefined) return { metadata, images: [] }
  const filled = metadata.partitions.filter(({ size }) => size > 0).map(({ name }) => checked(name, source))
  const images = filled.flatMap((full): InnerImage[] => {
    const { base, slot } = splitSlot(full)
    const other = slot === 'b' && filled.includes(`${base}_a`)
    const inner = logicalImage(image, metadata, full)
    return [{ name: base, slot: other ? 'b' : undefined, slotted: slot !== undefined, image: inner }]
  })
  return { metadata, images }
}

function checked(name: string, source: string): string {
  try {
    return partitionName(name)
  } catch {
    throw new SlotbenchError(
      'package-unsafe',
      `${source} holds a partition named ${JSON.stringify(name.slice(0, 40))}`,
    )
  }
}
