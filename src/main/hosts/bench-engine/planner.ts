// Plans that are shown before they are run: the plan itself stays here, under a number, so that nobody can send an altered one back.
import { randomUUID } from 'node:crypto'
import type { Choice, PlanView, Settings } from '../../../shared/contract.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Plan, Recipe } from '../../../shared/plan.ts'
import { planDeviations } from '../../core/plan/deviations.ts'
import type { Bench } from '../bench.ts'
import { planFor } from '../plan-for.ts'
import type { BayBoard } from './bay-board.ts'
import type { BayDesk } from './bay-desk.ts'
import { clipAll } from './clip.ts'
import type { RomLibrary } from './rom-library.ts'
import type { SettingsStore } from './settings-store.ts'
import { stepView } from './views.ts'

export interface PlannerParts {
  readonly bench: Bench
  readonly board: BayBoard
  readonly desk: BayDesk
  readonly library: RomLibrary
  readonly settings: SettingsStore
}

export interface PlanRequest {
  readonly bay: string
  readonly rom: string
  readonly choice: Choice
  readonly survey: boolean
}

const KEPT = 64

export class Planner {
  readonly #parts: PlannerParts
  readonly #plans = new Map<string, Plan>()

  constructor(parts: PlannerParts) {
    this.#parts = parts
  }

  /** @throws SlotbenchError `bay-empty`, `bay-busy`, `rom-not-listed`, and what reading and verifying throw. */
  async make(request: PlanRequest): Promise<PlanView> {
    const plan = await this.plan(request, recipeOf(request.choice, this.#parts.settings.settings))
    return { ...this.keep(plan), rom: request.rom }
  }

  /** Any plan, until it is taken. */
  keep(plan: Plan): PlanView {
    const id = randomUUID()
    this.#plans.set(id, plan)
    const [oldest] = this.#plans.keys()
    if (this.#plans.size > KEPT && oldest !== undefined) this.#plans.delete(oldest)
    return planView(id, plan, this.#parts.settings.settings)
  }

  /** The plan alone, with this very recipe. */
  async plan({ bay, rom, survey }: Omit<PlanRequest, 'choice'>, recipe: Recipe): Promise<Plan> {
    const { bench, board, desk, library } = this.#parts
    // What many terminals wait for is read once, before the first of them is touched.
    await library.verify(rom)
    return desk.take(bay, { yields: false }, (signal) =>
      board.working(bay, { kind: 'planning' }, async () => {
        const sighting = board.openable(bay)
        const opened = await bench.open(library.pathOf(rom), signal)
        try {
          const plan = await planFor(bench, {
            ...{ rom: opened, sighting, recipe, survey, signal },
            onWaiting: (waiting) => board.waiting(bay, waiting),
            onVisit: (mode) => board.visiting(bay, mode),
            onVerify: () => {},
          })
          board.learnt(bay, plan.facts)
          return plan
        } finally {
          await opened.close()
        }
      }),
    )
  }

  /** @throws SlotbenchError `plan-expired`. */
  peek(id: string): Plan {
    const found = this.#plans.get(id)
    if (found === undefined) throw new SlotbenchError('plan-expired', `there is no plan ${id}`)
    return found
  }

  /** Each plan can be taken once.
   * @throws SlotbenchError `plan-expired`. */
  take(id: string): Plan {
    const plan = this.peek(id)
    this.#plans.delete(id)
    return plan
  }
}

export function recipeOf(choice: Choice, settings: Settings): Recipe {
  return {
    policy: choice.policy,
    wipe: choice.wipe,
    batteryLimit: settings.batteryLimit,
    proofTimeout: settings.proofTimeout,
    ...(choice.assumedModel !== undefined && { assumedModel: choice.assumedModel }),
    ...(choice.giveUpOtherSlot === true && { giveUpOtherSlot: true }),
  }
}

function planView(id: string, plan: Plan, usual: Settings): PlanView {
  const { terminal, recipe, fromSlot, blockers, warnings, totals } = plan
  return clipAll({
    ...{ id, bay: terminal.bay, terminal, recipe, blockers, warnings, totals },
    ...(fromSlot !== undefined && { fromSlot }),
    steps: plan.steps.map((step) => stepView(step)),
    deviations: [...planDeviations(plan, usual)],
  })
}
