// What every command is handed, and what all of them share: choosing a terminal, never by default.
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline } from '../../../shared/io-options.ts'
import { parseEndpoint } from '../../io/tcp/endpoint.ts'
import type { Sighting } from '../../terminals/types.ts'
import { type Bench, type BenchOptions, openBench } from '../bench.ts'
import type { Output } from './output.ts'

export interface CommandContext {
  readonly output: Output
  readonly data: string
  readonly throughAdbServer: boolean
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}

/** How long a named terminal may take to appear, in milliseconds. */
const APPEAR_MS = 10_000
const SCAN_MS = 5_000

export async function withBench<T>(
  context: CommandContext,
  options: Omit<BenchOptions, 'data' | 'throughAdbServer'>,
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const bench = openBench({ data: context.data, throughAdbServer: context.throughAdbServer, ...options })
  try {
    return await work(bench)
  } finally {
    await bench.close()
  }
}

/** Names that are network endpoints need to be looked at; everything else announces itself. */
export function endpointsIn(names: readonly (string | undefined)[]): readonly string[] {
  return names.filter((name) => name?.startsWith('tcp:') === true) as string[]
}

/** The terminal that the user named by serial number or bay. Slotbench has no default target.
 * @throws SlotbenchError `terminal-ambiguous` without a name, `terminal-not-found`, `job-busy` while a job works on it. */
export async function chooseTerminal(
  bench: Bench,
  name: string | undefined,
  context: CommandContext,
): Promise<Sighting> {
  const discovery = bench.discovery()
  if (name === undefined) {
    const attached = await discovery.scan({ signal: context.signal, deadline: Deadline.after(SCAN_MS) })
    for (const notice of discovery.notices) context.output.note(`${notice.meaning} ${notice.message}`)
    if (attached.length === 0) throw new SlotbenchError('terminal-not-found', 'nothing is attached')
    throw new SlotbenchError('terminal-ambiguous', `attached: ${attached.map(nameOf).join(', ')}`)
  }
  // A terminal that is worked on need not answer anybody else.
  bench.journal.checkFree(name.startsWith('tcp:') ? parseEndpoint(name).bay : name, name)
  // IPv6 and host names come in several spellings; the endpoint source has one.
  const matches = (s: Sighting) =>
    s.serial === name ||
    s.chipSerial === name.toLowerCase() ||
    s.bay.toLowerCase() === name.toLowerCase() ||
    (name.startsWith('tcp:') && s.bay.startsWith('tcp:'))
  return discovery.waitFor(matches, { signal: context.signal, deadline: Deadline.after(APPEAR_MS) })
}

function nameOf(sighting: Sighting): string {
  return `${sighting.serial ?? 'no serial number'} on ${sighting.bay} (${sighting.mode})`
}
