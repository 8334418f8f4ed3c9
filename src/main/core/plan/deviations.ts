// What in a recipe or a plan departs from the usual, so that a supervisor has to stand behind it. Pure.
import type { FindingCode, Plan, Recipe } from '../../../shared/plan.ts'
import { DEVIATIONS, type Deviation } from '../../../shared/role.ts'

/** What is usual on this bench. */
export interface Usual {
  /** Percent. */
  readonly batteryLimit: number
}

type Rule = (recipe: Recipe, usual: Usual) => Deviation | undefined

/** Every field of a recipe stands here, so that whoever adds one decides on it. */
const OF_RECIPE: Readonly<Record<keyof Recipe, Rule>> = {
  // Which policy goes with a terminal is checked against its slots, for everybody.
  policy: () => undefined,
  wipe: ({ wipe }) => (wipe ? 'wipe' : undefined),
  batteryLimit: ({ batteryLimit }, usual) => (batteryLimit < usual.batteryLimit ? 'battery' : undefined),
  assumedModel: ({ assumedModel }) => (assumedModel === undefined ? undefined : 'vouched-model'),
  giveUpOtherSlot: ({ giveUpOtherSlot }) => (giveUpOtherSlot === true ? 'other-slot' : undefined),
  packageTables: ({ packageTables }) => (packageTables === true ? 'package-tables' : undefined),
  extendUserdata: ({ extendUserdata }) => (extendUserdata === true ? 'extend-userdata' : undefined),
  // A boot that was not waited for is never called a success.
  proofTimeout: () => undefined,
}

/** Warnings that somebody has to decide on, and not only to know. The first two are blockers today, whoever asks. */
const OF_WARNINGS: Partial<Readonly<Record<FindingCode, Deviation>>> = {
  'rollback-lower': 'downgrade',
  'patch-level-lower': 'downgrade',
  'trust-alarming': 'verdict',
  'avb-key-differs': 'foreign-key',
}

export function recipeDeviations(recipe: Recipe, usual: Usual): readonly Deviation[] {
  return Object.values(OF_RECIPE).flatMap((rule) => rule(recipe, usual) ?? [])
}

/** Those of its recipe, and those that only showed when package and terminal met; each once. */
export function planDeviations(plan: Plan, usual: Usual): readonly Deviation[] {
  const found = new Set<Deviation>(recipeDeviations(plan.recipe, usual))
  for (const { code } of plan.warnings) {
    const deviation = OF_WARNINGS[code]
    if (deviation !== undefined) found.add(deviation)
  }
  // Its makers allow going back, so that the terminal's recovery takes an older build.
  if (plan.rom.downgrade) found.add('downgrade')
  for (const step of plan.steps)
    if (step.kind === 'write-file') found.add(step.restore ? 'restore' : 'raw-write')
  return DEVIATIONS.filter((deviation) => found.has(deviation))
}
