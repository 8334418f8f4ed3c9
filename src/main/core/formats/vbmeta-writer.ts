// Makes vbmeta images: for the simulated terminal and for packages in tests (external_avb avb_vbmeta_image.h).
import { createHash, type KeyObject, sign } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import { AVB_ALGORITHMS, type AvbAlgorithm } from './avb-algorithms.ts'
import { type AvbDescriptor, encodeDescriptor } from './avb-descriptors.ts'
import { avbPublicKeyBlob } from './avb-key.ts'
import { RecordWriter } from './record-writer.ts'
import { VBMETA_HEADER_SIZE, VBMETA_MAGIC, VBMETA_MAX_SIZE } from './vbmeta.ts'

export interface VbmetaSpec {
  readonly algorithm: AvbAlgorithm
  /** An RSA private key of the algorithm's size; absent for `none` only. */
  readonly privateKey?: KeyObject
  readonly rollbackIndex: number | bigint
  /** Bits of VBMETA_FLAGS. */
  readonly flags: number
  readonly descriptors: readonly AvbDescriptor[]
  readonly rollbackLocation?: number
  /** At most 47 bytes. */
  readonly release?: string
}

/** @throws SlotbenchError `vbmeta-invalid` when key and algorithm do not match or the image exceeds 64 KiB. */
export function buildVbmeta(spec: VbmetaSpec): Uint8Array<ArrayBuffer> {
  const { hash, hashBytes, keyBits } = AVB_ALGORITHMS[spec.algorithm]
  const publicKey = publicKeyOf(spec)
  const auxiliary = new RecordWriter('big', 'vbmeta-invalid')
  for (const descriptor of spec.descriptors) auxiliary.bytes(encodeDescriptor(descriptor))
  const descriptorsSize = auxiliary.finish().byteLength
  const auxiliaryBlock = auxiliary.bytes(publicKey).padTo(64).finish()
  const authenticationSize = Math.ceil((hashBytes + keyBits / 8) / 64) * 64
  const size = VBMETA_HEADER_SIZE + authenticationSize + auxiliaryBlock.byteLength
  if (size > VBMETA_MAX_SIZE)
    throw new SlotbenchError('vbmeta-invalid', `the vbmeta image would be ${size} bytes`)
  const header = encodeHeader(spec, {
    ...{ authenticationSize, auxiliarySize: auxiliaryBlock.byteLength },
    ...{ descriptorsSize, publicKeySize: publicKey.byteLength },
  })
  const image = new Uint8Array(size)
  image.set(header)
  image.set(auxiliaryBlock, VBMETA_HEADER_SIZE + authenticationSize)
  if (hash !== undefined && spec.privateKey !== undefined) {
    const signed = Buffer.concat([header, auxiliaryBlock])
    image.set(createHash(hash).update(signed).digest(), VBMETA_HEADER_SIZE)
    image.set(sign(hash, signed, spec.privateKey), VBMETA_HEADER_SIZE + hashBytes)
  }
  return image
}

function publicKeyOf(spec: VbmetaSpec): Uint8Array {
  const { keyBits } = AVB_ALGORITHMS[spec.algorithm]
  const bits = spec.privateKey?.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits !== keyBits || (spec.privateKey !== undefined && spec.privateKey.type !== 'private'))
    throw new SlotbenchError('vbmeta-invalid', `${spec.algorithm} does not go with a key of ${bits} bits`)
  return spec.privateKey === undefined ? new Uint8Array(0) : avbPublicKeyBlob(spec.privateKey)
}

interface BlockSizes {
  readonly authenticationSize: number
  readonly auxiliarySize: number
  readonly descriptorsSize: number
  readonly publicKeySize: number
}

function encodeHeader(spec: VbmetaSpec, sizes: BlockSizes): Uint8Array<ArrayBuffer> {
  const { id, hashBytes, keyBits } = AVB_ALGORITHMS[spec.algorithm]
  const { descriptorsSize, publicKeySize } = sizes
  const header = new RecordWriter('big', 'vbmeta-invalid')
  // Rollback locations in the header came with libavb 1.2; without one, say the oldest version that can read this.
  header
    .u32(VBMETA_MAGIC)
    .u32(1)
    .u32(spec.rollbackLocation ? 2 : 0)
  header.u64(sizes.authenticationSize).u64(sizes.auxiliarySize).u32(id)
  header.u64(0).u64(hashBytes)
  header.u64(hashBytes).u64(keyBits / 8)
  header.u64(descriptorsSize).u64(publicKeySize)
  header.u64(descriptorsSize + publicKeySize).u64(0)
  header.u64(0).u64(descriptorsSize)
  header
    .u64(spec.rollbackIndex)
    .u32(spec.flags)
    .u32(spec.rollbackLocation ?? 0)
  return header
    .text(spec.release ?? 'slotbench', 47)
    .zeros(1 + 80)
    .finish()
}
