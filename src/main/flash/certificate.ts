// Job → certificate. Pure.
import type { Certificate, Verdict } from '../../shared/certificate.ts'
import type { Job, JobState, StepRecord } from '../../shared/job.ts'
import { missingCase } from '../../shared/missing-case.ts'
import { describe } from '../core/plan/describe.ts'

/** @param slotbench the version of Slotbench that ran the job. */
export function certify(job: Job, slotbench: string): Certificate {
  const { plan } = job
  const records = new Map<string, StepRecord>(job.steps.map((record) => [record.id, record]))
  const steps = plan.steps.map((step): StepRecord & { readonly what: string } => ({
    ...(records.get(step.id) ?? { id: step.id, state: 'pending' as const, attempts: 0 }),
    what: describe(step),
  }))
  const written = steps.flatMap((step) => (step.receipt?.kind === 'write' ? [step.receipt] : []))
  return {
    format: 'slotbench-certificate',
    version: 1,
    job: job.id,
    createdAt: job.createdAt,
    endedAt: job.updatedAt,
    state: job.state,
    verdict: verdictOf(job.state),
    slotbench,
    ...(job.operator === undefined ? {} : { operator: job.operator }),
    terminal: {
      ...plan.terminal,
      variables: plan.facts.variables,
      ...(plan.fromSlot === undefined ? {} : { fromSlot: plan.fromSlot }),
    },
    rom: {
      path: plan.rom.path,
      kind: plan.rom.kind,
      fingerprint: plan.rom.fingerprint,
      models: plan.rom.models,
      ...(plan.rom.build === undefined ? {} : { build: plan.rom.build }),
      ...(plan.rom.securityPatch === undefined ? {} : { securityPatch: plan.rom.securityPatch }),
    },
    recipe: plan.recipe,
    warnings: plan.warnings,
    steps,
    totals: {
      imageBytes: written.reduce((sum, r) => sum + r.imageBytes, 0),
      wireBytes: written.reduce((sum, r) => sum + r.wireBytes, 0),
      seconds: (Date.parse(job.updatedAt) - Date.parse(job.createdAt)) / 1000,
    },
    ...(job.problem === undefined ? {} : { problem: job.problem }),
  }
}

function verdictOf(state: JobState): Verdict {
  switch (state) {
    case 'done':
      return 'success'
    case 'written':
      return 'written, boot not proven'
    case 'fell-back':
      return 'boot failed, old slot active'
    case 'interrupted':
      return 'interrupted'
    case 'failed':
      return 'failed'
    case 'planned':
    case 'running':
      return 'not finished'
    default:
      return missingCase(state)
  }
}
