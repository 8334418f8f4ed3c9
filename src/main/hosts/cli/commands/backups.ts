// slotbench backup | backups | restore: what belongs to one terminal alone, kept and brought back.
import { randomUUID } from 'node:crypto'
import { join, resolve } from 'node:path'
import { EXIT } from '../../../../shared/error-catalogue.ts'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { formatBytes } from '../../../../shared/format.ts'
import { Deadline } from '../../../../shared/io-options.ts'
import { bytes, partitionName } from '../../../../shared/units.ts'
import { backupTerminal } from '../../../core/plan/backup-terminal.ts'
import { planRestore } from '../../../core/plan/file-plan.ts'
import { backupTargets } from '../../../core/plan/steps.ts'
import type { StoredBackup } from '../../../io/files/backup-store.ts'
import type { FlashSession } from '../../../terminals/types.ts'
import type { Bench } from '../bench.ts'
import { type CommandContext, withBench } from '../command.ts'
import { confirm, runJob } from './flash.ts'
import { type OnTerminal, withFlashSession } from './open-flash.ts'
import { showPlan } from './prepare.ts'

export interface BackupOptions extends OnTerminal {
  readonly partition?: readonly string[]
}

/** Each partition is read, kept, and read a second time: what cannot be reproduced is no backup. */
export function backup(context: CommandContext, options: BackupOptions): Promise<number> {
  return withFlashSession(context, options, async (session, bench) => {
    const { output } = context
    const targets = targetsOf(session, options.partition)
    const id = randomUUID().slice(0, 8)
    const of = { id, terminal: backupTerminal(session.facts) }
    for (const { name, size } of targets) {
      const kept = await keep(bench, session, { of, name, size, signal: context.signal })
      output.note(`${output.style('green', '✓')} ${name}: ${formatBytes(kept.bytes)}, SHA-256 ${kept.sha256}`)
    }
    const stored = await bench.backups.find(id)
    output.data({ backup: stored })
    output.line(`Backup ${id}: ${targets.length} partitions in ${stored.folder}`)
    return EXIT.ok
  })
}

function targetsOf(
  { facts, can }: FlashSession,
  names: readonly string[] | undefined,
): readonly { readonly name: string; readonly size: number }[] {
  if (!can.readBack)
    throw new SlotbenchError(
      'terminal-wrong-mode',
      `the terminal gives no partition out in ${facts.mode} mode; in EDL it does`,
    )
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

interface Keeping {
  readonly of: Parameters<Bench['backups']['save']>[0]
  readonly name: string
  readonly size: number
  readonly signal: AbortSignal
}

async function keep(bench: Bench, session: FlashSession, { of, name, size, signal }: Keeping) {
  const io = { signal, deadline: Deadline.after(Number.POSITIVE_INFINITY) }
  const target = partitionName(name)
  const kept = await bench.backups.save(of, name, session.read(target, bytes(size), io))
  const again = await session.digest(target, bytes(size), { ...io, workshop: bench.workshop })
  if (again === kept.sha256) return kept
  throw new SlotbenchError('storage-unreliable', `two readings of ${name} differ`)
}

export async function backups(context: CommandContext): Promise<number> {
  return withBench(context, {}, async (bench) => {
    const all = await bench.backups.list()
    context.output.data({ backups: all })
    if (all.length === 0) context.output.line('No backups yet.')
    for (const one of all) context.output.line(lineOf(one))
    return EXIT.ok
  })
}

function lineOf({ id, at, terminal, partitions }: StoredBackup): string {
  const { serial, chipSerial, product = '' } = terminal
  const who = [serial, chipSerial === undefined ? undefined : `chip ${chipSerial}`].filter(Boolean).join(', ')
  const total = partitions.reduce((sum, one) => sum + one.bytes, 0)
  return `${id}  ${at.slice(0, 19).replace('T', ' ')}  ${who || 'no serial number'}  ${product}  ${partitions.length} partitions, ${formatBytes(total)}`
}

export async function exportBackup(context: CommandContext, id: string, folder: string): Promise<number> {
  return withBench(context, {}, async (bench) => {
    const to = await bench.backups.export(await bench.backups.find(id), resolve(folder))
    context.output.data({ backup: id, folder: to })
    context.output.line(`Backup ${id} is in ${to}`)
    return EXIT.ok
  })
}

export interface RestoreOptions extends BackupOptions {
  readonly yes: boolean
}

/** @param name a backup of this bench, or the folder of an exported one. */
export function restore(context: CommandContext, name: string, options: RestoreOptions): Promise<number> {
  return withFlashSession(context, options, async (session, bench) => {
    const found = await bench.backups.find(name)
    await bench.backups.check(found)
    const chosen = found.partitions.filter((one) => options.partition?.includes(one.name) ?? true)
    const absent = options.partition?.find((wanted) => !chosen.some((one) => one.name === wanted))
    if (absent !== undefined)
      throw new SlotbenchError('partition-missing', `the backup ${found.id} holds no ${absent}`)
    const files = chosen.map((one) => ({
      ...{ partition: one.name, path: join(found.folder, one.file), bytes: one.bytes, sha256: one.sha256 },
    }))
    const made = planRestore(
      {
        ...{ facts: session.facts, host: { freeBytes: await bench.freeBytes() }, batteryLimit: 30 },
        now: new Date().toISOString(),
      },
      found,
      { folder: found.folder, files },
    )
    await session.close()
    context.output.data({ plan: made })
    showPlan(context.output, made)
    if (made.blockers.length > 0)
      throw new SlotbenchError('plan-blocked', made.blockers.map(({ code }) => code).join(', '))
    if (!options.yes) await confirm(context)
    return runJob(bench, { create: made }, context)
  })
}
