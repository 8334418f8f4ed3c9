// Opens the bench's database: write-ahead log, every commit on the disk before it counts, migrations.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SlotbenchError } from '../../../shared/errors.ts'
import { MIGRATIONS } from './migrations.ts'

/** Milliseconds to wait for another process that is writing. */
const BUSY_MS = 5_000

/** @param migrations entry n brings a file from version n to n + 1.
 * @throws SlotbenchError `journal-invalid` when the file is no database of ours or is from a newer Slotbench; `host-io` when it
 * cannot be opened. */
export function openDatabase(path: string, migrations: readonly string[] = MIGRATIONS): DatabaseSync {
  let database: DatabaseSync
  try {
    mkdirSync(dirname(path), { recursive: true })
    database = new DatabaseSync(path, { timeout: BUSY_MS })
  } catch (cause) {
    throw new SlotbenchError('host-io', `${path} cannot be opened`, { cause })
  }
  try {
    // FULL, not the NORMAL that WAL is often run with: a step that is proven stays proven after a power cut.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;')
    migrate(database, path, migrations)
  } catch (cause) {
    database.close()
    if (cause instanceof SlotbenchError) throw cause
    throw new SlotbenchError('journal-invalid', `${path} is not a Slotbench journal or is damaged`, { cause })
  }
  return database
}

function migrate(database: DatabaseSync, path: string, migrations: readonly string[]): void {
  const version = () => Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
  if (version() > migrations.length) {
    throw new SlotbenchError('journal-invalid', `${path} was written by a newer Slotbench`)
  }
  while (version() < migrations.length) {
    transaction(database, () => {
      // Read again inside the lock: another process may have migrated meanwhile.
      const current = version()
      const sql = migrations[current]
      if (sql === undefined) return
      database.exec(sql)
      database.exec(`PRAGMA user_version = ${current + 1}`)
    })
  }
}

/** All or nothing, and nobody else writes meanwhile. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}
