// Starts a command line on the Node that the product is pinned to, whichever Node the shell found.
// Plain JavaScript: it must also run on a Node that cannot read TypeScript.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const NEEDED_MAJOR = 24
const root = join(dirname(fileURLToPath(import.meta.url)), '..')

// Compiled modules are kept inside the checkout, not in a temporary folder that others could write to: starting takes
// half the time from the second start on. Where it cannot be written, Node goes without.
const compileCache = process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'slotbench')

/** @param host the folder in src/main/hosts whose index.ts is the program. */
export async function launch(host) {
  const entry = join(root, 'src', 'main', 'hosts', host, 'index.ts')
  if (Number(process.versions.node.split('.')[0]) < NEEDED_MAJOR) return runOnPinnedNode(entry)
  module.enableCompileCache(compileCache)
  process.argv[1] = entry
  await import(pathToFileURL(entry).href)
}

function runOnPinnedNode(entry) {
  const windows = process.platform === 'win32'
  const pinned = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node')
  if (!existsSync(pinned)) {
    console.error(
      `Slotbench needs Node ${NEEDED_MAJOR}; this is ${process.version}. Run \`npm install\` in ${root}.`,
    )
    process.exitCode = 8
    return
  }
  const child = spawn(pinned, [entry, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal's Ctrl-C reaches the whole process group, so the child already has it: a second SIGINT from here
    // would be the "stop at once" of an impatient user. Only what was sent to this process alone is passed on.
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    console.error(`Node ${NEEDED_MAJOR} could not be started: ${error.message}`)
    process.exitCode = 8
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
}
