// Backups as folders: <data>/backups/<id>/<partition>.img and a manifest. A partition is complete and in the manifest, or not there.
import { createHash, type Hash } from 'node:crypto'
import { cp, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BACKUP_MANIFEST, type Backup, backupSchema } from '../../../shared/backup.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { BackupOf, BackupStore } from '../../flash/journal.ts'

export interface StoredBackup extends Backup {
  readonly folder: string
}

export class FileBackupStore implements BackupStore {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async save(of: BackupOf, partition: string, content: AsyncIterable<Uint8Array>) {
    const folder = join(this.#folder, of.id)
    const name = `${partition}.img`
    const file = join(folder, name)
    try {
      await mkdir(folder, { recursive: true })
      const hash = createHash('sha256')
      const bytes = await writeWhole(file, content, hash)
      const sha256 = hash.digest('hex')
      await addToManifest(folder, of, { name: partition, bytes, sha256, file: name })
      return { file, bytes, sha256 }
    } catch (cause) {
      throw storeError(cause, `the backup of ${partition} could not be written to ${folder}`)
    }
  }

  /** Newest first. Folders without a manifest that can be read are passed over. */
  async list(): Promise<readonly StoredBackup[]> {
    const names = await readdir(this.#folder).catch(() => [])
    const all = await Promise.all(names.map((name) => readBackup(join(this.#folder, name)).catch(() => [])))
    return all.flat().toSorted((a, b) => b.at.localeCompare(a.at))
  }

  /** @param name a backup of this bench, or the folder of an exported one.
   * @throws SlotbenchError `backup-not-found`, `backup-damaged`. */
  async find(name: string): Promise<StoredBackup> {
    const own = /^[A-Za-z0-9_-]+$/.test(name) ? await readBackup(join(this.#folder, name)).catch(absent) : []
    const [found] = own.length > 0 ? own : await readBackup(name).catch(absent)
    if (found !== undefined) return found
    throw new SlotbenchError('backup-not-found', `there is no backup ${name}`)
  }

  /** Reads every image and compares its digest.
   * @throws SlotbenchError `backup-damaged`. */
  async check(backup: StoredBackup): Promise<void> {
    for (const { file, bytes, sha256 } of backup.partitions) {
      const path = join(backup.folder, file)
      const hash = createHash('sha256')
      let size = 0
      try {
        const handle = await open(path)
        for await (const piece of handle.createReadStream() as AsyncIterable<Buffer>) {
          hash.update(piece)
          size += piece.length
        }
      } catch (cause) {
        throw new SlotbenchError('backup-damaged', `${path} cannot be read`, { cause })
      }
      if (size !== bytes || hash.digest('hex') !== sha256)
        throw new SlotbenchError('backup-damaged', `${path} is not what was backed up`)
    }
  }

  /** Copies a backup, and reads the copy. @returns the folder of the copy. */
  async export(backup: StoredBackup, to: string): Promise<string> {
    await this.check(backup)
    const folder = join(to, `slotbench-backup-${backup.id}`)
    try {
      await mkdir(folder, { recursive: true })
      for (const { file } of backup.partitions) await cp(join(backup.folder, file), join(folder, file))
      await writeManifest(folder, backup)
    } catch (cause) {
      throw storeError(cause, `the backup could not be copied to ${folder}`)
    }
    await this.check({ ...backup, folder })
    return folder
  }
}

/** Under another name until all of it is on the disk. @returns bytes written. */
async function writeWhole(
  file: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  hash?: Hash,
): Promise<number> {
  const unfinished = `${file}.part`
  let bytes = 0
  try {
    const handle = await open(unfinished, 'w')
    try {
      for await (const piece of content) {
        hash?.update(piece)
        bytes += piece.length
        await handle.writeFile(piece)
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(unfinished, file)
    return bytes
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

async function addToManifest(
  folder: string,
  { id, terminal }: BackupOf,
  partition: Backup['partitions'][number],
): Promise<void> {
  const [before] = await readBackup(folder).catch(() => [])
  const others = (before?.partitions ?? []).filter(({ name }) => name !== partition.name)
  const at = new Date().toISOString()
  await writeManifest(folder, {
    ...{ format: 'slotbench-backup', version: 1, id, at, terminal },
    partitions: [...others, partition],
  })
}

async function writeManifest(folder: string, backup: Backup): Promise<void> {
  // What is stored knows nothing of where it lies.
  const text = `${JSON.stringify(backupSchema.parse(backup), null, 2)}\n`
  await writeWhole(join(folder, BACKUP_MANIFEST), [Buffer.from(text)])
}

/** @returns none where there is no manifest.
 * @throws SlotbenchError `backup-damaged` where there is one that cannot be read. */
async function readBackup(folder: string): Promise<readonly StoredBackup[]> {
  const path = join(folder, BACKUP_MANIFEST)
  const text = await readFile(path, 'utf8')
  try {
    return [{ ...backupSchema.parse(JSON.parse(text)), folder }]
  } catch (cause) {
    throw new SlotbenchError('backup-damaged', `${path} is no manifest of a backup`, { cause })
  }
}

function absent(error: unknown): readonly StoredBackup[] {
  if (error instanceof SlotbenchError) throw error
  return []
}

function storeError(cause: unknown, detail: string): SlotbenchError {
  if (cause instanceof SlotbenchError) return cause
  const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
  return new SlotbenchError(full ? 'host-space' : 'host-io', detail, { cause })
}
