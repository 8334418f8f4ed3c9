// The files of an EDL package as images: all that goes to one partition is one image, whatever pieces it comes in.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { PackageTable } from '../../../shared/rom.ts'
import { partitionName, type Slot, splitSlot } from '../../../shared/units.ts'
import { type ImagePiece, joinedImage } from '../formats/joined-image.ts'
import { byteSourceImage } from '../formats/raw-image.ts'
import type { ProgramEntry } from '../formats/rawprogram.ts'
import { sliceSource } from '../formats/slice-source.ts'
import { isSparse, openSparse } from '../formats/sparse-reader.ts'
import type { ByteSource, ImageSource } from '../source.ts'

/** A program element together with its file. */
export interface PlacedFile {
  readonly entry: ProgramEntry
  readonly source: ByteSource
}

export interface PartitionImage {
  /** Base name. */
  readonly name: string
  readonly slot: Slot | undefined
  readonly lun: number
  readonly image: ImageSource
}

interface Piece {
  readonly entry: ProgramEntry
  readonly image: ImageSource
}

/** Names under which tables are programmed; their files are no images. */
export function isTableEntry({ label, file }: ProgramEntry): boolean {
  return (
    /^(primary|backup)gpt$/i.test(label) || /(^|\/)gpt_(main|backup|both|empty)\d*\.bin$/i.test(file ?? '')
  )
}

/** @param tables as far as the package has them; they say where partitions begin.
 * @throws SlotbenchError `rawprogram-invalid` when elements contradict each other, their files or the tables. */
export async function readImages(
  placed: readonly PlacedFile[],
  o: { readonly tables: readonly PackageTable[]; readonly notes: string[]; readonly signal: AbortSignal },
): Promise<readonly PartitionImage[]> {
  const sparse = new Map<ByteSource, boolean>()
  for (const { source } of placed) {
    if (sparse.has(source)) continue
    const head = await source.read(0, Math.min(SPARSE_START, source.size), o.signal)
    sparse.set(source, isSparse(head))
  }
  refuseUncovered(placed.filter(({ source }) => sparse.get(source) !== true))
  const pieces: Piece[] = []
  for (const one of placed) {
    const image = sparse.get(one.source) === true ? await openSparsePiece(one, o.notes) : openRawPiece(one)
    pieces.push({ entry: one.entry, image })
  }
  const labels = Map.groupBy(pieces, ({ entry }) => entry.label)
  return [...labels.values()].map((group) => join(group, o.tables))
}

/** Ranges of elements with files must not overlap, tables included.
 * @param sizeOf sectors that an element really writes. */
export function refuseOverlaps(
  entries: readonly ProgramEntry[],
  sizeOf: (entry: ProgramEntry) => number,
): void {
  const groups = Map.groupBy(entries, ({ lun, start }) => `${lun} ${start.fromDisk}`)
  for (const group of groups.values()) {
    const inOrder = group.toSorted((a, b) => a.start.plus - b.start.plus)
    for (const [i, entry] of inOrder.entries()) {
      const before = inOrder[i - 1]
      if (before !== undefined && before.start.plus + sizeOf(before) > entry.start.plus)
        throw invalid(entry, `its sectors overlap those of ${before.place}`)
    }
  }
}

/** A file of which no element takes the end is larger than the package says. */
function refuseUncovered(placed: readonly PlacedFile[]): void {
  for (const group of Map.groupBy(placed, ({ source }) => source).values()) {
    const [first] = group
    if (first === undefined) continue
    const ends = group.map(({ entry }) =>
      entry.sectors === 0
        ? Number.POSITIVE_INFINITY
        : (entry.fileSectorOffset + entry.sectors) * entry.sectorSize,
    )
    const end = Math.max(...ends)
    if (first.source.size > end)
      throw invalid(
        first.entry,
        `${first.source.name} has ${first.source.size} bytes, its sectors take only ${end}`,
      )
  }
}

const SPARSE_START = 28

function openRawPiece({ entry, source }: PlacedFile): ImageSource {
  const start = entry.fileSectorOffset * entry.sectorSize
  if (start >= source.size)
    throw invalid(
      entry,
      `${source.name} has ${source.size} bytes, none of them from sector ${entry.fileSectorOffset} on`,
    )
  const room = entry.sectors === 0 ? Number.POSITIVE_INFINITY : entry.sectors * entry.sectorSize
  const size = Math.min(source.size - start, room)
  const whole = start === 0 && size === source.size
  return byteSourceImage(whole ? source : sliceSource(source, { name: source.name, start, size }))
}

async function openSparsePiece({ entry, source }: PlacedFile, notes: string[]): Promise<ImageSource> {
  if (entry.fileSectorOffset > 0)
    throw invalid(entry, `${source.name} is a sparse image, of which no part can be taken`)
  if (!entry.sparse)
    notes.push(`${source.name} is a sparse image, though ${entry.place} says that it is not; it is expanded.`)
  try {
    return await openSparse(source)
  } catch (thrown) {
    if (!(thrown instanceof SlotbenchError)) throw thrown
    const detail = `${entry.place}: ${source.name}: ${thrown.message}`
    throw new SlotbenchError(thrown.code, detail, { cause: thrown })
  }
}

function join(group: readonly Piece[], tables: readonly PackageTable[]): PartitionImage {
  const [first] = group
  if (first === undefined) throw new SlotbenchError('internal', 'a partition without pieces')
  const { entry } = first
  const { base: name, slot } = splitSlot(checkedLabel(entry))
  const elsewhere = group.find((one) => one.entry.lun !== entry.lun)
  if (elsewhere !== undefined) throw invalid(elsewhere.entry, `${entry.label} is on LUN ${entry.lun} too`)
  const room = roomOf(entry, tables)
  const base = room?.start ?? Math.min(...group.map((one) => one.entry.start.plus))
  const from = room?.fromDisk ?? entry.start.fromDisk
  const pieces = group.map(({ entry: one, image }): ImagePiece => {
    if (one.start.fromDisk !== from)
      throw invalid(one, `it is counted from another end of the disk than ${entry.label} itself`)
    const at = (one.start.plus - base) * one.sectorSize
    if (at < 0) throw invalid(one, `it begins before ${entry.label} does in the package’s partition table`)
    if (one.sectors > 0 && image.size > one.sectors * one.sectorSize)
      throw invalid(one, `its file expands to ${image.size} bytes, more than its ${one.sectors} sectors`)
    return { at, image }
  })
  const size = Math.max(...pieces.map(({ at, image }) => at + image.size))
  if (room !== undefined && size > room.bytes)
    throw invalid(
      entry,
      `${size} bytes for ${entry.label}, which has ${room.bytes} in the package’s partition table`,
    )
  const [only] = pieces
  const single = pieces.length === 1 && only?.at === 0 ? only.image : undefined
  return { name, slot, lun: entry.lun, image: single ?? joinedImage(size, pieces) }
}

/** Where the package's own table has the partition. A partition that grows with the disk has room without end. */
function roomOf(entry: ProgramEntry, tables: readonly PackageTable[]) {
  const table = tables.find(({ lun }) => lun === entry.lun)
  const found = table?.entries.find(({ name }) => name === entry.label)
  if (table === undefined || found === undefined) return undefined
  const { first, last } = found
  const bytes =
    last.fromDisk === first.fromDisk
      ? (last.plus - first.plus + 1) * table.sectorSize
      : Number.POSITIVE_INFINITY
  return { start: first.plus, fromDisk: first.fromDisk, bytes }
}

function checkedLabel(entry: ProgramEntry): string {
  try {
    return partitionName(entry.label)
  } catch (cause) {
    throw invalid(entry, `${JSON.stringify(entry.label.slice(0, 80))} is no name of a partition`, cause)
  }
}

function invalid({ place }: ProgramEntry, detail: string, cause?: unknown): SlotbenchError {
  return new SlotbenchError('rawprogram-invalid', `${place}: ${detail}`, { cause })
}
