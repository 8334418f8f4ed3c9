// What was done on this bench: searched in the journal, as a certificate, and as a table for other programs.
import { readFile } from 'node:fs/promises'
import type { JobQuery, JobSummaryView, Result } from '../../../shared/contract.ts'
import type { JobState } from '../../../shared/job.ts'
import { OPERATORS } from '../../../shared/role.ts'
import { certify } from '../../flash/certificate.ts'
import type { JobSummary } from '../../flash/journal.ts'
import type { Bench } from '../bench.ts'
import { saveReport } from '../report-files.ts'
import { VERSION } from '../version.ts'
import { clip, clipAll } from './clip.ts'

const FAILED: ReadonlySet<JobState> = new Set(['failed', 'fell-back', 'interrupted', 'written'])

export function searchJobs(
  bench: Bench,
  query: JobQuery,
  page: { readonly limit: number; readonly offset: number },
): Result<'jobs.search'> {
  const found = matching(bench, query)
  return {
    jobs: found.slice(page.offset, page.offset + page.limit).map(summaryView),
    total: found.length,
    passed: found.filter(({ state }) => state === 'done').length,
    failed: found.filter(({ state }) => FAILED.has(state)).length,
  }
}

export function jobsCsv(bench: Bench, query: JobQuery): string {
  const columns = [
    'job',
    'started',
    'ended',
    'result',
    'bay',
    'serial',
    'model',
    'build',
    'steps',
    'operator',
  ] as const
  const rows = matching(bench, query).map((job) =>
    [
      ...[job.id, job.createdAt, job.updatedAt, job.state, job.bay, job.serial ?? '', job.product ?? ''],
      ...[job.build ?? '', `${job.stepsProven}/${job.steps}`, job.operator ?? ''],
    ].map(csvField),
  )
  return [columns, ...rows].map((row) => `${row.join(',')}\r\n`).join('')
}

/** A name that begins like a formula is no formula in anybody's spreadsheet. */
function csvField(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export async function jobReport(bench: Bench, id: string): Promise<Result<'job.report'>> {
  const job = bench.journal.get(id)
  const files = await saveReport(job, bench.reports)
  return {
    certificate: clipAll(certify(job, VERSION)),
    page: await readFile(files.page, 'utf8'),
    files: { ...files },
  }
}

function matching(bench: Bench, { text = '', state, from, to }: JobQuery): readonly JobSummary[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return bench.journal.list().filter((job) => {
    const day = job.updatedAt.slice(0, 10)
    if (state !== undefined && job.state !== state) return false
    if ((from !== undefined && day < from) || (to !== undefined && day > to)) return false
    const where = [job.id, job.bay, job.serial, job.product, job.build, job.operator].join(' ').toLowerCase()
    return words.every((word) => where.includes(word))
  })
}

function summaryView(job: JobSummary): JobSummaryView {
  const { serial, product, build, operator, ...rest } = job
  return {
    ...rest,
    ...(serial !== undefined && { serial: clip(serial) }),
    ...(product !== undefined && { product: clip(product) }),
    ...(build !== undefined && { build: clip(build) }),
    ...(operator !== undefined && { operator: clip(operator, OPERATORS.longest) }),
  }
}
