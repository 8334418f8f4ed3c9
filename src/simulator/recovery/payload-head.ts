// The head of a payload.bin: its manifest, accepted only with the promised digest and the signature of the terminal's maker.
import { createHash, type KeyObject, verify } from 'node:crypto'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import type { PayloadProperties } from '../../main/core/formats/ota-metadata.ts'
import {
  decodeManifest,
  type Manifest,
  PAYLOAD_MAGIC,
  PAYLOAD_PREFIX_SIZE,
  PAYLOAD_VERSION,
} from '../../main/core/formats/payload-manifest.ts'
import type { ByteSource } from '../../main/core/source.ts'
import { UpdateRefused } from './refused.ts'

export interface PayloadHead {
  readonly manifest: Manifest
  readonly blockSize: number
  /** Prefix and manifest: what METADATA_HASH covers. */
  readonly metadata: Uint8Array
  readonly metadataSignature: Uint8Array
  /** Where the data of the operations begins, and where the payload's signature does. */
  readonly dataStart: number
  readonly dataEnd: number
}

/** update_engine takes no larger manifest (payload_metadata.cc: kMaxPayloadHeaderSize aside, manifests are a few MB). */
const MAX_MANIFEST = 64 * 1024 * 1024
const MAX_SIGNATURE = 1024 * 1024

/** Reads and checks everything before the data.
 * @throws UpdateRefused; SlotbenchError for a manifest that is none. */
export async function readPayloadHead(
  payload: ByteSource,
  properties: PayloadProperties,
  key: KeyObject,
): Promise<PayloadHead> {
  if (payload.size < PAYLOAD_PREFIX_SIZE) throw new UpdateRefused('the payload is too short')
  const prefix = await payload.read(0, PAYLOAD_PREFIX_SIZE)
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.length)
  if (Buffer.from(prefix.subarray(0, 4)).toString('latin1') !== PAYLOAD_MAGIC)
    throw new UpdateRefused('the payload has no magic')
  if (view.getBigUint64(4) !== BigInt(PAYLOAD_VERSION)) throw new UpdateRefused('unknown payload version')
  const manifestSize = view.getBigUint64(12)
  const signatureSize = view.getUint32(20)
  if (manifestSize > BigInt(MAX_MANIFEST) || signatureSize > MAX_SIGNATURE)
    throw new UpdateRefused('the payload claims an impossible manifest')
  const metadataSize = PAYLOAD_PREFIX_SIZE + Number(manifestSize)
  const dataStart = metadataSize + signatureSize
  if (dataStart > payload.size) throw new UpdateRefused('the payload ends within its manifest')
  const metadata = await payload.read(0, metadataSize)
  const metadataSignature = await payload.read(metadataSize, signatureSize)
  checkMetadata(metadata, metadataSignature, { properties, key })
  const manifest = decodeManifest(metadata.subarray(PAYLOAD_PREFIX_SIZE))
  const dataEnd = dataStart + (manifest.signaturesOffset ?? 0)
  if (dataEnd + (manifest.signaturesSize ?? 0) !== payload.size)
    throw new UpdateRefused('the payload has not the size that its manifest gives it')
  return { manifest, blockSize: manifest.blockSize ?? 4096, metadata, metadataSignature, dataStart, dataEnd }
}

function checkMetadata(
  metadata: Uint8Array,
  signature: Uint8Array,
  { properties, key }: { readonly properties: PayloadProperties; readonly key: KeyObject },
): void {
  const { metadataSha256, metadataSize } = properties
  if (metadataSize !== metadata.length)
    throw new UpdateRefused(`METADATA_SIZE is ${metadataSize}, not ${metadata.length}`)
  if (metadataSha256 !== createHash('sha256').update(metadata).digest('hex'))
    throw new UpdateRefused('the manifest does not match METADATA_HASH')
  if (!signaturesOf(signature).some((one) => verify('sha256', metadata, key, one)))
    throw new UpdateRefused('signature verification failed (metadata)')
}

/** The signatures in a `Signatures` message (update_metadata.proto: `Signatures { repeated Signature signatures = 1 }`,
 * `Signature { bytes data = 2; fixed32 unpadded_signature_size = 3 }`).
 * @throws UpdateRefused for anything else. */
export function signaturesOf(message: Uint8Array): readonly Uint8Array[] {
  try {
    const found: Uint8Array[] = []
    for (const one of messageFields(message, 1)) {
      const [data] = messageFields(one, 2)
      if (data !== undefined) found.push(data)
    }
    return found
  } catch {
    throw new UpdateRefused('signature verification failed (not a signature)')
  }
}

function messageFields(message: Uint8Array, wanted: number): readonly Uint8Array[] {
  const reader = new BinaryReader(message)
  const found: Uint8Array[] = []
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === wanted && type === WireType.LengthDelimited) found.push(reader.bytes())
    else reader.skip(type, field)
  }
  return found
}
