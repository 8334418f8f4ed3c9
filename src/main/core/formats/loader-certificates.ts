// The certificates behind the signature of a loader: DER, one behind the other, the root last.
import { createHash, X509Certificate } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'

export interface LoaderCertificate {
  /** One line per part of the name; undefined where the certificate cannot be read. Its digests hold all the same. */
  readonly subject: string | undefined
  /** Issued by itself. */
  readonly isRoot: boolean
  /** Of the DER bytes, hexadecimal: what a chip has burnt in for its root, in one of the two. */
  readonly sha256: string
  readonly sha384: string
}

/** What the signer wrote into the attestation certificate, hexadecimal as it stands there. Newer signatures have it elsewhere. */
export interface LoaderIds {
  /** 16 digits: version (8), kind of image (8). */
  readonly swId: string | undefined
  /** 16 digits: chip (8), maker (4), model (4). */
  readonly hwId: string | undefined
  readonly oemId: string | undefined
  readonly modelId: string | undefined
}

const SEQUENCE = 0x30
/** Chains have two to five. */
const MAX_CERTIFICATES = 16

/** The DER bytes of each certificate; padding behind the last one is left out.
 * @throws SlotbenchError `loader-invalid` for a certificate that goes beyond the end. */
export function splitCertificates(chain: Uint8Array): readonly Uint8Array[] {
  const certificates: Uint8Array[] = []
  for (let at = 0; chain[at] === SEQUENCE; ) {
    const size = derSize(chain, at)
    if (size === undefined || at + size > chain.length)
      throw new SlotbenchError(
        'loader-invalid',
        `certificate ${certificates.length + 1} goes beyond its place`,
      )
    if (certificates.length >= MAX_CERTIFICATES)
      throw new SlotbenchError('loader-invalid', `more than ${MAX_CERTIFICATES} certificates`)
    certificates.push(chain.subarray(at, at + size))
    at += size
  }
  return certificates
}

export function readCertificate(der: Uint8Array): LoaderCertificate {
  const digests = { sha256: digestOf('sha256', der), sha384: digestOf('sha384', der) }
  try {
    const { subject, issuer } = new X509Certificate(der)
    return { subject, isRoot: subject === issuer, ...digests }
  } catch {
    return { subject: undefined, isRoot: false, ...digests }
  }
}

/** Out of lines such as `OU=02 000460E100040000 HW_ID`. */
export function idsIn(subject: string | undefined): LoaderIds {
  const field = (name: string, digits: number): string | undefined => {
    const value = new RegExp(`^OU=\\d\\d ([0-9A-F]{${digits}}) ${name}$`, 'im').exec(subject ?? '')?.[1]
    return value?.toLowerCase()
  }
  return {
    swId: field('SW_ID', 16),
    hwId: field('HW_ID', 16),
    oemId: field('OEM_ID', 4),
    modelId: field('MODEL_ID', 4),
  }
}

/** Header and content of a DER value; undefined for a length that no certificate has. */
function derSize(bytes: Uint8Array, at: number): number | undefined {
  const first = bytes[at + 1]
  if (first === undefined) return undefined
  if (first < 0x80) return 2 + first
  const count = first & 0x7f
  if (count === 0 || count > 3) return undefined
  let length = 0
  for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0)
  return 2 + count + length
}

export function digestOf(algorithm: 'sha256' | 'sha384', bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex')
}
