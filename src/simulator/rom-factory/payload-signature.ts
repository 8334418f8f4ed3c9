// The signatures of a payload: RSA PKCS#1 v1.5 or ECDSA with SHA-256 in a protobuf `Signatures` message.
import { type KeyObject, sign } from 'node:crypto'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { SlotbenchError } from '../../shared/errors.ts'

/** The message that holds one signature (AOSP update_metadata.proto: `Signatures { repeated Signature signatures = 1 }`,
 * `Signature { bytes data = 2; fixed32 unpadded_signature_size = 3 }`; payload_signer.cc leaves `version` out). The length of an ECDSA
 * signature varies, so it is padded to the longest and its own length stands beside it. */
export function signaturesMessage(signature: Uint8Array, key: KeyObject): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(signatureSize(key))
  padded.set(signature)
  const writer = new BinaryWriter()
  writer.tag(1, WireType.LengthDelimited).fork()
  writer.tag(2, WireType.LengthDelimited).bytes(padded)
  writer.tag(3, WireType.Bit32).fixed32(signature.length)
  return writer.join().finish()
}

/** Bytes of the message that `key` gives, known before there is anything to sign.
 * @throws SlotbenchError `internal` for a key that is neither RSA nor EC. */
export function signatureMessageSize(key: KeyObject): number {
  return signaturesMessage(new Uint8Array(0), key).length
}

export function signBytes(bytes: Uint8Array, key: KeyObject): Uint8Array<ArrayBuffer> {
  return signaturesMessage(sign('sha256', bytes, key), key)
}

const CURVE_BYTES: Readonly<Record<string, number>> = { prime256v1: 32, secp384r1: 48 }

function signatureSize(key: KeyObject): number {
  const { modulusLength, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa' && modulusLength !== undefined) return modulusLength / 8
  const size = CURVE_BYTES[namedCurve]
  if (size === undefined) throw new SlotbenchError('internal', 'payloads are signed with RSA or EC keys here')
  // A sequence of two integers, each perhaps with a zero in front.
  return 2 + 2 * (2 + size + 1)
}
