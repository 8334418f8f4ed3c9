// A job's events on the command line: a live line on a terminal, plain lines elsewhere, JSON lines with --json.
import { asSlotbenchError } from '../../../shared/errors.ts'
import { formatBytes, formatDuration } from '../../../shared/format.ts'
import type { JobEvent, Progress } from '../../../shared/job.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { Plan } from '../../../shared/plan.ts'
import { describe } from '../../core/plan/describe.ts'
import type { Output } from './output.ts'
import { showWaiting } from './waiting.ts'

/** Plain lines come at most this often, in milliseconds. */
const PLAIN_EVERY_MS = 2_000
const BAR = 24

export function showJob(output: Output, plan: Plan): (event: JobEvent) => void {
  let step = ''
  let plainAt = 0
  let stopCountdown = () => {}
  const say = (text: string) => output.note(text)
  return (event) => {
    stopCountdown()
    output.data(event)
    switch (event.type) {
      case 'step-started': {
        const found = plan.steps[event.index]
        step = `[${event.index + 1}/${event.of}] ${found === undefined ? event.step : describe(found)}`
        plainAt = performance.now()
        output.draw(step)
        return
      }
      case 'step-proven':
        say(`${output.style('green', '✓')} ${step}${proof(event.receipt)}`)
        return
      case 'progress': {
        const text = `${step}  ${line(event.progress, output.live)}`
        if (output.live) output.draw(text)
        else if (performance.now() - plainAt >= PLAIN_EVERY_MS) {
          plainAt = performance.now()
          say(text)
        }
        return
      }
      case 'waiting':
        stopCountdown = showWaiting(output, event)
        return
      case 'terminal-says':
        say(`  The terminal says: ${event.text}`)
        return
      case 'problem':
        say(`  ${event.problem.meaning} ${event.problem.detail} [${event.problem.code}]`)
        return
      case 'state':
        return
      default:
        missingCase(event)
    }
  }
}

function proof(receipt: Extract<JobEvent, { type: 'step-proven' }>['receipt']): string {
  switch (receipt.kind) {
    case 'write': {
      const rate =
        receipt.durationMs > 0 ? `, ${formatBytes((receipt.imageBytes / receipt.durationMs) * 1000)}/s` : ''
      return `  ${formatBytes(receipt.imageBytes)} in ${formatDuration(receipt.durationMs / 1000)}${rate}`
    }
    case 'verify':
    case 'backup':
      return `  sha256 ${receipt.sha256.slice(0, 16)}…`
    case 'proof':
      return `  (${receipt.by})`
    case 'sideload': {
      const rate =
        receipt.durationMs > 0 ? `, ${formatBytes((receipt.bytes / receipt.durationMs) * 1000)}/s` : ''
      return `  ${formatBytes(receipt.bytes)} in ${formatDuration(receipt.durationMs / 1000)}${rate}`
    }
    case 'switch':
    case 'done':
      return ''
    default:
      return missingCase(receipt)
  }
}

function line(p: Progress, live: boolean): string {
  const share = p.jobTotal === 0 ? 1 : p.jobDone / p.jobTotal
  const bar = live ? `${'█'.repeat(Math.round(share * BAR)).padEnd(BAR, '░')} ` : ''
  const speed = p.bytesPerSecond > 0 ? `  ${formatBytes(p.bytesPerSecond)}/s` : ''
  const left = p.remainingSeconds === undefined ? '' : `  ${formatDuration(p.remainingSeconds)} left`
  return `${bar}${Math.floor(share * 100)} %  ${formatBytes(p.jobDone)} of ${formatBytes(p.jobTotal)}${speed}${left}`
}

/** Progress of a pass over a package before anything is written. */
export function showPass(output: Output, what: string): (done: number, total: number) => void {
  const startedAt = performance.now()
  let plainAt = startedAt
  return (done, total) => {
    const now = performance.now()
    const rate = now > startedAt ? (done / (now - startedAt)) * 1000 : 0
    const text = `${what}  ${total === 0 ? 100 : Math.floor((done / total) * 100)} %  ${formatBytes(done)} of ${formatBytes(total)}  ${formatBytes(Math.round(rate))}/s`
    if (output.live) output.draw(text)
    else if (now - plainAt >= PLAIN_EVERY_MS) {
      plainAt = now
      output.note(text)
    }
  }
}

/** Runs a command's work; whatever it throws is shown once, as one error with its next action.
 * @returns the exit code. */
export async function reported(output: Output, work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (thrown) {
    const error = asSlotbenchError(thrown)
    output.error(error)
    if (error.code === 'internal' && error.cause instanceof Error && !output.json)
      output.note(error.cause.stack ?? '')
    return error.exitCode
  }
}
