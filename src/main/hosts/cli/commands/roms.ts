// slotbench roms | fetch: which ROMs there are, which of them a terminal may have, and one of them brought here.
import { formatBytes, formatDuration } from '../../../../shared/format.ts'
import type { TerminalFacts } from '../../../../shared/terminal.ts'
import { targetFile } from '../../../repository/format.ts'
import { judgeRoms } from '../../judge-roms.ts'
import { type ListedRepository, type ListedRom, type RomLibrary, romNamed } from '../../rom-library.ts'
import { type CommandContext, chooseTerminal, endpointsIn, withBench } from '../command.ts'
import { listAll, showFetch, withLibrary } from '../library.ts'
import type { Output } from '../output.ts'
import { countdown } from '../waiting.ts'

export interface RomsOptions {
  readonly for?: string
  readonly channel?: readonly string[]
}

interface Row extends ListedRom {
  readonly cached: boolean
  /** Why a terminal may or may not have it, where one was asked for. */
  readonly verdict?: string
  readonly reasons?: readonly string[]
}

export async function roms(context: CommandContext, options: RomsOptions): Promise<number> {
  const facts = options.for === undefined ? undefined : await factsOf(context, options.for)
  return withLibrary(context, async (library) => {
    const listed = await listAll(library, context)
    const rows: Row[] = []
    for (const one of listed) rows.push(...(await rowsOf(library, one, { facts, options, context })))
    context.output.data({ roms: rows.map(dataOf) })
    showRows(context.output, rows)
    return 0
  })
}

async function factsOf(context: CommandContext, name: string): Promise<TerminalFacts> {
  return withBench(context, { endpoints: endpointsIn([name]) }, async (bench) => {
    const sighting = await chooseTerminal(bench, name, context)
    const waiting = countdown(context.output)
    return bench
      .read(sighting, { signal: context.signal, onWaiting: waiting.show })
      .finally(() => waiting.stop())
  })
}

interface Question {
  readonly facts: TerminalFacts | undefined
  readonly options: RomsOptions
  readonly context: CommandContext
}

async function rowsOf(
  library: RomLibrary,
  listed: ListedRepository,
  { facts, options, context }: Question,
): Promise<readonly Row[]> {
  const { repository, listing } = listed
  const rows = await Promise.all(
    listing.roms.map(async (rom) => ({
      ...{ repository, rom },
      cached: (await library.cache.find(rom.target.sha256)) !== undefined,
    })),
  )
  if (facts === undefined) return rows
  const rules = await library.deployments(listed, context.signal)
  const channels = options.channel && { channels: options.channel }
  const { byRules, roms } = judgeRoms(listing.roms, rules, facts, channels)
  // Where there are no rules, only what names the terminal's model is worth a line, and none has a verdict.
  const shown = roms.filter(({ verdict }) => (byRules ? verdict !== 'refused' : verdict === 'eligible'))
  return shown.flatMap(({ rom: { target }, verdict, reasons }): Row[] => {
    const row = rows.find(({ rom }) => rom.target.path === target.path)
    if (row === undefined) return []
    const open = reasons.filter(({ outcome }) => outcome === 'unknown')
    return byRules
      ? [{ ...row, verdict, reasons: open.map(({ rule, detail }) => `${rule}: ${detail}`) }]
      : [row]
  })
}

function dataOf({ repository, rom, cached, verdict, reasons }: Row) {
  const { publisher, name, target, facts } = rom
  return {
    ...{
      repository: repository.name,
      publisher,
      name,
      sha256: target.sha256,
      size: target.size,
      cached,
      facts,
    },
    ...{ file: targetFile(target), verdict, reasons },
  }
}

function showRows(output: Output, rows: readonly Row[]): void {
  if (rows.length === 0) output.line('No ROMs.')
  for (const { repository, rom, cached, verdict, reasons = [] } of rows) {
    const { build, models, securityPatch, delta, notes } = rom.facts
    output.line(
      [
        `${repository.name}/${rom.publisher}/${rom.name}`,
        build ?? 'build not said',
        `for ${models.join(', ') || 'no model named'}`,
        ...(securityPatch === undefined ? [] : [`patch ${securityPatch}`]),
        delta === true ? 'delta' : 'full',
        formatBytes(rom.target.size),
        ...(cached ? [output.style('green', 'in the cache')] : []),
        ...(verdict === undefined ? [] : [verdict]),
      ].join('  '),
    )
    if (notes !== undefined) output.line(`    ${notes}`)
    for (const reason of reasons) output.line(`    ${reason}`)
  }
}

export async function fetchCommand(context: CommandContext, wanted: string): Promise<number> {
  const { output, signal } = context
  return withLibrary(context, async (library) => {
    const found = romNamed(await listAll(library, context), wanted)
    const startedAt = performance.now()
    const { cached, result } = await library.fetch(found, showFetch(context))
    const release = await library.cache.use(cached, signal)
    await release()
    output.data({
      fetched: { ...dataOf({ ...found, cached: true }), path: cached.path, result: result ?? null },
    })
    if (result === undefined) output.line('It is in the cache already.')
    else
      output.line(
        `${formatBytes(result.received)} received, ${formatBytes(result.copied)} copied from other ROMs, ${formatBytes(result.resumed)} were there, in ${formatDuration((performance.now() - startedAt) / 1000)}.`,
      )
    output.line(`Package         ${cached.path}`)
    return 0
  })
}
