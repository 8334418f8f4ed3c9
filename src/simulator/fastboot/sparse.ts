// Writes an Android sparse file from the download buffer to a partition, as a bootloader does (libsparse sparse_format.h).
// Own code on purpose: a terminal must not share a misreading of the host's formats.
import { Refused } from './bootloader.ts'

const MAGIC = 0xed26ff3a
const RAW = 0xcac1
const FILL = 0xcac2
const DONT_CARE = 0xcac3
const CRC = 0xcac4
/** Fills are written in pieces of this size. */
const FILL_PIECE = 1024 * 1024

export function looksSparse(file: Uint8Array): boolean {
  return file.length >= 28 && view(file).getUint32(0, true) === MAGIC
}

export interface SparseTarget {
  /** Bytes. */
  readonly size: number
  write(offset: number, bytes: Uint8Array): Promise<void>
}

/** Data and fills are written at their place; don't-care leaves what is stored.
 * @throws Refused when the file contradicts itself or the image is larger than the target. */
export async function writeSparse(file: Uint8Array, target: SparseTarget): Promise<void> {
  const head = view(file)
  const headerSize = head.getUint16(8, true)
  const chunkHeader = head.getUint16(10, true)
  const blockSize = head.getUint32(12, true)
  const chunks = head.getUint32(20, true)
  if (
    head.getUint16(4, true) !== 1 ||
    headerSize < 28 ||
    chunkHeader < 12 ||
    blockSize === 0 ||
    blockSize % 4 !== 0
  )
    throw new Refused('invalid sparse header')
  if (head.getUint32(16, true) * blockSize > target.size)
    throw new Refused('sparse image exceeds partition size')
  let at = headerSize
  let offset = 0
  for (let i = 0; i < chunks; i++) {
    if (at + chunkHeader > file.length) throw new Refused('sparse file is cut short')
    const type = head.getUint16(at, true)
    const length = head.getUint32(at + 4, true) * blockSize
    const end = at + head.getUint32(at + 8, true)
    const data = file.subarray(at + chunkHeader, end)
    if (end < at + chunkHeader || end > file.length) throw new Refused('sparse chunk is cut short')
    if (offset + length > target.size) throw new Refused('sparse image exceeds partition size')
    await writeChunk(target, { type, offset, length, data })
    at = end
    offset += length
  }
}

interface Chunk {
  readonly type: number
  readonly offset: number
  readonly length: number
  readonly data: Uint8Array
}

async function writeChunk(target: SparseTarget, { type, offset, length, data }: Chunk): Promise<void> {
  switch (type) {
    case RAW:
      if (data.length !== length) throw new Refused('bogus size for chunk type raw')
      return target.write(offset, data)
    case FILL:
      if (data.length !== 4) throw new Refused('bogus size for chunk type fill')
      return writeFill(target, offset, length, view(data).getUint32(0, true))
    case DONT_CARE:
      if (data.length !== 0) throw new Refused('bogus size for chunk type dont care')
      return
    case CRC:
      // Bootloaders skip it.
      if (length !== 0) throw new Refused('bogus size for chunk type crc')
      return
    default:
      throw new Refused(`unknown chunk type: 0x${type.toString(16)}`)
  }
}

async function writeFill(target: SparseTarget, offset: number, length: number, word: number): Promise<void> {
  const piece = new Uint8Array(Math.min(length, FILL_PIECE))
  if (word !== 0) {
    const words = view(piece)
    for (let i = 0; i < piece.length; i += 4) words.setUint32(i, word, true)
  }
  for (let done = 0; done < length; done += piece.length) {
    await target.write(offset + done, piece.subarray(0, Math.min(piece.length, length - done)))
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
