// The command line's entry: runs one command and ends with its exit code.
import { enableCompileCache } from 'node:module'

// Types are stripped and modules compiled once, not at every start.
enableCompileCache()
const { runCli } = await import('./program.ts')

process.exitCode = await runCli(process.argv.slice(2))
