// The keys of publishers that a bench trusts: read from what people have of them, and compared with the keys seen in packages.
import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { plainText } from '../../../shared/plain-text.ts'
import type { AnchorKind, TrustAnchor } from '../../../shared/trust.ts'
import { avbPublicKey } from '../formats/avb-key.ts'

/** A certificate of several kilobytes is large already. */
const MAX_ANCHOR = 64 * 1024

export interface AnchorKey {
  readonly kind: AnchorKind
  /** What `fingerprint` is of: see `trustAnchorSchema`. */
  readonly data: Uint8Array
  readonly fingerprint: string
  /** The subject of a certificate. */
  readonly subject: string | undefined
}

/** The key in a file: an X.509 certificate or a public key (PEM or DER), or an AVB public key (avbtool's binary form).
 * @throws SlotbenchError `anchor-invalid`; a private key is refused, because nobody should hand one out. */
export function parseAnchor(file: Uint8Array): AnchorKey {
  if (file.byteLength > MAX_ANCHOR)
    throw new SlotbenchError('anchor-invalid', `the file has ${file.byteLength} bytes`)
  const text = Buffer.from(file).toString('latin1')
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
    throw new SlotbenchError(
      'anchor-invalid',
      'the file holds a private key; trust needs the public half only',
    )
  const found =
    attempt(() => certificateKey(file)) ?? attempt(() => avbKey(file)) ?? attempt(() => plainKey(file, text))
  if (found === undefined) throw new SlotbenchError('anchor-invalid', 'the file holds no key of a known form')
  return found
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    // Each form is tried in turn; only that none of them fits is worth telling.
    return undefined
  }
}

function certificateKey(file: Uint8Array): AnchorKey {
  const certificate = new X509Certificate(file)
  void certificate.publicKey
  const subject = subjectOf(certificate)
  return { kind: 'certificate', data: certificate.raw, fingerprint: sha256Hex(certificate.raw), subject }
}

function avbKey(file: Uint8Array): AnchorKey {
  avbPublicKey(file)
  return { kind: 'avb-key', data: file, fingerprint: sha256Hex(file), subject: undefined }
}

function plainKey(file: Uint8Array, text: string): AnchorKey {
  const key = text.includes('-----BEGIN')
    ? createPublicKey(text)
    : createPublicKey({ key: Buffer.from(file), format: 'der', type: 'spki' })
  const data = spkiOf(key)
  return { kind: 'public-key', data, fingerprint: sha256Hex(data), subject: undefined }
}

/** One line of what a certificate calls its owner. */
export function subjectOf(certificate: X509Certificate): string {
  return plainText(certificate.subject.replaceAll('\n', ', ')).slice(0, 200)
}

/** DER of the SubjectPublicKeyInfo. */
export function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' })
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The anchors, ready to be compared with keys; one that can no longer be read trusts nothing. */
export class AnchorSet {
  readonly #anchors: readonly { readonly name: string; readonly kind: AnchorKind; readonly data: Buffer }[]

  constructor(anchors: readonly TrustAnchor[]) {
    this.#anchors = anchors.map(({ name, kind, data }) => ({ name, kind, data: Buffer.from(data, 'base64') }))
  }

  get empty(): boolean {
    return this.#anchors.length === 0
  }

  /** Keys that may have signed a payload, which does not say who did. AVB keys are keys for vbmeta only. */
  signingKeys(): readonly { readonly name: string; readonly key: KeyObject; readonly fingerprint: string }[] {
    return this.#anchors.flatMap(({ name, kind, data }) => {
      if (kind === 'avb-key') return []
      const key = attempt(() => anchorKeyOf(kind, data))
      return key === undefined ? [] : [{ name, key, fingerprint: sha256Hex(data) }]
    })
  }

  /** The anchor that a certificate is, has the key of, or was issued by, over the certificates that came with it.
   * Dates are not looked at: recoveries do not either, and a package outlives its signer's certificate. */
  ofCertificate(certificate: X509Certificate, others: readonly X509Certificate[] = []): string | undefined {
    let current = certificate
    for (let step = 0; step <= others.length; step++) {
      const name = this.#direct(current, step > 0)
      if (name !== undefined) return name
      const issuer = others.find((one) => one !== current && issued(one, current))
      if (issuer === undefined) return undefined
      current = issuer
    }
    return undefined
  }

  ofKey(key: KeyObject): string | undefined {
    const spki = spkiOf(key)
    return this.signingKeys().find((one) => spkiOf(one.key).equals(spki))?.name
  }

  /** A bare public key may be of either kind; that of a certificate signs packages only.
   * @param blob the key as vbmeta carries it. */
  ofAvbKey(blob: Uint8Array): string | undefined {
    const pinned = this.#anchors.find(({ kind, data }) => kind === 'avb-key' && data.equals(blob))
    if (pinned !== undefined) return pinned.name
    const key = attempt(() => spkiOf(avbPublicKey(blob)))
    return this.#anchors.find(({ kind, data }) => kind === 'public-key' && key?.equals(data))?.name
  }

  /** @param asIssuer only an authority vouches for what it issued. */
  #direct(certificate: X509Certificate, asIssuer: boolean): string | undefined {
    const spki = spkiOf(certificate.publicKey)
    for (const { name, kind, data } of this.#anchors) {
      if (kind === 'avb-key') continue
      const key = attempt(() => anchorKeyOf(kind, data))
      if (key === undefined) continue
      if (spkiOf(key).equals(spki) && (!asIssuer || certificate.ca)) return name
      const pinned = kind === 'certificate' ? new X509Certificate(data) : undefined
      if (pinned !== undefined && issued(pinned, certificate)) return name
    }
    return undefined
  }
}

function anchorKeyOf(kind: 'certificate' | 'public-key', data: Buffer): KeyObject {
  switch (kind) {
    case 'certificate':
      return new X509Certificate(data).publicKey
    case 'public-key':
      return createPublicKey({ key: data, format: 'der', type: 'spki' })
    default:
      return missingCase(kind)
  }
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return (
    issuer.ca &&
    certificate.checkIssued(issuer) &&
    attempt(() => certificate.verify(issuer.publicKey)) === true
  )
}
