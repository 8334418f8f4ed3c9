// A whole super as one image: tables, and the content of one slot in its extents, as makers ship `super.img`.
import { superImage } from '../../main/core/formats/super-image.ts'
import { encodeSuperEmpty } from '../../main/core/formats/super-writer.ts'
import type { ImageSource } from '../../main/core/source.ts'
import type { TerminalProfile } from '../profiles/types.ts'
import { emptySuper, filledSuper } from '../super/factory-super.ts'
import type { NamedImage } from './payload-writer.ts'

/** `super_empty.img` of a profile, as lpmake writes it. */
export function superEmptyImage(profile: TerminalProfile): Uint8Array<ArrayBuffer> {
  const builder = emptySuper(profile)
  return encodeSuperEmpty(builder.geometry, builder.build())
}

/** Slot a filled with the given images (by base name), slot b empty, as it comes from lpmake for Virtual A/B. */
export function wholeSuperImage(profile: TerminalProfile, images: readonly NamedImage[]): ImageSource {
  const builder = filledSuper(profile, ['a'])
  const metadata = builder.build()
  const logical = new Set(metadata.partitions.map(({ name }) => name))
  const contents = images.filter(({ name }) => logical.has(`${name}_a`))
  const named = new Map(contents.map(({ name, image }) => [`${name}_a`, image]))
  return superImage({ geometry: builder.geometry, metadata }, named, 'zeros').image
}
