// Terminal facts and deployment rules → the ROMs that the terminal may have, best first, each with reasons, and for the others why not.
import type { Deployment, OfferedRom } from '../../../shared/deployment.ts'
import type { Candidate, Eligibility, Reason, Verdict } from '../../../shared/eligibility.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { lookupKeys, type Name, sameProduct } from '../identity/same-product.ts'
import { namesOf } from '../plan/check-model.ts'
import type { CompiledDeployments, ModelGroup } from './compile.ts'
import { decided, unknown } from './judge.ts'
import { installedBuild, installedFingerprint, whereToRead } from './known-facts.ts'
import { applyRules } from './rules.ts'

export interface EligibilityRequest {
  /** Default: `stable`. */
  readonly channels?: readonly string[]
  /** A model that the technician read off the label; then the terminal's own names do not count. */
  readonly assumedModel?: string
  /** The most undecided ROMs, and the most refused ones, in the answer (default 100). Eligible ones are all in it. */
  readonly limit?: number
}

type Judgement = Candidate['judgements'][number]

/** Pure, and the same for any order of the rules. A rule whose fact is missing is unknown, and unknown never makes a ROM eligible
 * unless the deployment itself waives that fact. */
export function checkEligibility(
  compiled: CompiledDeployments,
  facts: TerminalFacts,
  request: EligibilityRequest = {},
): Eligibility {
  const names = namesToAsk(facts, request)
  const groups = groupsFor(compiled, names)
  const channels = new Set(request.channels ?? ['stable'])
  const byRom = new Map<string, { rom: OfferedRom; judged: Ranked[] }>()
  for (const group of groups) {
    const model = judgeModel(group, names, facts)
    for (const deployment of group.deployments) {
      const rom = compiled.roms.get(deployment.rom)
      if (rom === undefined) continue
      const withdrawn = judgeWithdrawal(compiled, rom)
      const reasons = [model, ...withdrawn, ...applyRules({ deployment, rom, facts, channels })]
      const entry = byRom.get(rom.id) ?? { rom, judged: [] }
      entry.judged.push({ deployment, verdict: verdictOf(reasons), reasons })
      byRom.set(rom.id, entry)
    }
  }
  const ranked = [...byRom.values()].map(({ rom, judged }) => candidateOf(rom, judged, facts)).toSorted(best)
  const considered = groups.reduce((sum, group) => sum + group.deployments.length, 0)
  const limit = request.limit ?? 100
  const of = (verdict: Verdict) =>
    ranked.map(({ candidate }) => candidate).filter((one) => one.verdict === verdict)
  const [undecided, refused] = [of('undecided'), of('refused')]
  const installedWithdrawn = withdrawalOfInstalled(compiled, facts)
  return {
    names: names.map(({ value, source }) => ({ value, source })),
    eligible: of('eligible'),
    undecided: undecided.slice(0, limit),
    refused: refused.slice(0, limit),
    omitted: Math.max(0, undecided.length - limit) + Math.max(0, refused.length - limit),
    otherModels: compiled.count - considered,
    missing: missingFacts(undecided, names, { facts, compiled }),
    ...(installedWithdrawn === undefined ? {} : { installedWithdrawn }),
  }
}

function namesToAsk(facts: TerminalFacts, { assumedModel }: EligibilityRequest): readonly Name[] {
  return assumedModel === undefined ? namesOf(facts) : [{ value: assumedModel, source: 'the technician' }]
}

function groupsFor({ groups }: CompiledDeployments, names: readonly Name[]): readonly ModelGroup[] {
  const keys = new Set(names.flatMap(({ value }) => lookupKeys(value)))
  return [...new Set([...keys].flatMap((key) => groups.get(key) ?? []))]
}

function judgeModel({ models }: ModelGroup, names: readonly Name[], facts: TerminalFacts): Reason {
  const match = sameProduct(names, models)
  switch (match.kind) {
    case 'same':
      return decided('model', true, match.message)
    case 'different':
      return decided('model', false, match.message)
    case 'contradiction':
    case 'unnamed':
      return { ...unknown({ rule: 'model', fact: 'model', facts }, ''), detail: match.message }
    default:
      return missingCase(match)
  }
}

function judgeWithdrawal({ withdrawn }: CompiledDeployments, rom: OfferedRom): readonly Reason[] {
  const reason = withdrawn.get(rom.id)
  return reason === undefined ? [] : [decided('withdrawn', false, `withdrawn: ${reason}`)]
}

function verdictOf(reasons: readonly Reason[]): Verdict {
  if (reasons.some(({ outcome }) => outcome === 'not-met')) return 'refused'
  return reasons.some(({ outcome }) => outcome === 'unknown') ? 'undecided' : 'eligible'
}

interface Ranked {
  readonly deployment: Deployment
  readonly verdict: Verdict
  readonly reasons: Reason[]
}

const KINDEST: Readonly<Record<Verdict, number>> = { eligible: 0, undecided: 1, refused: 2 }

interface RankedCandidate {
  readonly candidate: Candidate
  readonly priority: number
}

function candidateOf(rom: OfferedRom, judged: readonly Ranked[], facts: TerminalFacts): RankedCandidate {
  const sorted = judged.toSorted(
    (a, b) =>
      KINDEST[a.verdict] - KINDEST[b.verdict] ||
      priorityOf(b.deployment) - priorityOf(a.deployment) ||
      compareText(a.deployment.id, b.deployment.id),
  )
  const judgements = sorted.map(
    ({ deployment, verdict, reasons }): Judgement => ({ deployment: deployment.id, verdict, reasons }),
  )
  const [first] = sorted
  const verdict = first?.verdict ?? 'refused'
  const priority = first === undefined ? 0 : priorityOf(first.deployment)
  return { candidate: { rom, verdict, installed: isInstalled(rom, facts), judgements }, priority }
}

function priorityOf({ priority }: Deployment): number {
  return priority ?? 0
}

/** By priority, then the later ROM, then the later patch level; ids make the order total, so it does not hang on the set's order. */
function best(a: RankedCandidate, b: RankedCandidate): number {
  const [x, y] = [a.candidate.rom, b.candidate.rom]
  return (
    b.priority - a.priority ||
    (y.timestamp ?? -1) - (x.timestamp ?? -1) ||
    compareText(y.securityPatch ?? '', x.securityPatch ?? '') ||
    compareText(x.id, y.id)
  )
}

/** By code units: the same on every machine. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The fingerprint decides where both sides have one: a display id may be used for several builds. */
function isInstalled(rom: OfferedRom, facts: TerminalFacts): boolean {
  const fingerprint = installedFingerprint(facts)?.value
  if (fingerprint !== undefined && rom.fingerprints !== undefined)
    return rom.fingerprints.includes(fingerprint)
  return installedBuild(facts)?.value === rom.build
}

function withdrawalOfInstalled(compiled: CompiledDeployments, facts: TerminalFacts): string | undefined {
  const reasons = [...compiled.withdrawn]
    .filter(([id]) => {
      const rom = compiled.roms.get(id)
      return rom !== undefined && isInstalled(rom, facts)
    })
    .map(([, reason]) => reason)
  return reasons.length === 0 ? undefined : reasons.toSorted().join('; ')
}

function missingFacts(
  undecided: readonly Candidate[],
  names: readonly Name[],
  { facts, compiled }: { readonly facts: TerminalFacts; readonly compiled: CompiledDeployments },
): Eligibility['missing'] {
  const waiting = new Map<Eligibility['missing'][number]['fact'], number>()
  if (names.length === 0 && compiled.count > 0) waiting.set('model', compiled.count)
  for (const { judgements } of undecided)
    for (const { verdict, reasons } of judgements) {
      if (verdict !== 'undecided') continue
      for (const fact of new Set(reasons.filter((r) => r.outcome === 'unknown').map((r) => r.fact)))
        if (fact !== undefined) waiting.set(fact, (waiting.get(fact) ?? 0) + 1)
    }
  return [...waiting]
    .toSorted(([a, x], [b, y]) => y - x || compareText(a, b))
    .map(([fact, deployments]) => ({ fact, readIn: whereToRead(fact, facts), deployments }))
}
