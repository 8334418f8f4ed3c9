// A whole super as one image: its tables, and the content of logical partitions where the tables put them.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { ImageSource } from '../source.ts'
import { joinedImage } from './joined-image.ts'
import { memoryImage } from './raw-image.ts'
import { LP_SECTOR, type SuperGeometry, type SuperMetadata } from './super-metadata.ts'
import { encodeSuperTables } from './super-writer.ts'

/** Bytes of super that are written. */
export type SuperWrite =
  | { readonly kind: 'tables'; readonly offset: number; readonly length: number }
  /** `length` bytes of the image of a logical partition. */
  | {
      readonly kind: 'partition'
      readonly offset: number
      readonly length: number
      readonly partition: string
    }

export interface SuperImage {
  readonly image: ImageSource
  /** In the order in which they lie. */
  readonly writes: readonly SuperWrite[]
}

/** @param contents by names of logical partitions; those without one hold nothing that is written.
 * @param between what lies between them.
 * @throws SlotbenchError `super-invalid` when the tables contradict themselves, `image-too-large` for content that its partition has no
 * room for, `package-incomplete` for content without a partition. */
export function superImage(
  tables: { readonly geometry: SuperGeometry; readonly metadata: SuperMetadata },
  contents: ReadonlyMap<string, ImageSource>,
  between: 'holes' | 'zeros' = 'holes',
): SuperImage {
  const { geometry, metadata } = tables
  const [device, ...others] = metadata.blockDevices
  if (device === undefined || others.length > 0)
    throw new SlotbenchError('super-invalid', 'tables of super on several block devices')
  const start = encodeSuperTables(geometry, metadata)
  const placed = [...contents].map(([partition, image]) => {
    const at = placeOf(metadata, partition, image)
    const write: SuperWrite = { kind: 'partition', offset: at, length: image.size, partition }
    return { at, image, write }
  })
  const tablesWrite: SuperWrite = { kind: 'tables', offset: 0, length: start.byteLength }
  return {
    image: joinedImage(device.size, [{ at: 0, image: memoryImage(start) }, ...placed], between),
    writes: [tablesWrite, ...placed.map(({ write }) => write).toSorted((a, b) => a.offset - b.offset)],
  }
}

function placeOf(metadata: SuperMetadata, name: string, image: ImageSource): number {
  const partition = metadata.partitions.find((one) => one.name === name)
  if (partition === undefined)
    throw new SlotbenchError('package-incomplete', `super has no partition ${name}`)
  if (image.size > partition.size)
    throw new SlotbenchError(
      'image-too-large',
      `the image of ${name} has ${image.size} bytes, its partition in super ${partition.size}`,
    )
  const [extent, ...more] = partition.extents
  if (extent === undefined) return 0
  // Fresh tables are filled from their start, so each partition is one piece.
  if (more.length > 0 || extent.kind !== 'linear')
    throw new SlotbenchError('internal', `${name} does not lie in one piece`)
  return extent.sourceSector * LP_SECTOR
}
