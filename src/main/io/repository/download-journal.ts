// What this bench knows of files in its cache, in SQLite: which chunks of unfinished downloads are proven, which files were verified.
import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '../sqlite/database.ts'

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE downloads (
    path TEXT PRIMARY KEY,
    file TEXT NOT NULL,
    target TEXT NOT NULL,
    proven BLOB NOT NULL,
    saved_at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE verified_files (
    path TEXT PRIMARY KEY,
    stamp TEXT NOT NULL,
    sha256 TEXT NOT NULL
  ) STRICT;
  `,
]

/** Names a file on its disk, beyond its path: another file there has another identity. */
export type FileIdentity = string

export class DownloadJournal {
  readonly #database: DatabaseSync

  /** @throws SlotbenchError `journal-invalid` or `host-io`. */
  constructor(path: string) {
    this.#database = openDatabase(path, MIGRATIONS)
  }

  /** Bits of the chunks that are proven in exactly this file. */
  proven(path: string, file: FileIdentity, target: string): Uint8Array | undefined {
    const row = this.#database
      .prepare('SELECT proven FROM downloads WHERE path = ? AND file = ? AND target = ?')
      .get(path, file, target)
    return row?.['proven'] instanceof Uint8Array ? row['proven'] : undefined
  }

  saveProven(path: string, file: FileIdentity, target: string, proven: Uint8Array): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO downloads (path, file, target, proven, saved_at) VALUES (?,?,?,?,?)')
      .run(path, file, target, proven, new Date().toISOString())
  }

  forget(path: string): void {
    this.#database.prepare('DELETE FROM downloads WHERE path = ?').run(path)
  }

  isVerified(path: string, stamp: string, sha256: string): boolean {
    const row = this.#database.prepare('SELECT stamp, sha256 FROM verified_files WHERE path = ?').get(path)
    return row?.['stamp'] === stamp && row['sha256'] === sha256
  }

  remember(path: string, stamp: string, sha256: string): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO verified_files (path, stamp, sha256) VALUES (?,?,?)')
      .run(path, stamp, sha256)
  }

  close(): void {
    this.#database.close()
  }
}
