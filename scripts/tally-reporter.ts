// A vitest reporter that leaves the tally of the run, with the reason of each skipped test, for `npm test` to sum up.
import { writeFileSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

export interface Tally {
  readonly passed: number
  readonly failed: number
  /** What was skipped, and why. */
  readonly skipped: readonly string[]
}

/** Environment variable with the path of the tally; without it nothing is written. */
export const TALLY_FILE = 'SLOTBENCH_TALLY'

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const path = process.env[TALLY_FILE]
    if (path === undefined) return
    // A module that fails to load and an error outside of any test have no failing test to their name.
    let [passed, failed] = [0, unhandled.length]
    const skipped: string[] = []
    for (const module of modules) {
      failed += module.errors().length
      for (const suite of module.children.allSuites()) failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') passed += 1
        else if (result.state === 'failed') failed += 1
        else skipped.push(`${module.relativeModuleId}: ${test.fullName}: ${reason(test)}`)
      }
    }
    writeFileSync(path, JSON.stringify({ passed, failed, skipped } satisfies Tally))
  }
}

function reason(test: TestCase): string {
  const result = test.result()
  if (result.state === 'skipped' && result.note !== undefined) return result.note
  for (let place: TestCase['parent'] = test.parent; ; place = place.parent) {
    if (place.errors().length > 0) return 'not run, because what prepares it failed'
    if (place.type === 'module') return 'no reason given'
  }
}
