// A terminal that says what it is told to say, cut up anyhow, whatever the host sends; then it is silent or gone.
import type { Transport } from '../src/main/protocols/transport.ts'
import { abortError, SlotbenchError } from '../src/shared/errors.ts'

export interface Noise {
  /** What it says at first, after the first write of the host, after the second, … */
  readonly turns: readonly (readonly Uint8Array<ArrayBuffer>[])[]
  /** Lengths of the pieces that it comes in, over and over; none means whole. */
  readonly cuts: readonly number[]
  /** What it does when it has said everything. */
  readonly ending: 'gone' | 'silent'
  /** After this many writes the next ones fail; undefined never. */
  readonly writes: number | undefined
}

export function noisyTransport({ turns, cuts, ending, writes = Number.POSITIVE_INFINITY }: Noise): Transport {
  const queue: Uint8Array<ArrayBuffer>[] = []
  let wake: () => void = () => undefined
  let turn = 0
  const speak = () => {
    queue.push(...(turns[turn] ?? []).flatMap((bytes) => cut(bytes, cuts)))
    turn += 1
    wake()
  }
  speak()
  let sent = 0
  return {
    send: async (_data, { signal }) => {
      if (signal.aborted) throw abortError(signal)
      sent += 1
      if (sent > writes) throw new SlotbenchError('terminal-gone', 'the cable was pulled')
      speak()
    },
    receive: async (max, { deadline }) => {
      for (;;) {
        const next = queue.shift()
        if (next !== undefined) {
          if (next.length > max) queue.unshift(next.slice(max))
          return next.slice(0, max)
        }
        if (ending === 'gone' && turn >= turns.length)
          throw new SlotbenchError('terminal-gone', 'the cable was pulled')
        if (deadline.expired) throw new SlotbenchError('terminal-silent', 'nothing came')
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.min(deadline.remainingMs, 2_000))
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
    },
    packets: { size: 64, sendEmpty: async () => undefined },
    close: async () => undefined,
  }
}

function cut(bytes: Uint8Array<ArrayBuffer>, lengths: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  for (let at = 0, turn = 0; at < bytes.length || pieces.length === 0; turn++) {
    const length = lengths.length === 0 ? bytes.length : (lengths[turn % lengths.length] ?? 1)
    pieces.push(bytes.slice(at, at + length))
    at += length
  }
  return pieces
}
