// The job journal and history in SQLite.
import { randomUUID } from 'node:crypto'
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { SlotbenchError } from '../../../shared/errors.ts'
import {
  type Job,
  type JobState,
  jobSchema,
  jobStateSchema,
  type Problem,
  type Receipt,
} from '../../../shared/job.ts'
import { type Plan, planSchema } from '../../../shared/plan.ts'
import type { JobJournal, JobSummary } from '../../flash/journal.ts'
import { processAlive } from '../host/process-alive.ts'
import { transaction } from './database.ts'

type Row = Record<string, unknown>

/** Earlier jobs from which times are learnt. */
const LOOKED_BACK = 20

const recordSchema = jobSchema.omit({ plan: true })

export class SqliteJobJournal implements JobJournal {
  readonly #database: DatabaseSync
  readonly #now: () => Date
  readonly #alive: (pid: number) => boolean
  #lastPlan: { readonly written: string; readonly plan: Job['plan'] } | undefined

  constructor(
    database: DatabaseSync,
    options: { readonly now?: () => Date; readonly alive?: (pid: number) => boolean } = {},
  ) {
    this.#database = database
    this.#now = options.now ?? (() => new Date())
    this.#alive = options.alive ?? processAlive
  }

  create(job: Job): void {
    const { plan } = job
    transaction(this.#database, () => {
      this.#database
        .prepare(
          'INSERT INTO jobs (id, created_at, updated_at, state, bay, serial, product, build, operator, plan) VALUES (?,?,?,?,?,?,?,?,?,?)',
        )
        .run(
          job.id,
          job.createdAt,
          job.updatedAt,
          job.state,
          plan.terminal.bay,
          plan.terminal.serial ?? null,
          plan.terminal.product ?? null,
          plan.rom.build ?? null,
          job.operator ?? null,
          JSON.stringify(plan),
        )
      const insert = this.#database.prepare(
        'INSERT INTO steps (job_id, seq, id, state, attempts) VALUES (?,?,?,?,?)',
      )
      for (const [seq, step] of job.steps.entries())
        insert.run(job.id, seq, step.id, step.state, step.attempts)
    })
  }

  get(id: string): Job {
    const row = this.#database.prepare('SELECT * FROM jobs WHERE id = ?').get(id)
    if (row === undefined) throw new SlotbenchError('job-not-found', `there is no job ${id}`)
    const steps = this.#database.prepare('SELECT * FROM steps WHERE job_id = ? ORDER BY seq').all(id)
    const parsed = recordSchema.safeParse(readJob(row, steps))
    if (!parsed.success) throw unreadable(id, parsed.error)
    return { ...parsed.data, plan: this.#plan(id, text(row, 'plan') ?? '') }
  }

  /** A job is read after each of its steps, and its plan stays the same. */
  #plan(id: string, written: string): Job['plan'] {
    if (this.#lastPlan?.written === written) return this.#lastPlan.plan
    const parsed = planSchema.safeParse(parse(written))
    if (!parsed.success) throw unreadable(id, parsed.error)
    this.#lastPlan = { written, plan: parsed.data }
    return parsed.data
  }

  list(): readonly JobSummary[] {
    const rows = this.#database
      .prepare(
        `SELECT j.*, COUNT(s.id) AS steps, SUM(s.state = 'proven') AS proven
         FROM jobs j LEFT JOIN steps s ON s.job_id = j.id GROUP BY j.id ORDER BY j.created_at DESC, j.rowid DESC`,
      )
      .all()
    return rows.map((row) => ({
      id: text(row, 'id') ?? '',
      createdAt: text(row, 'created_at') ?? '',
      updatedAt: text(row, 'updated_at') ?? '',
      state: jobStateSchema.parse(row['state']),
      bay: text(row, 'bay') ?? '',
      serial: text(row, 'serial'),
      product: text(row, 'product'),
      build: text(row, 'build'),
      operator: text(row, 'operator'),
      stepsProven: Number(row['proven'] ?? 0),
      steps: Number(row['steps'] ?? 0),
    }))
  }

  /** What each step took in the latest jobs that ended well with this package and policy, in milliseconds. */
  stepTimes({
    rom,
    recipe,
  }: Pick<Plan, 'rom' | 'recipe'>): readonly { readonly step: string; readonly ms: number }[] {
    // By the build first, which has a column: plans are long.
    const rows = this.#database
      .prepare(
        `WITH same AS (SELECT id, plan FROM jobs WHERE state = 'done' AND build IS ? ORDER BY created_at DESC LIMIT ?)
         SELECT s.id, s.started_at, s.proven_at FROM same j JOIN steps s ON s.job_id = j.id
         WHERE s.attempts = 1 AND json_valid(j.plan) AND j.plan ->> '$.rom.fingerprint' = ? AND j.plan ->> '$.recipe.policy' = ?`,
      )
      .all(rom.build ?? null, LOOKED_BACK, rom.fingerprint, recipe.policy)
    return rows.flatMap((row) => {
      const ms = Date.parse(text(row, 'proven_at') ?? '') - Date.parse(text(row, 'started_at') ?? '')
      return ms >= 0 ? [{ step: text(row, 'id') ?? '', ms }] : []
    })
  }

  /** For those who have no job yet: a terminal that another process works on is not even opened.
   * @throws SlotbenchError `job-busy` when a living process works on a job at this terminal. */
  checkFree(bay: string, serial: string | undefined): void {
    this.#checkFree(null, bay, serial ?? null)
  }

  claim(id: string): () => void {
    const token = randomUUID()
    transaction(this.#database, () => {
      const job = this.#database.prepare('SELECT bay, serial FROM jobs WHERE id = ?').get(id)
      if (job === undefined) throw new SlotbenchError('job-not-found', `there is no job ${id}`)
      this.#checkFree(id, job['bay'] ?? null, job['serial'] ?? null)
      this.#database
        .prepare('UPDATE jobs SET owner_pid = ?, owner_token = ? WHERE id = ?')
        .run(process.pid, token, id)
    })
    return () => {
      this.#database
        .prepare('UPDATE jobs SET owner_pid = NULL, owner_token = NULL WHERE id = ? AND owner_token = ?')
        .run(id, token)
    }
  }

  /** The bay and the terminal, not only the job: two jobs on one terminal would undo each other. */
  #checkFree(id: string | null, bay: SQLOutputValue, serial: SQLOutputValue): void {
    const rivals = this.#database
      .prepare(
        'SELECT id, owner_pid FROM jobs WHERE owner_pid IS NOT NULL AND (id = ? OR bay = ? OR (serial IS NOT NULL AND serial = ?))',
      )
      .all(id, bay, serial)
    const rival = rivals.find((r) => this.#alive(Number(r['owner_pid'])))
    if (rival === undefined) return
    throw new SlotbenchError(
      'job-busy',
      `process ${rival['owner_pid']} works on job ${rival['id']} at this terminal`,
    )
  }

  setState(id: string, state: JobState, problem?: Problem): void {
    this.#changed(
      this.#database
        .prepare('UPDATE jobs SET state = ?, problem = ?, updated_at = ? WHERE id = ?')
        .run(state, problem === undefined ? null : JSON.stringify(problem), this.#stamp(), id),
      id,
    )
  }

  stepStarted(id: string, step: string, at: string): void {
    this.#changed(
      this.#database
        .prepare(
          "UPDATE steps SET state = 'started', attempts = attempts + 1, started_at = ? WHERE job_id = ? AND id = ? AND state <> 'proven'",
        )
        .run(at, id, step),
      id,
    )
  }

  stepProven(id: string, step: string, receipt: Receipt, at: string): void {
    this.#changed(
      this.#database
        .prepare("UPDATE steps SET state = 'proven', proven_at = ?, receipt = ? WHERE job_id = ? AND id = ?")
        .run(at, JSON.stringify(receipt), id, step),
      id,
    )
  }

  rebind(id: string, bay: string): void {
    transaction(this.#database, () => {
      const job = this.get(id)
      const plan = { ...job.plan, terminal: { ...job.plan.terminal, bay } }
      this.#database
        .prepare('UPDATE jobs SET bay = ?, plan = ?, updated_at = ? WHERE id = ?')
        .run(bay, JSON.stringify(plan), this.#stamp(), id)
    })
  }

  #changed(result: { readonly changes: number | bigint }, id: string): void {
    if (Number(result.changes) !== 1)
      throw new SlotbenchError('job-not-found', `there is no such job or step: ${id}`)
  }

  #stamp(): string {
    return this.#now().toISOString()
  }
}

function unreadable(id: string, cause: unknown): SlotbenchError {
  return new SlotbenchError('journal-invalid', `job ${id} cannot be read`, { cause })
}

function readJob(row: Row, steps: readonly Row[]): unknown {
  const problem = text(row, 'problem')
  return {
    id: row['id'],
    createdAt: row['created_at'],
    updatedAt: row['updated_at'],
    state: row['state'],
    ...optional('operator', text(row, 'operator')),
    steps: steps.map((step) => ({
      id: step['id'],
      state: step['state'],
      attempts: step['attempts'],
      ...optional('startedAt', text(step, 'started_at')),
      ...optional('provenAt', text(step, 'proven_at')),
      ...optional('receipt', parse(text(step, 'receipt'))),
    })),
    ...optional('problem', parse(problem)),
  }
}

function optional(key: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [key]: value }
}

function parse(json: string | undefined): unknown {
  if (json === undefined) return undefined
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}

function text(row: Row, column: string): string | undefined {
  const value = row[column]
  return typeof value === 'string' ? value : undefined
}
