// bin/slotbench.js passes arguments, signals and exit codes on, whichever Node the shell found.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
/** Stands for the command line: shows its arguments and Node, then waits to be told to end. */
const ENTRY = `
const [mode, ...rest] = process.argv.slice(2)
if (mode === 'exit') process.exitCode = Number(rest[0])
else {
  const timer = setTimeout(() => {}, 20_000)
  process.on('SIGINT', () => { clearTimeout(timer); process.exitCode = 130 })
}
console.log(JSON.stringify({ rest, major: Number(process.versions.node.split('.')[0]) }))
export {}
`

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slotbench launcher ü-'))
  for (const part of ['bin', 'src/main/hosts/cli', 'node_modules/node/bin'])
    mkdirSync(join(folder, part), { recursive: true })
  for (const file of ['bin/slotbench.js', 'bin/launch.js']) copyFileSync(join(ROOT, file), join(folder, file))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'src/main/hosts/cli/index.ts'), ENTRY)
  symlinkSync(process.execPath, join(folder, 'node_modules/node/bin/node'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The Node of the system, when it is one that cannot run the product by itself. */
function olderNode(test: TestContext): string {
  const pinned = dirname(process.execPath)
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((p) => !p.includes('node_modules') && p !== pinned)
  const probe = 'console.log(process.versions.node.split(".")[0], process.execPath)'
  try {
    const options = { encoding: 'utf8', env: { ...process.env, PATH: path.join(delimiter) } } as const
    const [major, executable = ''] = execFileSync('node', ['-e', probe], options).trim().split(' ')
    if (Number(major) < 24) return executable
  } catch {
    // There is no Node but ours.
  }
  return test.skip('no Node older than 24 on this machine to start from')
}

const nodes: readonly (readonly [name: string, pick: (test: TestContext) => string])[] = [
  ['the pinned Node', () => process.execPath],
  ['an older Node', olderNode],
]

describe.each(nodes)('started by %s', (_name, pick) => {
  const launch = (node: string, ...args: string[]) =>
    spawn(node, [join(folder, 'bin/slotbench.js'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })

  it('runs the command line on Node 24 with the arguments as they are, and ends with its exit code', async (test) => {
    const child = launch(pick(test), 'exit', '7', 'two words', '--json')
    const [output] = (await once(child.stdout, 'data')) as [Buffer]
    expect(JSON.parse(output.toString())).toEqual({ rest: ['7', 'two words', '--json'], major: 24 })
    expect((await once(child, 'exit'))[0]).toBe(7)
  })

  it('passes an interrupt on and waits for the end', async (test) => {
    const child = launch(pick(test), 'wait')
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([130, null])
  })
})
