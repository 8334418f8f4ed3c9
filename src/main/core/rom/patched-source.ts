// A file of an EDL package with the patches that its maker meant for the file itself (a `filename` other than DISK).
import { crc32 } from 'node:zlib'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { PatchEntry } from '../formats/patch-program.ts'
import type { ByteSource } from '../source.ts'

interface Overlay {
  readonly at: number
  readonly bytes: Uint8Array
}

/** @param patches for this file, in their order. Closing the result closes the file.
 * @throws SlotbenchError `rawprogram-invalid` for a patch outside the file, or one that needs the size of a disk. */
export async function patchedSource(
  source: ByteSource,
  patches: readonly PatchEntry[],
  signal: AbortSignal,
): Promise<ByteSource> {
  const overlays: Overlay[] = []
  const read: ByteSource['read'] = async (offset, length, readSignal) => {
    const bytes = await source.read(offset, length, readSignal)
    for (const overlay of overlays) lay(overlay, bytes, offset)
    return bytes
  }
  for (const patch of patches) {
    const at = placeIn(source, patch)
    const value = await valueFor(source, patch, (offset, length) => read(offset, length, signal))
    overlays.push({ at, bytes: littleEndian(value, patch.size) })
  }
  return { name: source.name, size: source.size, read, close: () => source.close() }
}

function placeIn(source: ByteSource, patch: PatchEntry): number {
  const at = patch.start.plus * patch.sectorSize + patch.byteOffset
  if (patch.start.fromDisk !== 0 || !(at + patch.size <= source.size))
    throw invalid(patch, `${patch.start.text} does not lie in ${source.name}`)
  return at
}

async function valueFor(
  source: ByteSource,
  patch: PatchEntry,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<bigint> {
  const { value } = patch
  const place = value.kind === 'crc32' ? value.start : value.value
  if (place.fromDisk !== 0)
    throw invalid(patch, `${source.name} would depend on the size of the disk, as only a partition table can`)
  if (value.kind === 'number') return BigInt(place.plus)
  const offset = place.plus * patch.sectorSize
  if (!(offset + value.length <= source.size))
    throw invalid(patch, `its checksum reaches beyond ${source.name}`)
  return BigInt(crc32(await read(offset, value.length)))
}

function lay(overlay: Overlay, bytes: Uint8Array, offset: number): void {
  const from = Math.max(overlay.at, offset)
  const to = Math.min(overlay.at + overlay.bytes.length, offset + bytes.length)
  for (let i = from; i < to; i++) bytes[i - offset] = overlay.bytes[i - overlay.at] ?? 0
}

function littleEndian(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))
}

function invalid({ place }: PatchEntry, detail: string): SlotbenchError {
  return new SlotbenchError('rawprogram-invalid', `${place}: ${detail}`)
}
