// After the switch: a new slot that does not boot, and terminals that make it hard to see whether it does.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fault } from '../../src/simulator/faults.ts'
import type { ProfileId } from '../../src/simulator/profiles/index.ts'
import { NEW_BUILD, OLD_BUILD, type Workplace } from '../flash-bench.ts'
import { BadBench, openPlace, provenSteps } from './bench.ts'

const places = new Map<ProfileId, Workplace>()
const SLOTTED = ['nx679j', 'nx679j-fetch', 'unisoc-ab'] as const

function placeOf(id: ProfileId): Workplace {
  const place = places.get(id)
  if (!place) throw new Error(`no workplace for ${id}`)
  return place
}

beforeAll(async () => {
  await Promise.all(SLOTTED.map(async (id) => places.set(id, await openPlace(id))))
})
afterAll(() => Promise.all([...places.values()].map((place) => place.close())))

/** Spoils what was written after the last check of it: the moment the slot is switched. */
async function tampered(id: ProfileId, partition: string): Promise<BadBench> {
  const bench = await BadBench.open(placeOf(id), {
    recipe: { proofTimeout: 10 },
    hooks: {
      onCommand: (command) => {
        if (!command.startsWith('set_active:b')) return
        void bench.bench.terminal.writePartitionRaw(partition, new Uint8Array(4096).fill(0x5a), 8192)
      },
    },
  })
  return bench
}

describe.concurrent.each(SLOTTED)('a new slot that does not boot (%s)', (id) => {
  it.each(['system_b', 'boot_b', 'vbmeta_system_b'])(
    'because %s was spoilt: back to the old one',
    async (partition) => {
      // The first bytes of a vbmeta are its header.
      const bench = await tampered(id, partition)
      if (partition === 'vbmeta_system_b') {
        const { terminal } = bench.bench
        terminal.setFaults({
          hooks: {
            onCommand: (command) => {
              if (command.startsWith('set_active:b'))
                void terminal.writePartitionRaw(partition, new Uint8Array(4096))
            },
          },
        })
      }
      const job = await bench.run()
      expect([job.state, job.problem?.code], job.problem?.detail).toEqual(['fell-back', 'boot-failed'])
      await bench.expectBoots(OLD_BUILD)
      expect(
        bench.bench.terminal.boots().some(({ slot, verdict }) => slot === 'b' && verdict !== 'booted'),
      ).toBe(true)
      // Every step but the proof has been taken, and stays known.
      expect(provenSteps(job)).toHaveLength(job.steps.length - 1)
      await expect(bench.run()).rejects.toMatchObject({ code: 'job-not-resumable' })
      // And it runs: started now, the old slot comes up.
      const { terminal } = bench.bench
      terminal.cutPower()
      await terminal.powerOn()
      expect(terminal.boots().at(-1)).toMatchObject({ slot: 'a', verdict: 'booted', build: OLD_BUILD })
      await bench.close()
    },
  )
})

describe.concurrent('a boot that is hard to see', () => {
  it('because the link breaks again and again while the terminal is asked', async () => {
    // The third and later questions for everything come after the restart.
    const faults = [3, 4, 5, 6].map((nth): Fault => {
      return { kind: 'disconnect', at: { startsWith: 'getvar:all', nth }, when: 'after' }
    })
    const bench = await BadBench.open(placeOf('nx679j'), { faults, recipe: { proofTimeout: 15 } })
    const job = await bench.run()
    expect(job.state, job.problem?.detail).toBe('done')
    await bench.expectBoots(NEW_BUILD)
    await bench.close()
  })

  it('because the link never holds: written, not proven, and proven by the next run', async () => {
    const faults = Array.from({ length: 60 }, (_, i): Fault => {
      return { kind: 'disconnect', at: { startsWith: 'getvar:all', nth: i + 3 }, when: 'after' }
    })
    const bench = await BadBench.open(placeOf('nx679j'), { faults, recipe: { proofTimeout: 2 } })
    const job = await bench.run()
    expect([job.state, job.problem?.code], job.problem?.detail).toEqual(['written', 'boot-not-proven'])
    bench.bench.terminal.setFaults({})
    expect((await bench.run()).state).toBe('done')
    await bench.close()
  })

  it('because a stranger comes back in its place', async () => {
    const place = placeOf('nx679j')
    const stranger = await BadBench.open(place, { terminal: { serial: 'STRANGER' } })
    const bench = await BadBench.open(place, { attempts: 3 })
    let swapped = false
    bench.bench.terminal.on((event) => {
      if (swapped || event.kind !== 'state' || event.state !== 'booting') return
      swapped = true
      stranger.bench.usb.unplug(stranger.bench.terminal)
      bench.bench.usb.swap(bench.bench.terminal, stranger.bench.terminal)
    })
    const job = await bench.run()
    expect([job.state, job.problem?.code], job.problem?.detail).toEqual(['interrupted', 'terminal-stranger'])
    bench.bench.usb.swap(stranger.bench.terminal, bench.bench.terminal)
    await bench.carryThrough()
    await stranger.expectBoots(OLD_BUILD)
    await Promise.all([bench.close(), stranger.close()])
  })

  it('because the terminal stays away', async () => {
    const bench = await BadBench.open(placeOf('nx679j'), { recipe: { proofTimeout: 1 } })
    const { terminal } = bench.bench
    terminal.on((event) => {
      if (event.kind === 'state' && event.state === 'booting') bench.bench.usb.unplug(terminal)
    })
    const job = await bench.run()
    expect([job.state, job.problem?.code]).toEqual(['written', 'boot-not-proven'])
    await bench.expectBoots(NEW_BUILD)
    await bench.close()
  })
})
