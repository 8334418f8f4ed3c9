// `npm run bench`: measures side by side what Slotbench promises, prints a table and writes JSON.
import { mkdir, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { checkRules } from './check-eligibility.ts'
import { edlHost } from './edl.ts'
import { expandPayload } from './expand-payload.ts'
import { fetchFromLoopback } from './fetch-rom.ts'
import { hashStream } from './hash-stream.ts'
import { identifyTerminal } from './identify.ts'
import type { BenchCase, BenchContext } from './measurement.ts'
import { monthlyUpdate } from './monthly-update.ts'
import { type CaseResult, machine, resultsAsJson, resultsAsTable } from './report.ts'
import { residentMemory } from './resident-memory.ts'
import { sendImage } from './send-image.ts'
import { serveChecks } from './serve-checks.ts'
import { sideloadOta } from './sideload.ts'
import { trustOta } from './trust.ts'
import { userInterface } from './ui.ts'

const CASES: readonly BenchCase[] = [
  sendImage,
  expandPayload,
  hashStream,
  residentMemory,
  sideloadOta,
  identifyTerminal,
  checkRules,
  serveChecks,
  trustOta,
  fetchFromLoopback,
  monthlyUpdate,
  edlHost,
  userInterface,
]
const HELP = `npm run bench -- [options] [cases]
  cases            some of: ${CASES.map(({ name }) => name).join(' ')}; all when left out
  --quick          small sizes and two runs: does everything work?
  --only <names>   the same, with commas between them
  --guest          edl: beside qdl as well, in the virtual machine of npm run test:usb; takes minutes
  --runs <count>   measurements of each thing (5)
  --json <file>    where the results go (bench-results.json)
  --cache <folder> where test files are made and kept (test/.cache/bench)`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    guest: { type: 'boolean', default: false },
    only: { type: 'string' },
    runs: { type: 'string' },
    json: { type: 'string', default: 'bench-results.json' },
    cache: { type: 'string', default: resolve(import.meta.dirname, '../.cache/bench') },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(HELP)
else await runAll(chosenCases([...positionals, ...(values.only?.split(',') ?? [])]))

function chosenCases(names: readonly string[]): readonly BenchCase[] {
  const unknown = names.find((name) => CASES.every((one) => one.name !== name))
  if (unknown !== undefined) throw new Error(`there is no case ${unknown}\n${HELP}`)
  return names.length === 0 ? CASES : CASES.filter(({ name }) => names.includes(name))
}

async function runAll(cases: readonly BenchCase[]): Promise<void> {
  const interrupt = new AbortController()
  process.once('SIGINT', () => interrupt.abort())
  await mkdir(values.cache, { recursive: true })
  const context: BenchContext = {
    quick: values.quick,
    runs: Number(values.runs ?? (values.quick ? 2 : 5)),
    cache: values.cache,
    guest: values.guest,
    signal: interrupt.signal,
    note: (words) => console.error(`  ${words}`),
  }
  const { cores, processor, node } = machine()
  console.log(
    `${cores} cores (${processor}), Node ${node}${values.quick ? ', quick: figures mean nothing' : ''}`,
  )
  const results: CaseResult[] = []
  for (const one of cases) {
    console.error(`${one.title} …`)
    results.push({ case: one, outcome: await one.measure(context) })
  }
  console.log(resultsAsTable(results))
  await writeFile(values.json, `${JSON.stringify(resultsAsJson(results, values), undefined, 2)}\n`)
  console.log(`\nWritten to ${values.json}`)
}
