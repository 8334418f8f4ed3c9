// The command line with a bench and a package open and nothing to do: prints its resident bytes. Arguments: ROM, data folder.
import { setTimeout as delay } from 'node:timers/promises'
import { openBench } from '../../src/main/hosts/bench.ts'
import { runCli } from '../../src/main/hosts/cli/program.ts'
import { residentBytes } from './own-memory.ts'

/** Long enough for what starting up leaves behind to settle. */
const SETTLE_MS = 500

const [path = '', data = ''] = process.argv.slice(2)
// Loads everything that the command line loads.
await runCli(['--data', data, 'jobs'])
const bench = openBench({ data })
const rom = await bench.open(path, new AbortController().signal)
await delay(SETTLE_MS)
const resident = residentBytes('VmRSS')
await rom.close()
await bench.close()
console.log(resident)
