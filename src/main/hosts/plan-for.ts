// An open package + a terminal + a recipe → plan, as every host needs it. The terminal is only read, though it may restart for that.
import type { Plan, Recipe } from '../../shared/plan.ts'
import type { Mode } from '../../shared/terminal.ts'
import { modelRulesOut } from '../core/plan/check-model.ts'
import { mergeFacts } from '../core/plan/merge-facts.ts'
import { modesToSurvey } from '../core/plan/modes.ts'
import { plan } from '../core/plan/plan.ts'
import type { Rom } from '../core/rom/types.ts'
import type { Waiting } from '../flash/bay-sessions.ts'
import type { Readings } from '../flash/survey.ts'
import type { Sighting } from '../terminals/types.ts'
import type { Bench } from './bench.ts'

export interface PlanFor {
  readonly rom: Rom
  readonly sighting: Sighting
  readonly recipe: Recipe
  /** The terminal may be restarted into the modes that know what the plan needs. */
  readonly survey: boolean
  readonly signal: AbortSignal
  readonly onWaiting: (waiting: Waiting) => void
  /** Called before the terminal is restarted into another mode. */
  readonly onVisit?: (mode: Mode) => void
  /** The terminal has been read; what follows is the package. */
  readonly onRead?: () => void
  readonly onVerify: (done: number, total: number) => void
}

/** @throws SlotbenchError `job-busy` while a job works on that terminal, and what reading and verifying throw. */
export async function planFor(bench: Bench, o: PlanFor): Promise<Plan> {
  bench.journal.checkFree(o.sighting.bay, o.sighting.serial)
  await bench.keepLoadersOf(o.rom)
  // The terminal first: a wrong cable is found in a second, a whole ROM is verified in minutes.
  const facts = mergeFacts(await readings(bench, o))
  o.onRead?.()
  const info = await bench.verify(o.rom, { signal: o.signal, onProgress: o.onVerify })
  return plan({
    facts,
    rom: info,
    recipe: o.recipe,
    host: { freeBytes: await bench.freeBytes() },
    now: new Date().toISOString(),
  })
}

function readings(bench: Bench, o: PlanFor): Promise<Readings> {
  const { info } = o.rom
  const required = info.requirements.filter((r) => r.variable === 'partition-exists').flatMap((r) => r.anyOf)
  return bench.survey({
    bay: o.sighting.bay,
    signal: o.signal,
    partitions: [...info.images.map((image) => image.name), ...required],
    onWaiting: o.onWaiting,
    ...(o.onVisit && { onVisit: o.onVisit }),
    next: (known) => {
      const facts = mergeFacts(known)
      if (!o.survey || modelRulesOut(facts, info, o.recipe)) return []
      return modesToSurvey(info, facts, o.recipe.policy)
    },
  })
}
