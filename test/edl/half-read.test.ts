// A terminal that refuses to tell something while it is read: the plan is none, or one that still ends well.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SlotbenchError } from '../../src/shared/errors.ts'
import type { ProfileId } from '../../src/simulator/profiles/index.ts'
import { sideBySide } from '../bad-terminals/bench.ts'
import {
  backInEdl,
  dead,
  type EdlPlace,
  expectBoots,
  IMPATIENT,
  inEdl,
  openEdlPlace,
  ownContent,
} from './bench.ts'

const CASES = [
  ['nx769j', 'seamless'],
  ['nx769j', 'rescue'],
  ['emmc-ab', 'seamless'],
  ['emmc-ab', 'rescue'],
] as const
const places = new Map<ProfileId, EdlPlace>()
beforeAll(async () => {
  for (const id of ['nx769j', 'emmc-ab'] as const) places.set(id, await openEdlPlace(id))
})
afterAll(async () => {
  for (const place of places.values()) await place.close()
})

type Policy = (typeof CASES)[number][1]

async function open(place: EdlPlace, policy: Policy) {
  const setUp = { policy, firehose: IMPATIENT, patience: { attempts: 1, reconnect: 3_000, adb: 10_000 } }
  return await (policy === 'rescue' ? dead : inEdl)(place, setUp)
}

async function readings(place: EdlPlace, policy: Policy): Promise<readonly string[]> {
  const bench = await open(place, policy)
  const heard = new Set<string>()
  bench.terminal.setFaults({ hooks: { onCommand: (command) => void heard.add(command) } })
  await bench.plan()
  await bench.close()
  return [...heard].filter((command) => command.startsWith('firehose:'))
}

type Ending = 'error' | 'blocked' | 'run'

async function plannedHalfBlind(place: EdlPlace, policy: Policy, startsWith: string): Promise<Ending> {
  const bench = await open(place, policy)
  try {
    const own = await ownContent(bench)
    bench.terminal.setFaults({ faults: [{ kind: 'refuse', at: { startsWith }, words: 'not today' }] })
    const plan = await bench.plan().catch((thrown: unknown) => {
      if (!(thrown instanceof SlotbenchError) || thrown.code === 'internal') throw thrown
      return undefined
    })
    bench.terminal.setFaults({})
    await backInEdl(bench)
    if (plan === undefined) return 'error'
    for (const { next } of plan.blockers) expect(next).toMatch(/\w/)
    if (plan.blockers.length > 0) return 'blocked'
    const { id } = bench.engine().create(plan)
    const job = await bench.run(id)
    expect(await ownContent(bench)).toEqual(own)
    expect((await bench.terminal.wouldBoot()).verdict, `${job.state} ${job.problem?.detail}`).toBe('booted')
    if (job.state === 'done') await expectBoots(bench)
    return 'run'
  } finally {
    await bench.close()
  }
}

describe('a terminal that refuses one answer while it is read', { timeout: 300_000 }, () => {
  it.each(CASES)('%s, %s: boots afterwards, whatever was planned', async (id, policy) => {
    const place = places.get(id)
    if (place === undefined) throw new Error(`no workplace for ${id}`)
    const commands = await readings(place, policy)
    expect(commands.length).toBeGreaterThanOrEqual(10)
    const endings: Ending[] = []
    await sideBySide(commands, async (command) => {
      try {
        endings.push(await plannedHalfBlind(place, policy, command))
      } catch (cause) {
        throw new Error(`${command}: ${cause instanceof Error ? cause.message : cause}`, { cause })
      }
    })
    expect(new Set(endings).size).toBeGreaterThan(1)
  })
})
