// The log of this run of the bench: a ring of lines, so that a bench that runs for weeks does not grow.
import type { LogEvent, LogLevel, LogLine } from '../../../shared/contract.ts'
import { missingCase } from '../../../shared/missing-case.ts'

const KEPT = 50_000

export interface LogPlace {
  readonly bay?: string | undefined
  readonly job?: string | undefined
}

export interface LogQuery extends LogPlace {
  /** Only lines with a smaller number. */
  readonly before?: number | undefined
  readonly limit: number
}

export class LogBook {
  readonly #lines: LogLine[] = []
  readonly #onLine: (line: LogLine) => void
  readonly #kept: number
  #count = 0

  constructor(onLine: (line: LogLine) => void, kept = KEPT) {
    this.#onLine = onLine
    this.#kept = kept
  }

  write(event: LogEvent, { bay, job }: LogPlace = {}): void {
    const line: LogLine = {
      n: ++this.#count,
      at: new Date().toISOString(),
      level: levelOf(event),
      ...(bay !== undefined && { bay }),
      ...(job !== undefined && { job }),
      event,
    }
    this.#lines.push(line)
    // In pieces: shifting one line at a time out of a long array costs more than all else here.
    if (this.#lines.length > this.#kept * 1.1) this.#lines.splice(0, this.#lines.length - this.#kept)
    this.#onLine(line)
  }

  /** The newest that match, oldest first. */
  read({ before, limit, bay, job }: LogQuery): { readonly lines: LogLine[]; readonly more: boolean } {
    const found: LogLine[] = []
    for (let i = this.#lines.length - 1; i >= 0; i--) {
      const line = this.#lines[i]
      if (line === undefined || (before !== undefined && line.n >= before)) continue
      if ((bay !== undefined && line.bay !== bay) || (job !== undefined && line.job !== job)) continue
      if (found.length === limit) return { lines: found.reverse(), more: true }
      found.push(line)
    }
    return { lines: found.reverse(), more: false }
  }
}

function levelOf(event: LogEvent): LogLevel {
  switch (event.kind) {
    case 'problem':
      return 'error'
    case 'step-proven':
      return 'good'
    case 'waiting':
      return 'warning'
    case 'supervisor':
      return event.what === 'refused' ? 'warning' : 'info'
    case 'job-state':
      if (event.state === 'done') return 'good'
      return event.state === 'planned' || event.state === 'running' ? 'info' : 'error'
    case 'attached':
    case 'left':
    case 'facts-read':
    case 'restarting':
    case 'step-started':
    case 'terminal-says':
    case 'rom':
    case 'session':
      return 'info'
    default:
      return missingCase(event)
  }
}
