// The signature of a whole OTA package in the comment of its zip: where it is and what it covers (AOSP bootable/recovery,
// install/verifier.cpp; written by build/make/tools/signapk). The last six bytes of the file are two little-endian numbers
// around FF FF: how far before the end of the file the signature begins, and how long the comment is.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { ByteSource } from '../source.ts'

export const OTA_FOOTER_SIZE = 6
const EOCD_SIZE = 22
/** The length of the comment is the only field of the end record that is not signed. */
const COMMENT_LENGTH_SIZE = 2
const MAX_COMMENT = 0xffff
const EOCD_MAGIC = Buffer.from('PK\x05\x06', 'latin1')

export interface OtaFooter {
  /** The signature covers the file's bytes before this offset: all but the comment and its length. */
  readonly signedEnd: number
  /** PKCS#7 SignedData in DER. */
  readonly signature: Uint8Array<ArrayBuffer>
  /** What the comment holds before the signature; covered by nothing. */
  readonly remark: Uint8Array<ArrayBuffer>
}

/** @param tail the last bytes of the file: all of it, or at least 22 + 65535.
 * @returns undefined when the file carries no signature.
 * @throws SlotbenchError `signature-invalid` when the footer contradicts the file; `package-unsafe` when a second end record hides
 * in the comment, so that two readers would see two different archives. */
export function parseOtaFooter(tail: Uint8Array, fileSize: number): OtaFooter | undefined {
  if (tail.byteLength < OTA_FOOTER_SIZE) return undefined
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  const at = tail.byteLength - OTA_FOOTER_SIZE
  if (view.getUint16(at + 2, true) !== 0xffff) return undefined
  const fromEnd = view.getUint16(at, true)
  const commentSize = view.getUint16(at + 4, true)
  // The end record of a large archive without a comment ends with FF FF FF FF 00 00 (zip64): that is no footer.
  if (commentSize === 0) return undefined
  const endRecord = tail.byteLength - EOCD_SIZE - commentSize
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength)
  if (endRecord < 0 || !bytes.subarray(endRecord, endRecord + 4).equals(EOCD_MAGIC)) {
    // FF FF near the end of any file is no promise of a signature, at the end of an archive it is.
    if (!bytes.includes(EOCD_MAGIC)) return undefined
    throw invalid(`the footer says that the comment has ${commentSize} bytes, the archive says otherwise`)
  }
  if (bytes.indexOf(EOCD_MAGIC, endRecord + 1) >= 0)
    throw new SlotbenchError('package-unsafe', 'a second end of a zip archive hides in the signature comment')
  if (bytes.readUInt16LE(endRecord + EOCD_SIZE - COMMENT_LENGTH_SIZE) !== commentSize)
    throw invalid(`the footer says that the comment has ${commentSize} bytes, the archive says otherwise`)
  if (fromEnd > commentSize || fromEnd <= OTA_FOOTER_SIZE)
    throw invalid(`the signature begins ${fromEnd} bytes before the end, the comment has ${commentSize}`)
  const start = tail.byteLength - fromEnd
  return {
    signedEnd: fileSize - commentSize - COMMENT_LENGTH_SIZE,
    signature: new Uint8Array(tail.subarray(start, at)),
    remark: new Uint8Array(tail.subarray(endRecord + EOCD_SIZE, start)),
  }
}

/** @throws SlotbenchError of `parseOtaFooter`, or what reading throws. */
export async function readOtaFooter(source: ByteSource, signal: AbortSignal): Promise<OtaFooter | undefined> {
  const length = Math.min(source.size, EOCD_SIZE + MAX_COMMENT)
  return parseOtaFooter(await source.read(source.size - length, length, signal), source.size)
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('signature-invalid', detail)
}
