// slotbench backup | backups | restore: what belongs to one terminal alone, kept and brought back.
import { resolve } from 'node:path'
import { EXIT } from '../../../../shared/error-catalogue.ts'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { formatBytes } from '../../../../shared/format.ts'
import type { StoredBackup } from '../../../io/files/backup-store.ts'
import { keepBackup, planRestoreOf } from '../../terminal-backups.ts'
import { type CommandContext, withBench } from '../command.ts'
import { confirm, runJob } from './flash.ts'
import { type OnTerminal, withFlashSession } from './open-flash.ts'
import { showPlan } from './prepare.ts'

export interface BackupOptions extends OnTerminal {
  readonly partition?: readonly string[]
}

export function backup(context: CommandContext, options: BackupOptions): Promise<number> {
  return withFlashSession(context, options, async (session, bench) => {
    const { output, signal } = context
    const stored = await keepBackup(bench, session, {
      ...{ partitions: options.partition, signal },
      onKept: ({ name, bytes, sha256 }) =>
        output.note(`${output.style('green', '✓')} ${name}: ${formatBytes(bytes)}, SHA-256 ${sha256}`),
    })
    output.data({ backup: stored })
    output.line(`Backup ${stored.id}: ${stored.partitions.length} partitions in ${stored.folder}`)
    return EXIT.ok
  })
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
    const made = await planRestoreOf(bench, session, {
      ...{ backup: name, partitions: options.partition, batteryLimit: 30 },
    })
    await session.close()
    context.output.data({ plan: made })
    showPlan(context.output, made)
    if (made.blockers.length > 0)
      throw new SlotbenchError('plan-blocked', made.blockers.map(({ code }) => code).join(', '))
    if (!options.yes) await confirm(context)
    return runJob(bench, { create: made }, context)
  })
}
