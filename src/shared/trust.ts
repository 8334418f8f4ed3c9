// Whether a package is genuine: the keys that are trusted, the verdict, and one line for every check behind it.
import { z } from 'zod'

export const anchorKindSchema = z.enum(['certificate', 'public-key', 'avb-key'])
export type AnchorKind = z.infer<typeof anchorKindSchema>

/** A key of a publisher that this bench trusts. */
export const trustAnchorSchema = z.object({
  name: z.string().min(1),
  kind: anchorKindSchema,
  /** Base64: DER of the certificate, DER of the SubjectPublicKeyInfo, or the AVB key as vbmeta carries it. */
  data: z.base64(),
  /** SHA-256 of `data` in hex: what `openssl x509 -fingerprint -sha256` shows, and `ro.boot.vbmeta.public_key_digest`. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  /** ISO 8601, UTC. */
  addedAt: z.string(),
  /** Who added it, as the host's system calls them. */
  addedBy: z.string(),
})
export type TrustAnchor = z.infer<typeof trustAnchorSchema>

export const CHECKS = [
  'ota-signature',
  'ota-certificate',
  'ota-comment',
  'payload-metadata-signature',
  'payload-signature',
  'payload-properties',
  'same-signer',
  'image-digests',
  'avb-signature',
  'avb-chain',
  'avb-flags',
  'avb-rollback',
  'avb-hash',
  'avb-hashtree',
  'avb-coverage',
  'avb-key-of-terminal',
  'read',
] as const
export const checkKindSchema = z.enum(CHECKS)
export type CheckKind = z.infer<typeof checkKindSchema>

export const CHECK_RESULTS = ['holds', 'weak', 'not-checked', 'absent', 'alarming', 'broken'] as const
/** `weak`: holds, by means that are no longer good enough. `not-checked`: nothing here can check it. `absent`: there is nothing to
 * check. `alarming`: holds, but switches something off or is not as makers ship it. `broken`: does not hold. */
export const checkResultSchema = z.enum(CHECK_RESULTS)
export type CheckResult = z.infer<typeof checkResultSchema>

/** A key seen at work in a package. */
export const signerSchema = z.object({
  /** SHA-256 of the certificate, of the public key (SubjectPublicKeyInfo) where there is none, or of the AVB key. */
  fingerprint: z.string(),
  /** What its certificate calls it. */
  subject: z.string().exactOptional(),
  /** The trusted key that it is, or that issued it. */
  trusted: z.string().exactOptional(),
})
export type Signer = z.infer<typeof signerSchema>

export const trustReasonSchema = z.object({
  check: checkKindSchema,
  result: checkResultSchema,
  /** The partition that it is about. */
  partition: z.string().exactOptional(),
  /** What was checked and what came of it, in words for technicians. */
  text: z.string(),
  /** What it vouches for, where it holds. */
  vouchesFor: z.string().exactOptional(),
  signer: signerSchema.exactOptional(),
})
export type TrustReason = z.infer<typeof trustReasonSchema>

/** `genuine`: everything holds and comes from a key that this bench trusts. `intact`: it agrees with itself, but by nobody whom this
 * bench knows. `broken`: something does not hold. */
export const trustVerdictSchema = z.object({
  verdict: z.enum(['genuine', 'intact', 'broken']),
  /** The verdict in one sentence. */
  summary: z.string(),
  /** Names of the trusted keys that it rests on; empty unless genuine. */
  publishers: z.array(z.string()),
  reasons: z.array(trustReasonSchema),
})
export type TrustVerdict = z.infer<typeof trustVerdictSchema>
