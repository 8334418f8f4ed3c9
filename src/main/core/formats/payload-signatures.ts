// The signatures of a payload: a protobuf message of one or more, each perhaps padded (AOSP update_metadata.proto, `Signatures`).
import { SlotbenchError } from '../../../shared/errors.ts'
import { decodeMessage } from './payload-wire.ts'

const SIGNATURE = {
  data: { no: 2, type: 'bytes' },
  /** ECDSA signatures vary in length and are padded to the longest; this is what counts. RSA ones often leave it out. */
  unpaddedSize: { no: 3, type: 'f32' },
} as const
const SIGNATURES = { signatures: { no: 1, type: SIGNATURE, repeated: true } } as const

/** Payloads carry one, or two while a key is changed. */
const MAX_SIGNATURES = 16
/** Of an RSA key of 16384 bits. */
const MAX_SIGNATURE = 2048
/** What both places together may hold: the message, and padding of its signatures. */
export const MAX_SIGNATURES_MESSAGE = 64 * 1024

/** The bare signatures, in their order.
 * @throws SlotbenchError `payload-invalid` for anything that is no such message. */
export function parsePayloadSignatures(message: Uint8Array): readonly Uint8Array[] {
  if (message.byteLength > MAX_SIGNATURES_MESSAGE)
    throw invalid(`the payload's signatures take ${message.byteLength} bytes`)
  const { signatures } = decodeMessage(SIGNATURES, message)
  if (signatures.length > MAX_SIGNATURES) throw invalid(`the payload carries ${signatures.length} signatures`)
  return signatures.map(({ data, unpaddedSize }) => {
    if (data === undefined || data.byteLength === 0) throw invalid('a signature of the payload is empty')
    if (data.byteLength > MAX_SIGNATURE)
      throw invalid(`a signature of the payload has ${data.byteLength} bytes`)
    const size = unpaddedSize ?? data.byteLength
    if (size === 0 || size > data.byteLength)
      throw invalid(`a signature of ${data.byteLength} bytes claims to have ${size}`)
    return data.slice(0, size)
  })
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('payload-invalid', detail)
}
