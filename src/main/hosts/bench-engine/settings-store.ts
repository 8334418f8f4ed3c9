// The settings of the bench in a file of their own, and which ended jobs somebody has seen. A file that cannot be read is as none.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { FIRST_SETTINGS, type Settings, settingsSchema } from '../../../shared/contract.ts'
import { OPERATORS } from '../../../shared/role.ts'
import { writeWholeSync } from '../../io/files/write-whole-sync.ts'

const MOST_SEEN = 1_000
const fileSchema = z.object({
  settings: settingsSchema.partial(),
  /** Jobs that ended badly and were acknowledged; the latest last. */
  seen: z.array(z.string().max(64)).max(MOST_SEEN),
})

export class SettingsStore {
  readonly #path: string
  #settings: Settings
  #seen: readonly string[]

  constructor(folder: string) {
    this.#path = join(folder, 'settings.json')
    const { settings, seen } = read(this.#path)
    // What a newer version has added is as at the first start.
    const known = { ...FIRST_SETTINGS, ...settings } as Settings
    // An older version kept one name and no list.
    this.#settings = withOperators(known, {})
    this.#seen = seen
  }

  get settings(): Settings {
    return this.#settings
  }

  /** @throws SlotbenchError `host-io`; then nothing has changed. */
  change(change: Partial<Settings>): Settings {
    const next = withOperators(settingsSchema.parse({ ...this.#settings, ...change }), change)
    this.#write({ settings: next, seen: this.#seen })
    this.#settings = next
    return next
  }

  isSeen(job: string): boolean {
    return this.#seen.includes(job)
  }

  markSeen(job: string): void {
    if (this.isSeen(job)) return
    const seen = [...this.#seen, job].slice(-MOST_SEEN)
    this.#write({ settings: this.#settings, seen })
    this.#seen = seen
  }

  /** Whole or not at all: a power cut leaves the old file. */
  #write(content: { readonly settings: Settings; readonly seen: readonly string[] }): void {
    writeWholeSync(this.#path, `${JSON.stringify(content, null, 2)}\n`)
  }
}

/** Every name once. Whoever works now is on the list; who is taken off it no longer works here. */
function withOperators(settings: Settings, change: Partial<Settings>): Settings {
  const operator = settings.operator.trim()
  const operators = [...new Set(settings.operators.map((name) => name.trim()).filter(Boolean))]
  if (operator === '' || operators.includes(operator)) return { ...settings, operator, operators }
  if (change.operators !== undefined || operators.length >= OPERATORS.most)
    return { ...settings, operator: '', operators }
  return { ...settings, operator, operators: [...operators, operator] }
}

function read(path: string): z.infer<typeof fileSchema> {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return { settings: {}, seen: [] }
  }
}
