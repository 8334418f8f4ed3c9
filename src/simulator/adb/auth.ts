// Whether a host may use this terminal: RSA signatures over a token, and the question on the screen (AOSP adb protocol.txt, adb_auth).
import { constants, createPublicKey, type KeyObject, publicDecrypt } from 'node:crypto'

/** What the simulated hands do with "Allow USB debugging?". */
export type PromptAnswer = 'allow' | 'always-allow' | 'refuse' | 'never-answers'

export const TOKEN_BYTES = 20
const KEY_BITS = 2048
const MODULUS_BYTES = KEY_BITS / 8
/** Words of the modulus, its inverse, modulus, R squared, exponent (AOSP android_pubkey.h). */
const STRUCT_BYTES = 4 + 4 + MODULUS_BYTES + MODULUS_BYTES + 4
/** DigestInfo of SHA-1 (RFC 8017, 9.2, note 1): the host signs the token as if it were such a digest. */
const SHA1_PREFIX = Buffer.from('3021300906052b0e03021a05000414', 'hex')

/** A host's public key as it sends it: base64 of the struct, a space, a name, a NUL. */
export interface HostKey {
  readonly base64: string
  /** `user@host`, whatever the host says. */
  readonly name: string
}

/** @returns undefined for anything that is not such a key. */
export function parseHostKey(payload: Uint8Array): HostKey | undefined {
  const text = Buffer.from(payload).toString('latin1').replace(/\0.*$/s, '').trim()
  const [base64 = '', ...name] = text.split(' ')
  return keyOf(base64) === undefined ? undefined : { base64, name: name.join(' ') }
}

/** Whether the owner of one of `keys` (base64 structs) signed `token`. @returns that key. */
export function signerOf(
  token: Uint8Array,
  signature: Uint8Array,
  keys: Iterable<string>,
): string | undefined {
  const expected = Buffer.concat([SHA1_PREFIX, token])
  for (const base64 of keys) {
    const key = keyOf(base64)
    if (key !== undefined && recovered(key, signature)?.equals(expected)) return base64
  }
  return undefined
}

function recovered(key: KeyObject, signature: Uint8Array): Buffer | undefined {
  try {
    return publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature)
  } catch {
    return undefined
  }
}

function keyOf(base64: string): KeyObject | undefined {
  const struct = Buffer.from(base64, 'base64')
  if (struct.length !== STRUCT_BYTES || struct.readUInt32LE(0) !== MODULUS_BYTES / 4) return undefined
  // The struct is little endian, a JWK big endian.
  const modulus = Buffer.from(struct.subarray(8, 8 + MODULUS_BYTES)).reverse()
  const exponent = Buffer.alloc(4)
  exponent.writeUInt32BE(struct.readUInt32LE(STRUCT_BYTES - 4))
  try {
    const jwk = { kty: 'RSA', n: modulus.toString('base64url'), e: exponent.toString('base64url') }
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}
