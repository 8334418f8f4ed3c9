// The main job on a Virtual A/B phone: system, vendor and product lie in super, and the terminal comes in running its system.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../src/shared/job.ts'
import { profile } from '../../src/simulator/profiles/index.ts'
import {
  FlashBench,
  NEW_BUILD,
  OLD_BUILD,
  openWorkplace,
  type SetUp,
  type Workplace,
} from '../flash-bench.ts'

const KB = 1024
const SIZES = { system: 512 * KB, vendor: 256 * KB, product: 128 * KB, boot: 128 * KB, userdata: 256 * KB }

describe('a Virtual A/B phone with room for both slots', { timeout: 60_000 }, () => {
  let place: Workplace
  beforeAll(async () => {
    place = await openWorkplace(profile('nx769j', { sizes: SIZES }))
  })
  afterAll(() => place.close())

  async function flashed(setUp: SetUp, keys?: 'bootloader'): Promise<{ job: Job; bench: FlashBench }> {
    const bench = await FlashBench.open(place, { adb: {}, ...setUp })
    if (keys === undefined) {
      bench.terminal.cutPower()
      await bench.terminal.powerOn()
      expect(bench.terminal.state).toBe('system')
    }
    const plan = await bench.plan()
    expect(plan.blockers).toEqual([])
    const job = await bench.run(bench.engine().create(plan).id)
    return { job, bench }
  }

  it('is flashed from its running system without hands, and proves its boot over ADB', async () => {
    const { job, bench } = await flashed({})
    expect(job.problem).toBeUndefined()
    expect(job.state).toBe('done')
    const proof = job.steps.find((step) => step.receipt?.kind === 'proof')?.receipt
    expect(proof).toMatchObject({ by: 'boot-completed', slot: 'b' })
    expect(await bench.terminal.wouldBoot()).toMatchObject({ verdict: 'booted', slot: 'b', build: NEW_BUILD })
    await bench.close()
  })

  it('gets both slots', async () => {
    const { job, bench } = await flashed({ policy: 'both' })
    expect(job.problem).toBeUndefined()
    expect(job.state).toBe('done')
    expect(await bench.terminal.wouldBoot()).toMatchObject({ verdict: 'booted', slot: 'b', build: NEW_BUILD })
    await bench.close()
  })

  it('installs the package by itself when it is sideloaded', async () => {
    const { job, bench } = await flashed({ policy: 'sideload' })
    expect(job.problem).toBeUndefined()
    expect(job.state).toBe('done')
    expect(await bench.terminal.wouldBoot()).toMatchObject({ verdict: 'booted', slot: 'b', build: NEW_BUILD })
    await bench.close()
  })

  it('keeps the old build when the sideload is refused', async () => {
    const refusing = { recovery: { faults: [{ kind: 'refuse', reason: 'signature' } as const] } }
    const { job, bench } = await flashed({ policy: 'sideload', adb: refusing })
    expect([job.state, job.problem?.code]).toEqual(['failed', 'sideload-refused'])
    expect(await bench.terminal.wouldBoot()).toMatchObject({ verdict: 'booted', build: OLD_BUILD })
    await bench.close()
  })
})
