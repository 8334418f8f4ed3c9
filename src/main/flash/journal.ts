// What the engine needs of a journal. Every call is durable when it returns: a power cut after it cannot undo it.
import type { BackupTerminal } from '../../shared/backup.ts'
import type { Job, JobState, Problem, Receipt } from '../../shared/job.ts'

export interface JobSummary {
  readonly id: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly state: JobState
  readonly bay: string
  readonly serial: string | undefined
  readonly product: string | undefined
  readonly build: string | undefined
  readonly operator: string | undefined
  readonly stepsProven: number
  readonly steps: number
}

export interface JobJournal {
  create(job: Job): void
  /** @throws SlotbenchError `job-not-found`, `journal-invalid`. */
  get(id: string): Job
  /** Newest first. */
  list(): readonly JobSummary[]
  /** Takes the job and its bay for this process; returns the way to give them back.
   * @throws SlotbenchError `job-busy` when a living process holds either. */
  claim(id: string): () => void
  setState(id: string, state: JobState, problem?: Problem): void
  stepStarted(id: string, step: string, at: string): void
  stepProven(id: string, step: string, receipt: Receipt, at: string): void
  /** The same terminal on another bay: said by the user at `resume`, never assumed. */
  rebind(id: string, bay: string): void
}

/** Which backup a partition belongs to, and whose it is. */
export interface BackupOf {
  readonly id: string
  readonly terminal: BackupTerminal
}

/** Keeps what was read from a terminal before it is written. */
export interface BackupStore {
  /** Streams a partition into a file of its own; the digest is of what was stored. Whatever was complete stays so when it fails. */
  save(
    of: BackupOf,
    partition: string,
    content: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly file: string; readonly bytes: number; readonly sha256: string }>
}
