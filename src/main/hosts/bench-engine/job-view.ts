// A job as a window follows it: made from the journal once, then carried on by the engine's events. Pure.
import type { JobView, StepView, WaitingView } from '../../../shared/contract.ts'
import { TEXT } from '../../../shared/contract.ts'
import type { Job, JobEvent, JobState } from '../../../shared/job.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { clip } from './clip.ts'
import { stepView } from './views.ts'

/** States that somebody has to have seen before the bay is free again. */
const CALLS_FOR_SOMEBODY: ReadonlySet<JobState> = new Set(['interrupted', 'written', 'fell-back', 'failed'])

export function needsSomebody(state: JobState): boolean {
  return CALLS_FOR_SOMEBODY.has(state)
}

export function jobView(job: Job, acknowledged: boolean): JobView {
  const { plan } = job
  const records = new Map(job.steps.map((record) => [record.id, record]))
  return {
    id: job.id,
    bay: plan.terminal.bay,
    ...(plan.terminal.serial !== undefined && { serial: clip(plan.terminal.serial) }),
    ...(plan.facts.chipSerial && { chipSerial: clip(plan.facts.chipSerial.value) }),
    ...(plan.terminal.product !== undefined && { product: clip(plan.terminal.product) }),
    rom: {
      path: clip(plan.rom.path, TEXT.path),
      ...(plan.rom.build !== undefined && { build: clip(plan.rom.build) }),
    },
    policy: plan.recipe.policy,
    wipe: plan.recipe.wipe,
    ...(plan.fromSlot !== undefined && { fromSlot: plan.fromSlot }),
    ...(job.operator !== undefined && { operator: clip(job.operator) }),
    state: job.state,
    createdAt: job.createdAt,
    updatedAt: job.updatedAt,
    steps: plan.steps.map((step) => stepView(step, records.get(step.id))),
    ...(job.problem !== undefined && { problem: job.problem }),
    acknowledged: acknowledged || !needsSomebody(job.state),
  }
}

/** The view as the run begins: whatever was wrong before is being dealt with. */
export function startedView(view: JobView, now: Date): JobView {
  const { problem: _, progress: __, waiting: ___, ...rest } = view
  return { ...rest, state: 'running', runningSince: now.toISOString(), acknowledged: true }
}

/** What follows from one event of the engine. */
export function afterEvent(view: JobView, event: JobEvent, now: Date): JobView {
  const { waiting: _, ...calm } = view
  switch (event.type) {
    case 'state':
      return afterState(calm, event.state, now)
    case 'step-started': {
      const { progress: __, ...rest } = calm
      const started = { state: 'started', startedAt: now.toISOString() } as const
      return { ...rest, step: event.step, steps: withStep(rest.steps, event.step, started) }
    }
    case 'step-proven': {
      const proven = { state: 'proven', provenAt: now.toISOString() } as const
      return { ...calm, steps: withStep(calm.steps, event.step, proven) }
    }
    case 'progress': {
      const { remainingSeconds, ...measured } = event.progress
      return {
        ...calm,
        progress: { ...measured, ...(remainingSeconds !== undefined && { remainingSeconds }) },
      }
    }
    case 'waiting':
      return { ...view, waiting: waitingView(event, now) }
    case 'problem':
      return { ...calm, problem: event.problem }
    case 'terminal-says':
      return view
    default:
      return missingCase(event)
  }
}

function afterState(view: JobView, state: JobState, now: Date): JobView {
  const updatedAt = now.toISOString()
  if (state === 'running') return { ...view, state, updatedAt }
  const { runningSince: _, step: __, expected: ____, ...ended } = view
  if (state !== 'done') return { ...ended, state, updatedAt, acknowledged: !needsSomebody(state) }
  // What went wrong on the way and was mended is in the log.
  const { problem: ___, ...good } = ended
  return { ...good, state, updatedAt, acknowledged: true }
}

function withStep(steps: readonly StepView[], id: string, change: Partial<StepView>): StepView[] {
  return steps.map((step) => (step.id === id ? { ...step, ...change } : step))
}

export function waitingView(
  waiting: { readonly reason: WaitingView['reason']; readonly guide?: string; readonly seconds?: number },
  now: Date,
): WaitingView {
  const { reason, guide, seconds } = waiting
  return {
    reason,
    ...(guide !== undefined && { guide }),
    ...(seconds !== undefined && { until: new Date(now.getTime() + seconds * 1000).toISOString() }),
  }
}
