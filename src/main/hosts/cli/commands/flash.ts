// slotbench plan | flash | resume: the main job.
import { resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { CATALOGUE, type ErrorCode, EXIT } from '../../../../shared/error-catalogue.ts'
import { SlotbenchError } from '../../../../shared/errors.ts'
import type { Job } from '../../../../shared/job.ts'
import { missingCase } from '../../../../shared/missing-case.ts'
import type { Bench } from '../../bench.ts'
import { saveReport } from '../../report-files.ts'
import { type CommandContext, chooseTerminal, endpointsIn, withBench } from '../command.ts'
import { withPackage } from '../named-package.ts'
import { showJob } from '../progress.ts'
import { type FlashOptions, prepare, showPlan } from './prepare.ts'

export async function planCommand(
  context: CommandContext,
  named: string,
  options: FlashOptions,
): Promise<number> {
  return withPackage(context, named, (path) =>
    withBench(context, placesOf(options), async (bench) => {
      const made = await prepare(bench, path, options, context)
      context.output.data({ plan: made })
      showPlan(context.output, made)
      return made.blockers.length === 0 ? EXIT.ok : EXIT.blocked
    }),
  )
}

export async function flash(
  context: CommandContext,
  named: string,
  options: FlashOptions & { readonly yes: boolean },
): Promise<number> {
  return withPackage(context, named, (path) =>
    withBench(context, placesOf(options), async (bench) => {
      const made = await prepare(bench, path, { ...options, survey: true }, context)
      context.output.data({ plan: made })
      showPlan(context.output, made)
      if (made.blockers.length > 0)
        throw new SlotbenchError(
          'plan-blocked',
          `${made.blockers.length} blocker(s): ${made.blockers.map((b) => b.code).join(', ')}`,
        )
      if (!options.yes) await confirm(context)
      return runJob(bench, { create: made }, context)
    }),
  )
}

export async function resume(
  context: CommandContext,
  id: string,
  options: { readonly terminal?: string; readonly loader?: readonly string[] },
): Promise<number> {
  const named = options.terminal
  // A first look without ports: the job knows which endpoint it belongs to.
  const { terminal, rom } = await withBench(context, {}, async (bench) => bench.journal.get(id).plan)
  return withPackage(context, resolve(rom.path), () =>
    withBench(context, placesOf({ ...options, terminal: named ?? terminal.bay }), async (bench) => {
      if (named !== undefined) bench.journal.rebind(id, (await chooseTerminal(bench, named, context)).bay)
      return runJob(bench, { resume: id }, context)
    }),
  )
}

function placesOf({
  terminal,
  loader = [],
}: {
  readonly terminal?: string
  readonly loader?: readonly string[]
}) {
  return { endpoints: endpointsIn([terminal]), loaders: loader }
}

/** Runs a job to its end, writes its report, and gives the exit code that the outcome stands for. */
export async function runJob(
  bench: Bench,
  what:
    | { readonly create: Parameters<ReturnType<Bench['engine']>['create']>[0] }
    | { readonly resume: string },
  context: CommandContext,
): Promise<number> {
  const { output } = context
  const plan = 'create' in what ? what.create : bench.journal.get(what.resume).plan
  const engine = bench.engine(showJob(output, plan))
  const id = 'create' in what ? engine.create(what.create).id : what.resume
  output.note(`Job ${id}${'create' in what ? '' : ' goes on from its first unproven step'}`)
  const job = await engine.run(id, context.signal)
  const files = await saveReport(job, bench.reports)
  output.data({ job: job.id, state: job.state, problem: job.problem, report: files })
  output.line(outcome(job))
  if (job.problem !== undefined)
    output.line(
      `  ${job.problem.meaning} ${job.problem.detail} [${job.problem.code}]\n  What to do: ${job.problem.next}`,
    )
  output.line(`Report: ${files.page}`)
  return exitCodeOf(job)
}

export async function confirm(context: CommandContext): Promise<void> {
  if (process.stdin.isTTY !== true || context.output.json) {
    throw new SlotbenchError('usage', 'nobody is there to confirm; add --yes to write without asking')
  }
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await reader.question('Write this to the terminal? Type yes: ', { signal: context.signal })
    if (answer.trim().toLowerCase() !== 'yes')
      throw new SlotbenchError('cancelled', 'not confirmed; nothing was written')
  } finally {
    reader.close()
  }
}

function outcome(job: Job): string {
  switch (job.state) {
    case 'done':
      return 'Done: the terminal was seen booting the new build.'
    case 'written':
      return 'Written and verified, boot not proven.'
    case 'fell-back':
      return 'The new slot did not boot; the old slot is active again.'
    case 'interrupted':
      return `Interrupted. Go on with: slotbench resume ${job.id}`
    case 'failed':
      return job.plan.fromSlot === undefined
        ? `Failed. This terminal has no second slot; when the cause is removed, go on with: slotbench resume ${job.id}`
        : 'Failed; the slot that boots was not touched.'
    case 'planned':
    case 'running':
      return `Job ${job.id} is ${job.state}.`
    default:
      return missingCase(job.state)
  }
}

function exitCodeOf(job: Job): number {
  if (job.state === 'done') return EXIT.ok
  const code = job.problem?.code
  return code !== undefined && code in CATALOGUE ? CATALOGUE[code as ErrorCode].exit : EXIT.internal
}
