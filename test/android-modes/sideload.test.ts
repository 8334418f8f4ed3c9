// Packages given to the terminal's own recovery: refused, cut off, lied about, and installed in the end.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SlotbenchError } from '../../src/shared/errors.ts'
import type { Job } from '../../src/shared/job.ts'
import type { AdbBehaviourChanges, SideloadFault } from '../../src/simulator/adb/behaviour.ts'
import { adbDaemon } from '../../src/simulator/adb/daemon.ts'
import { superVolumes } from '../../src/simulator/super/stage-update.ts'
import { NEW_BUILD, OLD_BUILD, type Workplace } from '../flash-bench.ts'
import { Killed, KillSwitch } from '../power-cuts/kill-switch.ts'
import {
  changeableDaemon,
  expectEnd,
  ModeBench,
  openPlace,
  outcome,
  type Start,
  withPackage,
} from './bench.ts'

let place: Workplace
let delta: Workplace
beforeAll(async () => {
  place = await openPlace('nx769j')
  delta = await withPackage(place, 'delta.zip', { from: { build: OLD_BUILD, images: place.old } })
})
afterAll(() => place.close())

const sideloading = (start: Start = {}) => ModeBench.open(place, { policy: 'sideload', ...start })

const faulty = (...faults: readonly SideloadFault[]): AdbBehaviourChanges => ({ recovery: { faults } })

describe.concurrent('a sideload that is refused', () => {
  it.each(['signature', 'model', 'older'] as const)(
    'because of its %s leaves the old build',
    async (reason) => {
      const bench = await sideloading({ adb: faulty({ kind: 'refuse', reason }) })
      expectEnd(await bench.flashed(), 'failed', 'sideload-refused', /read \d+ of \d+ blocks/)
      await bench.boots(OLD_BUILD, 'a')
      await bench.close()
    },
  )

  it('is seen as such although minadbd says that all is done', async () => {
    const bench = await sideloading({
      adb: { recovery: { verdict: 'always-done', faults: [{ kind: 'refuse', reason: 'signature' }] } },
    })
    expectEnd(await bench.flashed(), 'failed', 'sideload-refused', /says it is done, but it read/)
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })

  it('at the very end, and minadbd says that all is done: the old build is seen running', async () => {
    const bench = await sideloading({ daemon: failingAtTheEnd() })
    const job = await bench.flashed()
    expectEnd(job, 'fell-back', 'boot-failed', /went back to slot a.*did not install/)
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })
})

describe.concurrent('a sideload that is cut off', () => {
  it.each([
    ['stall', 'terminal-silent'],
    ['block-outside', 'terminal-garbled'],
    ['garbage-request', 'terminal-garbled'],
  ] as const)('by a %s is repeated by resuming', async (kind, code) => {
    const { daemon, change } = changeableDaemon(faulty({ kind, request: 9 }))
    const bench = await sideloading({ daemon, sideloadMs: 4_000 })
    expectEnd(await bench.flashed(), 'interrupted', code)
    await bench.boots(OLD_BUILD, 'a')
    change({})
    const job = await bench.resumes()
    expect(sideloadStep(job)?.attempts).toBe(2)
    await bench.close()
  })

  it('by a link that drops is repeated by resuming', async () => {
    const { daemon, change } = changeableDaemon(faulty({ kind: 'drop-link', request: 9 }))
    const bench = await sideloading({ daemon })
    const job = await bench.flashed()
    expect(['terminal-gone', 'usb-failed'], outcome(job)).toContain(job.problem?.code)
    expect(job.state).toBe('interrupted')
    change({})
    await bench.resumes()
    await bench.close()
  })

  it('by a link that drops once is repeated by itself', async () => {
    const { daemon, change } = changeableDaemon(faulty({ kind: 'drop-link', request: 9 }))
    const bench = await sideloading({ daemon, patience: { attempts: 3 } })
    await bench.planned()
    bench.once('sideload', () => bench.once('system', () => change({})))
    await bench.resumes()
    await bench.close()
  })

  it.each([0.1, 0.5, 0.9])('by a loss of power after %f of the package is repeated', async (share) => {
    const bench = await sideloading()
    const plan = await bench.planned()
    const afterBytes = Math.floor(plan.rom.packageSize * share)
    bench.terminal.setFaults({ faults: [{ kind: 'power-cut-in-download', afterBytes }] })
    const job = await bench.run()
    expect(job.state, outcome(job)).toBe('interrupted')
    await bench.boots(OLD_BUILD, 'a')
    await bench.terminal.powerOn()
    await bench.resumes()
    await bench.close()
  })

  it.each([undefined, 'bootloader', 'recovery'] as const)(
    'after the verdict, on the computer’s side, is not repeated (found in %s)',
    async (keys) => {
      const bench = await sideloading({ patience: { reconnect: 3_000 } })
      await bench.planned()
      // The word is given, and nobody is there any more to write it down: one write for the job, and two for each step.
      const journal = bench.bench.journal()
      const { id } = bench
      await expect(bench.bench.run(id, new KillSwitch(journal, 7, 'before'))).rejects.toBeInstanceOf(Killed)
      expect(sideloadStep(journal.get(id))).toMatchObject({ state: 'started' })
      await bench.restart(keys)
      await bench.resumes()
      await bench.boots(NEW_BUILD, 'b')
      await bench.close()
    },
  )
})

describe.concurrent('a delta', () => {
  it('installs on the build that it was made from', async () => {
    const bench = await ModeBench.open(delta, { policy: 'sideload' })
    const job = await bench.flashed()
    expect(job.state, outcome(job)).toBe('done')
    await bench.boots(NEW_BUILD, 'b')
    await bench.close()
  })

  it('is blocked on another build', async () => {
    const replaced = { 'ro.build.fingerprint': 'build-0' }
    const bench = await ModeBench.open(delta, { policy: 'sideload', adb: { properties: { replaced } } })
    const plan = await bench.bench.plan()
    expect(plan.blockers.map(({ code }) => code)).toEqual(['delta-base'])
    await bench.close()
  })

  it('is refused by the recovery where nobody could tell which build is installed', async () => {
    const bench = await ModeBench.open(delta, {
      policy: 'sideload',
      adb: {
        properties: { missing: ['ro.build.fingerprint'] },
        recovery: { faults: [{ kind: 'refuse', reason: 'model' }] },
      },
    })
    const plan = await bench.planned()
    expect(plan.warnings.map(({ code }) => code)).toContain('delta-base')
    expectEnd(await bench.run(), 'failed', 'sideload-refused')
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })

  it('cannot be written any other way', async () => {
    const bench = await ModeBench.open(delta)
    const plan = await bench.bench.plan()
    expect(plan.blockers.map(({ code }) => code)).toContain('rom-not-full')
    await bench.close()
  })
})

describe.concurrent('a locked terminal', () => {
  it('takes a full package from its recovery', async () => {
    const bench = await sideloading({ unlocked: false })
    const job = await bench.flashed()
    expect(job.state, outcome(job)).toBe('done')
    await bench.boots(NEW_BUILD, 'b')
    await bench.close()
  })

  it('that always ends in its recovery is started again, for nobody can switch its slot back', async () => {
    const bench = await sideloading({
      ...{ unlocked: false, recipe: { proofTimeout: 20 } },
      patience: { adb: 700, reconnect: 3_000 },
    })
    await bench.planned()
    let restarts = 0
    const stop = bench.terminal.on((event) => {
      if (event.kind !== 'state' || event.state !== 'system') return
      restarts += 1
      queueMicrotask(() => void bench.restart('recovery'))
    })
    expectEnd(await bench.run(), 'written', 'boot-not-proven', /does not let slot a be made active again/)
    expect(restarts).toBe(4)
    // What it boots when it boots, is seen another day.
    stop()
    await bench.restart()
    await bench.resumes()
    await bench.close()
  })
})

function sideloadStep(job: Job) {
  return job.steps.find(({ id }) => /^\d+-sideload$/.test(id))
}

/** Everything is read and written, and then it does not add up; AOSP's minadbd says DONEDONE nevertheless. */
function failingAtTheEnd() {
  return adbDaemon({
    behaviour: { recovery: { verdict: 'always-done' } },
    volumes: ({ disk, booted }) => ({
      ...superVolumes(disk, booted.slot),
      finish: async () => {
        throw new SlotbenchError('digest-mismatch', 'the new partitions are not as they should be')
      },
    }),
  })
}
