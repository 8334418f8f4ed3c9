// A whole super as one image: tables, and the content of one slot in its extents, as makers ship `super.img`.
import { LP_SECTOR, type SuperMetadata } from '../../main/core/formats/super-metadata.ts'
import { encodeSuperEmpty, encodeSuperTables } from '../../main/core/formats/super-writer.ts'
import type { Extent, ExtentOptions, ImageSource } from '../../main/core/source.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { bytes } from '../../shared/units.ts'
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
  const pieces = [
    { at: 0, part: encodeSuperTables(builder.geometry, metadata) },
    ...placed(metadata, images),
  ].toSorted((one, other) => one.at - other.at)
  const size = bytes(metadata.blockDevices[0]?.size ?? 0)
  return {
    size,
    sha256: undefined,
    async *extents({ signal, from = 0 }: ExtentOptions): AsyncGenerator<Extent> {
      let end = 0
      for (const { at, part } of pieces) {
        yield* gap(Math.max(end, from), at)
        const length = part instanceof Uint8Array ? part.length : part.size
        end = at + length
        if (end > from) yield* shifted(part, at, { signal, from: Math.max(0, from - at) })
      }
      yield* gap(Math.max(end, from), size)
    },
  }
}

interface Placed {
  readonly at: number
  readonly part: Uint8Array<ArrayBuffer> | ImageSource
}

function placed(metadata: SuperMetadata, images: readonly NamedImage[]): Placed[] {
  return images.flatMap(({ name, image }) => {
    const [extent, ...more] = metadata.partitions.find((p) => p.name === `${name}_a`)?.extents ?? []
    if (!extent) return []
    // A fresh super is filled from its start, so each partition is one piece.
    if (more.length > 0) throw new SlotbenchError('internal', `${name} lies in pieces`)
    return { at: extent.sourceSector * LP_SECTOR, part: image }
  })
}

async function* shifted(
  part: Placed['part'],
  at: number,
  o: Required<ExtentOptions>,
): AsyncGenerator<Extent> {
  if (part instanceof Uint8Array) {
    yield { kind: 'data', offset: at + o.from, bytes: part.slice(o.from) }
    return
  }
  for await (const extent of part.extents(o)) yield { ...extent, offset: at + extent.offset }
}

function* gap(from: number, to: number): Generator<Extent> {
  if (to > from) yield { kind: 'hole', offset: from, length: to - from }
}
