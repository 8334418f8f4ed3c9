// What Android Verified Boot comes to over the images of a package: signatures, the chain, flags, and every image named in it.
import type { Signer, TrustReason } from '../../../shared/trust.ts'
import { VBMETA_FLAGS } from '../formats/vbmeta.ts'
import { type AnchorSet, sha256Hex } from './anchors.ts'
import type { AvbChainEvidence, AvbDigestEvidence, TrustEvidence, VbmetaEvidence } from './evidence.ts'

export interface AvbFindings {
  readonly reasons: readonly TrustReason[]
  /** The signer of the top vbmeta, of each chain that the package has; undefined where its signature does not hold. */
  readonly signers: readonly (Signer | undefined)[]
  /** Every image of the package is named in a vbmeta and could be checked, and nothing is switched off. */
  readonly complete: boolean
}

export function judgeAvb(evidence: TrustEvidence, anchors: AnchorSet): AvbFindings {
  if (evidence.delta) return { reasons: [], signers: [], complete: false }
  if (evidence.avb.length === 0) {
    const text = 'The package has no vbmeta, so verified boot says nothing about its images.'
    return { reasons: [{ check: 'avb-coverage', result: 'absent', text }], signers: [], complete: false }
  }
  const chains = evidence.avb.map((chain) => judgeChain(chain, anchors))
  return {
    reasons: chains.flatMap((chain) => chain.reasons),
    signers: chains.map((chain) => chain.signer),
    complete: chains.every((chain) => chain.complete),
  }
}

function judgeChain(chain: AvbChainEvidence, anchors: AnchorSet) {
  const [top, ...chained] = chain.vbmetas
  const where = chain.slot === undefined ? '' : ` (slot ${chain.slot})`
  const signer = top && signerOf(top, anchors)
  const reasons: TrustReason[] = [
    ...(top === undefined ? [] : [topReason(top, signer, where), ...flagReasons(top, where)]),
    ...chained.map((one) => chainedReason(one, anchors, where)),
    ...chain.missing.map((partition) => missingChain(partition, where)),
    ...chain.digests.map((digest) => digestReason(digest, where)),
    ...coverageReasons(chain, where),
    rollbackReason(chain.vbmetas, where),
  ]
  const complete =
    chain.uncovered.length === 0 &&
    chain.digests.every(({ state }) => state !== 'unknown') &&
    chain.vbmetas.every(({ flags }) => flags === 0)
  return { reasons, signer: top?.signature === 'valid' ? signer : undefined, complete }
}

function signerOf({ publicKey }: VbmetaEvidence, anchors: AnchorSet): Signer | undefined {
  const blob = Buffer.from(publicKey, 'base64')
  if (blob.length === 0) return undefined
  const trusted = anchors.ofAvbKey(blob)
  return { fingerprint: sha256Hex(blob), ...(trusted === undefined ? {} : { trusted }) }
}

function topReason(top: VbmetaEvidence, signer: Signer | undefined, where: string): TrustReason {
  const common = { check: 'avb-signature', partition: top.partition } as const
  switch (top.signature) {
    case 'valid':
      return {
        ...{ ...common, result: 'holds', ...(signer === undefined ? {} : { signer }) },
        text: `The signature of ${top.partition}${where} (${top.algorithm}) holds.`,
        vouchesFor: 'what verified boot demands of every partition that it names',
      }
    case 'unsigned':
      return {
        ...{ ...common, result: 'absent' },
        text: `${top.partition}${where} is not signed: a locked bootloader refuses it.`,
      }
    default:
      return { ...common, result: 'broken', text: brokenVbmeta(top, where) }
  }
}

function brokenVbmeta({ partition, flagsChanged }: VbmetaEvidence, where: string): string {
  return flagsChanged
    ? `${partition}${where}: verification was switched off in it after it was signed, so its signature no longer holds; a locked bootloader refuses it.`
    : `The signature of ${partition}${where} does not hold: it was changed after it was signed.`
}

function flagReasons({ flags, partition }: VbmetaEvidence, where: string): TrustReason[] {
  const common = { check: 'avb-flags', result: 'alarming', partition } as const
  const found: TrustReason[] = []
  if (flags & VBMETA_FLAGS.verificationDisabled)
    found.push({
      ...common,
      text: `VERIFICATION IS SWITCHED OFF in ${partition}${where}: with it a terminal checks none of its images before it boots them.`,
    })
  if (flags & VBMETA_FLAGS.hashtreeDisabled)
    found.push({
      ...common,
      text: `Checking while reading (dm-verity) is switched off in ${partition}${where}: system, vendor and the like may be changed unnoticed.`,
    })
  const unknown = flags & ~(VBMETA_FLAGS.verificationDisabled | VBMETA_FLAGS.hashtreeDisabled)
  if (unknown !== 0)
    found.push({ ...common, text: `${partition}${where} has flags that are not known here (${flags}).` })
  return found
}

function chainedReason(one: VbmetaEvidence, anchors: AnchorSet, where: string): TrustReason {
  const { partition, publicKey, expectedKey, signature } = one
  const common = { check: 'avb-chain', partition } as const
  if (signature === 'invalid') return { ...common, result: 'broken', text: brokenVbmeta(one, where) }
  if (signature === 'unsigned')
    return {
      ...{ ...common, result: 'broken' },
      text: `${partition}${where} is not signed, but vbmeta demands a signature.`,
    }
  const signer = signerOf(one, anchors)
  const shown = signer === undefined ? {} : { signer }
  if (publicKey !== expectedKey)
    return {
      ...{ ...common, ...shown, result: 'broken' },
      text: `${partition}${where} is signed with another key than vbmeta demands: it comes from another build or maker.`,
    }
  return {
    ...{ ...common, ...shown, result: 'holds' },
    text: `${partition}${where} is signed (${one.algorithm}) with the key that vbmeta demands.`,
    vouchesFor: `what ${partition} names, with rollback index ${one.rollbackIndex} at location ${one.rollbackLocation}`,
  }
}

function missingChain(partition: string, where: string): TrustReason {
  return {
    ...{ check: 'avb-chain', result: 'not-checked', partition },
    text: `vbmeta${where} demands a signature of ${partition}, which the package does not bring: the one on the terminal has to fit.`,
  }
}

function digestReason(found: AvbDigestEvidence, where: string): TrustReason {
  const { partition, kind, by, state, detail = '', fec } = found
  const common = { check: kind === 'hash' ? 'avb-hash' : 'avb-hashtree', partition } as const
  const parity = fec === 0 ? '' : ` Its ${fec} bytes of error correction data were not checked.`
  switch (state) {
    case 'holds':
      return {
        ...{ ...common, result: 'holds' },
        text:
          kind === 'hash'
            ? `${partition}${where} has the digest that ${by} demands.`
            : `${partition}${where}: its hash tree was computed anew and is the one that ${by} demands.${parity}`,
        vouchesFor: `every byte of ${partition} that the terminal will use`,
      }
    case 'differs':
      return {
        ...{ ...common, result: 'broken' },
        text: `${partition}${where} is not what ${by} demands: ${detail}. A terminal that verifies will not boot with it.`,
      }
    case 'missing':
      return {
        ...{ ...common, result: 'not-checked' },
        text: `${by}${where} names ${partition}, which the package does not bring: the one on the terminal has to fit.`,
      }
    default:
      return { ...common, result: 'not-checked', text: `${partition}${where} cannot be checked: ${detail}.` }
  }
}

function coverageReasons({ uncovered }: AvbChainEvidence, where: string): TrustReason[] {
  if (uncovered.length === 0) return []
  return [
    {
      ...{ check: 'avb-coverage', result: 'not-checked' },
      text: `Verified boot${where} does not speak of ${uncovered.join(', ')}; parts of the boot chain carry a signature that only the chip checks.`,
    },
  ]
}

function rollbackReason(vbmetas: readonly VbmetaEvidence[], where: string): TrustReason {
  const indices = vbmetas.map(
    ({ partition, rollbackIndex, rollbackLocation }) =>
      `${rollbackIndex} at location ${rollbackLocation} (${partition})`,
  )
  return {
    ...{ check: 'avb-rollback', result: 'holds' },
    text: `Rollback indices${where}: ${indices.join(', ')}. The plan compares them with the terminal’s.`,
  }
}
