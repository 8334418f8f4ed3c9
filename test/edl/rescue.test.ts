// Brick recovery through EDL, whole: a dead terminal, a loader, a package, and what boots afterwards.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Plan, Recipe } from '../../src/shared/plan.ts'
import { loaderFor } from '../../src/simulator/edl/make-loader.ts'
import { type ProfileId, profile } from '../../src/simulator/profiles/index.ts'
import { FlashBench, NEW_BUILD, openWorkplace, type SetUp, type Workplace } from '../flash-bench.ts'

const KIB = 1024
const SIZES = {
  ...{ system: 256 * KIB, vendor: 128 * KIB, product: 128 * KIB, boot: 128 * KIB, vendor_boot: 64 * KIB },
  ...{ init_boot: 64 * KIB, dtbo: 64 * KIB, modem: 64 * KIB, xbl: 64 * KIB, abl: 64 * KIB },
  userdata: 4096 * KIB,
}
/** What belongs to the terminal alone. */
const OWN = ['modemst1', 'modemst2', 'fsg', 'persist'] as const

const places = new Map<ProfileId, Workplace>()
beforeAll(async () => {
  for (const id of ['nx679j', 'nx769j', 'nx789j'] as const)
    places.set(id, await openWorkplace(profile(id, { sizes: SIZES })))
})
afterAll(async () => {
  for (const place of places.values()) await place.close()
})

async function dead(id: ProfileId, setUp: SetUp = {}): Promise<FlashBench> {
  const place = places.get(id)
  if (place === undefined) throw new Error(`no workplace for ${id}`)
  const bench = await FlashBench.open(place, {
    ...{ policy: 'rescue', adb: {}, loaders: [loaderFor(place.profile)], patience: { reconnect: 15_000 } },
    ...setUp,
    recipe: { proofTimeout: 30, assumedModel: place.rom.models[0], ...setUp.recipe },
  })
  // Neither slot boots, and the boot ROM is all that is left.
  for (const slot of ['a', 'b'])
    await bench.terminal.writePartitionRaw(`abl_${slot}`, new Uint8Array(4096).fill(0xee))
  bench.terminal.cutPower()
  await bench.terminal.powerOn({ keys: 'edl' })
  return bench
}

async function planned(bench: FlashBench, more: Partial<Recipe> = {}): Promise<Plan> {
  const plan = await bench.plan(more)
  expect(plan.blockers).toEqual([])
  return plan
}

describe.each(['nx679j', 'nx769j', 'nx789j'] as const)('a dead %s', (id) => {
  it('boots the new build, has it in both slots, and its radio partitions are as they were', async () => {
    const bench = await dead(id)
    const { terminal } = bench
    const own = await Promise.all(OWN.map((name) => terminal.partitionDigest(name)))
    const plan = await planned(bench)
    const job = await bench.run(bench.engine().create(plan).id)
    expect([job.state, job.problem?.code, job.problem?.detail]).toEqual(['done', undefined, undefined])
    // Slot a is the one that booted once, so slot b is the first to be made whole.
    expect(await terminal.wouldBoot()).toMatchObject({ verdict: 'booted', build: NEW_BUILD, slot: 'b' })
    for (const { name, slotted, logical } of terminal.profile.partitions) {
      if (!slotted || logical === true) continue
      const [a, b] = await Promise.all(['a', 'b'].map((slot) => terminal.partitionDigest(`${name}_${slot}`)))
      expect(a, name).toBe(b)
    }
    expect(await Promise.all(OWN.map((name) => terminal.partitionDigest(name)))).toEqual(own)
    await bench.close()
  })
})
