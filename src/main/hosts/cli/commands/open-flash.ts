// Commands that read or write single partitions of a terminal, in the mode it is in.
import type { FlashSession } from '../../../terminals/types.ts'
import type { Bench } from '../../bench.ts'
import { withPartitions } from '../../partition-session.ts'
import { type CommandContext, chooseTerminal, endpointsIn, withBench } from '../command.ts'
import { countdown } from '../waiting.ts'

export interface OnTerminal {
  readonly terminal?: string
  readonly loader?: readonly string[]
}

/** Opens the named terminal and gives its session to `work`; closes it afterwards.
 * @throws SlotbenchError `terminal-wrong-mode` where its mode writes no partitions. */
export async function withFlashSession<T>(
  context: CommandContext,
  { terminal, loader = [] }: OnTerminal,
  work: (session: FlashSession, bench: Bench) => Promise<T>,
): Promise<T> {
  return withBench(context, { endpoints: endpointsIn([terminal]), loaders: loader }, async (bench) => {
    const sighting = await chooseTerminal(bench, terminal, context)
    const waiting = countdown(context.output)
    const options = { signal: context.signal, onWaiting: waiting.show }
    return withPartitions(bench, sighting, options, (session) => {
      waiting.stop()
      return work(session, bench)
    }).finally(() => waiting.stop())
  })
}
