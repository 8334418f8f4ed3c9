// Whether a package is genuine, intact or broken, with one line for every check: a pure function of what was found in it and of the
// keys that this bench trusts. The rules are told to technicians in docs/trust.md.
import type { TrustAnchor, TrustReason, TrustVerdict } from '../../../shared/trust.ts'
import { AnchorSet } from './anchors.ts'
import type { TrustEvidence } from './evidence.ts'
import { type AvbFindings, judgeAvb } from './verdict-avb.ts'
import { judgeSignatures, type SignatureFindings } from './verdict-signatures.ts'

export function judge(evidence: TrustEvidence, trusted: readonly TrustAnchor[]): TrustVerdict {
  const anchors = new AnchorSet(trusted)
  const signatures = judgeSignatures(evidence, anchors)
  const avb = judgeAvb(evidence, anchors)
  const reasons = [...signatures.reasons, imagesReason(evidence), ...avb.reasons]
  const broken = reasons.filter(({ result }) => result === 'broken')
  if (broken.length > 0) return brokenVerdict(broken, reasons)
  const publishers = publishersOf(evidence, signatures, avb)
  if (publishers.length === 0)
    return { verdict: 'intact', publishers: [], reasons, summary: intactSummary(signatures, avb) }
  const summary = `Genuine: signed by ${publishers.join(' and ')}, whom this bench trusts, and every check holds.`
  return { verdict: 'genuine', summary, publishers: [...publishers], reasons }
}

/** Of a package that could not even be read to its end.
 * @param detail what went wrong, in one sentence. */
export function unreadableVerdict(detail: string): TrustVerdict {
  const reasons: TrustReason[] = [{ check: 'read', result: 'broken', text: detail }]
  return brokenVerdict(reasons, reasons)
}

function brokenVerdict(broken: readonly TrustReason[], reasons: TrustReason[]): TrustVerdict {
  const others = broken.length > 1 ? ` (and ${broken.length - 1} more)` : ''
  return { verdict: 'broken', summary: `Broken: ${broken[0]?.text ?? ''}${others}`, publishers: [], reasons }
}

/** The trusted keys that vouch for all of the package; none when something in it is vouched for by nobody. */
function publishersOf(
  evidence: TrustEvidence,
  signatures: SignatureFindings,
  avb: AvbFindings,
): readonly string[] {
  if (evidence.ota !== undefined)
    return signatures.plainComment ? names([signatures.zip, signatures.payload]) : []
  if (evidence.payload !== undefined) return names([signatures.payload])
  const all = avb.signers.every((signer) => signer?.trusted !== undefined)
  return avb.complete && all ? names(avb.signers) : []
}

/** The first one vouches for the whole; the others are told where they are trusted too. */
function names(signers: readonly ({ readonly trusted?: string } | undefined)[]): readonly string[] {
  const [first, ...others] = signers
  if (first?.trusted === undefined) return []
  const found = [first, ...others].flatMap((signer) => signer?.trusted ?? [])
  return [...new Set(found)]
}

function intactSummary({ zip, payload }: SignatureFindings, avb: AvbFindings): string {
  const signer = zip ?? payload
  if (signer !== undefined && signer.trusted === undefined)
    return `Intact: the package agrees with itself, but its signer (${signer.subject ?? signer.fingerprint.slice(0, 16)}) is not trusted on this bench.`
  if (signer !== undefined)
    return `Intact: what ${signer.trusted} signed holds, but nobody signed the whole of the package.`
  const [vbmeta] = avb.signers
  if (vbmeta?.trusted !== undefined)
    return `Intact: verified boot is by ${vbmeta.trusted}, but it does not speak of all that the package holds.`
  if (vbmeta !== undefined)
    return 'Intact: the images agree with their verified boot, whose key is not trusted on this bench.'
  return 'Intact as far as can be told: the package agrees with itself, but nobody signed it.'
}

function imagesReason({ images, delta }: TrustEvidence): TrustReason {
  const check = 'image-digests'
  if (delta)
    return {
      ...{ check, result: 'not-checked' },
      text: 'The images of a delta cannot be read here; the terminal’s own updater checks them.',
    }
  if (images.promised === 0)
    return {
      check,
      result: 'absent',
      text: `${images.read} images were read; the package has no digests for them.`,
    }
  return {
    ...{ check, result: 'holds', vouchesFor: 'the images having come whole; not for who made them' },
    text: `${images.promised} of ${images.read} images have the SHA-256 that the package promises.`,
  }
}
