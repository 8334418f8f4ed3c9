// How much room work needs on this computer's disk, told before it begins. Verification and flashing need none: images stream.
import { SlotbenchError } from '../../../shared/errors.ts'
import { formatBytes } from '../../../shared/format.ts'

/** What a file system needs beside the bytes of files: tables, journals, the small files. */
const MARGIN = 64 * 1024 * 1024

export interface Need {
  /** For messages. */
  readonly what: string
  readonly bytes: number
}

/** Bytes for all needs, with a margin where there is any. */
export function spaceFor(needs: readonly Need[]): number {
  const total = needs.reduce((sum, { bytes }) => sum + bytes, 0)
  return total === 0 ? 0 : total + MARGIN
}

/** Every need in words, when there is less room than all of them together; undefined when there is enough. */
export function spaceProblem(needs: readonly Need[], free: number): string | undefined {
  const total = spaceFor(needs)
  if (total <= free) return undefined
  const list = needs
    .filter(({ bytes }) => bytes > 0)
    .map(({ what, bytes }) => `${formatBytes(bytes)} for ${what}`)
  return `${formatBytes(total)} are needed (${list.join(', ')}, and a margin), ${formatBytes(free)} are free`
}

/** @throws SlotbenchError `host-space` naming every need, when there is less room than all of them together. */
export function requireSpace(needs: readonly Need[], free: number, path: string): void {
  const problem = spaceProblem(needs, free)
  if (problem === undefined) return
  throw new SlotbenchError('host-space', `${path}: ${problem}`, { context: { file: path } })
}

/** @param package_.have bytes of it that were fetched before. */
export function downloadNeeds(package_: { readonly size: number; readonly have: number }): readonly Need[] {
  return [{ what: 'the package', bytes: Math.max(0, package_.size - package_.have) }]
}

/** @param partitions sizes of what is backed up. */
export function backupNeeds(partitions: readonly { readonly size: number }[]): readonly Need[] {
  return [{ what: 'backups', bytes: partitions.reduce((sum, { size }) => sum + size, 0) }]
}

/** What applying a delta needs.
 * @param work.made bytes of the new package that lie on the disk already.
 * @param work.expanded sizes of the old images that have to be expanded, of which there is one at a time. */
export function deltaNeeds(work: {
  readonly size: number
  readonly made: number
  readonly expanded: readonly number[]
}): readonly Need[] {
  return [
    { what: 'the new package', bytes: Math.max(0, work.size - work.made) },
    { what: 'the old image that is being read', bytes: Math.max(0, ...work.expanded) },
  ]
}
