// What was found in a package while it was read, before anybody asks whose keys are trusted. It is kept with the verified package, so
// that the verdict can be given anew, in a millisecond, whenever the trusted keys change.
import { z } from 'zod'

const base64 = z.base64()
const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/)
const algorithm = z.enum(['sha1', 'sha256', 'sha384', 'sha512'])

/** A digest that was computed, and the signatures that claim to be over it. */
const signedDigestSchema = z.object({ digest: hex, signatures: z.array(base64) })
export type SignedDigest = z.infer<typeof signedDigestSchema>

const otaEvidenceSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('unsigned') }),
  z.object({ kind: z.literal('unreadable'), detail: z.string() }),
  z.object({
    kind: z.literal('signed'),
    algorithm,
    /** Of everything that the signature covers. */
    digest: hex,
    certificate: base64,
    otherCertificates: z.array(base64),
    signature: base64,
    /** What is signed instead of the content, and the digest of the content in it. */
    attributes: z.object({ signed: base64, contentDigest: hex }).exactOptional(),
    /** Text in front of the signature, which nothing covers. */
    remark: base64,
  }),
])
export type OtaEvidence = z.infer<typeof otaEvidenceSchema>

const payloadEvidenceSchema = z.object({
  /** Over prefix and manifest. */
  metadata: signedDigestSchema,
  /** Over everything but the two signatures. */
  whole: signedDigestSchema,
  /** Bytes behind the signature that ends the payload. */
  trailing: z.number().int().nonnegative(),
  /** Why the signatures cannot be read. */
  problem: z.string().exactOptional(),
  /** What payload_properties.txt promised; whatever is promised was found to hold. */
  promised: z.object({ fileHash: z.boolean(), metadataHash: z.boolean() }),
})
export type PayloadEvidence = z.infer<typeof payloadEvidenceSchema>

const vbmetaEvidenceSchema = z.object({
  partition: z.string(),
  algorithm: z.string(),
  signature: z.enum(['valid', 'invalid', 'unsigned']),
  /** As vbmeta carries it; empty when unsigned. */
  publicKey: base64,
  /** Of a chained one: the key that the top vbmeta demands. */
  expectedKey: base64.exactOptional(),
  rollbackIndex: z.string(),
  rollbackLocation: z.number(),
  flags: z.number(),
  /** The signature would hold if the flags were zero: somebody switched verification off in a signed image. */
  flagsChanged: z.boolean(),
})
export type VbmetaEvidence = z.infer<typeof vbmetaEvidenceSchema>

const avbDigestSchema = z.object({
  partition: z.string(),
  kind: z.enum(['hash', 'hashtree']),
  /** The vbmeta that says what it must be. */
  by: z.string(),
  /** `missing`: the package has no such image. `unknown`: by a method that is not known here. */
  state: z.enum(['holds', 'differs', 'missing', 'unknown']),
  detail: z.string().exactOptional(),
  /** Bytes of error correction data, which are not checked. */
  fec: z.number().int().nonnegative(),
})
export type AvbDigestEvidence = z.infer<typeof avbDigestSchema>

const avbChainSchema = z.object({
  /** Where the package holds one set of images for each slot. */
  slot: z.enum(['a', 'b']).exactOptional(),
  /** The top vbmeta first. */
  vbmetas: z.array(vbmetaEvidenceSchema),
  /** Chained partitions that the package lacks. */
  missing: z.array(z.string()),
  digests: z.array(avbDigestSchema),
  /** Images of the package that no vbmeta speaks of. */
  uncovered: z.array(z.string()),
})
export type AvbChainEvidence = z.infer<typeof avbChainSchema>

export const trustEvidenceSchema = z.object({
  /** Absent for what is no OTA zip. */
  ota: otaEvidenceSchema.exactOptional(),
  /** META-INF/com/android/otacert as it is. */
  otacert: base64.exactOptional(),
  payload: payloadEvidenceSchema.exactOptional(),
  /** How many images were read, and how many of them had a digest promised in the package. */
  images: z.object({ read: z.number(), promised: z.number() }),
  /** Whether images could be read at all; those of a delta cannot. */
  delta: z.boolean(),
  avb: z.array(avbChainSchema),
})
export type TrustEvidence = z.infer<typeof trustEvidenceSchema>
