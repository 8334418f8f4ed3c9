// slotbench partitions | read | write | digest: single partitions of a terminal.
import { EXIT } from '../../../../shared/error-catalogue.ts'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { formatBytes } from '../../../../shared/format.ts'
import { Deadline } from '../../../../shared/io-options.ts'
import { plainText } from '../../../../shared/plain-text.ts'
import type { TerminalFacts } from '../../../../shared/terminal.ts'
import { bytes, partitionName } from '../../../../shared/units.ts'
import { partitionSize, planWriteOf, readPartitionInto } from '../../terminal-partitions.ts'
import type { CommandContext } from '../command.ts'
import { showPass } from '../progress.ts'
import { confirm, runJob } from './flash.ts'
import { type OnTerminal, withFlashSession } from './open-flash.ts'
import { showPlan } from './prepare.ts'

export function partitions(context: CommandContext, on: OnTerminal): Promise<number> {
  return withFlashSession(context, on, async ({ facts }) => {
    const { edl, partitions: all, superTables } = facts
    context.output.data({ mode: facts.mode, edl, partitions: all, superTables: superTables?.value })
    for (const text of edl === undefined ? listed(facts) : lunLines(facts)) context.output.line(text)
    return EXIT.ok
  })
}

function lunLines(facts: TerminalFacts): readonly string[] {
  const { edl } = facts
  const sectorSize = edl?.sectorSize?.value ?? 0
  const luns = (edl?.luns ?? []).flatMap(({ lun, sectors, primary, backup, table }) => [
    `LUN ${lun}: ${formatBytes(sectors * sectorSize)}, ${sectors} sectors of ${sectorSize}; table: first copy ${primary}, second copy ${backup}`,
    ...(table?.entries ?? []).map(({ name, firstLba, lastLba, attributes }) => {
      const size = formatBytes((lastLba - firstLba + 1) * sectorSize)
      return `  ${plainText(name).padEnd(28)} ${size.padStart(10)}  sectors ${firstLba}-${lastLba}  attributes ${attributes}`
    }),
  ])
  const logical = Object.entries(facts.partitions).filter(([, p]) => p.logical === true)
  if (logical.length === 0) return luns
  return [...luns, 'Inside super:', ...logical.map(([name, p]) => sized(name, p.size))]
}

function listed({ partitions: all }: TerminalFacts): readonly string[] {
  const entries = Object.entries(all)
  if (entries.length === 0) return ['The terminal names no partitions in this mode.']
  return entries.map(([name, { size, logical }]) => sized(name, size, logical === true ? ' (logical)' : ''))
}

function sized(name: string, size: number | undefined, more = ''): string {
  return `  ${plainText(name).padEnd(28)} ${(size === undefined ? 'unknown' : formatBytes(size)).padStart(10)}${more}`
}

/** Into a file that is complete or not there. */
export function readPartition(
  context: CommandContext,
  on: OnTerminal,
  { partition, file }: { readonly partition: string; readonly file: string },
): Promise<number> {
  return withFlashSession(context, on, async (session) => {
    const { signal, output } = context
    const onProgress = showPass(output, `Reading ${partition}`)
    const read = await readPartitionInto(session, { partition, file, signal, onProgress })
    output.data({ partition, ...read })
    output.line(`${partition}: ${formatBytes(read.bytes)} in ${file}\nSHA-256 ${read.sha256}`)
    return EXIT.ok
  })
}

export function digestPartition(
  context: CommandContext,
  on: OnTerminal,
  { partition, size }: { readonly partition: string; readonly size?: number },
): Promise<number> {
  return withFlashSession(context, on, async (session, bench) => {
    const { signal, output } = context
    const whole = await partitionSize(session, partition, signal)
    const length = Math.min(size ?? whole, whole)
    const sha256 = await session.digest(partitionName(partition), bytes(length), {
      ...{ signal, deadline: Deadline.after(Number.POSITIVE_INFINITY), workshop: bench.workshop },
      onProgress: showPass(output, `Digesting ${partition}`),
    })
    output.data({ partition, bytes: length, sha256 })
    output.line(`${sha256}  ${partition} (${formatBytes(length)})`)
    return EXIT.ok
  })
}

export interface WriteOptions extends OnTerminal {
  readonly yes: boolean
  readonly activeSlot: boolean
}

/** As a job: what is there is kept first, what is written is read back, and it can be resumed. */
export function writePartition(
  context: CommandContext,
  on: WriteOptions,
  { partition, file }: { readonly partition: string; readonly file: string },
): Promise<number> {
  return withFlashSession(context, on, async (session, bench) => {
    const made = await planWriteOf(bench, session, {
      ...{ partition, file, activeSlot: on.activeSlot, batteryLimit: 30, signal: context.signal },
      onProgress: showPass(context.output, `Digesting ${file}`),
    })
    await session.close()
    context.output.data({ plan: made })
    showPlan(context.output, made)
    if (made.blockers.length > 0)
      throw new SlotbenchError('plan-blocked', made.blockers.map(({ code }) => code).join(', '))
    if (!on.yes) await confirm(context)
    return runJob(bench, { create: made }, context)
  })
}
