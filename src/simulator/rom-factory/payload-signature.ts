// The signatures of a payload: RSA PKCS#1 v1.5 with SHA-256 in a protobuf `Signatures` message.
import { type KeyObject, sign } from 'node:crypto'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { SlotbenchError } from '../../shared/errors.ts'

/** The message that holds one signature (AOSP update_metadata.proto: `Signatures { repeated Signature signatures = 1 }`,
 * `Signature { bytes data = 2; fixed32 unpadded_signature_size = 3 }`; payload_signer.cc leaves `version` out). */
export function signaturesMessage(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter()
  writer.tag(1, WireType.LengthDelimited).fork()
  writer.tag(2, WireType.LengthDelimited).bytes(signature)
  writer.tag(3, WireType.Bit32).fixed32(signature.length)
  return writer.join().finish()
}

/** Bytes of the message that `key` gives, known before there is anything to sign.
 * @throws SlotbenchError `internal` for a key that is not RSA. */
export function signatureMessageSize(key: KeyObject): number {
  const bits = key.asymmetricKeyType === 'rsa' ? key.asymmetricKeyDetails?.modulusLength : undefined
  if (bits === undefined) throw new SlotbenchError('internal', 'payloads are signed with RSA keys here')
  return signaturesMessage(new Uint8Array(bits / 8)).length
}

export function signBytes(bytes: Uint8Array, key: KeyObject): Uint8Array<ArrayBuffer> {
  return signaturesMessage(sign('sha256', bytes, key))
}
