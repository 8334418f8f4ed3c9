// What belongs to one terminal alone, kept and brought back, as every host does it.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { SlotbenchError } from '../../shared/errors.ts'
import { Deadline } from '../../shared/io-options.ts'
import type { Plan } from '../../shared/plan.ts'
import type { TerminalFacts } from '../../shared/terminal.ts'
import { bytes, partitionName } from '../../shared/units.ts'
import { backupTerminal } from '../core/plan/backup-terminal.ts'
import { planRestore } from '../core/plan/file-plan.ts'
import { type BackupTarget, backupTargets } from '../core/plan/steps.ts'
import type { StoredBackup } from '../io/files/backup-store.ts'
import type { FlashSession } from '../terminals/types.ts'
import type { Bench } from './bench.ts'
import { checkReadsBack } from './partition-session.ts'

export interface KeepOptions {
  /** Default: all that belong to the terminal alone. */
  readonly partitions?: readonly string[] | undefined
  readonly signal: AbortSignal
  readonly onKept?: (kept: { readonly name: string; readonly bytes: number; readonly sha256: string }) => void
}

/** Each partition is read, kept, and read a second time: what cannot be reproduced is no backup.
 * @throws SlotbenchError `terminal-wrong-mode`, `partition-missing`, `storage-unreliable`, and what keeping throws. */
export async function keepBackup(
  bench: Bench,
  session: FlashSession,
  { partitions, signal, onKept }: KeepOptions,
): Promise<StoredBackup> {
  checkReadsBack(session)
  const targets = targetsOf(session.facts, partitions)
  const of = { id: randomUUID().slice(0, 8), terminal: backupTerminal(session.facts) }
  const io = { signal, deadline: Deadline.after(Number.POSITIVE_INFINITY) }
  for (const { name, size } of targets) {
    const target = partitionName(name)
    const kept = await bench.backups.save(of, name, session.read(target, bytes(size), io))
    const again = await session.digest(target, bytes(size), { ...io, workshop: bench.workshop })
    if (again !== kept.sha256)
      throw new SlotbenchError('storage-unreliable', `two readings of ${name} differ`)
    onKept?.({ name, ...kept })
  }
  return bench.backups.find(of.id)
}

function targetsOf(
  facts: TerminalFacts,
  names: readonly string[] | undefined,
): readonly Pick<BackupTarget, 'name' | 'size'>[] {
  if (names === undefined) {
    const own = backupTargets(facts)
    if (own.length > 0) return own
    throw new SlotbenchError('partition-missing', 'the terminal has no radio or identity partition by name')
  }
  return names.map((name) => {
    const size = facts.partitions[name]?.size
    if (size === undefined) throw new SlotbenchError('partition-missing', `there is no ${name}`)
    return { name, size }
  })
}

export interface RestoreOf {
  /** A backup of this bench, or the folder of an exported one. */
  readonly backup: string
  /** Default: all that it holds. */
  readonly partitions?: readonly string[] | undefined
  /** Percent below which nothing is started. */
  readonly batteryLimit: number
}

/** What would be written. Every image is read first: what has changed since it was kept goes nowhere.
 * @throws SlotbenchError `backup-not-found`, `backup-damaged`, `partition-missing`. */
export async function planRestoreOf(
  bench: Bench,
  { facts }: FlashSession,
  { backup, partitions, batteryLimit }: RestoreOf,
): Promise<Plan> {
  const found = await bench.backups.find(backup)
  await bench.backups.check(found)
  const chosen = found.partitions.filter((one) => partitions?.includes(one.name) ?? true)
  const absent = partitions?.find((wanted) => !chosen.some((one) => one.name === wanted))
  if (absent !== undefined)
    throw new SlotbenchError('partition-missing', `the backup ${found.id} holds no ${absent}`)
  const files = chosen.map((one) => ({
    ...{ partition: one.name, path: join(found.folder, one.file), bytes: one.bytes, sha256: one.sha256 },
  }))
  const host = { freeBytes: await bench.freeBytes() }
  const input = { facts, host, batteryLimit, now: new Date().toISOString() }
  return planRestore(input, found, { folder: found.folder, files })
}
