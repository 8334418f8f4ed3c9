// From a programmer that has just started, or runs since who knows when, to one that takes commands.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { edlLink } from '../edl/edl-link.ts'
import type { Transport } from '../transport.ts'
import { FirehoseChannel } from './channel.ts'
import { FirehoseClient } from './client.ts'
import { configure, demandOf, type OemPolicy } from './configure.ts'
import { FIREHOSE_DEADLINES, type FirehoseDeadlines } from './deadlines.ts'
import { NotXml } from './documents.ts'
import type { ZlpPolicy } from './program.ts'
import type { Firehose, MemoryName } from './types.ts'

export type { OemPolicy } from './configure.ts'
export type { FirehoseDeadlines } from './deadlines.ts'
export type { ZlpPolicy } from './program.ts'

export interface FirehoseOptions {
  /** The storage to ask for first; a programmer that finds another one says so. Default `ufs`. */
  readonly memory?: MemoryName
  /** Default `auto`. */
  readonly oem?: OemPolicy
  /** Default `at-end`. */
  readonly zlp?: ZlpPolicy
  /** The programmer runs already, since an earlier process of ours or somebody else's: what is left on its way is thrown away. */
  readonly attach?: boolean
  /** Seconds between `power` and the restart. Default 10, which keeps restarts from failing (qdl). */
  readonly powerDelay?: number
  /** Every log line of the programmer. */
  readonly onLog?: (line: string) => void
  readonly deadlines?: Partial<FirehoseDeadlines>
}

const POWER_DELAY_SECONDS = 10

/** Configures the programmer behind these pipes. The caller closes the transport when this throws.
 * @throws SlotbenchError `firehose-refused`, `loader-needs-vendor`; `terminal-silent` or `terminal-garbled`, which ask for a power cycle,
 * where the programmer waits in the middle of data that an earlier process began to send or to read. */
export async function openFirehose(
  transport: Transport,
  options: FirehoseOptions,
  io: IoOptions,
): Promise<Firehose> {
  const deadlines = { ...FIREHOSE_DEADLINES, ...options.deadlines }
  const channel = new FirehoseChannel(edlLink(transport), deadlines, options.onLog)
  const { memory = 'ufs', oem = 'auto', attach = false } = options
  const limits = await channel.exclusive(async () => {
    await hearGreeting(channel, attach ? deadlines.quiet : deadlines.startup, io)
    if (attach) await fallIntoStep(channel, io)
    return await configure(channel, { memory, oem }, io)
  })
  const { zlp = 'at-end', powerDelay = POWER_DELAY_SECONDS } = options
  return new FirehoseClient(channel, limits, { zlp, powerDelay })
}

/** What a programmer says of itself when it starts, or what an earlier process left unread.
 * @param first how long to wait for its first word, ms. */
async function hearGreeting(channel: FirehoseChannel, first: number, io: IoOptions): Promise<void> {
  try {
    await channel.listen(channel.deadlines.quiet, io, { first })
  } catch (thrown) {
    throw inMidData(thrown)
  }
  const demand = demandOf(channel.logs)
  if (demand !== undefined) throw new SlotbenchError('loader-needs-vendor', demand)
}

/** A `nop` that is answered shows that nothing is left on its way. */
async function fallIntoStep(channel: FirehoseChannel, io: IoOptions): Promise<void> {
  try {
    await channel.exchange({ name: 'nop' }, channel.deadlines.nop, io)
    await channel.listen(channel.deadlines.quiet, io)
  } catch (thrown) {
    throw inMidData(thrown)
  }
}

/** A programmer in a data phase takes commands for data, or sends data where words are waited for. Only a restart gets it out. */
function inMidData(thrown: unknown): SlotbenchError {
  const error = asSlotbenchError(thrown)
  if (error.code === 'terminal-silent')
    return new SlotbenchError(
      'terminal-silent',
      'the programmer does not answer: it waits for the rest of data that an earlier program began to send, or hangs',
      { cause: error },
    )
  if (error.cause instanceof NotXml)
    return new SlotbenchError(
      'terminal-garbled',
      'the programmer sends the rest of data that an earlier program began to read',
      { cause: error },
    )
  return error
}
