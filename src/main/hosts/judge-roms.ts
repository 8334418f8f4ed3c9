// Which ROMs of a repository a terminal may have, and why not the others: one answer for every host.
import type { Eligibility, Reason, Verdict } from '../../shared/eligibility.ts'
import type { TerminalFacts } from '../../shared/terminal.ts'
import { checkEligibility, type EligibilityRequest } from '../core/eligibility/check.ts'
import type { CompiledDeployments } from '../core/eligibility/compile.ts'
import { sameProduct } from '../core/identity/same-product.ts'
import { namesOf } from '../core/plan/check-model.ts'
import type { PublishedRom } from '../repository/format.ts'

export interface JudgedRom {
  readonly rom: PublishedRom
  readonly verdict: Verdict
  /** The terminal has this build already. */
  readonly installed: boolean
  /** Of the deployment that is kindest to the terminal. */
  readonly reasons: readonly Reason[]
}

export interface Judgement extends Pick<Eligibility, 'missing' | 'installedWithdrawn'> {
  /** False where the repository has no rules: then only the models that packages name were compared. */
  readonly byRules: boolean
  /** Best first: eligible, undecided, refused. ROMs that no rule offers to any model are not among them. */
  readonly roms: readonly JudgedRom[]
}

/** @param rules of the repository that lists `roms`; undefined when it has none. */
export function judgeRoms(
  roms: readonly PublishedRom[],
  rules: CompiledDeployments | undefined,
  facts: TerminalFacts,
  request: EligibilityRequest = {},
): Judgement {
  if (rules === undefined) return { byRules: false, roms: judgedByModel(roms, facts), missing: [] }
  const { eligible, undecided, refused, missing, installedWithdrawn } = checkEligibility(
    rules,
    facts,
    request,
  )
  const listed = new Map(roms.map((rom) => [rom.target.path, rom]))
  const judged = new Map<string, JudgedRom>()
  for (const { rom: offered, verdict, installed, judgements } of [...eligible, ...undecided, ...refused]) {
    const rom = listed.get(offered.target)
    // Described twice, the kinder description counts: it comes first.
    if (rom === undefined || judged.has(offered.target)) continue
    judged.set(offered.target, { rom, verdict, installed, reasons: judgements[0]?.reasons ?? [] })
  }
  return {
    ...{ byRules: true, roms: [...judged.values()], missing },
    ...(installedWithdrawn !== undefined && { installedWithdrawn }),
  }
}

/** Without rules of deployment the models that a package names are all there is to go by. */
function judgedByModel(roms: readonly PublishedRom[], facts: TerminalFacts): readonly JudgedRom[] {
  const names = namesOf(facts)
  const judged = roms.map((rom): JudgedRom => {
    const models = rom.facts.models.map((value) => ({ value, source: 'the repository' }))
    const { kind, message } = sameProduct(names, models)
    const installed = rom.facts.build !== undefined && rom.facts.build === facts.build?.value
    if (kind === 'same') return { rom, installed, verdict: 'eligible', reasons: [model('met', message)] }
    if (kind === 'different')
      return { rom, installed, verdict: 'refused', reasons: [model('not-met', message)] }
    return {
      rom,
      installed,
      verdict: 'undecided',
      reasons: [{ ...model('unknown', message), fact: 'model' }],
    }
  })
  const later = (a: JudgedRom, b: JudgedRom) => (b.rom.facts.timestamp ?? 0) - (a.rom.facts.timestamp ?? 0)
  const of = (verdict: Verdict) => judged.filter((one) => one.verdict === verdict).toSorted(later)
  return [...of('eligible'), ...of('undecided'), ...of('refused')]
}

function model(outcome: Reason['outcome'], detail: string): Reason {
  return { rule: 'model', outcome, detail }
}
