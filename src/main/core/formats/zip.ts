// Zip archives as packages use them: members are read where they lie, nothing is unpacked.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { ByteSource } from '../source.ts'
import { sliceSource } from './slice-source.ts'
import { readDirectory, type ZipMember } from './zip-directory.ts'
import { InflatingSource } from './zip-inflate.ts'

export type { ZipMember } from './zip-directory.ts'

export interface ZipArchive {
  /** In the order in which they lie in the archive. */
  readonly members: readonly ZipMember[]
  find(name: string): ZipMember | undefined
  /** The bytes of a member. A stored one is read in place; a deflated one is expanded on the way, best from first to last.
   * @throws SlotbenchError `zip-invalid` when the local header contradicts the directory or the method is unknown. */
  open(member: ZipMember, signal?: AbortSignal): Promise<ByteSource>
}

const LOCAL_HEADER_SIZE = 30
const LOCAL_SIGNATURE = 0x04034b50
const EMPTY_SIGNATURE = 0x06054b50

/** Whether a file begins as zip archives do. */
export function isZip(start: Uint8Array): boolean {
  if (start.length < 4) return false
  const signature = new DataView(start.buffer, start.byteOffset, 4).getUint32(0, true)
  return signature === LOCAL_SIGNATURE || signature === EMPTY_SIGNATURE
}

/** @throws SlotbenchError `zip-invalid`, `package-unsafe` or `source-truncated`. */
export async function openZip(source: ByteSource, signal?: AbortSignal): Promise<ZipArchive> {
  const members = await readDirectory(source, signal)
  const byName = new Map(members.map((member) => [member.name, member]))
  return {
    members,
    find: (name) => byName.get(name),
    open: (member, openSignal) => openMember(source, member, openSignal),
  }
}

async function openMember(
  source: ByteSource,
  member: ZipMember,
  signal: AbortSignal | undefined,
): Promise<ByteSource> {
  const { name, method, compressedSize, size, crc32 } = member
  const start = await dataStart(source, member, signal)
  const slice = sliceSource(source, { name, start, size: compressedSize })
  switch (method) {
    case 'stored':
      return slice
    case 'deflated':
      return new InflatingSource(slice, { size, crc32 })
    default:
      throw new SlotbenchError('zip-invalid', `member ${name} uses a compression that packages never use`)
  }
}

/** The local header repeats the name with a length of its own, so only it tells where the data begins. */
async function dataStart(
  source: ByteSource,
  member: ZipMember,
  signal: AbortSignal | undefined,
): Promise<number> {
  const header = await source.read(member.headerOffset, LOCAL_HEADER_SIZE, signal)
  const view = new DataView(header.buffer, header.byteOffset, header.length)
  if (view.getUint32(0, true) !== LOCAL_SIGNATURE)
    throw new SlotbenchError('zip-invalid', `member ${member.name} has no local header`)
  const method = view.getUint16(8, true)
  if (method !== (member.method === 'stored' ? 0 : 8) && member.method !== 'other')
    throw new SlotbenchError('zip-invalid', `member ${member.name} has two different compression methods`)
  const start = member.headerOffset + LOCAL_HEADER_SIZE + view.getUint16(26, true) + view.getUint16(28, true)
  if (start + member.compressedSize > member.limit)
    throw new SlotbenchError('zip-invalid', `member ${member.name} overlaps what follows it in the archive`)
  return start
}
