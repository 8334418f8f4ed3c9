// A session: package and recipe are chosen once; every terminal that is plugged in is checked, and starts after a countdown or a key.
// One that does not fit waits with its reason.
import type { Choice, SessionBayView, SessionView } from '../../../shared/contract.ts'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { Plan } from '../../../shared/plan.ts'
import type { Deviation } from '../../../shared/role.ts'
import { planDeviations, recipeDeviations } from '../../core/plan/deviations.ts'
import { noticeOf } from '../bench-view.ts'
import type { BayBoard } from './bay-board.ts'
import type { BayDesk } from './bay-desk.ts'
import { clipAll } from './clip.ts'
import type { JobRunner } from './job-runner.ts'
import type { LogBook } from './log-book.ts'
import { type Planner, recipeOf } from './planner.ts'
import type { ReadModel } from './read-model.ts'
import type { SettingsStore } from './settings-store.ts'
import type { Supervisor } from './supervisor/supervisor.ts'
import { clippedNotice } from './views.ts'

export interface SessionParts {
  readonly model: ReadModel
  readonly log: LogBook
  readonly board: BayBoard
  readonly desk: BayDesk
  readonly runner: JobRunner
  readonly planner: Planner
  readonly settings: SettingsStore
  readonly supervisor: Supervisor
}

export interface SessionChoice {
  readonly rom: string
  readonly choice: Choice
  /** Seconds; 0 waits for the key. */
  readonly countdown: number
}

interface Place {
  view: SessionBayView
  plan: Plan | undefined
  timer: NodeJS.Timeout | undefined
}

export const NO_SESSION: SessionView = {
  active: false,
  policy: 'seamless',
  wipe: false,
  countdown: 5,
  bays: [],
}

export class FlashSession {
  readonly #parts: SessionParts
  readonly #places = new Map<string, Place>()
  /** Serial numbers that this session is done with, so that one that is plugged in again is not flashed again. */
  readonly #finished = new Set<string>()
  readonly #stops: readonly (() => void)[]
  #choice: SessionChoice | undefined
  #startedAt: string | undefined

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#stops = [
      parts.board.onChange((bay) => this.#look(bay)),
      parts.runner.onEnd(({ bay, id, state }) => this.#ended(bay, id, state === 'done')),
    ]
  }

  start(choice: SessionChoice): void {
    this.#clear()
    this.#choice = choice
    this.#startedAt = new Date().toISOString()
    this.#finished.clear()
    this.#parts.log.write({ kind: 'session', active: true })
    this.#tell()
    for (const bay of this.#parts.board.bays()) this.#look(bay)
  }

  /** Jobs that run go on. */
  stop(): void {
    if (this.#choice === undefined) return
    this.#clear()
    this.#choice = undefined
    this.#parts.log.write({ kind: 'session', active: false })
    this.#tell()
  }

  /** Starts the fit terminal on this bay now; one that does not fit is checked again. */
  async go(bay: string): Promise<void> {
    const place = this.#places.get(bay)
    if (place?.plan !== undefined) await this.#begin(bay, place)
    else this.recheck(bay)
  }

  /** What the plan for this terminal has beyond what was decided on when the session was started. */
  undecided(bay: string): readonly Deviation[] {
    const plan = this.#places.get(bay)?.plan
    return plan === undefined ? [] : this.#undecidedIn(plan)
  }

  hold(bay: string): void {
    const place = this.#places.get(bay)
    if (this.#choice === undefined || place?.view.state === 'working') return
    if (place) clearTimeout(place.timer)
    this.#put(bay, { bay, state: 'aside' })
    if (this.#parts.desk.isBusy(bay)) void this.#parts.desk.stop(bay, 'set aside')
  }

  recheck(bay: string): void {
    const place = this.#places.get(bay)
    if (place?.view.state === 'checking' || place?.view.state === 'working') return
    if (place) clearTimeout(place.timer)
    this.#places.delete(bay)
    this.#forgetFinished(bay)
    this.#look(bay)
  }

  close(): void {
    for (const stop of this.#stops) stop()
    this.#clear()
  }

  /** Something came, went or changed on a bay. */
  #look(bay: string): void {
    if (this.#choice === undefined) return
    const { board, desk, model } = this.#parts
    const sighting = board.sighting(bay)
    const place = this.#places.get(bay)
    if (sighting === undefined) {
      // A terminal that restarts while it is worked on is not gone.
      if (place !== undefined && !desk.isBusy(bay)) this.#drop(bay)
      return
    }
    if (place !== undefined || sighting.protocol === undefined || sighting.protocol === 'edl') return
    if (sighting.serial !== undefined && this.#finished.has(sighting.serial.toLowerCase())) return
    const waitsForSomebody = model.state.jobs.some((job) => job.bay === bay && !job.acknowledged)
    const works = model.state.jobs.some((job) => job.bay === bay && job.state === 'running')
    if (!waitsForSomebody && !works) void this.#check(bay, this.#choice)
  }

  async #check(bay: string, session: SessionChoice): Promise<void> {
    const { planner, settings } = this.#parts
    this.#put(bay, { bay, state: 'checking' })
    try {
      const request = { bay, rom: session.rom, survey: true }
      const plan = await planner.plan(request, recipeOf(session.choice, settings.settings))
      if (!this.#isStill(bay, 'checking', session)) return
      if (plan.blockers.length > 0) this.#put(bay, { bay, state: 'unfit', reasons: clipAll(plan.blockers) })
      else if (this.#mayStart(plan)) this.#arm(bay, plan, session)
      else this.#putUndecided(bay, plan)
    } catch (thrown) {
      if (!this.#isStill(bay, 'checking', session)) return
      const error = asSlotbenchError(thrown)
      if (this.#parts.board.sighting(bay) === undefined) this.#drop(bay)
      else this.#put(bay, { bay, state: 'unfit', problem: clippedNotice(noticeOf(error)) })
    }
  }

  #undecidedIn(plan: Plan): readonly Deviation[] {
    const usual = this.#parts.settings.settings
    const decided = new Set(recipeDeviations(plan.recipe, usual))
    return planDeviations(plan, usual).filter((deviation) => !decided.has(deviation))
  }

  #mayStart(plan: Plan): boolean {
    return !this.#parts.supervisor.hasPin || this.#undecidedIn(plan).length === 0
  }

  /** It waits for a supervisor, who starts it by hand. */
  #putUndecided(bay: string, plan: Plan): void {
    const detail = `a supervisor decides on this: ${this.#undecidedIn(plan).join(', ')}`
    const problem = clippedNotice(noticeOf(new SlotbenchError('supervisor-needed', detail)))
    this.#put(bay, { bay, state: 'unfit', problem }, plan)
  }

  #arm(bay: string, plan: Plan, { countdown }: SessionChoice): void {
    if (countdown === 0) {
      this.#put(bay, { bay, state: 'ready' }, plan)
      return
    }
    const startsAt = new Date(Date.now() + countdown * 1000).toISOString()
    const place = this.#put(bay, { bay, state: 'counting', startsAt }, plan)
    place.timer = setTimeout(() => void this.#begin(bay, place).catch(() => {}), countdown * 1000)
  }

  async #begin(bay: string, place: Place): Promise<void> {
    const { runner } = this.#parts
    const { plan } = place
    clearTimeout(place.timer)
    if (plan === undefined || this.#places.get(bay) !== place) return
    try {
      const working = this.#put(bay, { bay, state: 'working' })
      const job = await runner.start(plan)
      if (this.#places.get(bay) === working) this.#put(bay, { bay, state: 'working', job })
    } catch (thrown) {
      this.#put(bay, { bay, state: 'unfit', problem: clippedNotice(noticeOf(asSlotbenchError(thrown))) })
      throw thrown
    }
  }

  #ended(bay: string, job: string, good: boolean): void {
    const place = this.#places.get(bay)
    if (this.#choice === undefined || place === undefined) return
    const serial = this.#parts.model.state.jobs.find(({ id }) => id === job)?.serial
    if (good && serial !== undefined) this.#finished.add(serial.toLowerCase())
    if (this.#parts.board.sighting(bay) === undefined && good) this.#drop(bay)
    else this.#put(bay, { bay, state: good ? 'finished' : 'aside', job })
  }

  #forgetFinished(bay: string): void {
    const serial = this.#parts.board.sighting(bay)?.serial
    if (serial !== undefined) this.#finished.delete(serial.toLowerCase())
  }

  #isStill(bay: string, state: SessionBayView['state'], session: SessionChoice): boolean {
    return this.#choice === session && this.#places.get(bay)?.view.state === state
  }

  #put(bay: string, view: SessionBayView, plan?: Plan): Place {
    const before = this.#places.get(bay)
    if (before) clearTimeout(before.timer)
    const place: Place = { view, plan, timer: undefined }
    this.#places.set(bay, place)
    this.#tell()
    return place
  }

  #drop(bay: string): void {
    const place = this.#places.get(bay)
    if (place) clearTimeout(place.timer)
    if (this.#places.delete(bay)) this.#tell()
  }

  #clear(): void {
    for (const { timer } of this.#places.values()) clearTimeout(timer)
    this.#places.clear()
  }

  #tell(): void {
    const { model } = this.#parts
    const session = this.#choice
    model.change({
      kind: 'session',
      session:
        session === undefined
          ? { ...model.state.session, active: false, bays: [] }
          : {
              active: true,
              rom: session.rom,
              policy: session.choice.policy,
              wipe: session.choice.wipe,
              countdown: session.countdown,
              ...(this.#startedAt !== undefined && { startedAt: this.#startedAt }),
              bays: [...this.#places.values()].map(({ view }) => view),
            },
    })
  }
}

/** @throws SlotbenchError `usage` for a recipe that erases data without somebody at each terminal. */
export function checkSessionChoice({ choice }: SessionChoice): void {
  if (choice.giveUpOtherSlot === true)
    throw new SlotbenchError('usage', 'a session never gives up a slot; do it for one terminal')
}
