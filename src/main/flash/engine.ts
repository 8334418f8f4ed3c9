// Runs jobs: journals each step before it starts and after it is proven, tries again where that can help, and ends in a state
// that says no more than what was seen.
import { randomUUID } from 'node:crypto'
import { abortError, asSlotbenchError, SlotbenchError } from '../../shared/errors.ts'
import { type Job, type JobState, type Problem, RESUMABLE, type Receipt } from '../../shared/job.ts'
import type { Plan, Step } from '../../shared/plan.ts'
import { bytesSent } from '../core/plan/bytes-sent.ts'
import { execute } from './execute.ts'
import { ProgressMeter } from './progress.ts'
import { type EngineDeps, RunContext } from './run-context.ts'

export class Engine {
  readonly #deps: EngineDeps

  constructor(deps: EngineDeps) {
    this.#deps = deps
  }

  /** Puts a plan into the journal. @param operator who works at the bench, where it knows.
   * @throws SlotbenchError `plan-blocked` when the plan has blockers. */
  create(plan: Plan, operator?: string): Job {
    if (plan.blockers.length > 0) {
      throw new SlotbenchError('plan-blocked', plan.blockers.map((b) => b.detail).join('; '))
    }
    const at = this.#deps.now().toISOString()
    const job: Job = {
      id: randomUUID().slice(0, 8),
      createdAt: at,
      updatedAt: at,
      state: 'planned',
      ...(operator !== undefined && { operator }),
      plan,
      steps: plan.steps.map((step) => ({ id: step.id, state: 'pending', attempts: 0 })),
    }
    this.#deps.journal.create(job)
    return job
  }

  /** Runs a job from its first unproven step. Resolves with the job in the state it ended in, also when a step failed;
   * rejects only where no state could be written.
   * @throws SlotbenchError `job-not-found`, `job-not-resumable`, `job-busy`. */
  async run(id: string, signal: AbortSignal): Promise<Job> {
    const { journal } = this.#deps
    const job = journal.get(id)
    if (!RESUMABLE.has(job.state)) throw new SlotbenchError('job-not-resumable', `job ${id} is ${job.state}`)
    const release = journal.claim(id)
    const context = new RunContext(this.#deps, job, signal)
    try {
      this.#setState(context, 'running')
      await this.#runSteps(context)
      this.#setState(context, 'done')
    } catch (thrown) {
      const error = signal.aborted ? abortError(signal) : asSlotbenchError(thrown)
      this.#setState(context, stateAfter(error), problemOf(error, this.#deps.now()))
    } finally {
      await context.close()
      release()
    }
    return journal.get(id)
  }

  async #runSteps(context: RunContext): Promise<void> {
    const { steps } = context.plan
    const meter = new ProgressMeter(context.plan, provenBytes(context))
    for (const [index, step] of steps.entries()) {
      if (context.stepState(step.id) === 'proven') continue
      context.emit({ type: 'step-started', job: context.job.id, step: step.id, index, of: steps.length })
      const receipt = await this.#attempt(step, context, meter)
      this.#record(context, () =>
        this.#deps.journal.stepProven(context.job.id, step.id, receipt, this.#stamp()),
      )
      context.emit({ type: 'step-proven', job: context.job.id, step: step.id, receipt })
    }
  }

  /** A step can be repeated without harm; it is, as often as `patience` allows, when the error says that this can help. */
  async #attempt(step: Step, context: RunContext, meter: ProgressMeter): Promise<Receipt> {
    for (let attempt = 1; ; attempt++) {
      context.signal.throwIfAborted()
      this.#record(context, () => this.#deps.journal.stepStarted(context.job.id, step.id, this.#stamp()))
      try {
        return await execute(step, context, meter)
      } catch (thrown) {
        const error = asSlotbenchError(thrown).at({ step: step.id, bay: context.plan.terminal.bay })
        const hopeless =
          error.retry !== 'reconnect' ||
          error.code === 'boot-not-proven' ||
          error.code === 'terminal-not-found'
        if (context.signal.aborted || hopeless || attempt >= context.patience.attempts) throw error
        context.emit({ type: 'problem', job: context.job.id, problem: problemOf(error, this.#deps.now()) })
        await context.dropSession()
      }
    }
  }

  #record(context: RunContext, write: () => void): void {
    write()
    context.job = this.#deps.journal.get(context.job.id)
  }

  #setState(context: RunContext, state: JobState, problem?: Problem): void {
    this.#record(context, () => this.#deps.journal.setState(context.job.id, state, problem))
    if (problem !== undefined) context.emit({ type: 'problem', job: context.job.id, problem })
    context.emit({ type: 'state', job: context.job.id, state })
  }

  #stamp(): string {
    return this.#deps.now().toISOString()
  }
}

function provenBytes(context: RunContext): number {
  return context.plan.steps.reduce(
    (sum, step) => sum + (context.stepState(step.id) === 'proven' ? bytesSent(step) : 0),
    0,
  )
}

function stateAfter(error: SlotbenchError): JobState {
  if (error.code === 'boot-failed') return 'fell-back'
  if (error.code === 'boot-not-proven') return 'written'
  if (error.code === 'cancelled' || error.retry === 'reconnect' || error.retry === 'power-cycle')
    return 'interrupted'
  return 'failed'
}

function problemOf(error: SlotbenchError, at: Date): Problem {
  return {
    code: error.code,
    detail: error.message,
    meaning: error.meaning,
    next: error.next,
    ...(error.context.step === undefined ? {} : { step: error.context.step }),
    at: at.toISOString(),
  }
}
