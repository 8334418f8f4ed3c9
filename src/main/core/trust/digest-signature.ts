// Whether a signature over a digest was made by a key. The digest was computed while the package streamed by, on another thread, so
// nothing here sees the signed bytes; that rules out `crypto.verify`, which hashes by itself (docs/adr/0011).
import { constants, type KeyObject, publicDecrypt } from 'node:crypto'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { HashAlgorithm } from '../formats/stream-digests.ts'

/** What a DigestInfo of PKCS#1 v1.5 begins with (RFC 8017, 9.2 note 1). */
const DIGEST_INFO: Readonly<Record<HashAlgorithm, string>> = {
  sha1: '3021300906052b0e03021a05000414',
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
}
const DIGEST_BYTES: Readonly<Record<HashAlgorithm, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 }

const CURVES = new Map([
  ['P-256', p256],
  ['P-384', p384],
  ['P-521', p521],
])
const MAX_RSA_BITS = 16_384

export interface DigestSignature {
  readonly algorithm: HashAlgorithm
  readonly digest: Uint8Array
  /** RSA: as long as the modulus. ECDSA: DER of r and s. */
  readonly signature: Uint8Array
}

/** RSA with PKCS#1 v1.5, or ECDSA over P-256, P-384 and P-521. Any other key has signed nothing. */
export function signedBy(key: KeyObject, signed: DigestSignature): boolean {
  if (signed.digest.byteLength !== DIGEST_BYTES[signed.algorithm])
    throw new SlotbenchError(
      'internal',
      `a ${signed.algorithm} digest of ${signed.digest.byteLength} bytes was to be verified`,
    )
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return signedByRsa(key, signed)
    case 'ec':
      return signedByEcdsa(key, signed)
    default:
      return false
  }
}

/** The whole encoded block is made anew and compared, so there is no padding to be lenient about. */
function signedByRsa(key: KeyObject, { algorithm, digest, signature }: DigestSignature): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  const size = Math.ceil(bits / 8)
  const info = Buffer.concat([Buffer.from(DIGEST_INFO[algorithm], 'hex'), digest])
  if (bits > MAX_RSA_BITS || signature.byteLength !== size || size < info.length + 11) return false
  const padding = Buffer.alloc(size - info.length - 3, 0xff)
  const expected = Buffer.concat([Uint8Array.of(0, 1), padding, Uint8Array.of(0), info])
  try {
    return publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature).equals(expected)
  } catch {
    // A number that is not below the modulus is no signature.
    return false
  }
}

function signedByEcdsa(key: KeyObject, { digest, signature }: DigestSignature): boolean {
  const { crv, x, y } = key.export({ format: 'jwk' })
  const curve = CURVES.get(crv ?? '')
  if (curve === undefined || x === undefined || y === undefined) return false
  const point = Buffer.concat([Uint8Array.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
  try {
    // Signers of packages do not normalise s, so both halves of the curve count.
    return curve.verify(signature, digest, point, { prehash: false, format: 'der', lowS: false })
  } catch {
    // No DER, or numbers that lie outside the curve's order.
    return false
  }
}
