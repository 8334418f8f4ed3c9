// Builds the desktop program and its interface when a source is newer than what was built last.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const ROOT = join(import.meta.dirname, '..')
const BUILT = join(ROOT, 'out/renderer/index.html')
/** There while one process builds; test files that run at the same time wait for it instead of building over each other. */
const BUILDING = join(ROOT, 'node_modules/.slotbench-building')
/** Nothing is built for so long; whoever left the mark is gone. */
const STALE_MS = 120_000

/** @param say told what is done. @throws Error when the build fails. */
export async function buildIfNeeded(say: (words: string) => void = () => {}): Promise<void> {
  if (!existsSync(BUILDING) && (await isBuilt())) return
  while (!takeMark()) await pause(100)
  try {
    if (!(await isBuilt())) build(say)
  } finally {
    rmSync(BUILDING, { recursive: true, force: true })
  }
}

const isBuilt = async (): Promise<boolean> =>
  existsSync(BUILT) && (await newestSource()) <= statSync(BUILT).mtimeMs

function takeMark(): boolean {
  try {
    mkdirSync(BUILDING)
    return true
  } catch {
    const since = statSync(BUILDING, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - since > STALE_MS) rmSync(BUILDING, { recursive: true, force: true })
    return false
  }
}

function build(say: (words: string) => void): void {
  say('Building the interface …')
  const program = join(ROOT, 'node_modules/.bin/electron-vite')
  const { status, stdout, stderr } = spawnSync(program, ['build'], {
    cwd: ROOT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error(`the build failed:\n${stdout}\n${stderr}`)
}

/** Milliseconds since 1970. */
async function newestSource(): Promise<number> {
  let newest = 0
  const sources = [
    'src/{renderer,shared,preload,main,simulator}/**/*.{ts,tsx,css,html}',
    '*.config.ts',
    'package.json',
  ]
  for await (const path of glob(sources, { cwd: ROOT, exclude: (name) => name.endsWith('.test.ts') }))
    newest = Math.max(newest, statSync(join(ROOT, path)).mtimeMs)
  return newest
}
