// RSA keys as ADB uses them: PKCS#8 here, a structure of mincrypt's on the terminal (AOSP android_pubkey.cpp).
import { constants, createPublicKey, type KeyObject, privateEncrypt } from 'node:crypto'
import { joinBytes } from '../../core/formats/join-bytes.ts'
import type { AdbKey } from './credentials.ts'

export const KEY_BITS = 2048
const KEY_BYTES = KEY_BITS / 8
const WORD_BYTES = 4
/** What stands before a SHA-1 in a PKCS#1 signature (RFC 8017, section 9.2, note 1). */
const SHA1_PREFIX = Uint8Array.from(Buffer.from('3021300906052b0e03021a05000414', 'hex'))

/** @param name what the terminal's prompt and its list of trusted computers may show.
 * @returns undefined for a key that terminals do not take: not RSA, not 2048 bits, an exponent beyond 32 bits. */
export function adbKey(privateKey: KeyObject, name: string): AdbKey | undefined {
  if (privateKey.asymmetricKeyType !== 'rsa') return undefined
  const structure = androidKeyStructure(privateKey)
  if (structure === undefined) return undefined
  return {
    publicKey: `${Buffer.from(structure).toString('base64')} ${name}`,
    sign: (token) =>
      Uint8Array.from(
        privateEncrypt(
          { key: privateKey, padding: constants.RSA_PKCS1_PADDING },
          joinBytes([SHA1_PREFIX, token]),
        ),
      ),
  }
}

/** Little endian: words of the modulus, -1/n mod 2^32, n, (2^2048)^2 mod n, e. */
function androidKeyStructure(privateKey: KeyObject): Uint8Array<ArrayBuffer> | undefined {
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
  const modulus = numberOf(jwk.n)
  const exponent = numberOf(jwk.e)
  if (modulus === undefined || exponent === undefined || exponent > 0xffff_ffffn) return undefined
  if (modulus >> BigInt(KEY_BITS - 1) !== 1n) return undefined
  const bytes = new Uint8Array(WORD_BYTES * 3 + KEY_BYTES * 2)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, KEY_BYTES / WORD_BYTES, true)
  view.setUint32(4, Number(negativeInverse(modulus)), true)
  putLittleEndian(bytes.subarray(8, 8 + KEY_BYTES), modulus)
  const radix = 1n << BigInt(KEY_BITS)
  putLittleEndian(bytes.subarray(8 + KEY_BYTES, 8 + KEY_BYTES * 2), (radix * radix) % modulus)
  view.setUint32(8 + KEY_BYTES * 2, Number(exponent), true)
  return bytes
}

/** -1/n mod 2^32 of an odd n, by Newton's iteration: each round doubles the bits that are right. */
function negativeInverse(n: bigint): bigint {
  let inverse = 1n
  for (let bits = 1; bits < 32; bits *= 2) inverse = BigInt.asUintN(32, inverse * (2n - n * inverse))
  return BigInt.asUintN(32, -inverse)
}

function numberOf(base64url: string | undefined): bigint | undefined {
  if (!base64url) return undefined
  return BigInt(`0x${Buffer.from(base64url, 'base64url').toString('hex')}`)
}

function putLittleEndian(target: Uint8Array, value: bigint): void {
  let rest = value
  for (let i = 0; i < target.length; i++) {
    target[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
}
