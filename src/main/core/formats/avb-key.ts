// AVB's form of an RSA public key, with the two numbers that bootloaders need precomputed (avb_rsa.h), and back.
import { createPublicKey, type KeyObject } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import { RecordReader } from './record-reader.ts'

const KEY_BITS: readonly number[] = [2048, 4096, 8192]

/** The key of a blob as vbmeta carries it: u32 bits, u32 n0inv, modulus, R² mod n, big endian; the exponent is 65537.
 * @throws SlotbenchError `vbmeta-invalid` when the blob is no such key. */
export function avbPublicKey(blob: Uint8Array): KeyObject {
  const reader = new RecordReader(blob, 'big', 'vbmeta-invalid')
  const bits = reader.u32()
  if (!KEY_BITS.includes(bits)) reader.fail(`a public key of ${bits} bits`)
  const n0inv = reader.u32()
  const modulus = reader.bytes(bits / 8)
  const rr = reader.bytes(bits / 8)
  if (reader.remaining > 0) reader.fail(`${reader.remaining} bytes after the public key`)
  const n = bigintOf(modulus)
  // A bootloader computes with these as they stand, so a blob in which they disagree verifies nothing.
  if (n % 2n === 0n || n >> BigInt(bits - 1) === 0n) reader.fail(`the modulus is not one of ${bits} bits`)
  if (n0inv !== montgomeryInverse(n) || bigintOf(rr) !== montgomerySquare(n, bits))
    reader.fail('the precomputed numbers of the public key do not belong to its modulus')
  return createPublicKey({
    key: { kty: 'RSA', n: Buffer.from(modulus).toString('base64url'), e: 'AQAB' },
    format: 'jwk',
  })
}

/** The blob of an RSA key, public or private, of 2048, 4096 or 8192 bits.
 * @throws SlotbenchError `vbmeta-invalid` for any other key. */
export function avbPublicKeyBlob(key: KeyObject): Uint8Array<ArrayBuffer> {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const { kty, n: modulusText, e } = publicKey.export({ format: 'jwk' })
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0
  if (kty !== 'RSA' || e !== 'AQAB' || modulusText === undefined || !KEY_BITS.includes(bits))
    throw new SlotbenchError(
      'vbmeta-invalid',
      'AVB signs with RSA keys of 2048, 4096 or 8192 bits and exponent 65537',
    )
  const modulus = Buffer.from(modulusText, 'base64url')
  const n = bigintOf(modulus)
  const blob = new Uint8Array(8 + (2 * bits) / 8)
  const view = new DataView(blob.buffer)
  view.setUint32(0, bits)
  view.setUint32(4, montgomeryInverse(n))
  blob.set(modulus, 8)
  const rr = montgomerySquare(n, bits)
    .toString(16)
    .padStart(bits / 4, '0')
  blob.set(Buffer.from(rr, 'hex'), 8 + bits / 8)
  return blob
}

/** -1/n mod 2^32: what Montgomery multiplication by 32-bit words needs. */
function montgomeryInverse(n: bigint): number {
  const word = 1n << 32n
  let inverse = 1n
  // Newton's iteration doubles the correct low bits each time: 1, 2, 4 ... 32.
  for (let bits = 1; bits < 32; bits *= 2) inverse = (inverse * (2n - n * inverse)) & (word - 1n)
  return Number((word - inverse) & (word - 1n))
}

/** R² mod n with R = 2^bits. */
function montgomerySquare(n: bigint, bits: number): bigint {
  return (1n << BigInt(2 * bits)) % n
}

function bigintOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}
