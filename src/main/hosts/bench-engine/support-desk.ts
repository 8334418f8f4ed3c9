// Support bundles that are looked at before they are saved: what is saved is what was shown.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { LogLine, Result } from '../../../shared/contract.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { SupportBundle } from '../../core/support/bundle.ts'
import type { Bench } from '../bench.ts'
import { gatherSupport, saveSupport, zipSupport } from '../support-file.ts'
import { clip } from './clip.ts'
import type { LogBook } from './log-book.ts'
import type { SettingsStore } from './settings-store.ts'

export interface SupportDeskParts {
  readonly bench: Bench
  readonly log: LogBook
  readonly settings: SettingsStore
}

const KEPT = 4
const MOST_LINES = 5_000
/** Characters of one file that are shown; all of them are in the bundle. */
const SHOWN = 60_000
const MOST_REPLACED = 500

export class SupportDesk {
  readonly #parts: SupportDeskParts
  readonly #bundles = new Map<string, { readonly name: string; readonly bundle: SupportBundle }>()

  constructor(parts: SupportDeskParts) {
    this.#parts = parts
  }

  /** @throws SlotbenchError `job-not-found`, `journal-invalid`. */
  async make(jobs: readonly string[]): Promise<Result<'support.make'>> {
    const { bench, settings } = this.#parts
    const { operators } = settings.settings
    const bundle = await gatherSupport(bench, { jobs, log: this.#linesOf(jobs), operators })
    const id = randomUUID()
    const name = `slotbench-support-${jobs.join('-').slice(0, 80)}.zip`
    this.#bundles.set(id, { name, bundle })
    const [oldest] = this.#bundles.keys()
    if (this.#bundles.size > KEPT && oldest !== undefined) this.#bundles.delete(oldest)
    return {
      bundle: id,
      name,
      files: bundle.files.map((file) => ({
        name: file.name,
        bytes: Buffer.byteLength(file.text),
        text: file.text.slice(0, SHOWN),
        cut: file.text.length > SHOWN,
      })),
      replaced: bundle.replaced
        .slice(0, MOST_REPLACED)
        .map((one) => ({ ...one, original: clip(one.original) })),
    }
  }

  /** @throws SlotbenchError `support-expired`, `host-io`. */
  async save(id: string): Promise<Result<'support.save'>> {
    const made = this.#bundles.get(id)
    if (made === undefined) throw new SlotbenchError('support-expired', `there is no bundle ${id}`)
    const zip = await zipSupport(made.bundle.files)
    const path = join(this.#parts.bench.data, 'support', made.name)
    await saveSupport(path, zip)
    return { path, name: made.name, zip: zip.toString('base64') }
  }

  /** What the log has of the jobs, and of their bays meanwhile. Which other terminals came and went is nobody's business. */
  #linesOf(jobs: readonly string[]): readonly LogLine[] {
    const { bench, log } = this.#parts
    const wanted = new Map<number, LogLine>()
    for (const id of jobs) {
      const { createdAt, updatedAt, plan } = bench.journal.get(id)
      for (const line of log.read({ job: id, limit: MOST_LINES }).lines) wanted.set(line.n, line)
      for (const line of log.read({ bay: plan.terminal.bay, limit: MOST_LINES }).lines)
        if (line.job === undefined && line.at >= createdAt && line.at <= updatedAt)
          wanted.set(line.n, nameless(line))
    }
    return [...wanted.values()].sort((a, b) => a.n - b.n)
  }
}

function nameless(line: LogLine): LogLine {
  const { event } = line
  return event.kind === 'attached' ? { ...line, event: { kind: event.kind, mode: event.mode } } : line
}
