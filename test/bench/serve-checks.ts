// (l) How many terminals a second the repository's server judges, on one core.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { stage, stagedPath } from '../../src/main/repository/publishing/staging.ts'
import { TestRepository } from '../firmware-repository.ts'
import { findTool } from '../tools.ts'
import { RULES, rules, terminal } from './check-eligibility.ts'
import type { BenchCase, BenchContext, Outcome, Series } from './measurement.ts'

const SERVER = join(import.meta.dirname, 'repository-server.ts')
/** What one address may ask in a minute, and a little less (hosts/repo/server.ts): each client has an address of its own. */
const CHECKS_PER_CLIENT = 500
const CLIENTS = 8
/** Questions under way at a time, of each client. */
const SIDE_BY_SIDE = 4
/** What a model has in a year of monthly builds, and more than any has. */
const PER_MODEL = [10, 100]
const TARGET = { atLeast: 1_000 }

export const serveChecks: BenchCase = {
  name: 'serve',
  title: '(l) Terminals judged by slotbench-repo serve',
  measure,
}

async function measure(bench: BenchContext): Promise<Outcome> {
  const taskset = findTool('taskset')
  if (taskset === undefined) return { kind: 'not-measured', reason: 'taskset is not installed' }
  const series: Series[] = []
  for (const perModel of PER_MODEL) {
    const rates = await withServer(taskset, perModel, (url) => ratesOf(bench, url, perModel))
    series.push({ what: `${perModel} deployments for its model`, unit: '/s', samples: rates, target: TARGET })
  }
  return {
    kind: 'measured',
    notes: [
      `${RULES} deployments in all; the server on one core, ${CLIENTS} clients where there is room, each with`,
      `${SIDE_BY_SIDE} questions under way over connections that stay open; each answer names a ROM that the terminal may have`,
    ],
    series,
  }
}

async function withServer<T>(
  taskset: string,
  perModel: number,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const repository = await TestRepository.create()
  let server: ChildProcess | undefined
  try {
    const content = Buffer.from(JSON.stringify(rules(RULES, perModel)))
    const sha256 = createHash('sha256').update(content).digest('hex')
    await repository.store.write(stagedPath(sha256), content)
    await stage(repository.store, { kind: 'deployment', file: { size: content.length, sha256 } })
    await repository.publish()
    server = spawn(taskset, ['-c', '0', process.execPath, SERVER, repository.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [said] = await once(server.stdout ?? process.stdin, 'data')
    return await work(String(said).trim())
  } finally {
    server?.kill('SIGTERM')
    await repository.close()
  }
}

/** Checks a second, run by run, after one that is not counted. */
async function ratesOf(bench: BenchContext, url: string, perModel: number): Promise<number[]> {
  const rates: number[] = []
  for (let run = 0; run <= bench.runs; run++) {
    const each = bench.quick ? 20 : CHECKS_PER_CLIENT
    const startedAt = performance.now()
    await Promise.all(
      Array.from({ length: CLIENTS }, (_, client) =>
        ask(url, {
          address: `127.0.${perModel}.${1 + run * CLIENTS + client}`,
          each,
          models: RULES / perModel,
        }),
      ),
    )
    const rate = (CLIENTS * each * 1_000) / (performance.now() - startedAt)
    bench.note(`${perModel} deployments a model: ${rate.toFixed(0)} checks/s`)
    if (run > 0) rates.push(rate)
  }
  return rates
}

async function ask(
  url: string,
  { address, each, models }: { readonly address: string; readonly each: number; readonly models: number },
): Promise<void> {
  const dispatcher = new Agent({ localAddress: address, connections: SIDE_BY_SIDE, pipelining: 1 })
  let next = 0
  const asking = async () => {
    for (let number = next++; number < each; number = next++) {
      const body = JSON.stringify({ facts: terminal(number * 37, models), limit: 5 })
      const headers = { 'content-type': 'application/json' }
      const answer = await request(`${url}v1/check`, { method: 'POST', dispatcher, headers, body })
      const { eligibility } = (await answer.body.json()) as { eligibility?: { eligible: unknown[] } }
      if (!eligibility?.eligible.length) throw new Error(`the server answered ${answer.statusCode}`)
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, asking))
  await dispatcher.close()
}
