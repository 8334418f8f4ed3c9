// What the command line says while somebody or something is waited for: the reason, the guide for hands, and a countdown.
import { formatDuration } from '../../../shared/format.ts'
import { GUIDE_BOOK } from '../../../shared/guide-book.ts'
import type { GuideId } from '../../../shared/guides.ts'
import type { WaitReason } from '../../../shared/job.ts'
import type { Waiting } from '../../flash/bay-sessions.ts'
import type { Output } from './output.ts'

const WAITING: Record<WaitReason, string> = {
  terminal: 'Waiting for the terminal …',
  boot: 'Waiting for the terminal to boot; the first start of a new build can take minutes …',
  'hands-to-bootloader':
    'The terminal is up in its system, which does not let Slotbench in. Allow USB debugging there, or restart it into fastboot mode (hold power and volume down); it goes on by itself.',
  hands:
    'Software cannot take the terminal any further; your hands can. It goes on by itself when the terminal is there.',
  'adb-authorisation':
    'The terminal asks on its screen whether this computer may use ADB. Unlock it, tick “Always allow from this computer” and press Allow …',
  held: 'Another program has the terminal open. Stop it (`adb kill-server` for an adb server, or go through that one with --adb-server) …',
  merge: 'The terminal finishes an earlier update; that takes minutes …',
}
const TICK_MS = 1_000

/** Says what is waited for. On a live terminal the seconds that are left are shown until the returned function is called. */
export function showWaiting(output: Output, { reason, guide, seconds }: Waiting): () => void {
  output.note(`  ${WAITING[reason]}`)
  if (guide !== undefined) for (const line of guideLines(guide)) output.note(`    ${line}`)
  if (seconds === undefined) return () => {}
  if (!output.live) {
    output.note(`  It is waited for ${formatDuration(seconds)}.`)
    return () => {}
  }
  const until = performance.now() + seconds * 1000
  const draw = () => {
    const left = Math.max(0, Math.round((until - performance.now()) / 1000))
    output.draw(`  ${formatDuration(left)} left`)
  }
  draw()
  const ticking = setInterval(draw, TICK_MS)
  ticking.unref()
  return () => clearInterval(ticking)
}

/** Shows one waiting at a time. */
export function countdown(output: Output): { readonly show: (waiting: Waiting) => void; stop(): void } {
  let stop = () => {}
  return {
    show(waiting) {
      stop()
      stop = showWaiting(output, waiting)
    },
    stop: () => stop(),
  }
}

/** A guide as numbered lines, with seconds and what the screen shows. */
export function guideLines(id: GuideId): readonly string[] {
  const { title, steps, success, caveats } = GUIDE_BOOK[id]
  return [
    `${title}:`,
    ...steps.map(({ words, seconds, screen }, index) => {
      const time = seconds === undefined ? '' : ` (up to ${seconds} s)`
      const shown = screen === undefined ? '' : ` Screen: ${screen}.`
      return `${index + 1}. ${words}${time}${shown}`
    }),
    `Done when: ${success}`,
    ...caveats.map((caveat) => `Note: ${caveat}`),
  ]
}
