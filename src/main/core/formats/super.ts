// A super partition, whole or as lpmake's metadata-only image: finds a good copy of its metadata, and reads its
// logical partitions (AOSP liblp: reader.cpp, images.cpp).
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import { bytes } from '../../../shared/units.ts'
import type { ByteSource, Extent, ExtentOptions, ImageSource } from '../source.ts'
import { cutExtent, extentEnd, fillWord } from './extents.ts'
import { byteSourceImage } from './raw-image.ts'
import { isSparse, openSparse } from './sparse-reader.ts'
import {
  GEOMETRY_SIZE,
  LP_SECTOR,
  parseGeometry,
  parseMetadata,
  type SuperExtent,
  type SuperGeometry,
  type SuperMetadata,
} from './super-metadata.ts'

export type { SuperExtent, SuperGeometry, SuperMetadata, SuperPartition } from './super-metadata.ts'

export interface SuperReading {
  /** `metadata`: the image holds no partition data (`super_empty.img`). */
  readonly form: 'whole' | 'metadata'
  readonly geometry: SuperGeometry
  readonly metadata: SuperMetadata
  /** Copies that were looked at and found damaged, in words. */
  readonly damaged: readonly string[]
  /** The super partition expanded; undefined for the `metadata` form. */
  readonly image: ImageSource | undefined
}

/** The first 4096 bytes belong to whoever needs a boot sector there. */
const RESERVED = 4096
const SPARSE_HEADER = 28

/** @param source a raw or sparse image of a super partition, or lpmake's `super_empty.img`.
 * @param o.slot which metadata slot, 0 when left out; the metadata form holds just one.
 * @throws SlotbenchError `super-invalid` when no copy is whole. */
export async function readSuper(
  source: ByteSource,
  o: { readonly signal: AbortSignal; readonly slot?: number },
): Promise<SuperReading> {
  const head = await source.read(0, Math.min(SPARSE_HEADER, source.size), o.signal)
  const sparse = isSparse(head)
  const image = sparse ? await openSparse(source) : byteSourceImage(source)
  return readFrom({ name: source.name, image, from: sparse ? image : source }, o)
}

/** The same of a super that is expanded already, or put together of pieces.
 * @param name what it is called, for messages. */
export async function readSuperImage(
  image: ImageSource,
  name: string,
  o: { readonly signal: AbortSignal; readonly slot?: number },
): Promise<SuperReading> {
  return readFrom({ name, image, from: image }, o)
}

interface SuperBytes {
  readonly name: string
  readonly image: ImageSource
  /** What small reads are made from. */
  readonly from: ByteSource | ImageSource
}

async function readFrom(
  { name, image, from }: SuperBytes,
  o: { readonly signal: AbortSignal; readonly slot?: number },
): Promise<SuperReading> {
  const { signal, slot = 0 } = o
  const disk = new Disk(from, image.size, signal)
  const whole = await disk.firstGood(
    'geometry',
    [RESERVED, RESERVED + GEOMETRY_SIZE],
    GEOMETRY_SIZE,
    parseGeometry,
  )
  if (whole !== undefined) {
    const size = whole.metadataMaxSize
    const primary = RESERVED + 2 * GEOMETRY_SIZE + slot * size
    if (slot >= whole.slotCount) throw invalid(`metadata slot ${slot} of ${whole.slotCount}`)
    const places = [primary, primary + whole.slotCount * size]
    const metadata = await disk.firstGood('metadata', places, size, parseMetadata)
    if (metadata === undefined) throw invalid(`${name}: ${disk.damaged.join('; ')}`)
    return { form: 'whole', geometry: whole, metadata, damaged: disk.damaged, image }
  }
  // lpmake's image without partitions is one geometry block and one copy of the metadata.
  const alone = new Disk(from, image.size, signal)
  const geometry = await alone.firstGood('geometry', [0], GEOMETRY_SIZE, parseGeometry)
  if (geometry === undefined) throw invalid(`${name} holds no super metadata: ${disk.damaged.join('; ')}`)
  const metadata = await alone.firstGood('metadata', [GEOMETRY_SIZE], geometry.metadataMaxSize, parseMetadata)
  if (metadata === undefined) throw invalid(`${name}: ${alone.damaged.join('; ')}`)
  return { form: 'metadata', geometry, metadata, damaged: [], image: undefined }
}

/** One logical partition of an expanded super.
 * @param name as the metadata has it, e.g. `system_a`.
 * @throws SlotbenchError `package-incomplete` when there is none of that name, `super-invalid` when it lies on another
 * block device, `source-truncated` when the image ends before it does. */
export function logicalImage(superImage: ImageSource, metadata: SuperMetadata, name: string): ImageSource {
  const partition = metadata.partitions.find((candidate) => candidate.name === name)
  if (partition === undefined)
    throw new SlotbenchError('package-incomplete', `super holds no partition ${name}`)
  for (const { kind, blockDevice, sourceSector, sectors } of partition.extents) {
    if (kind !== 'linear') continue
    if (blockDevice !== 0)
      throw invalid(`${name} lies on block device ${blockDevice}, which is not in this image`)
    if ((sourceSector + sectors) * LP_SECTOR > superImage.size)
      throw new SlotbenchError('source-truncated', `the super image ends before ${name} does`)
  }
  return {
    size: bytes(partition.size),
    sha256: undefined,
    async *extents({ signal, from = 0 }: ExtentOptions): AsyncGenerator<Extent> {
      let offset = 0
      for (const extent of partition.extents) {
        const end = offset + extent.sectors * LP_SECTOR
        const begin = Math.max(offset, from)
        if (begin < end) yield* mapped(superImage, extent, { offset, begin, end, signal })
        offset = end
      }
    },
  }
}

interface Mapping {
  /** Where the extent begins in the logical partition, and the part of it that is wanted. */
  readonly offset: number
  readonly begin: number
  readonly end: number
  readonly signal: AbortSignal
}

async function* mapped(superImage: ImageSource, extent: SuperExtent, m: Mapping): AsyncGenerator<Extent> {
  if (extent.kind === 'zero') {
    yield { kind: 'fill', offset: m.begin, length: m.end - m.begin, word: 0 }
    return
  }
  const shift = m.offset - extent.sourceSector * LP_SECTOR
  for await (const part of between(superImage, m.begin - shift, m.end - shift, m.signal))
    yield { ...part, offset: part.offset + shift }
}

/** The extents of an image from `start` to `end`, cut to fit. */
async function* between(
  image: ImageSource,
  start: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<Extent> {
  for await (const extent of image.extents({ signal, from: start })) {
    const from = Math.max(start, extent.offset)
    const to = Math.min(end, extentEnd(extent))
    if (from < to) yield cutExtent(extent, from, to)
    if (to >= end) return
  }
  throw new SlotbenchError('source-truncated', `the image ends before offset ${end}`)
}

/** Small reads of an image, and the search for a copy that is whole. */
class Disk {
  readonly damaged: string[] = []
  readonly #from: ByteSource | ImageSource
  readonly #size: number
  readonly #signal: AbortSignal

  constructor(from: ByteSource | ImageSource, size: number, signal: AbortSignal) {
    this.#from = from
    this.#size = size
    this.#signal = signal
  }

  async firstGood<T>(
    what: string,
    places: readonly number[],
    length: number,
    parse: (bytes: Uint8Array) => T,
  ): Promise<T | undefined> {
    for (const place of places) {
      if (place >= this.#size) {
        this.damaged.push(`${what} at ${place}: the image ends before it`)
        continue
      }
      const block = await this.#read(place, Math.min(length, this.#size - place))
      try {
        return parse(block)
      } catch (thrown) {
        const error = asSlotbenchError(thrown)
        if (error.code !== 'super-invalid') throw error
        this.damaged.push(`${what} at ${place}: ${error.message}`)
      }
    }
    return undefined
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    if ('read' in this.#from) return this.#from.read(offset, length, this.#signal)
    const block = new Uint8Array(length)
    for await (const extent of between(this.#from, offset, offset + length, this.#signal))
      copyExtent(extent, block, extent.offset - offset)
    return block
  }
}

function copyExtent(extent: Extent, target: Uint8Array, at: number): void {
  if (extent.kind === 'data') target.set(extent.bytes, at)
  if (extent.kind === 'fill') fillWord(target.subarray(at, at + extent.length), extent.word)
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('super-invalid', detail)
}
