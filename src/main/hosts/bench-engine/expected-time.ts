// How long the rest of a job will take, from what its steps took in earlier jobs with the same package and policy. Pure.
import type { StepView } from '../../../shared/contract.ts'

/** One step of one earlier job. */
export interface StepTime {
  /** As its plan called it. */
  readonly step: string
  readonly ms: number
}

export type ExpectedTimes = ReadonlyMap<string, number>

/** By what the steps do: which number one has, and which of both slots it is about, differs from job to job. */
export function expectedTimes(earlier: readonly StepTime[]): ExpectedTimes {
  const found = Map.groupBy(earlier, ({ step }) => doing(step))
  return new Map([...found].map(([what, times]) => [what, median(times.map(({ ms }) => ms))]))
}

/** Seconds for all steps that are not proven yet; undefined where nothing is known of any of them. */
export function expectedSeconds(steps: readonly StepView[], times: ExpectedTimes): number | undefined {
  const known = steps
    .filter(({ state }) => state !== 'proven')
    .flatMap(({ id }) => times.get(doing(id)) ?? [])
  return known.length === 0 ? undefined : known.reduce((sum, ms) => sum + ms, 0) / 1_000
}

function doing(step: string): string {
  return step.replace(/^\d+-/, '').replace(/_[ab]$/, '')
}

/** One terminal that waited an hour for somebody's hands says nothing of the next. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}
