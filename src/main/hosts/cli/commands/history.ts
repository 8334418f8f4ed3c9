// slotbench jobs | report: what was done on this bench.
import { readFile } from 'node:fs/promises'
import { certify } from '../../../flash/certificate.ts'
import { saveReport } from '../../report-files.ts'
import { VERSION } from '../../version.ts'
import { type CommandContext, withBench } from '../command.ts'

export async function jobs(context: CommandContext): Promise<number> {
  return withBench(context, {}, async (bench) => {
    const all = bench.journal.list()
    context.output.data({ jobs: all })
    if (all.length === 0) context.output.line('No jobs yet.')
    for (const job of all) {
      const steps = `${job.stepsProven}/${job.steps}`
      context.output.line(
        `${job.id}  ${job.updatedAt.slice(0, 19).replace('T', ' ')}  ${job.state.padEnd(11)} ${steps.padStart(7)}  ${job.serial ?? job.bay}  ${job.product ?? ''}  ${job.build ?? ''}`,
      )
    }
    return 0
  })
}

/** Writes the report's files anew from the journal, and shows where they are. */
export async function report(
  context: CommandContext,
  id: string,
  options: { readonly page: boolean },
): Promise<number> {
  return withBench(context, {}, async (bench) => {
    const job = bench.journal.get(id)
    const files = await saveReport(job, bench.reports)
    const certificate = certify(job, VERSION)
    context.output.data({ certificate, files })
    if (options.page) context.output.line(await readFile(files.page, 'utf8'))
    else {
      context.output.line(`Verdict         ${certificate.verdict}`)
      context.output.line(
        `Terminal        ${job.plan.terminal.product ?? ''} ${job.plan.terminal.serial ?? ''} on ${job.plan.terminal.bay}`,
      )
      context.output.line(`ROM             ${job.plan.rom.build ?? job.plan.rom.path}`)
      for (const step of certificate.steps) context.output.line(`  ${step.state.padEnd(8)} ${step.what}`)
      context.output.line(`Page            ${files.page}`)
      context.output.line(`JSON            ${files.json}`)
    }
    return 0
  })
}
