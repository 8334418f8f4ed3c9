// Remembers which packages were verified, so that the twentieth terminal of the day does not wait for the same digests again.
// What goes to the wire is digested anew every time; this only spares the pass before it.
import { stat } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { type RomInfo, romInfoSchema } from '../../../shared/rom.ts'

export class VerifiedRoms {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** What was verified for exactly this file, or undefined when it is unknown or has changed since. */
  async find(path: string, fingerprint: string): Promise<RomInfo | undefined> {
    const stamp = await stampOf(path)
    const row = this.#database.prepare('SELECT stamp, info FROM verified_roms WHERE path = ?').get(path)
    if (stamp === undefined || row === undefined || row['stamp'] !== `${stamp} ${fingerprint}`)
      return undefined
    const parsed = romInfoSchema.safeParse(JSON.parse(String(row['info'])))
    return parsed.success ? parsed.data : undefined
  }

  async remember(path: string, info: RomInfo, at: Date): Promise<void> {
    const stamp = await stampOf(path)
    if (stamp === undefined) return
    this.#database
      .prepare('INSERT OR REPLACE INTO verified_roms (path, stamp, info, verified_at) VALUES (?,?,?,?)')
      .run(path, `${stamp} ${info.fingerprint}`, JSON.stringify(info), at.toISOString())
  }
}

/** Size, times and inode of a file. Folders are never remembered: their own times say nothing about the files in them. */
async function stampOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true })
  return stats.isFile() ? `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${stats.ino}` : undefined
}
