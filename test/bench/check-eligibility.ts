// (g) One terminal against a hundred thousand deployment rules.
import { checkEligibility } from '../../src/main/core/eligibility/check.ts'
import { compileDeployments, parseDeployments } from '../../src/main/core/eligibility/compile.ts'
import type { Deployment, OfferedRom } from '../../src/shared/deployment.ts'
import type { TerminalFacts } from '../../src/shared/terminal.ts'
import type { BenchCase, BenchContext, Outcome } from './measurement.ts'

export const RULES = 100_000
/** Of one model: more builds, regions and stages than any has. */
const RULES_PER_MODEL = 100
const LIMIT_MS = 10
const TIMES_AS_OFTEN = 20

export const checkRules: BenchCase = {
  name: 'check',
  title: '(g) Which ROMs one terminal may have, by 100,000 deployment rules',
  measure,
}

async function measure(bench: BenchContext): Promise<Outcome> {
  const written = JSON.stringify(rules())
  const startedAt = performance.now()
  const compiled = compileDeployments(parseDeployments(JSON.parse(written)))
  const reading = performance.now() - startedAt
  const first = timed(() => checkEligibility(compiled, terminal(0)))
  const samples = Array.from({ length: bench.runs * TIMES_AS_OFTEN }, (_, run) =>
    timed(() => {
      const answer = checkEligibility(compiled, terminal(run * 37))
      if (answer.eligible.length === 0 || answer.undecided.length === 0 || answer.refused.length === 0)
        throw new Error('the rules were to give ROMs of every verdict')
    }),
  )
  return {
    kind: 'measured',
    notes: [
      `${RULES} deployments of ${RULES / RULES_PER_MODEL} models, ${RULES_PER_MODEL} of them for the terminal’s own, each with five`,
      `rules; ${(written.length / 1e6).toFixed(0)} MB of JSON are read, checked and indexed once`,
    ],
    series: [
      { what: 'one terminal, with all reasons', unit: 'ms', samples, target: { atMost: LIMIT_MS } },
      {
        what: 'the first terminal, with cold code',
        unit: 'ms',
        samples: [first],
        target: { atMost: LIMIT_MS },
      },
      { what: 'reading the rules, once', unit: 'ms', samples: [reading] },
    ],
  }
}

function timed(work: () => unknown): number {
  const startedAt = performance.now()
  work()
  return performance.now() - startedAt
}

export function rules(count = RULES, perModel = RULES_PER_MODEL) {
  const roms: OfferedRom[] = []
  const deployments: Deployment[] = []
  for (let i = 0; i < count; i++) {
    const model = Math.floor(i / perModel)
    const id = `rom-${i}`
    roms.push({ id, target: `${id}.zip`, build: `V1.${i}`, timestamp: i, securityPatch: '2024-01-05' })
    deployments.push({
      id: `deployment-${i}`,
      rom: id,
      channel: 'stable',
      models: [`MODEL${model}`, `P${model}A01`],
      when: {
        hwRevisions: ['1', '2'],
        source: { minimum: 'V1.0', maximum: `V1.${count}` },
        slots: i % 3 === 0 ? 'a-only' : 'ab',
        ...(i % 5 === 0 ? { chip: { oemIds: ['0004'], pkHashes: ['d741a1a1a10b5c6c'] } } : {}),
      },
      rollout: { id: `rollout-${model}`, percent: 100 },
    })
  }
  return { version: 1, roms, deployments }
}

/** One that those rules are about. */
export function terminal(number: number, models = RULES / RULES_PER_MODEL): TerminalFacts {
  const model = number % models
  const fact = <T>(value: T) => ({ value, source: 'bench' })
  return {
    mode: 'system',
    bay: 'usb:1-1',
    serial: fact(`BENCH${number}`),
    names: [fact(`P${model}A01`)],
    hwRevision: fact('2'),
    slotCount: fact(2),
    securityPatch: fact('2023-01-05'),
    build: fact('V1.7'),
    slots: {},
    partitions: {},
    hasSlot: {},
    variables: {},
  }
}
