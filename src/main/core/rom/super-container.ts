// A whole `super.img` in an image set: its logical partitions become images of the ROM; super itself is never written, because that
// would take the running slot's system away.
import { SlotbenchError } from '../../../shared/errors.ts'
import { partitionName, type Slot, splitSlot } from '../../../shared/units.ts'
import { logicalImage, readSuper, type SuperMetadata } from '../formats/super.ts'
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
  const { metadata, image } = await readSuper(source, { signal })
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

function checked(name: string, source: ByteSource): string {
  try {
    return partitionName(name)
  } catch {
    throw new SlotbenchError(
      'package-unsafe',
      `${source.name} holds a partition named ${JSON.stringify(name.slice(0, 40))}`,
    )
  }
}
