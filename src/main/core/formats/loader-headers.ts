// Where things lie in a Qualcomm image: the program headers of an ELF, or the one header of an MBN (zte-domain §4.1; Qualcomm, Secure Boot
// and Image Authentication; coreboot `mbn_tools.py`).
import type { ByteSource } from '../source.ts'
import { RecordReader } from './record-reader.ts'

export interface LoaderSegment {
  readonly kind: 'load' | 'headers' | 'hash' | 'other'
  readonly offset: number
  /** Bytes in the file. */
  readonly size: number
}

export interface LoaderLayout {
  readonly format: 'elf32' | 'elf64' | 'mbn'
  readonly segments: readonly LoaderSegment[]
  /** Where the signature and its certificates are described; undefined for an image without one. */
  readonly hashSegment: LoaderSegment | undefined
}

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46]
const LITTLE_ENDIAN = 1
/** A programmer has some ten segments. */
const MAX_SEGMENTS = 256
const PT_LOAD = 1
/** Bits of the flags in which Qualcomm says what a segment is. */
const SEGMENT_TYPE = { shift: 24, mask: 7, hash: 2, headers: 7 } as const

/** The first words of an MBN with 80 bytes of header. */
const LONG_MBN = { codeword: 0x844bdcd1, magic: 0x73d71034, bytes: 80 } as const
const SHORT_MBN_BYTES = 40
const MAX_HEADER_BYTES = 64

/** @throws SlotbenchError `loader-invalid` for what is neither, and for headers that point outside of the file. */
export async function readLayout(source: ByteSource, signal?: AbortSignal): Promise<LoaderLayout> {
  const head = await source.read(0, Math.min(source.size, LONG_MBN.bytes), signal)
  return ELF_MAGIC.every((byte, index) => byte === head[index])
    ? await elfLayout(source, head, signal)
    : mbnLayout(source, head)
}

async function elfLayout(source: ByteSource, head: Uint8Array, signal?: AbortSignal): Promise<LoaderLayout> {
  const reader = new RecordReader(head, 'little', 'loader-invalid').skip(4)
  const elfClass = reader.u8()
  if ((elfClass !== 1 && elfClass !== 2) || reader.u8() !== LITTLE_ENDIAN)
    reader.fail('an ELF file of a kind that Qualcomm does not use')
  const wide = elfClass === 2
  const start = wide ? reader.seek(32).size64('the place of the program headers') : reader.seek(28).u32()
  const entry = reader.seek(wide ? 54 : 42).u16()
  const count = reader.seek(wide ? 56 : 44).u16()
  if (entry < (wide ? 56 : 32) || entry > MAX_HEADER_BYTES || count === 0 || count > MAX_SEGMENTS)
    reader.fail(`${count} program headers of ${entry} bytes cannot be`)
  if (start + count * entry > source.size) reader.fail('the program headers lie beyond the end of the file')
  const table = await source.read(start, count * entry, signal)
  const segments = Array.from({ length: count }, (_, index) => {
    const header = new RecordReader(
      table.subarray(index * entry, (index + 1) * entry),
      'little',
      'loader-invalid',
    )
    return segmentOf(header, wide, source.size)
  })
  const hashSegment = segments.find(({ kind, size }) => kind === 'hash' && size > 0)
  return { format: wide ? 'elf64' : 'elf32', segments, hashSegment }
}

function segmentOf(header: RecordReader, wide: boolean, fileSize: number): LoaderSegment {
  const type = header.u32()
  const offset = wide ? header.seek(8).size64('the place of a segment') : header.seek(4).u32()
  const size = wide ? header.seek(32).size64('the size of a segment') : header.seek(16).u32()
  const flags = header.seek(wide ? 4 : 24).u32()
  if (size > 0 && offset + size > fileSize)
    header.fail(
      `a segment of ${size} bytes from ${offset} lies beyond the end of the file (${fileSize} bytes)`,
    )
  return { kind: kindOf(type, flags), offset, size }
}

function kindOf(type: number, flags: number): LoaderSegment['kind'] {
  const said = (flags >>> SEGMENT_TYPE.shift) & SEGMENT_TYPE.mask
  if (said === SEGMENT_TYPE.hash) return 'hash'
  if (said === SEGMENT_TYPE.headers) return 'headers'
  return type === PT_LOAD ? 'load' : 'other'
}

/** An MBN holds code, signature and certificates one behind the other: what is the hash segment of an ELF is the whole file here. */
function mbnLayout(source: ByteSource, head: Uint8Array): LoaderLayout {
  const reader = new RecordReader(head, 'little', 'loader-invalid')
  const isLong = reader.u32() === LONG_MBN.codeword && reader.u32() === LONG_MBN.magic
  const start = isLong ? LONG_MBN.bytes : SHORT_MBN_BYTES
  const size = reader.seek(isLong ? 28 : 16).u32()
  const code = reader.u32()
  const signature = reader.skip(4).u32()
  const certificates = reader.skip(4).u32()
  // Without a magic number only the sums tell a short MBN from anything else.
  const fits = code > 0 && code + signature + certificates === size && start + size <= source.size
  if (!fits) reader.fail('neither an ELF file nor an MBN: not a loader')
  const whole = { kind: 'hash', offset: 0, size: start + size } as const
  return {
    format: 'mbn',
    segments: [{ kind: 'load', offset: start, size: code }],
    hashSegment: certificates > 0 ? whole : undefined,
  }
}

export interface ChainPlace {
  /** Of the header that says so; undefined for an MBN that is no ELF. */
  readonly version: number | undefined
  readonly offset: number
  readonly size: number
}

/** The certificates of the maker in a hash segment: they come last, behind digests and signature, and before them those of Qualcomm.
 * @returns undefined for a version of which the layout is not known.
 * @throws SlotbenchError `loader-invalid` when the sizes do not add up. */
export function chainPlace(
  layout: LoaderLayout,
  segment: LoaderSegment,
  bytes: Uint8Array,
): ChainPlace | undefined {
  const reader = new RecordReader(bytes, 'little', 'loader-invalid')
  if (layout.format === 'mbn') return mbnChain(reader, segment)
  const version = reader.seek(4).u32()
  const parts = partsBefore(reader, version)
  if (parts === undefined) return undefined
  const offset = parts.before.reduce((sum, size) => sum + size, parts.header)
  if (offset + parts.chain > segment.size)
    reader.fail(`the hash segment has ${segment.size} bytes and should hold ${offset + parts.chain}`)
  return { version, offset: segment.offset + offset, size: parts.chain }
}

function mbnChain(reader: RecordReader, segment: LoaderSegment): ChainPlace {
  const isLong = reader.u32() === LONG_MBN.codeword && reader.u32() === LONG_MBN.magic
  const start = isLong ? LONG_MBN.bytes : SHORT_MBN_BYTES
  const code = reader.seek(isLong ? 32 : 20).u32()
  const signature = reader.skip(4).u32()
  const size = reader.skip(4).u32()
  return { version: undefined, offset: segment.offset + start + code + signature, size }
}

interface HashSegmentParts {
  readonly header: number
  /** Sizes of what stands between the header and the certificates. */
  readonly before: readonly number[]
  readonly chain: number
}

function partsBefore(reader: RecordReader, version: number): HashSegmentParts | undefined {
  const word = (index: number) => reader.seek(4 * index).u32()
  switch (version) {
    case 3:
      return { header: 40, before: [word(5), word(7)], chain: word(9) }
    case 5:
      return { header: 40, before: [word(5), word(2), word(3), word(7)], chain: word(9) }
    case 6:
      return {
        header: 48,
        before: [word(10), word(11), word(5), word(2), word(3), word(7)],
        chain: word(9),
      }
    case 7:
      return { header: 40, before: [2, 3, 4, 5, 6, 7, 8].map(word), chain: word(9) }
    default:
      return undefined
  }
}
