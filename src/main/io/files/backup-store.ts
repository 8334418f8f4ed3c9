// Backups as files: <folder>/<job>/<partition>.img, complete or not there at all.
import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { BackupStore } from '../../flash/journal.ts'

export class FileBackupStore implements BackupStore {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async save(job: string, partition: string, content: AsyncIterable<Uint8Array>) {
    const folder = join(this.#folder, job)
    const file = join(folder, `${partition}.img`)
    const unfinished = `${file}.part`
    const hash = createHash('sha256')
    let bytes = 0
    try {
      await mkdir(folder, { recursive: true })
      const handle = await open(unfinished, 'w')
      try {
        for await (const piece of content) {
          hash.update(piece)
          bytes += piece.length
          await handle.writeFile(piece)
        }
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(unfinished, file)
    } catch (cause) {
      await rm(unfinished, { force: true })
      if (cause instanceof SlotbenchError) throw cause
      const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
      throw new SlotbenchError(
        full ? 'host-space' : 'host-io',
        `the backup of ${partition} could not be written to ${folder}`,
        { cause },
      )
    }
    return { file, bytes, sha256: hash.digest('hex') }
  }
}
