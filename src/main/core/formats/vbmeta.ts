// A vbmeta image: the signed list of what the partitions of a slot must be (external_avb avb_vbmeta_image.h).
import { createHash, verify } from 'node:crypto'
import { asSlotbenchError } from '../../../shared/errors.ts'
import { AVB_ALGORITHMS, type AvbAlgorithm, avbAlgorithm } from './avb-algorithms.ts'
import { type AvbDescriptor, parseDescriptors } from './avb-descriptors.ts'
import { avbPublicKey } from './avb-key.ts'
import { RecordReader } from './record-reader.ts'

export const VBMETA_HEADER_SIZE = 256
/** libavb loads no more than this. */
export const VBMETA_MAX_SIZE = 64 * 1024
export const VBMETA_MAGIC = 0x41564230
export const VBMETA_FLAGS = { hashtreeDisabled: 1, verificationDisabled: 2 } as const

export interface Vbmeta {
  readonly algorithm: AvbAlgorithm
  readonly rollbackIndex: bigint
  readonly rollbackLocation: number
  /** Bits of VBMETA_FLAGS. */
  readonly flags: number
  /** What made it, e.g. `avbtool 1.2.0`. */
  readonly release: string
  /** As `avbPublicKey` reads it; empty when unsigned. */
  readonly publicKey: Uint8Array
  readonly publicKeyMetadata: Uint8Array
  readonly descriptors: readonly AvbDescriptor[]
  /** Bytes of the image: header, authentication block, auxiliary block. */
  readonly size: number
}

export interface VbmetaSignature {
  readonly algorithm: AvbAlgorithm
  readonly publicKey: Uint8Array
  /** Whether the image is signed by `publicKey`; never true for `none`. Whose key that is, is another question. */
  readonly valid: boolean
}

/** @param bytes the image from its first byte; what follows it (a partition's padding) is ignored.
 * @throws SlotbenchError `vbmeta-invalid`. The signature is not looked at. */
export function parseVbmeta(bytes: Uint8Array): Vbmeta {
  const layout = parseHeader(bytes)
  const { algorithm, rollbackIndex, rollbackLocation, flags, release } = layout
  const part = (range: Range) => bytes.slice(range.start, range.end)
  return {
    ...{ algorithm, rollbackIndex, rollbackLocation, flags, release },
    publicKey: part(layout.publicKey),
    publicKeyMetadata: part(layout.publicKeyMetadata),
    descriptors: parseDescriptors(part(layout.descriptors)),
    size: layout.size,
  }
}

/** Checks the image against the key it carries: stored hash and PKCS#1 v1.5 signature over header and auxiliary block.
 * @throws SlotbenchError `vbmeta-invalid` when the header cannot be read. */
export function verifyVbmetaSignature(bytes: Uint8Array): VbmetaSignature {
  const layout = parseHeader(bytes)
  const { algorithm } = layout
  const publicKey = bytes.slice(layout.publicKey.start, layout.publicKey.end)
  return { algorithm, publicKey, valid: signatureHolds(bytes, layout, publicKey) }
}

interface Range {
  readonly start: number
  readonly end: number
}

interface Layout
  extends Pick<Vbmeta, 'algorithm' | 'rollbackIndex' | 'rollbackLocation' | 'flags' | 'release'> {
  readonly hash: Range
  readonly signature: Range
  readonly publicKey: Range
  readonly publicKeyMetadata: Range
  readonly descriptors: Range
  readonly auxiliary: Range
  readonly size: number
}

function parseHeader(bytes: Uint8Array): Layout {
  const reader = new RecordReader(bytes, 'big', 'vbmeta-invalid')
  if (reader.u32() !== VBMETA_MAGIC) reader.fail('no vbmeta image: its magic is missing')
  const [major, minor] = [reader.u32(), reader.u32()]
  if (major !== 1) reader.fail(`made for libavb ${major}.${minor}`)
  const [authentication, auxiliary] = blocks(reader)
  const id = reader.u32()
  const algorithm = avbAlgorithm(id) ?? reader.fail(`unknown signature algorithm ${id}`)
  const hash = rangeIn(reader, authentication, 'hash')
  const signature = rangeIn(reader, authentication, 'signature')
  const publicKey = rangeIn(reader, auxiliary, 'public key')
  const publicKeyMetadata = rangeIn(reader, auxiliary, 'public key metadata')
  const descriptors = rangeIn(reader, auxiliary, 'descriptors')
  const rollbackIndex = reader.u64()
  const [flags, rollbackLocation, release] = [reader.u32(), reader.u32(), reader.text(48)]
  return {
    ...{ algorithm, rollbackIndex, rollbackLocation, flags, release },
    ...{ hash, signature, publicKey, publicKeyMetadata, descriptors, auxiliary, size: auxiliary.end },
  }
}

function blocks(reader: RecordReader): readonly [Range, Range] {
  const authenticationSize = reader.size64('authentication block')
  const auxiliarySize = reader.size64('auxiliary block')
  if (authenticationSize % 64 !== 0 || auxiliarySize % 64 !== 0)
    reader.fail(`blocks of ${authenticationSize} and ${auxiliarySize} bytes`)
  const middle = VBMETA_HEADER_SIZE + authenticationSize
  const end = middle + auxiliarySize
  if (end > VBMETA_MAX_SIZE) reader.fail(`a vbmeta image of ${end} bytes`)
  if (end > reader.position + reader.remaining) reader.fail('the vbmeta image is cut short')
  return [
    { start: VBMETA_HEADER_SIZE, end: middle },
    { start: middle, end },
  ]
}

function rangeIn(reader: RecordReader, block: Range, what: string): Range {
  const offset = reader.size64(`the offset of the ${what}`)
  const length = reader.size64(`the length of the ${what}`)
  const start = block.start + offset
  if (offset > block.end - block.start || length > block.end - start)
    reader.fail(`the ${what} reaches beyond its block`)
  return { start, end: start + length }
}

function signatureHolds(bytes: Uint8Array, layout: Layout, publicKey: Uint8Array): boolean {
  const { hash, hashBytes, keyBits } = AVB_ALGORITHMS[layout.algorithm]
  if (hash === undefined) return false
  const signature = bytes.subarray(layout.signature.start, layout.signature.end)
  const stored = bytes.subarray(layout.hash.start, layout.hash.end)
  if (stored.byteLength !== hashBytes || signature.byteLength !== keyBits / 8) return false
  const header = bytes.subarray(0, VBMETA_HEADER_SIZE)
  const auxiliary = bytes.subarray(layout.auxiliary.start, layout.auxiliary.end)
  if (!createHash(hash).update(header).update(auxiliary).digest().equals(stored)) return false
  try {
    const key = avbPublicKey(publicKey)
    if (key.asymmetricKeyDetails?.modulusLength !== keyBits) return false
    return verify(hash, Buffer.concat([header, auxiliary]), key, signature)
  } catch (thrown) {
    // A key that is none signs nothing; anything else is our mistake.
    if (asSlotbenchError(thrown).code === 'vbmeta-invalid') return false
    throw thrown
  }
}
