// ECDSA signatures that repeat, so that the same loader is the same file each time. For test keys only: real ones belong to OpenSSL.
import { createECDH, createHash, type KeyObject } from 'node:crypto'

/** Order of P-384 (SEC 2, secp384r1). */
const ORDER = BigInt(
  '0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
)
const BYTES = 48

/** DER of a signature over SHA-384 of the message; the number that must not repeat for different messages is made of key and message. */
export function signP384(message: Uint8Array, key: KeyObject): Uint8Array {
  const secret = toNumber(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'))
  const digest = createHash('sha384').update(message).digest()
  const seed = createHash('sha384').update(toBytes(secret)).update(digest).digest()
  const nonce = (toNumber(seed) % (ORDER - 1n)) + 1n
  const curve = createECDH('secp384r1')
  curve.setPrivateKey(toBytes(nonce))
  // 04, then x and y of the point.
  const r = toNumber(curve.getPublicKey().subarray(1, 1 + BYTES)) % ORDER
  const s = (inverse(nonce) * (toNumber(digest) + r * secret)) % ORDER
  const body = Buffer.concat([derInteger(r), derInteger(s)])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

function inverse(value: bigint): bigint {
  let [result, base] = [1n, value]
  // Fermat: the order is a prime.
  for (let exponent = ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % ORDER
    base = (base * base) % ORDER
  }
  return result
}

function derInteger(value: bigint): Buffer {
  const bytes = toBytes(value)
  const start = bytes.findIndex((byte) => byte !== 0)
  const short = bytes.subarray(Math.max(0, start))
  const content = (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short
  return Buffer.concat([Buffer.from([0x02, content.length]), content])
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function toBytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(BYTES * 2, '0'), 'hex')
}
