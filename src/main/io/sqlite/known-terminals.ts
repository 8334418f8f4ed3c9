// Remembers the terminals that stood on this bench under the marks they showed in each mode.
import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type KnownTerminal, knownTerminalSchema } from '../../../shared/known-terminal.ts'
import { type Link, type LinkOptions, link, type SeenTerminal } from '../../core/identity/known-terminals.ts'
import { transaction } from './database.ts'

/** How many that stood on one bay are looked at; only the last few can still be the one that is there now. */
const PER_BAY = 8

export class KnownTerminals {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Links what is seen to what is known, and stores the outcome; a conflict stores nothing.
   * A new terminal comes back as stored, with its id. */
  note(
    seen: SeenTerminal,
    options: LinkOptions = {},
  ): { readonly link: Link; readonly id: string | undefined } {
    return transaction(this.#database, () => {
      const result = link(this.candidates(seen), seen, options)
      if (result.kind === 'conflict') return { link: result, id: undefined }
      const terminal = result.kind === 'known' ? result.terminal : { ...result.terminal, id: randomUUID() }
      if (result.kind === 'known') for (const id of result.absorbs) this.forget(id)
      this.#put(terminal)
      return { link: result, id: terminal.id }
    })
  }

  /** What `note` would say, with nothing stored. */
  recall(seen: SeenTerminal): Link {
    return link(this.candidates(seen), seen)
  }

  /** All that share a mark with it, and the last ones on its bay. */
  candidates(seen: Pick<SeenTerminal, 'bay' | 'serial' | 'chipSerial'>): readonly KnownTerminal[] {
    const [serial, chip] = [seen.serial ?? null, seen.chipSerial ?? null]
    const rows = this.#database
      .prepare(
        `SELECT * FROM known_terminals WHERE serial IN (?1, ?2) OR chip_serial IN (?1, ?2)
         UNION SELECT * FROM (SELECT * FROM known_terminals WHERE bay = ?3 ORDER BY last_seen DESC LIMIT ?4)
         ORDER BY first_seen, id`,
      )
      .all(serial, chip, seen.bay, PER_BAY)
    return rows.map(asKnown).filter((terminal) => terminal !== undefined)
  }

  get(id: string): KnownTerminal | undefined {
    const row = this.#database.prepare('SELECT * FROM known_terminals WHERE id = ?').get(id)
    return row === undefined ? undefined : asKnown(row)
  }

  forget(id: string): void {
    this.#database.prepare('DELETE FROM known_terminals WHERE id = ?').run(id)
  }

  #put(terminal: KnownTerminal): void {
    this.#database
      .prepare(
        `INSERT OR REPLACE INTO known_terminals (id, serial, chip_serial, bay, names, mode, first_seen, last_seen)
         VALUES (?,?,?,?,?,?,?,?)`,
      )
      .run(
        terminal.id,
        terminal.serial ?? null,
        terminal.chipSerial ?? null,
        terminal.bay,
        JSON.stringify(terminal.names),
        terminal.mode,
        terminal.firstSeen,
        terminal.lastSeen,
      )
  }
}

/** Undefined for a row that cannot be read: it is a memory, not a journal, and is not worth stopping for. */
function asKnown(row: Record<string, unknown>): KnownTerminal | undefined {
  const parsed = knownTerminalSchema.safeParse({
    id: row['id'],
    ...(row['serial'] !== null && { serial: row['serial'] }),
    ...(row['chip_serial'] !== null && { chipSerial: row['chip_serial'] }),
    bay: row['bay'],
    names: parse(row['names']),
    mode: row['mode'],
    firstSeen: row['first_seen'],
    lastSeen: row['last_seen'],
  })
  return parsed.success ? parsed.data : undefined
}

function parse(json: unknown): unknown {
  try {
    return JSON.parse(String(json))
  } catch {
    return undefined
  }
}
