// Waiting for one thing under a signal and a deadline, for calls that know neither.
import { abortError, type SlotbenchError } from './errors.ts'
import type { IoOptions } from './io-options.ts'

const MAX_TIMER_MS = 0x7fff_ffff

/** The outcome of `work`, unless the signal or the deadline comes first; `work` then goes on without anybody waiting.
 * @param late made when the deadline passes.
 * @throws SlotbenchError of the signal's reason, or `late()`. */
export async function underDeadline<T>(
  work: Promise<T>,
  o: IoOptions,
  late: () => SlotbenchError,
): Promise<T> {
  const { promise: broken, reject } = Promise.withResolvers<never>()
  const abort = () => reject(abortError(o.signal))
  const timer = setTimeout(() => reject(late()), Math.min(o.deadline.remainingMs, MAX_TIMER_MS))
  o.signal.addEventListener('abort', abort, { once: true })
  if (o.signal.aborted) abort()
  work.catch(() => undefined)
  try {
    return await Promise.race([work, broken])
  } finally {
    clearTimeout(timer)
    o.signal.removeEventListener('abort', abort)
    broken.catch(() => undefined)
  }
}
