// Remembers which packages were verified, so that the twentieth terminal of the day does not wait for the same digests again.
// What goes to the wire is digested anew every time; this only spares the pass before it. A verdict is never kept: it depends on the keys
// that are trusted, so what was found in the package is kept instead, and judged anew each time.
import { stat } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { type RomInfo, romInfoSchema } from '../../../shared/rom.ts'
import { type TrustEvidence, trustEvidenceSchema } from '../../core/trust/evidence.ts'

export interface Verified {
  readonly info: RomInfo
  readonly evidence: TrustEvidence
}

export class VerifiedRoms {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** What was verified for exactly this file, or undefined when it is unknown or has changed since. */
  async find(path: string, fingerprint: string): Promise<Verified | undefined> {
    const stamp = await stampOf(path)
    const row = this.#database
      .prepare('SELECT stamp, info, evidence FROM verified_roms WHERE path = ?')
      .get(path)
    if (stamp === undefined || row === undefined || row['stamp'] !== `${stamp} ${fingerprint}`)
      return undefined
    // Rows of older versions have no evidence: those packages are read once more.
    const evidence = trustEvidenceSchema.safeParse(JSON.parse(String(row['evidence'] ?? 'null')))
    const info = romInfoSchema.safeParse(JSON.parse(String(row['info'])))
    return info.success && evidence.success ? { info: info.data, evidence: evidence.data } : undefined
  }

  async remember(path: string, { info, evidence }: Verified, at: Date): Promise<void> {
    const stamp = await stampOf(path)
    if (stamp === undefined) return
    const { trust: _, ...kept } = info
    this.#database
      .prepare(
        'INSERT OR REPLACE INTO verified_roms (path, stamp, info, evidence, verified_at) VALUES (?,?,?,?,?)',
      )
      .run(
        ...[path, `${stamp} ${info.fingerprint}`, JSON.stringify(kept), JSON.stringify(evidence)],
        at.toISOString(),
      )
  }
}

/** Size, times and inode of a file. Folders are never remembered: their own times say nothing about the files in them. */
async function stampOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true })
  return stats.isFile() ? `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${stats.ino}` : undefined
}
