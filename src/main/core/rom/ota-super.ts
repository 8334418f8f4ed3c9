// A whole super for a terminal that has none any more, made of the logical partitions of a ROM: what the factory would have written
// there. A full OTA package brings the images and names the groups; the tables are made here.

import { SlotbenchError } from '../../../shared/errors.ts'
import { formatBytes } from '../../../shared/format.ts'
import type { RomImageInfo, RomInfo } from '../../../shared/rom.ts'
import { SLOTS, type Slot } from '../../../shared/units.ts'
import { DEFAULT_GROUP, LP_ATTRIBUTE, SuperBuilder } from '../formats/super-builder.ts'
import { type SuperImage, superImage } from '../formats/super-image.ts'
import type { SuperGeometry, SuperMetadata } from '../formats/super-metadata.ts'
import type { ImageSource } from '../source.ts'

export interface SuperOrder {
  readonly rom: Pick<RomInfo, 'dynamicGroups' | 'images' | 'virtualAb'>
  /** Bytes of the super partition. */
  readonly size: number
  /** Slots whose partitions get content, in the order in which they are laid; none: the terminal has no slots. */
  readonly slots: readonly Slot[]
  /** How the terminal's super was laid out, where some copy of its tables, or another super of the model, still tells. */
  readonly like?: { readonly geometry: SuperGeometry; readonly metadata: SuperMetadata }
}

export interface PlannedWholeSuper {
  readonly geometry: SuperGeometry
  readonly metadata: SuperMetadata
  /** What becomes of each image: by the full name of its partition. */
  readonly contents: ReadonlyMap<string, RomImageInfo>
}

/** What lpmake is told for Virtual A/B, and otherwise (AOSP build/make/core/Makefile). */
const METADATA_SLOTS = { virtual: 3, other: 2 } as const

/** The tables, and which image goes to which partition of them; pure.
 * @throws SlotbenchError `super-space` when super or a group has no room for the slots, `package-incomplete` when the ROM has no
 * logical partitions. */
export function planWholeSuper(order: SuperOrder): PlannedWholeSuper {
  const { rom, slots, size } = order
  const groups = groupsOf(rom)
  if (groups.every(({ members }) => members.length === 0))
    throw new SlotbenchError(
      'package-incomplete',
      'the package has no logical partitions, so no super can be made of it',
    )
  const builder = emptySuper(order)
  const contents = new Map<string, RomImageInfo>()
  // Tables name the partitions of both slots, as from the factory; an update fills the other one later.
  for (const slot of slots.length === 0 ? [undefined] : SLOTS)
    for (const { name, limit, members } of groups) {
      const group = name === DEFAULT_GROUP ? name : full(name, slot)
      if (name !== DEFAULT_GROUP) builder.addGroup(group, limit)
      for (const member of members) builder.addPartition(full(member, slot), group, LP_ATTRIBUTE.readOnly)
    }
  for (const slot of slots.length === 0 ? [undefined] : slots)
    for (const member of groups.flatMap(({ members }) => members)) {
      const image = imageFor(rom, member)
      if (image !== undefined) contents.set(full(member, slot), image)
    }
  checkRoom(builder, contents, size)
  for (const [partition, image] of contents) builder.resize(partition, image.size)
  return { geometry: builder.geometry, metadata: builder.build(), contents }
}

/** The whole super as an image, with holes where nothing has to be written, and which bytes of it are what.
 * @param image one of the ROM's images.
 * @throws SlotbenchError as `planWholeSuper` does. */
export function wholeSuper(
  order: SuperOrder,
  image: (info: RomImageInfo) => ImageSource,
): SuperImage & PlannedWholeSuper {
  const planned = planWholeSuper(order)
  const contents = new Map([...planned.contents].map(([name, info]) => [name, image(info)]))
  return { ...planned, ...superImage(planned, contents) }
}

function emptySuper({ rom, size, like }: SuperOrder): SuperBuilder {
  const virtualAb = rom.virtualAb ?? false
  const device = like?.metadata.blockDevices[0]
  return SuperBuilder.create({
    size,
    metadataSlots: like?.geometry.slotCount ?? (virtualAb ? METADATA_SLOTS.virtual : METADATA_SLOTS.other),
    virtualAb,
    ...(like === undefined
      ? {}
      : { metadataMaxSize: like.geometry.metadataMaxSize, logicalBlockSize: like.geometry.logicalBlockSize }),
    ...(device === undefined || device.alignment === 0 ? {} : { alignment: device.alignment }),
  })
}

interface Group {
  readonly name: string
  /** Bytes; 0: none. */
  readonly limit: number
  readonly members: readonly string[]
}

/** Images that are logical without a group are in the one that every super has. */
function groupsOf({ dynamicGroups, images }: SuperOrder['rom']): readonly Group[] {
  const grouped = new Set(dynamicGroups.flatMap(({ partitions }) => partitions))
  const lone = new Set(
    images
      .filter(({ name, placement }) => placement === 'logical' && !grouped.has(name))
      .map(({ name }) => name),
  )
  return [
    ...dynamicGroups.map(({ name, size, partitions }) => ({ name, limit: size, members: partitions })),
    { name: DEFAULT_GROUP, limit: 0, members: [...lone] },
  ]
}

/** Both slots get one image, as everywhere (`assignTargets`). */
function imageFor({ images }: SuperOrder['rom'], name: string): RomImageInfo | undefined {
  const found = images.filter((image) => image.name === name && image.placement === 'logical')
  return found.find(({ slot }) => slot !== 'b') ?? found[0]
}

function full(base: string, slot: Slot | undefined): string {
  return slot === undefined ? base : `${base}_${slot}`
}

/** Said in one sentence before the builder would complain about some partition in the middle. */
function checkRoom(builder: SuperBuilder, contents: ReadonlyMap<string, RomImageInfo>, size: number): void {
  const unit = builder.build().blockDevices[0]?.alignment || builder.geometry.logicalBlockSize
  const needed = [...contents.values()].reduce((sum, image) => sum + Math.ceil(image.size / unit) * unit, 0)
  const free = builder.freeBytes
  // The last partition need not be followed by an aligned one.
  if (needed - unit < free) return
  throw new SlotbenchError(
    'super-space',
    `the logical partitions need ${formatBytes(needed)} in super, a super of ${formatBytes(size)} has room for ${formatBytes(free)}`,
  )
}
