// What the signatures over a package come to: one reason for each, and whose they are.
import { hash, type KeyObject, type X509Certificate } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Signer, TrustReason } from '../../../shared/trust.ts'
import { type AnchorSet, sha256Hex, spkiOf, subjectOf } from './anchors.ts'
import { signedBy } from './digest-signature.ts'
import type { OtaEvidence, PayloadEvidence, SignedDigest, TrustEvidence } from './evidence.ts'
import { parseCertificate } from './pkcs7.ts'

/** A key that made a signature in the package. */
export interface KnownSigner extends Signer {
  readonly key: KeyObject
}

export interface SignatureFindings {
  readonly reasons: readonly TrustReason[]
  /** Whose signature over the whole zip holds. */
  readonly zip: KnownSigner | undefined
  /** Whose signature over the whole payload holds. */
  readonly payload: KnownSigner | undefined
  /** The comment of the zip holds nothing but what signing programs write. */
  readonly plainComment: boolean
}

const ZIP_COVERS = 'every byte of the package: images, metadata, and what it says that it is for'
const PAYLOAD_COVERS = 'every image in payload.bin'
/** In bits; RSA keys below it are within reach of large computers. */
const SHORT_KEY = 2048
/** What SignApk and avbroot write in front of the signature. */
const REMARKS = ['', 'signed by SignApk\0', 'signed by avbroot\0']

export function judgeSignatures(evidence: TrustEvidence, anchors: AnchorSet): SignatureFindings {
  const { ota, payload } = evidence
  const certificate = otaCertificate(evidence)
  const reasons: TrustReason[] = []
  const zip = ota && judgeZip(ota, { certificate, anchors }, reasons)
  const plainComment = ota?.kind !== 'signed' || judgeRemark(ota.remark, reasons)
  if (ota !== undefined) judgeCertificate(ota, certificate, reasons)
  const own = signersOf(zip, certificate, anchors)
  const signers = payload && judgePayload(payload, { own, anchors }, reasons)
  const made = [zip, signers?.metadata, signers?.whole].filter((one) => one !== undefined)
  if (made.length > 1) reasons.push(sameSigner(made))
  return { reasons, zip, payload: signers?.whole, plainComment }
}

type OtaCertificate = X509Certificate | 'unreadable' | undefined

function otaCertificate({ otacert }: TrustEvidence): OtaCertificate {
  if (otacert === undefined) return undefined
  try {
    return parseCertificate(Buffer.from(otacert, 'base64'))
  } catch (thrown) {
    if (thrown instanceof SlotbenchError) return 'unreadable'
    throw thrown
  }
}

interface ZipContext {
  readonly certificate: OtaCertificate
  readonly anchors: AnchorSet
}

function judgeZip(ota: OtaEvidence, context: ZipContext, reasons: TrustReason[]): KnownSigner | undefined {
  const check = 'ota-signature'
  if (ota.kind === 'unreadable') {
    reasons.push({ check, result: 'broken', text: `The signature over the whole package: ${ota.detail}.` })
    return undefined
  }
  if (ota.kind === 'unsigned') {
    reasons.push(
      context.certificate === undefined
        ? { check, result: 'absent', text: 'The package carries no signature over the whole of it.' }
        : {
            ...{ check, result: 'alarming' },
            text: 'The package names its signer (META-INF/com/android/otacert), but the signature over the whole of it is missing.',
          },
    )
    return undefined
  }
  const signer = readSigner(ota, context.anchors)
  if (signer === undefined || !zipSignatureHolds(ota, signer.key)) {
    const text =
      'The signature over the whole package does not hold: the package was changed after it was signed.'
    reasons.push({ check, result: 'broken', text })
    return undefined
  }
  const weakness = weaknessOf(signer.key, ota.algorithm)
  const attributes =
    ota.attributes === undefined
      ? ''
      : ' It is of a form (with signed attributes) that the recovery of most terminals refuses.'
  reasons.push({
    ...{
      check,
      result: weakness === undefined ? 'holds' : 'weak',
      vouchesFor: ZIP_COVERS,
      signer: shown(signer),
    },
    text: `The signature over the whole package holds${weakness ?? ''}.${attributes}`,
  })
  return signer
}

function readSigner(ota: OtaEvidence & { kind: 'signed' }, anchors: AnchorSet): KnownSigner | undefined {
  try {
    const certificate = parseCertificate(Buffer.from(ota.certificate, 'base64'))
    const others = ota.otherCertificates.map((one) => parseCertificate(Buffer.from(one, 'base64')))
    return signerOfCertificate(certificate, anchors.ofCertificate(certificate, others))
  } catch (thrown) {
    if (thrown instanceof SlotbenchError && thrown.code === 'signature-invalid') return undefined
    throw thrown
  }
}

function zipSignatureHolds(ota: OtaEvidence & { kind: 'signed' }, key: KeyObject): boolean {
  const { algorithm, attributes } = ota
  const signature = Buffer.from(ota.signature, 'base64')
  const digest = Buffer.from(ota.digest, 'hex')
  if (attributes === undefined) return signedBy(key, { algorithm, digest, signature })
  if (attributes.contentDigest !== ota.digest) return false
  const signed = Buffer.from(attributes.signed, 'base64')
  return signedBy(key, { algorithm, digest: hash(algorithm, signed, 'buffer'), signature })
}

function weaknessOf(key: KeyObject, algorithm: string): string | undefined {
  if (algorithm === 'sha1')
    return ', but by SHA-1: whoever prepared the package could have prepared a second one that it fits as well'
  const bits = key.asymmetricKeyType === 'rsa' ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : SHORT_KEY
  return bits < SHORT_KEY ? `, but by an RSA key of only ${bits} bits` : undefined
}

function judgeRemark(remark: string, reasons: TrustReason[]): boolean {
  const text = Buffer.from(remark, 'base64').toString('latin1')
  if (REMARKS.includes(text)) return true
  reasons.push({
    ...{ check: 'ota-comment', result: 'not-checked' },
    text: `In front of the signature stand ${text.length} bytes that no signature covers and that no known signing program writes. Terminals ignore them.`,
  })
  return false
}

function judgeCertificate(ota: OtaEvidence, certificate: OtaCertificate, reasons: TrustReason[]): void {
  const check = 'ota-certificate'
  if (certificate === 'unreadable') {
    reasons.push({ check, result: 'broken', text: 'META-INF/com/android/otacert is no certificate.' })
    return
  }
  if (ota.kind !== 'signed') return
  if (certificate === undefined) {
    reasons.push({
      check,
      result: 'absent',
      text: 'The package does not name its signer in META-INF/com/android/otacert.',
    })
    return
  }
  const same = certificate.raw.equals(Buffer.from(ota.certificate, 'base64'))
  reasons.push(
    same
      ? { check, result: 'holds', text: 'The signer is the one that META-INF/com/android/otacert names.' }
      : {
          ...{ check, result: 'broken' },
          text: `The package is signed by another than META-INF/com/android/otacert names (${subjectOf(certificate)}).`,
        },
  )
}

interface PayloadContext {
  /** Who may have signed, as the package itself says. */
  readonly own: readonly KnownSigner[]
  readonly anchors: AnchorSet
}

function judgePayload(payload: PayloadEvidence, context: PayloadContext, reasons: TrustReason[]) {
  if (payload.problem !== undefined) {
    const text = `The signatures of payload.bin cannot be read: ${payload.problem}.`
    reasons.push({ check: 'payload-signature', result: 'broken', text })
  }
  const metadata = judgeSigned(payload.metadata, context, {
    ...{
      check: 'payload-metadata-signature',
      what: 'The signature over the list of contents of payload.bin',
    },
    vouchesFor: 'what the images in payload.bin must be, by their SHA-256',
  })
  const whole = judgeSigned(payload.whole, context, {
    ...{ check: 'payload-signature', what: 'The signature over payload.bin' },
    vouchesFor: PAYLOAD_COVERS,
  })
  if (payload.problem === undefined) reasons.push(metadata.reason, whole.reason)
  if (payload.trailing > 0 && payload.whole.signatures.length > 0)
    reasons.push({
      ...{ check: 'payload-signature', result: 'broken' },
      text: `${payload.trailing} bytes stand behind the signature that ends payload.bin; something was added to it.`,
    })
  reasons.push(propertiesReason(payload.promised))
  return { metadata: metadata.signer, whole: whole.signer }
}

interface Question {
  readonly check: 'payload-metadata-signature' | 'payload-signature'
  readonly what: string
  readonly vouchesFor: string
}

interface Answer {
  readonly reason: TrustReason
  readonly signer: KnownSigner | undefined
}

/** A signature of a payload does not say whose it is: every key that it may be is tried. */
function judgeSigned(signed: SignedDigest, { own, anchors }: PayloadContext, question: Question): Answer {
  const { check, what, vouchesFor } = question
  if (signed.signatures.length === 0)
    return { reason: { check, result: 'absent', text: `${what} is absent.` }, signer: undefined }
  const trusted = anchors
    .signingKeys()
    .map(({ name, key, fingerprint }): KnownSigner => ({ key, fingerprint, trusted: name }))
  const digest = Buffer.from(signed.digest, 'hex')
  const signatures = signed.signatures.map((one) => Buffer.from(one, 'base64'))
  const signer = [...own, ...trusted].find(({ key }) =>
    signatures.some((signature) => signedBy(key, { algorithm: 'sha256', digest, signature })),
  )
  if (signer !== undefined) {
    const weakness = weaknessOf(signer.key, 'sha256')
    const result = weakness === undefined ? 'holds' : 'weak'
    return {
      reason: { check, result, text: `${what} holds${weakness ?? ''}.`, vouchesFor, signer: shown(signer) },
      signer,
    }
  }
  const reason: TrustReason =
    own.length > 0
      ? {
          ...{ check, result: 'broken' },
          text: `${what} is not by the package’s own signer: payload.bin was changed, or comes from another package.`,
        }
      : {
          check,
          result: 'not-checked',
          text: `${what} is by a key that neither the package nor this bench knows.`,
        }
  return { reason, signer: undefined }
}

function propertiesReason({ fileHash, metadataHash }: PayloadEvidence['promised']): TrustReason {
  const check = 'payload-properties'
  if (!fileHash && !metadataHash)
    return { check, result: 'absent', text: 'No payload_properties.txt promises what payload.bin must be.' }
  const names = [...(metadataHash ? ['METADATA_HASH'] : []), ...(fileHash ? ['FILE_HASH'] : [])].join(' and ')
  return {
    ...{ check, result: 'holds', vouchesFor: 'payload.bin having come whole; not for who made it' },
    text: `payload.bin has the ${names} of payload_properties.txt.`,
  }
}

/** One package, one publisher: parts of two put together are neither's. */
function sameSigner(signers: readonly KnownSigner[]): TrustReason {
  const check = 'same-signer'
  const distinct = new Map(signers.map((signer) => [sha256Hex(spkiOf(signer.key)), signer]))
  if (distinct.size === 1)
    return { check, result: 'holds', text: 'All signatures of the package are by the same key.' }
  const names = [...distinct.values()].map(nameOf).join(', ')
  if ([...distinct.values()].every(({ trusted }) => trusted !== undefined))
    return {
      check,
      result: 'holds',
      text: `The package is signed by several keys, all of them trusted here: ${names}.`,
    }
  return {
    ...{ check, result: 'broken' },
    text: `Parts of the package are signed by different keys (${names}): it was put together from more than one.`,
  }
}

function signersOf(
  zip: KnownSigner | undefined,
  certificate: OtaCertificate,
  anchors: AnchorSet,
): readonly KnownSigner[] {
  const named =
    certificate === undefined || certificate === 'unreadable'
      ? []
      : [signerOfCertificate(certificate, anchors.ofCertificate(certificate))]
  return [...(zip === undefined ? [] : [zip]), ...named]
}

function signerOfCertificate(certificate: X509Certificate, trusted: string | undefined): KnownSigner {
  return {
    ...{
      key: certificate.publicKey,
      fingerprint: sha256Hex(certificate.raw),
      subject: subjectOf(certificate),
    },
    ...(trusted === undefined ? {} : { trusted }),
  }
}

function shown({ fingerprint, subject, trusted }: KnownSigner): Signer {
  return {
    fingerprint,
    ...(subject === undefined ? {} : { subject }),
    ...(trusted === undefined ? {} : { trusted }),
  }
}

function nameOf({ trusted, subject, fingerprint }: Signer): string {
  return trusted ?? subject ?? `sha256 ${fingerprint.slice(0, 16)}…`
}
