// Builds the desktop program and its interface when a source is newer than what was built last.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const BUILT = join(ROOT, 'out/renderer/index.html')

/** @param say told what is done. @throws Error when the build fails. */
export async function buildIfNeeded(say: (words: string) => void = () => {}): Promise<void> {
  if (existsSync(BUILT) && (await newestSource()) <= statSync(BUILT).mtimeMs) return
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
