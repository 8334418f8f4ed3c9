// `npm start`: the desktop program where Electron's runtime is there, else the same interface in a browser; it says which.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { buildIfNeeded } from './build-if-needed.ts'
import { electronRuntime, HOW_TO_FETCH } from './electron-runtime.ts'

const ROOT = join(import.meta.dirname, '..')

async function start(): Promise<void> {
  await buildIfNeeded((words) => console.log(words))
  const runtime = electronRuntime()
  const args = process.argv.slice(2)
  if (runtime === undefined) {
    console.log(`Electron’s runtime is not on this computer (${HOW_TO_FETCH}).`)
    console.log('Opening the station instead: the same interface, in a browser.\n')
    run(process.execPath, [join(ROOT, 'src/main/hosts/cli/index.ts'), 'station', ...args])
  } else {
    console.log('Starting the desktop program.')
    run(runtime.program, [ROOT, ...args])
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
