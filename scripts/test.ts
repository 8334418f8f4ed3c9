// `npm test`: everything that must hold, in one go, with what was skipped and why at the very end.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { whyNoElectron } from './electron-runtime.ts'
import { TALLY_FILE, type Tally } from './tally-reporter.ts'

const ROOT = join(import.meta.dirname, '..')

interface Step {
  readonly title: string
  readonly command: readonly string[]
  /** The command leaves a tally of its own tests; others count as one. */
  readonly tallies: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Why it cannot be run here; then it is named among what was skipped. */
  readonly missing?: string
}

const NO_ELECTRON = whyNoElectron()
const TALLY = ['--reporter=default', '--reporter=./scripts/tally-reporter.ts']
const bin = (name: string): string => join(ROOT, 'node_modules/.bin', name)
const STEPS: readonly Step[] = [
  { title: 'types (main)', command: [bin('tsc'), '-p', 'tsconfig.json'], tallies: false },
  { title: 'types (renderer)', command: [bin('tsc'), '-p', 'tsconfig.renderer.json'], tallies: false },
  { title: 'lint', command: ['npm', 'run', '--silent', 'lint'], tallies: false },
  {
    title: 'tests',
    command: [bin('vitest'), 'run', ...TALLY],
    tallies: true,
  },
  {
    title: 'the window in Electron',
    // The station's own attack tests have nothing to do with it.
    command: [bin('vitest'), 'run', '--exclude', '**/attacks.test.ts', 'test/e2e', ...TALLY],
    tallies: true,
    env: { SLOTBENCH_E2E: 'electron' },
    ...(NO_ELECTRON !== undefined && { missing: NO_ELECTRON }),
  },
  { title: 'build', command: [bin('electron-vite'), 'build'], tallies: false },
  { title: 'USB guest', command: [process.execPath, 'test/usb-guest/run.ts'], tallies: true },
]

/** Runs one step with its output on ours. */
function run(step: Step, tallyFile: string): Tally {
  console.log(`\n=== ${step.title} ===`)
  if (step.missing !== undefined) {
    console.log(`Not run: ${step.missing}.`)
    return { passed: 0, failed: 0, skipped: [`${step.title}: ${step.missing}`] }
  }
  rmSync(tallyFile, { force: true })
  const [program = '', ...args] = step.command
  const env = { ...process.env, ...step.env, [TALLY_FILE]: tallyFile }
  const { status, signal, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', env })
  if (error !== undefined) console.error(`${program}: ${error.message}`)
  const good = status === 0
  if (!good) console.error(`${step.title}: failed (${signal ?? `exit status ${status}`})`)
  if (!step.tallies) return { passed: good ? 1 : 0, failed: good ? 0 : 1, skipped: [] }
  const tally: Tally = existsSync(tallyFile)
    ? JSON.parse(readFileSync(tallyFile, 'utf8'))
    : { passed: 0, failed: 0, skipped: [] }
  // A program that fails without naming a failed test still failed.
  return good ? tally : { ...tally, failed: Math.max(1, tally.failed) }
}

spawnSync('bash', ['scripts/system-packages.sh'], { cwd: ROOT, stdio: 'inherit' })
const folder = mkdtempSync(join(tmpdir(), 'slotbench-test-'))
const results = STEPS.map((step) => ({ step, tally: run(step, join(folder, 'tally.json')) }))
rmSync(folder, { recursive: true, force: true })

const skipped = results.flatMap(({ tally }) => tally.skipped)
const failedSteps = results.filter(({ tally }) => tally.failed > 0)
const sum = (key: 'passed' | 'failed'): number => results.reduce((total, { tally }) => total + tally[key], 0)

console.log('')
if (skipped.length > 0) console.log(`Skipped:\n${skipped.map((line) => `  ${line}`).join('\n')}`)
if (failedSteps.length > 0) console.log(`Failed: ${failedSteps.map(({ step }) => step.title).join(', ')}`)
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${skipped.length} skipped`)
process.exitCode = failedSteps.length > 0 ? 1 : 0
