// Signed images as Qualcomm boot ROMs take them: ELF, a hash segment with MBN header, signature and certificates; read and checked.
// Layouts: ELF specification; Qualcomm "Secure Boot and Image Authentication" (public technical overview), header versions 3 and 6.
import { createHash, verify, X509Certificate } from 'node:crypto'

/** Why an image is not run, as Sahara says it (zte-domain §4.1). */
export const IMAGE_STATUS = {
  ok: 0,
  tooManyHeaders: 0x0e,
  invalidElf: 0x14,
  hashTableNotAuthentic: 0x21,
  segmentMismatch: 0x22,
  noHashTable: 0x23,
  notAuthentic: 0x25,
  hashTableSize: 0x26,
} as const
export type ImageStatus = (typeof IMAGE_STATUS)[keyof typeof IMAGE_STATUS]

/** Thrown while an image is read. */
export class BadImage extends Error {
  readonly status: ImageStatus
  constructor(status: ImageStatus, reason: string) {
    super(reason)
    this.status = status
  }
}

export interface Segment {
  readonly kind: 'headers' | 'hash' | 'load'
  readonly offset: number
  readonly size: number
}

/** Holds the header of either class. */
export const ELF_HEADER_BYTES = 64
export const ELF_MAGIC = 0x464c457f
/** Bits 24 to 26 of a program header's flags. */
export const SEGMENT_FLAGS = { headers: 0x0700_0000, hash: 0x0220_0000 } as const
const MOST_HEADERS = 64
const MOST_HASH_BYTES = 256 * 1024

export interface ElfHeader {
  readonly bits: 32 | 64
  readonly tableOffset: number
  readonly tableBytes: number
  readonly entryBytes: number
}

/** @throws BadImage. */
export function readElfHeader(bytes: Uint8Array): ElfHeader {
  const view = viewOf(bytes)
  if (bytes.length < ELF_HEADER_BYTES || view.getUint32(0, true) !== ELF_MAGIC)
    throw new BadImage(IMAGE_STATUS.invalidElf, 'no ELF image')
  const bits = view.getUint8(4) === 2 ? 64 : 32
  const tableOffset = bits === 64 ? Number(view.getBigUint64(32, true)) : view.getUint32(28, true)
  const entryBytes = view.getUint16(bits === 64 ? 54 : 42, true)
  const count = view.getUint16(bits === 64 ? 56 : 44, true)
  if (count > MOST_HEADERS) throw new BadImage(IMAGE_STATUS.tooManyHeaders, `${count} program headers`)
  if (count === 0 || entryBytes !== (bits === 64 ? 56 : 32))
    throw new BadImage(IMAGE_STATUS.invalidElf, 'program headers of an unknown size')
  return { bits, tableOffset, entryBytes, tableBytes: count * entryBytes }
}

/** The segments that lie in the file, in order of the table; index is the place in the hash table.
 * @throws BadImage. */
export function readProgramHeaders(header: ElfHeader, table: Uint8Array): readonly Segment[] {
  const view = viewOf(table)
  const segments: Segment[] = []
  for (let at = 0; at < header.tableBytes; at += header.entryBytes) {
    const wide = header.bits === 64
    const flags = view.getUint32(at + (wide ? 4 : 24), true)
    const offset = wide ? Number(view.getBigUint64(at + 8, true)) : view.getUint32(at + 4, true)
    const size = wide ? Number(view.getBigUint64(at + 32, true)) : view.getUint32(at + 16, true)
    segments.push({ kind: kindOf(flags), offset, size })
  }
  const hash = segments.find(({ kind }) => kind === 'hash')
  if (!hash) throw new BadImage(IMAGE_STATUS.noHashTable, 'no hash segment')
  if (hash.size > MOST_HASH_BYTES)
    throw new BadImage(IMAGE_STATUS.hashTableSize, `a hash segment of ${hash.size} bytes`)
  return segments
}

function kindOf(flags: number): Segment['kind'] {
  const type = (flags >>> 24) & 7
  return type === 7 ? 'headers' : type === 2 ? 'hash' : 'load'
}

/** What the chip's fuses hold. */
export interface RootOfTrust {
  readonly digest: 'sha256' | 'sha384'
  /** Hash of the root certificate, lower-case hex. */
  readonly pkHash: string
}

export interface LoadedImage {
  readonly segments: readonly Segment[]
  /** The bytes of each segment, by its index. */
  readonly content: readonly Uint8Array[]
}

/** Whether the chip would run it: certificates, signature, and then each segment. */
export function imageStatus(image: LoadedImage, trust: RootOfTrust): ImageStatus {
  const table = image.content[image.segments.findIndex(({ kind }) => kind === 'hash')]
  if (!table) return IMAGE_STATUS.noHashTable
  const parts = hashSegmentParts(table)
  if (!parts) return IMAGE_STATUS.hashTableSize
  const length = trust.digest === 'sha256' ? 32 : 48
  if (parts.hashes.length !== image.segments.length * length) return IMAGE_STATUS.hashTableSize
  const chain = certificates(parts.chain)
  const [attestation, root] = [chain[0], chain.at(-1)]
  if (!attestation || !root || createHash(trust.digest).update(root.raw).digest('hex') !== trust.pkHash)
    return IMAGE_STATUS.notAuthentic
  const chained = chain.every((one, i) => one.verify((chain[i + 1] ?? root).publicKey))
  if (!chained) return IMAGE_STATUS.notAuthentic
  if (!signatureHolds(parts, attestation, trust.digest)) return IMAGE_STATUS.hashTableNotAuthentic
  return segmentsHold(image, parts.hashes, trust.digest) ? IMAGE_STATUS.ok : IMAGE_STATUS.segmentMismatch
}

interface HashSegmentParts {
  /** What the signature covers. */
  readonly signed: Uint8Array
  readonly hashes: Uint8Array
  readonly signature: Uint8Array
  readonly chain: Uint8Array
}

function hashSegmentParts(bytes: Uint8Array): HashSegmentParts | undefined {
  if (bytes.length < 48) return undefined
  const view = viewOf(bytes)
  const word = (at: number): number => view.getUint32(at, true)
  const version = word(4)
  if (version !== 3 && version !== 6) return undefined
  const metadata = version === 6 ? word(40) + word(44) : 0
  const hashesAt = (version === 6 ? 48 : 40) + metadata
  const signatureAt = hashesAt + word(20) + (version === 6 ? word(8) + word(12) : 0)
  const chainAt = signatureAt + word(28)
  const end = chainAt + word(36)
  if (end > bytes.length) return undefined
  return {
    signed: bytes.subarray(0, hashesAt + word(20)),
    hashes: bytes.subarray(hashesAt, hashesAt + word(20)),
    signature: bytes.subarray(signatureAt, chainAt),
    chain: bytes.subarray(chainAt, end),
  }
}

/** DER after DER; padding ends it. */
function certificates(chain: Uint8Array): readonly X509Certificate[] {
  const found: X509Certificate[] = []
  for (let at = 0; chain[at] === 0x30; ) {
    const end = at + derLength(chain.subarray(at))
    try {
      found.push(new X509Certificate(chain.subarray(at, end)))
    } catch {
      return []
    }
    at = end
  }
  return found
}

/** Bytes of the DER object at the start: header and content. */
function derLength(bytes: Uint8Array): number {
  const first = bytes[1] ?? 0
  if (first < 0x80) return 2 + first
  let length = 0
  for (let i = 0; i < (first & 0x7f); i++) length = length * 256 + (bytes[2 + i] ?? 0)
  return 2 + (first & 0x7f) + length
}

function signatureHolds(parts: HashSegmentParts, by: X509Certificate, digest: string): boolean {
  const { signature } = parts
  // An ECDSA signature is a DER object of varying length in a field of fixed length.
  const exact =
    by.publicKey.asymmetricKeyType === 'ec' ? signature.subarray(0, derLength(signature)) : signature
  return verify(digest, parts.signed, by.publicKey, exact)
}

/** The hash segment's own entry is not looked at: the signature covers it. */
function segmentsHold({ segments, content }: LoadedImage, hashes: Uint8Array, digest: string): boolean {
  const length = hashes.length / segments.length
  return segments.every(({ kind, size }, i) => {
    if (kind === 'hash' || size === 0) return true
    const computed = createHash(digest)
      .update(content[i] ?? new Uint8Array(0))
      .digest()
    return computed.equals(hashes.subarray(i * length, (i + 1) * length))
  })
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
