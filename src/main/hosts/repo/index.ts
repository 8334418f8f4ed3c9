// The entry of slotbench-repo: runs one command and ends with its exit code.
import { enableCompileCache } from 'node:module'

enableCompileCache()
const { runRepoCli } = await import('./program.ts')

process.exitCode = await runRepoCli(process.argv.slice(2))
