// Judged by node:crypto, which signs; by AOSP's test keys; and by blocks that a lenient reader would take for signatures.
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
  sign,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import type { HashAlgorithm } from '../formats/stream-digests.ts'
import { signedBy } from './digest-signature.ts'

const key = (name: string) => createPrivateKey(readFileSync(fixture(name)))
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const KEYS: readonly (readonly [string, KeyObject])[] = [
  ['RSA-2048 of update_engine', key('payload/unittest_key.pem')],
  ['RSA-4096 of update_engine', key('payload/unittest_key_RSA4096.pem')],
  ['RSA-8192 of avb', key('avb/testkey_rsa8192.pem')],
  ['EC of update_engine', key('payload/unittest_key_EC.pem')],
  ['P-384', ec('secp384r1')],
  ['P-521', ec('secp521r1')],
]
const HASHES: readonly HashAlgorithm[] = ['sha1', 'sha256', 'sha384', 'sha512']
const CONTENT = Buffer.from('what is signed')
const digest = (algorithm: HashAlgorithm) => createHash(algorithm).update(CONTENT).digest()

describe.each(KEYS)('a signature by %s', (_name, privateKey) => {
  const publicKey = createPublicKey(privateKey)

  it.each(HASHES)('over %s is known for what it is', (algorithm) => {
    const signature = sign(algorithm, CONTENT, privateKey)
    const signed = { algorithm, digest: digest(algorithm), signature }
    expect(signedBy(publicKey, signed)).toBe(true)
    const other = createHash(algorithm).update('something else').digest()
    expect(signedBy(publicKey, { ...signed, digest: other })).toBe(false)
    for (const one of KEYS)
      if (one[1] !== privateKey) expect(signedBy(createPublicKey(one[1]), signed), one[0]).toBe(false)
  })

  it('is none with any bit of it changed, cut, or grown', () => {
    const signature = new Uint8Array(sign('sha256', CONTENT, privateKey))
    const signed = (bytes: Uint8Array) =>
      ({ algorithm: 'sha256', digest: digest('sha256'), signature: bytes }) as const
    fc.assert(
      fc.property(fc.nat(signature.length - 1), fc.nat(7), (at, bit) => {
        const copy = new Uint8Array(signature)
        copy[at] = (copy[at] ?? 0) ^ (1 << bit)
        expect(signedBy(publicKey, signed(copy))).toBe(false)
      }),
      { numRuns: 40 },
    )
    expect(signedBy(publicKey, signed(signature.slice(0, -1)))).toBe(false)
    expect(signedBy(publicKey, signed(Uint8Array.from([...signature, 0])))).toBe(false)
    expect(signedBy(publicKey, signed(new Uint8Array(0)))).toBe(false)
    expect(signedBy(publicKey, signed(new Uint8Array(signature.length)))).toBe(false)
    expect(signedBy(publicKey, signed(new Uint8Array(signature.length).fill(0xff)))).toBe(false)
  })
})

describe('an RSA block', () => {
  const rsa = key('payload/unittest_key.pem')
  const info = Buffer.concat([Buffer.from('3031300d060960864801650304020105000420', 'hex'), digest('sha256')])
  /** What a signature decrypts to, made by the key itself; so only its form can be wrong. */
  const block = (...parts: Uint8Array[]) => {
    const bytes = Buffer.concat(parts)
    const signature = privateEncrypt({ key: rsa, padding: constants.RSA_NO_PADDING }, bytes)
    return signedBy(createPublicKey(rsa), { algorithm: 'sha256', digest: digest('sha256'), signature })
  }
  const ff = (length: number) => Buffer.alloc(length, 0xff)

  it('counts in its one right form only', () => {
    expect(block(Uint8Array.of(0, 1), ff(202), Uint8Array.of(0), info)).toBe(true)
    // Garbage behind a short padding: how signatures with small exponents are forged.
    expect(block(Uint8Array.of(0, 1), ff(8), Uint8Array.of(0), info, Buffer.alloc(194, 7))).toBe(false)
    expect(block(Uint8Array.of(0, 1), ff(8), Buffer.alloc(194, 7), Uint8Array.of(0), info)).toBe(false)
    expect(block(Uint8Array.of(0, 2), ff(202), Uint8Array.of(0), info)).toBe(false)
    // A DigestInfo without its NULL, and a bare digest.
    const bare = Buffer.concat([
      Buffer.from('302f300b0609608648016503040201' + '0420', 'hex'),
      digest('sha256'),
    ])
    expect(block(Uint8Array.of(0, 1), ff(253 - bare.length), Uint8Array.of(0), bare)).toBe(false)
    expect(block(Uint8Array.of(0, 1), ff(221), Uint8Array.of(0), digest('sha256'))).toBe(false)
  })

  it('is no signature of a key of another kind', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const signature = sign(null, CONTENT, privateKey)
    expect(signedBy(publicKey, { algorithm: 'sha256', digest: digest('sha256'), signature })).toBe(false)
  })
})
