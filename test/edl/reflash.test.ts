// What a terminal holds already is not sent again: a ROM flashed twice costs digests, and a resumed job sends only what is missing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Job } from '../../src/shared/job.ts'
import type { ProfileId } from '../../src/simulator/profiles/index.ts'
import type { FlashBench } from '../flash-bench.ts'
import {
  backInEdl,
  carriedOut,
  dead,
  type EdlPlace,
  expectBoots,
  openEdlPlace,
  planned,
  withPackage,
} from './bench.ts'

const MIB = 1024 * 1024
const BAY = { bus: '1', ports: [2] } as const
/** A first piece of 8 MiB, and one of 16. */
const SYSTEM = 24 * MIB
const PROFILES = ['nx679j', 'nx769j', 'nx789j', 'emmc-ab'] as const

const places = new Map<ProfileId, EdlPlace>()
beforeAll(async () => {
  await Promise.all(PROFILES.map(async (id) => places.set(id, await openEdlPlace(id, { system: SYSTEM }))))
}, 120_000)
afterAll(async () => {
  for (const place of places.values()) await place.close()
})

function at(id: ProfileId): EdlPlace {
  const place = places.get(id)
  if (place === undefined) throw new Error(`no workplace for ${id}`)
  return place
}

/** Counts what programmers receive as data from now on, without loaders.
 * @param onBytes hears the sum as it grows. */
function received({ terminal }: FlashBench, onBytes: (total: number) => void = () => {}) {
  let programs = false
  let [seen, total] = [0, 0]
  terminal.setFaults({
    hooks: {
      onCommand: (command) => {
        programs = command.startsWith('firehose:program')
      },
      onDownloadBytes: (all) => {
        if (programs) total += all - seen
        seen = all
        onBytes(total)
      },
    },
  })
  return () => total
}

function wireBytes(job: Job): number {
  return job.steps.reduce((sum, { receipt }) => sum + (receipt?.kind === 'write' ? receipt.wireBytes : 0), 0)
}

describe('a ROM that is there already', { timeout: 180_000 }, () => {
  it.each(PROFILES)('%s receives less than a hundredth of it', async (id) => {
    const bench = await dead(at(id))
    const first = await planned(bench)
    const whole = received(bench)
    const job = await carriedOut(bench, first)
    // What the receipts say is what came, but for tables and misc.
    expect(whole()).toBeGreaterThanOrEqual(wireBytes(job))
    expect(wireBytes(job)).toBeGreaterThan(0.9 * first.totals.writeBytes)
    await backInEdl(bench)
    const again = await planned(bench)
    const count = received(bench)
    const second = await carriedOut(bench, again)
    expect(wireBytes(second)).toBeLessThan(0.01 * again.totals.writeBytes)
    expect(count()).toBeLessThan(0.01 * again.totals.writeBytes)
    await expectBoots(bench)
    await bench.close()
  })

  it('receives only what differs when the boot chain was spoilt', async () => {
    const place = await withPackage(at('nx679j'), {})
    const bench = await dead(place)
    await carriedOut(bench, await planned(bench))
    for (const slot of ['a', 'b'])
      await bench.terminal.writePartitionRaw(`abl_${slot}`, new Uint8Array(4096).fill(0xee))
    await backInEdl(bench)
    const plan = await planned(bench)
    const job = await carriedOut(bench, plan)
    const sent = plan.steps.filter(({ id }) => {
      const receipt = job.steps.find((step) => step.id === id)?.receipt
      return receipt?.kind === 'write' && receipt.wireBytes > 0
    })
    expect(sent.flatMap((step) => ('partition' in step ? [step.partition] : [])).toSorted()).toEqual([
      'abl_a',
      'abl_b',
    ])
    await expectBoots(bench)
    await bench.close()
  })
})

describe('a resumed job', { timeout: 180_000 }, () => {
  it.each(['power', 'cable'] as const)(
    'sends only what is missing after its %s was cut in a second piece',
    async (what) => {
      const bench = await dead(at('nx679j'), { patience: { attempts: 1, reconnect: 2_000 } })
      const { terminal, usb } = bench
      const plan = await planned(bench)
      const job = bench.engine().create(plan)
      const firstRun = received(bench, (total) => {
        if (total < 13 * MIB) return
        if (what === 'power') terminal.cutPower()
        else usb.unplug(terminal)
      })
      expect((await bench.run(job.id)).state).toBe('interrupted')
      expect(firstRun()).toBeGreaterThanOrEqual(13 * MIB)
      expect(firstRun()).toBeLessThan(SYSTEM)
      if (what === 'cable') usb.plug(terminal, BAY)
      await backInEdl(bench)
      const rest = received(bench)
      const done = await bench.run(job.id)
      expect([done.state, done.problem?.detail]).toEqual(['done', undefined])
      // The first piece of 8 MiB was there; the one that was cut goes again.
      const { writeBytes } = plan.totals
      expect(rest()).toBeLessThan(writeBytes - 8 * MIB + 0.01 * writeBytes)
      expect(firstRun() + rest()).toBeLessThan(1.01 * writeBytes + 16 * MIB)
      await expectBoots(bench)
      await bench.close()
    },
  )
})
