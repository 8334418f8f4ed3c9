// Makes signed loaders for simulated terminals: real ELF images with a hash segment, and a programmer that stands in them as data.
import { createHash, sign } from 'node:crypto'
import { SlotbenchError } from '../../shared/errors.ts'
import type { TerminalProfile } from '../profiles/types.ts'
import { randomBytes } from '../randomness.ts'
import { SEGMENT_FLAGS } from './loader-file.ts'
import { type LoaderVendor, type VendorChain, vendorChain } from './loader-keys.ts'
import { signP384 } from './repeatable-ecdsa.ts'
import { encodeTraits, type ProgrammerTraits } from './traits.ts'

export interface LoaderOptions {
  readonly vendor: LoaderVendor
  readonly bits: 32 | 64
  /** Undefined: signed code that is no programmer, e.g. what a boot ROM asks for before it. */
  readonly traits: ProgrammerTraits | undefined
  /** Bytes of its code. Default 160 KiB. */
  readonly codeBytes?: number
}

export type LoaderVariant =
  | 'truncated'
  /** One bit of the code is turned round. */
  | 'tampered'
  /** The signature is another one's. */
  | 'wrong-signature'
  | 'no-hash-segment'

/** The loader that the maker of a terminal has for it.
 * @param change what this one does otherwise, e.g. `{ maxPayload: 0 }` for a peek loader.
 * @throws SlotbenchError `internal` when the profile has no EDL. */
export function loaderFor(
  { edl, id }: TerminalProfile,
  change: Partial<ProgrammerTraits> & { readonly vendor?: LoaderVendor } = {},
): Uint8Array<ArrayBuffer> {
  if (!edl) throw new SlotbenchError('internal', `${id} has no EDL`)
  const { vendor = edl.vendor, ...traits } = change
  return makeLoader({ vendor, bits: edl.loaderBits, traits: { ...edl.programmer, ...traits } })
}

const ALIGN = 0x1000
const DATA_BYTES = 24 * 1024
const LOAD_ADDRESS = 0x1480_0000

interface Part {
  readonly type: number
  readonly flags: number
  readonly bytes: Uint8Array
  /** Bytes in memory beyond those of the file. */
  readonly more?: number
}

/** The same options give the same file. */
export function makeLoader(options: LoaderOptions): Uint8Array<ArrayBuffer> {
  const { bits, vendor, traits, codeBytes = 160 * 1024 } = options
  const chain = vendorChain(vendor)
  const code = randomBytes(`loader code ${vendor} ${bits} ${traits?.target}`, codeBytes)
  if (traits) code.set(encodeTraits(traits))
  const loads: readonly Part[] = [
    { type: 1, flags: 5, bytes: code },
    { type: 1, flags: 6, bytes: randomBytes(`loader data ${vendor}`, DATA_BYTES), more: 0x2000 },
    { type: 1, flags: 6, bytes: new Uint8Array(0), more: 0x8000 },
  ]
  const headerBytes = (bits === 64 ? 64 : 52) + (loads.length + 2) * (bits === 64 ? 56 : 32)
  const hashBytes = hashSegmentBytes(chain, bits, loads.length + 2)
  const headers: Part = { type: 0, flags: SEGMENT_FLAGS.headers, bytes: new Uint8Array(headerBytes) }
  const hash: Part = { type: 0, flags: SEGMENT_FLAGS.hash, bytes: new Uint8Array(hashBytes) }
  const parts = [headers, hash, ...loads]
  const places = placesOf(parts)
  headers.bytes.set(elfHeaders(bits, parts, places))
  hash.bytes.set(hashSegment(chain, bits, parts))
  const end = Math.max(...parts.map(({ bytes }, i) => (places[i] ?? 0) + bytes.length))
  const file = new Uint8Array(end)
  parts.forEach(({ bytes }, i) => {
    file.set(bytes, places[i] ?? 0)
  })
  return file
}

/** A copy that no boot ROM runs. */
export function spoiltLoader(loader: Uint8Array, variant: LoaderVariant): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(loader)
  const view = new DataView(copy.buffer)
  const wide = view.getUint8(4) === 2
  const entry = wide ? 56 : 32
  const hashHeader = (wide ? 64 : 52) + entry
  const hashAt = wide ? Number(view.getBigUint64(hashHeader + 8, true)) : view.getUint32(hashHeader + 4, true)
  switch (variant) {
    case 'truncated':
      return copy.slice(0, copy.length - DATA_BYTES / 2)
    case 'tampered': {
      const at = copy.length - DATA_BYTES - ALIGN
      view.setUint8(at, view.getUint8(at) ^ 1)
      return copy
    }
    case 'wrong-signature': {
      const headerBytes = wide ? 48 : 40
      const metadata = wide ? view.getUint32(hashAt + 44, true) : 0
      const at = hashAt + headerBytes + metadata + view.getUint32(hashAt + 20, true) + 40
      view.setUint8(at, view.getUint8(at) ^ 1)
      return copy
    }
    case 'no-hash-segment':
      view.setUint32(hashHeader + (wide ? 4 : 24), 0, true)
      return copy
  }
}

function placesOf(parts: readonly Part[]): readonly number[] {
  let next = 0
  return parts.map(({ bytes }) => {
    const at = next
    next = Math.ceil((at + bytes.length) / ALIGN) * ALIGN
    return at
  })
}

function elfHeaders(bits: 32 | 64, parts: readonly Part[], places: readonly number[]): Uint8Array {
  const wide = bits === 64
  const [headerBytes, entryBytes] = wide ? [64, 56] : [52, 32]
  const out = Buffer.alloc(headerBytes + parts.length * entryBytes)
  out.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1])
  // Executable; AArch64 or ARM; version 1.
  out.writeUInt16LE(2, 16)
  out.writeUInt16LE(wide ? 183 : 40, 18)
  out.writeUInt32LE(1, 20)
  if (wide) {
    out.writeBigUInt64LE(BigInt(LOAD_ADDRESS), 24)
    out.writeBigUInt64LE(64n, 32)
  } else {
    out.writeUInt32LE(LOAD_ADDRESS, 24)
    out.writeUInt32LE(52, 28)
  }
  const sizes = wide ? 52 : 40
  out.writeUInt16LE(headerBytes, sizes)
  out.writeUInt16LE(entryBytes, sizes + 2)
  out.writeUInt16LE(parts.length, sizes + 4)
  let address = LOAD_ADDRESS
  parts.forEach(({ type, flags, bytes, more = 0 }, i) => {
    const at = headerBytes + i * entryBytes
    const entry = {
      type,
      flags,
      offset: places[i] ?? 0,
      address,
      size: bytes.length,
      memory: bytes.length + more,
    }
    if (wide) writeEntry64(out, at, entry)
    else writeEntry32(out, at, entry)
    address += Math.ceil((bytes.length + more) / ALIGN) * ALIGN
  })
  return out
}

interface Entry {
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly address: number
  readonly size: number
  readonly memory: number
}

function writeEntry64(out: Buffer, at: number, entry: Entry): void {
  out.writeUInt32LE(entry.type, at)
  out.writeUInt32LE(entry.flags, at + 4)
  const words = [entry.offset, entry.address, entry.address, entry.size, entry.memory, ALIGN]
  words.forEach((word, i) => {
    out.writeBigUInt64LE(BigInt(word), at + 8 + i * 8)
  })
}

function writeEntry32(out: Buffer, at: number, entry: Entry): void {
  const { type, offset, address, size, memory, flags } = entry
  const words = [type, offset, address, address, size, memory, flags, ALIGN]
  words.forEach((word, i) => {
    out.writeUInt32LE(word, at + i * 4)
  })
}

/** Fields of fixed size, so that the segment's size is known before it is signed. */
const SIGNATURE_BYTES = { sha256: 256, sha384: 104 } as const
const CHAIN_BYTES = 0x1800
const OEM_METADATA_BYTES = 120
const DIGEST_BYTES = { sha256: 32, sha384: 48 } as const

function hashSegmentBytes({ digest }: VendorChain, bits: 32 | 64, count: number): number {
  const head = bits === 64 ? 48 + OEM_METADATA_BYTES : 40
  return head + count * DIGEST_BYTES[digest] + SIGNATURE_BYTES[digest] + CHAIN_BYTES
}

/** MBN header version 3 for 32 bits, version 6 for 64; hashes; signature; certificates. */
function hashSegment(chain: VendorChain, bits: 32 | 64, parts: readonly Part[]): Uint8Array {
  const { digest, attestationKey, certificates } = chain
  const hashes = Buffer.concat(
    parts.map(({ bytes, flags }) =>
      flags === SEGMENT_FLAGS.hash || bytes.length === 0
        ? Buffer.alloc(DIGEST_BYTES[digest])
        : createHash(digest).update(bytes).digest(),
    ),
  )
  const wide = bits === 64
  const metadata = wide ? OEM_METADATA_BYTES : 0
  const head = Buffer.alloc((wide ? 48 : 40) + metadata)
  const signatureBytes = SIGNATURE_BYTES[digest]
  const total = metadata + hashes.length + signatureBytes + CHAIN_BYTES
  const [signatureAt, chainAt] = wide
    ? [0xffffffff, 0xffffffff]
    : [LOAD_ADDRESS + hashes.length, LOAD_ADDRESS + hashes.length + signatureBytes]
  const words = [0, wide ? 6 : 3, 0, wide ? 0 : LOAD_ADDRESS, total, hashes.length]
  words.push(signatureAt, signatureBytes, chainAt, CHAIN_BYTES, ...(wide ? [0, metadata] : []))
  words.forEach((word, i) => {
    head.writeUInt32LE(word, i * 4)
  })
  const signature = Buffer.alloc(signatureBytes)
  const signed = Buffer.concat([head, hashes])
  const elliptic = attestationKey.asymmetricKeyType === 'ec'
  signature.set(elliptic ? signP384(signed, attestationKey) : sign(digest, signed, attestationKey))
  const padded = Buffer.alloc(CHAIN_BYTES, 0xff)
  padded.set(Buffer.concat(certificates))
  return Buffer.concat([head, hashes, signature, padded])
}
