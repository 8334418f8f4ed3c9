// Questions to a repository that somebody waits for at a window.
import { SlotbenchError } from '../../../../shared/errors.ts'

/** Milliseconds. */
const PATIENCE_MS = 60_000

/** @throws SlotbenchError `repo-slow` when it takes too long, and what the work throws. */
export async function withinAMinute<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const late = setTimeout(
    () => controller.abort(new SlotbenchError('repo-slow', 'the repository did not answer within a minute')),
    PATIENCE_MS,
  )
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(late)
  }
}
