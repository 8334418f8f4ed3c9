// Precise corruptions of a zip archive, by name, and archives that no genuine packer makes.
import { SlotbenchError } from '../../shared/errors.ts'
import { bitFlipped, type Damage, patched, truncated } from './damage.ts'

/** Places of one member in the archive; field offsets as in PKWARE's APPNOTE 4.3. */
interface MemberPlaces {
  readonly name: string
  /** Of its record in the central directory. */
  readonly record: number
  readonly header: number
  readonly data: number
  readonly compressedSize: number
}

const END_RECORD = Buffer.from('PK\x05\x06', 'latin1')

function endRecord(zip: Uint8Array): number {
  return Buffer.from(zip.buffer, zip.byteOffset, zip.length).lastIndexOf(END_RECORD)
}

function membersOf(zip: Uint8Array): MemberPlaces[] {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.length)
  const end = endRecord(zip)
  const members: MemberPlaces[] = []
  for (let record = view.getUint32(end + 16, true); record < end; ) {
    const [name, extra, comment] = [28, 30, 32].map((at) => view.getUint16(record + at, true))
    const length = 46 + (name ?? 0) + (extra ?? 0) + (comment ?? 0)
    const header = view.getUint32(record + 42, true)
    members.push({
      name: Buffer.from(zip.subarray(record + 46, record + 46 + (name ?? 0))).toString(),
      record,
      header,
      data: header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true),
      compressedSize: view.getUint32(record + 20, true),
    })
    record += length
  }
  return members
}

function largestOf(zip: Uint8Array): MemberPlaces {
  const [first, ...others] = membersOf(zip)
  if (first === undefined) throw new SlotbenchError('internal', 'a zip without members')
  return others.reduce((best, one) => (one.compressedSize > best.compressedSize ? one : best), first)
}

/** Changes the record of the largest member in the central directory. */
function onRecord(change: (view: DataView, record: number) => void): Damage {
  return (zip) => patched((view) => change(view, largestOf(zip).record))(zip)
}

function onEnd(change: (view: DataView, end: number) => void): Damage {
  return (zip) => patched((view) => change(view, endRecord(zip)))(zip)
}

/** A member under another name of the same length, in both places where the archive says it. */
export function memberRenamed(from: string, to: string): Damage {
  if (Buffer.byteLength(from) !== Buffer.byteLength(to))
    throw new SlotbenchError('internal', `${from} and ${to} differ in length`)
  return (zip) =>
    patched((_view, bytes) => {
      for (const { name, record, header } of membersOf(zip)) {
        if (name !== from) continue
        bytes.set(Buffer.from(to), record + 46)
        bytes.set(Buffer.from(to), header + 30)
      }
    })(zip)
}

export const ZIP_DAMAGES = {
  'truncated in a member': (zip) => truncated(Math.floor(zip.length / 2))(zip),
  'truncated in the directory': (zip) => truncated(endRecord(zip) - 10)(zip),
  'last byte missing': truncated(-1),
  'bit in the directory': (zip) => bitFlipped(largestOf(zip).record)(zip),
  'bit in the header of a member': (zip) => bitFlipped(largestOf(zip).header)(zip),
  'bit in the data of a member': (zip) => {
    const { data, compressedSize } = largestOf(zip)
    return bitFlipped(data + Math.floor(compressedSize / 2), 5)(zip)
  },
  'directory beyond the end': onEnd((view, end) => view.setUint32(end + 16, 0xfffffff0, true)),
  '65,000 members': onEnd((view, end) => {
    view.setUint16(end + 8, 65_000, true)
    view.setUint16(end + 10, 65_000, true)
  }),
  'member of 4 GiB': onRecord((view, record) => {
    view.setUint32(record + 20, 0xfffffff0, true)
    view.setUint32(record + 24, 0xfffffff0, true)
  }),
  'member far beyond the end': onRecord((view, record) => view.setUint32(record + 42, 0xfffffff0, true)),
  'all members on the same bytes': (zip) =>
    patched((view) => {
      for (const { record } of membersOf(zip)) view.setUint32(record + 42, largestOf(zip).header, true)
    })(zip),
  'unknown compression': onRecord((view, record) => view.setUint16(record + 10, 99, true)),
  'encrypted member': onRecord((view, record) => view.setUint16(record + 8, 1, true)),
} as const satisfies Record<string, Damage>

/** For an archive whose largest member is deflated. */
export const DEFLATE_DAMAGES = {
  'more bytes than deflate can give': onRecord((view, record) =>
    view.setUint32(record + 24, 0xfffffff0, true),
  ),
  'more bytes than the directory says': onRecord((view, record) => view.setUint32(record + 24, 4096, true)),
  'fewer bytes than the directory says': onRecord((view, record) =>
    view.setUint32(record + 24, view.getUint32(record + 24, true) + 4096, true),
  ),
  'other CRC-32': onRecord((view, record) => view.setUint32(record + 16, 0x12345678, true)),
} as const satisfies Record<string, Damage>
