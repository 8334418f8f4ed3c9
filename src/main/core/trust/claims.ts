// The signatures that a package carries, read when it is opened, and the digests that they claim to be over.
import { SlotbenchError } from '../../../shared/errors.ts'
import { readOtaFooter } from '../formats/ota-footer.ts'
import type { Payload } from '../formats/payload.ts'
import { MAX_SIGNATURES_MESSAGE, parsePayloadSignatures } from '../formats/payload-signatures.ts'
import type { ByteRange } from '../formats/stream-digests.ts'
import type { ByteSource } from '../source.ts'
import type { OtaEvidence, PayloadEvidence, TrustEvidence } from './evidence.ts'
import type { FileDigest } from './passes.ts'
import { parseSignedData, type SignedData } from './pkcs7.ts'

export interface PackageClaims {
  readonly ota?: OtaClaim
  /** META-INF/com/android/otacert. */
  readonly otacert?: Uint8Array
  readonly payload?: PayloadClaim
}

/** What the end of an OTA zip says. */
export type OtaClaim =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'unreadable'; readonly detail: string }
  | {
      readonly kind: 'signed'
      readonly source: ByteSource
      readonly signedEnd: number
      readonly remark: Uint8Array
      readonly data: SignedData
    }

export interface PayloadClaim {
  readonly payload: Payload
  readonly metadata: readonly Uint8Array[]
  readonly whole: readonly Uint8Array[]
  readonly problem: string | undefined
  /** FILE_HASH of payload_properties.txt. */
  readonly fileHash: string | undefined
  /** Whether METADATA_HASH was given; the reader of the payload has compared it. */
  readonly metadataHash: boolean
}

/** @throws SlotbenchError `package-unsafe` when the archive can be read in two ways; what reading throws. */
export async function readOtaClaim(source: ByteSource, signal: AbortSignal): Promise<OtaClaim> {
  try {
    const footer = await readOtaFooter(source, signal)
    if (footer === undefined) return { kind: 'unsigned' }
    const { signedEnd, remark, signature } = footer
    return { kind: 'signed', source, signedEnd, remark, data: parseSignedData(signature) }
  } catch (thrown) {
    return { kind: 'unreadable', detail: detailOf(thrown, 'signature-invalid') }
  }
}

/** @throws SlotbenchError of reading. */
export async function readPayloadClaim(
  payload: Payload,
  promised: Pick<PayloadClaim, 'fileHash' | 'metadataHash'>,
  signal: AbortSignal,
): Promise<PayloadClaim> {
  const { source, signatures } = payload
  const read = async (range: ByteRange | undefined) => {
    const length = range === undefined ? 0 : range.end - range.start
    if (range === undefined || length === 0) return []
    if (length > MAX_SIGNATURES_MESSAGE)
      throw new SlotbenchError('payload-invalid', `the payload's signatures take ${length} bytes`)
    return parsePayloadSignatures(await source.read(range.start, length, signal))
  }
  try {
    const metadata = await read(signatures.metadata)
    return { payload, metadata, whole: await read(signatures.payload), problem: undefined, ...promised }
  } catch (thrown) {
    const problem = detailOf(thrown, 'payload-invalid')
    return { payload, metadata: [], whole: [], problem, ...promised }
  }
}

function detailOf(thrown: unknown, code: SlotbenchError['code']): string {
  if (thrown instanceof SlotbenchError && thrown.code === code) return thrown.message
  throw thrown
}

export interface ClaimDigests {
  readonly digests: readonly FileDigest[]
  /** What was found; only when every digest was computed. */
  evidence(): Pick<TrustEvidence, 'ota' | 'otacert' | 'payload'>
}

/** The digests that the claims need, and what becomes of them. */
export function claimDigests(claims: PackageClaims): ClaimDigests {
  const { otacert } = claims
  const ota = claims.ota && otaDigests(claims.ota)
  const payload = claims.payload && payloadDigests(claims.payload)
  return {
    digests: [...(ota?.digests ?? []), ...(payload?.digests ?? [])],
    evidence: () => ({
      ...(ota === undefined ? {} : { ota: ota.evidence() }),
      ...(otacert === undefined ? {} : { otacert: base64(otacert) }),
      ...(payload === undefined ? {} : { payload: payload.evidence() }),
    }),
  }
}

interface Part<T> {
  readonly digests: readonly FileDigest[]
  evidence(): T
}

function otaDigests(claim: OtaClaim): Part<OtaEvidence> {
  if (claim.kind !== 'signed') return { digests: [], evidence: () => claim }
  const { source, signedEnd, data, remark } = claim
  const content = new Taken()
  return {
    digests: [
      { source, algorithm: data.algorithm, ranges: [{ start: 0, end: signedEnd }], take: content.take },
    ],
    evidence: () => ({
      ...{ kind: 'signed', algorithm: data.algorithm, digest: content.digest, remark: base64(remark) },
      ...{ certificate: base64(data.certificate), signature: base64(data.signature) },
      otherCertificates: data.otherCertificates.map(base64),
      ...(data.attributes && {
        attributes: {
          signed: base64(data.attributes.signed),
          contentDigest: Buffer.from(data.attributes.contentDigest).toString('hex'),
        },
      }),
    }),
  }
}

function payloadDigests(claim: PayloadClaim): Part<PayloadEvidence> {
  const { payload, metadata, whole, problem, fileHash, metadataHash } = claim
  const { source, signatures, metadataSize, metadataSha256 } = payload
  const signed = new Taken()
  const end = signatures.payload?.end ?? source.size
  const ranges = [
    { start: 0, end: metadataSize },
    { start: signatures.metadata.end, end: signatures.payload?.start ?? source.size },
  ]
  const digests: FileDigest[] = []
  if (whole.length > 0) digests.push({ source, algorithm: 'sha256', ranges, take: signed.take })
  if (fileHash !== undefined)
    digests.push({
      ...{ source, algorithm: 'sha256', ranges: [{ start: 0, end: source.size }] },
      take: (digest) => compareFileHash(digest, fileHash),
    })
  return {
    digests,
    evidence: () => ({
      metadata: { digest: metadataSha256, signatures: metadata.map(base64) },
      whole: { digest: whole.length > 0 ? signed.digest : '', signatures: whole.map(base64) },
      trailing: source.size - end,
      ...(problem === undefined ? {} : { problem }),
      promised: { fileHash: fileHash !== undefined, metadataHash },
    }),
  }
}

/** FILE_HASH covers the payload as it lies there, signatures included. */
function compareFileHash(actual: string, promised: string): void {
  if (actual === promised) return
  throw new SlotbenchError(
    'digest-mismatch',
    `payload.bin has SHA-256 ${actual}, payload_properties.txt promises ${promised}`,
  )
}

class Taken {
  #digest: string | undefined
  readonly take = (digest: string): void => {
    this.#digest = digest
  }

  get digest(): string {
    if (this.#digest === undefined) throw new SlotbenchError('internal', 'a digest was not computed')
    return this.#digest
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
