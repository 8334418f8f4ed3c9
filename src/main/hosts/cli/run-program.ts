// What every command line of ours does alike: words for what was not understood, and what Ctrl-C does.
import type { CommanderError } from 'commander'
import { EXIT } from '../../../shared/error-catalogue.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { createOutput } from './output.ts'

/** Help and version come as errors too. The words are out already; with --json programs get theirs. */
export function misunderstood(error: CommanderError, args: readonly string[]): number {
  if (error.exitCode === 0) return EXIT.ok
  if (args.includes('--json'))
    createOutput(true).error(new SlotbenchError('usage', error.message.replace(/^error: /, '')))
  return EXIT.usage
}

/** The first Ctrl-C stops the work in order; the second lets the system end the process. */
export function onInterrupt(tell: () => void): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController()
  const stop = () => {
    process.removeListener('SIGINT', interrupt)
    process.removeListener('SIGTERM', interrupt)
  }
  const interrupt = () => {
    stop()
    tell()
    controller.abort(new SlotbenchError('cancelled', 'stopped by Ctrl-C'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  return { signal: controller.signal, stop }
}
