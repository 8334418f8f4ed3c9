// Whether the package is for this terminal: every name the terminal gave in any mode against every name the package gives.
import { missingCase } from '../../../shared/missing-case.ts'
import type { Finding, Recipe } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { type Name, type ProductMatch, sameProduct } from '../identity/same-product.ts'
import { BUILD_NAME } from '../rom/edl-names.ts'
import type { Findings } from './checks.ts'

const NONE: Findings = { blockers: [], warnings: [] }
const VOUCH = 'If you know that it belongs to this terminal, vouch for it with --assume-model.'
const RIGHT_PACKAGE = 'Use the package made for this model.'
const LOOK = 'Read the model off the terminal’s label or box.'

/** Every name of the terminal once, each with the field it was read from. */
export function namesOf(facts: TerminalFacts): readonly Name[] {
  const said = [facts.product, facts.variant, ...(facts.names ?? [])].filter((name) => name !== undefined)
  return [...new Map(said.toReversed().map((name) => [name.value.toLowerCase(), name])).values()].toReversed()
}

/** How the terminal's names and the package's go together; what is not exactly the same name may still be the same product
 * (zte-domain §1.2, double identity). */
export function matchModel(facts: TerminalFacts, rom: RomInfo): ProductMatch {
  return sameProduct(namesOf(facts), packageNames(rom))
}

export function checkModel(facts: TerminalFacts, rom: RomInfo, recipe: Recipe): Findings {
  const match = matchModel(facts, rom)
  switch (match.kind) {
    case 'same':
      return checkSource(match.rom, rom)
    case 'unnamed':
      return packageNames(rom).length === 0
        ? checkSilentPackage(facts, recipe)
        : vouchedOr(rom, recipe, wrong(match.message, RIGHT_PACKAGE))
    case 'different':
      return vouchedOr(rom, recipe, wrong(match.message, RIGHT_PACKAGE))
    case 'contradiction':
      return vouchedOr(rom, recipe, wrong(match.message, LOOK))
    default:
      return missingCase(match)
  }
}

/** Whether the model settles it already that this package is not written, whatever other modes would tell: then the terminal is not
 * restarted for their sake. Boards and chips are names of fastboot image sets too (`require board=`), and some bootloaders call their
 * product so; a terminal that has the package's name in any of its variables is asked further. */
export function modelRulesOut(facts: TerminalFacts, rom: RomInfo, recipe: Recipe): boolean {
  if (checkModel(facts, rom, recipe).blockers.length === 0 || namesOf(facts).length === 0) return false
  if (facts.mode === 'bootloader' || facts.surveyed?.includes('bootloader') === true) return true
  const wanted = [...rom.models, recipe.assumedModel].filter((name) => name !== undefined)
  const said = new Set(Object.values(facts.variables).map((value) => value.trim().toLowerCase()))
  return matchModel(facts, rom).kind === 'contradiction' || !wanted.some((w) => said.has(w.toLowerCase()))
}

function packageNames(rom: RomInfo): readonly Name[] {
  const source = (model: string) => rom.edl?.names.find(({ value }) => value === model)?.source ?? 'model'
  return rom.models.filter((name) => name.trim() !== '').map((value) => ({ value, source: source(value) }))
}

/** An EDL package has no field for its model: where only somebody's name for a file or folder says so, that is told. */
function checkSource({ value, source }: Name, rom: RomInfo): Findings {
  if (rom.edl === undefined || source === BUILD_NAME) return NONE
  const detail = `that the package is for ${value} is only said by the ${source}, which anybody may have given; look whether it is right`
  return { blockers: [], warnings: [{ code: 'model-weak', detail }] }
}

function checkSilentPackage(facts: TerminalFacts, recipe: Recipe): Findings {
  const own = namesOf(facts)
  const { assumedModel } = recipe
  // A terminal in EDL may have no name left; then only whoever holds it in hand knows.
  if (assumedModel !== undefined && (own.length === 0 || means(assumedModel, own)))
    return vouched(`the package does not say which model it is for; you vouch that it is for ${assumedModel}`)
  const called = own.map(({ value }) => value).join(', ') || 'nothing'
  return blocked({
    code: 'model-unknown',
    detail: `the package does not say which model it is for; the terminal calls itself ${called}`,
    next: 'Use the full OTA zip, which names its model, or vouch for it with --assume-model and the terminal’s own name.',
  })
}

/** A technician who names the package's own model has looked, whatever the terminal calls itself. */
function vouchedOr(rom: RomInfo, { assumedModel }: Recipe, problem: Finding): Findings {
  return assumedModel !== undefined && means(assumedModel, packageNames(rom))
    ? vouched(`${problem.detail}; you vouch that it is a ${assumedModel}`)
    : blocked(problem)
}

function means(assumed: string, names: readonly Name[]): boolean {
  return sameProduct([{ value: assumed, source: '--assume-model' }], names).kind === 'same'
}

function wrong(message: string, next: string): Finding {
  return { code: 'wrong-model', detail: message, next: `${next} ${VOUCH}` }
}

function blocked(finding: Finding): Findings {
  return { blockers: [finding], warnings: [] }
}

function vouched(detail: string): Findings {
  return { blockers: [], warnings: [{ code: 'vouched-model', detail }] }
}
