// `npm start`: the desktop program where Electron's runtime is there, else the same interface in a browser; it says which.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildIfNeeded } from './build-if-needed.ts'

const ROOT = join(import.meta.dirname, '..')
const ELECTRON = join(ROOT, 'node_modules/electron')

/** Electron's own package says where its runtime lies, once that was fetched. */
function electronRuntime(): string | undefined {
  const note = join(ELECTRON, 'path.txt')
  if (!existsSync(note)) return undefined
  const runtime = join(ELECTRON, 'dist', readFileSync(note, 'utf8').trim())
  return existsSync(runtime) ? runtime : undefined
}

async function start(): Promise<void> {
  await buildIfNeeded((words) => console.log(words))
  const runtime = electronRuntime()
  const args = process.argv.slice(2)
  if (runtime === undefined) {
    console.log(
      'Electron’s runtime is not on this computer (node node_modules/electron/install.js fetches it).',
    )
    console.log('Opening the station instead: the same interface, in a browser.\n')
    run(process.execPath, [join(ROOT, 'src/main/hosts/cli/index.ts'), 'station', ...args])
  } else {
    console.log('Starting the desktop program.')
    run(runtime, [ROOT, ...args])
  }
}

function run(program: string, args: readonly string[]): void {
  const child = spawn(program, args, { cwd: ROOT, stdio: 'inherit' })
  // Ctrl-C reaches the whole group; what was sent to this process alone is passed on.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', (error) => {
    console.error(error.message)
    process.exitCode = 8
  })
  child.on('exit', (code) => {
    process.exitCode = code ?? 1
  })
}

await start()
