import type { Step } from '../../../shared/plan.ts'

/** Image bytes that a step sends to the terminal: what progress and totals count. */
export function bytesSent(step: Step): number {
  return step.kind === 'write' || step.kind === 'sideload' || step.kind === 'write-file' ? step.bytes : 0
}
