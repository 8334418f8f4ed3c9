// Everything that helps to understand a job from afar, as texts in which nobody can be recognised. Pure.
import type { LogLine } from '../../../shared/contract-log.ts'
import type { DoctorReport } from '../../../shared/doctor.ts'
import type { Job } from '../../../shared/job.ts'
import type { Replacement, SupportFile } from '../../../shared/support.ts'
import { Redactor, type Secret } from './redactor.ts'
import { secretsOf } from './secrets.ts'

export interface SupportParts {
  readonly jobs: readonly Job[]
  /** Lines of this run of the bench; absent where there is no such log. */
  readonly log: readonly LogLine[] | undefined
  readonly doctor: DoctorReport | undefined
  /** Of Slotbench, of what it runs on, and of the system. */
  readonly versions: Readonly<Record<string, string>>
  /** Of this bench and this computer: names, folders, other terminals. */
  readonly secrets: readonly Secret[]
  readonly createdAt: string
}

export interface SupportBundle {
  readonly files: readonly SupportFile[]
  readonly replaced: readonly Replacement[]
}

export function supportBundle(parts: SupportParts): SupportBundle {
  const { jobs, log, doctor, versions, createdAt } = parts
  const devices = (doctor?.devices ?? []).flatMap(({ serial }) => serial ?? [])
  const redactor = new Redactor([
    ...jobs.flatMap(secretsOf),
    ...devices.map((value) => ({ kind: 'serial', value }) as const),
    ...parts.secrets,
  ])
  const json = (name: string, value: unknown): SupportFile => ({
    name: redactor.text(name),
    text: `${JSON.stringify(redactor.tree(value), null, 2)}\n`,
  })
  const files = [
    ...jobs.flatMap((job) => jobFiles(job).map(([name, value]) => json(`${job.id}/${name}`, value))),
    ...(log === undefined
      ? []
      : [{ name: 'log.jsonl', text: log.map((line) => jsonLine(redactor.tree(line))).join('') }]),
    json('versions.json', versions),
    ...(doctor === undefined ? [] : [json('doctor.json', doctor)]),
  ]
  const contents = {
    format: 'slotbench-support',
    version: 1,
    createdAt,
    jobs: jobs.map(({ id }) => id),
    files: files.map(({ name }) => name),
    ...(log === undefined && { log: 'the log is kept by the bench that ran the job, while it runs' }),
    // How often each stands in the files; what it stands for stays at the bench.
    pseudonyms: Object.fromEntries(redactor.replaced.map(({ pseudonym, count }) => [pseudonym, count])),
  }
  return {
    files: [{ name: 'contents.json', text: `${JSON.stringify(contents, null, 2)}\n` }, ...files],
    replaced: redactor.replaced,
  }
}

/** The parts of a job that are looked at one by one. */
function jobFiles({ plan, ...record }: Job): readonly (readonly [string, unknown])[] {
  const { facts, rom, ...rest } = plan
  return [
    ['journal.json', record],
    ['plan.json', rest],
    ['facts.json', facts],
    ['package.json', rom],
  ]
}

function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
