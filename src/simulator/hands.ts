// The technician’s hands, for simulations that run by themselves: keys held at the right moment, and nothing else.
import { setTimeout as delay } from 'node:timers/promises'
import type { SimulatedTerminal } from './terminal.ts'

export interface HandsOptions {
  /** How long the system runs before the terminal is restarted, in milliseconds. */
  readonly patienceMs: number
  readonly onAct?: (what: string) => void
}

/** Each time the terminal is up in system mode, restarts it with power and volume down held, which brings it to its bootloader.
 * @returns the way to take the hands off. */
export function bringBackToBootloader(terminal: SimulatedTerminal, options: HandsOptions): () => void {
  const off = new AbortController()
  const stop = terminal.on((event) => {
    if (event.kind === 'state' && event.state === 'system') void restart(terminal, options, off.signal)
  })
  return () => {
    stop()
    off.abort()
  }
}

async function restart(
  terminal: SimulatedTerminal,
  options: HandsOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    await delay(options.patienceMs, undefined, { signal })
  } catch {
    return
  }
  if (terminal.state !== 'system') return
  options.onAct?.('holds power and volume down')
  terminal.cutPower()
  await terminal.powerOn({ keys: 'bootloader' })
}
