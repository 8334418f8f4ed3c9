// Reads a package with the product's own readers, proves it, and stages it.
import { join, resolve } from 'node:path'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import { openRom } from '../../core/rom/open.ts'
import { verifyRom } from '../../core/rom/verify.ts'
import { openFile } from '../../io/files/open-file.ts'
import { openFolder } from '../../io/files/open-folder.ts'
import { withFileLock } from '../../io/repository/file-lock.ts'
import type { FolderStore } from '../../io/repository/folder-store.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import { addRom } from '../../repository/publishing/add-rom.ts'

export interface AddPackageOptions {
  readonly publisher: string
  readonly name: string
  readonly notes?: string
  readonly signal: AbortSignal
  readonly onVerify?: (done: number, total: number) => void
  readonly onIndex?: (done: number, total: number) => void
}

/** @throws SlotbenchError whatever the readers refuse, before anything is staged. */
export async function addPackage(store: FolderStore, path: string, options: AddPackageOptions) {
  const info = await provenInfo(path, options)
  if (info.kind === 'fastboot-folder')
    throw new SlotbenchError('usage', 'a folder cannot be published; put its files into a zip')
  const source = await openFile(resolve(path))
  let indexed = 0
  const onBytes = (count: number) => {
    indexed += count
    options.onIndex?.(indexed, source.size)
  }
  try {
    return {
      info,
      ...(await locked(store, () => addRom(store, source, { ...options, info, onBytes }))),
    }
  } finally {
    await source.close()
  }
}

async function provenInfo(path: string, { signal, onVerify }: AddPackageOptions): Promise<RomInfo> {
  const workshop = createWorkshop()
  try {
    const rom = await openRom(resolve(path), { openFile, openFolder, workshop }, signal)
    try {
      const onProgress =
        onVerify && (({ done, total }: { done: number; total: number }) => onVerify(done, total))
      const { info } = await verifyRom(rom, { signal, workshop, ...(onProgress && { onProgress }) })
      return info
    } finally {
      await rom.close()
    }
  } finally {
    await workshop.close()
  }
}

/** How long another program of the owner's may work on the repository; milliseconds. */
const BUSY_MS = 30_000

/** Runs what changes the repository, one after the other. */
export function locked<T>(store: FolderStore, work: () => Promise<T>): Promise<T> {
  return withFileLock(join(store.root, 'owner.lock'), { waitMs: BUSY_MS }, work)
}
