// "Done" means: seen booting the new build. Terminals that make it hard to see over ADB, and those that do not boot it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NEW_BUILD, OLD_BUILD, type Workplace } from '../flash-bench.ts'
import { changeableDaemon, expectEnd, ModeBench, openPlace, outcome, type Start } from './bench.ts'

let place: Workplace
beforeAll(async () => {
  place = await openPlace('nx769j')
})
afterAll(() => place.close())

/** From the bootloader on, so that fewer restarts take their time. */
const open = (start: Start = {}) => ModeBench.open(place, { from: 'bootloader', ...start })

/** What happens to the terminal right after the switch to the new slot. */
function afterSwitch(bench: ModeBench, act: () => void): void {
  const onCommandDone = (command: string) => {
    if (command.startsWith('set_active:b')) act()
  }
  bench.terminal.setFaults({ hooks: { onCommandDone } })
}

describe.concurrent('a system that does not come up', () => {
  it.each(['never-completes', 'zygote-loop'] as const)(
    '(%s) is not proven, and can be later',
    async (fails) => {
      const { daemon, change } = changeableDaemon({ boot: { ms: 0, fails } })
      const bench = await open({ daemon, recipe: { proofTimeout: 1.5 } })
      expectEnd(await bench.flashed(), 'written', 'boot-not-proven', /still starting: sys.boot_completed/)
      // Waiting on does not harm, and tells the same.
      expectEnd(await bench.run(), 'written', 'boot-not-proven')
      change({})
      await bench.restart()
      const job = await bench.resumes()
      expect(job.steps.at(-1)?.receipt).toMatchObject({ by: 'boot-completed', slot: 'b' })
      await bench.close()
    },
  )

  it('(it takes its time) is waited for', async () => {
    const bench = await open({ adb: { boot: { ms: 1_200 } }, recipe: { proofTimeout: 10 } })
    await bench.planned()
    const job = await bench.resumes()
    expect(job.steps.at(-1)?.receipt).toMatchObject({ by: 'boot-completed' })
    await bench.close()
  })

  it('(it ends in its recovery) falls back to the old slot', async () => {
    const bench = await open({ recipe: { proofTimeout: 10 }, patience: { adb: 700 } })
    await bench.planned()
    bench.once('system', () => void bench.restart('recovery'))
    expectEnd(await bench.run(), 'fell-back', 'boot-failed', /came up in recovery/)
    await bench.boots(OLD_BUILD, 'a')
    await expect.poll(() => bench.terminal.state).toBe('system')
    await bench.close()
  })

  it('(it passes through its recovery) is waited for', async () => {
    const bench = await open({ recipe: { proofTimeout: 15 }, patience: { adb: 2_000 } })
    await bench.planned()
    bench.once(
      'system',
      () => void bench.restart('recovery').then(() => setTimeout(() => bench.restart(), 300)),
    )
    await bench.resumes()
    await bench.close()
  })

  it('(it boots the old slot instead) has fallen back, and stays in its system', async () => {
    const bench = await open({ recipe: { proofTimeout: 10 } })
    await bench.planned()
    afterSwitch(
      bench,
      () => void bench.terminal.writePartitionRaw('boot_b', new Uint8Array(4096).fill(0x5a), 8192),
    )
    expectEnd(await bench.run(), 'fell-back', 'boot-failed', /went back to slot a/)
    expect(bench.terminal.state).toBe('system')
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })

  it('(it is never seen again) is not proven; switched on, it is', async () => {
    const bench = await open({ recipe: { proofTimeout: 1.5 } })
    await bench.planned()
    bench.once('system', () => bench.terminal.cutPower())
    expectEnd(await bench.run(), 'written', 'boot-not-proven', /not seen again/)
    await bench.terminal.powerOn()
    await bench.resumes()
    await bench.close()
  })
})

describe.concurrent('a system that comes up', () => {
  it('and calls itself otherwise is not proven, with both names', async () => {
    const { daemon, change } = changeableDaemon({
      properties: { replaced: { 'ro.build.fingerprint': 'other-build' } },
    })
    const bench = await open({ daemon })
    const job = await bench.flashed()
    expectEnd(job, 'written', 'boot-not-proven', /calls itself other-build.*build-2/)
    change({})
    await bench.restart()
    await bench.resumes()
    await bench.close()
  })

  it('and lets nobody in after a wipe is proven by hands in its bootloader', async () => {
    const bench = await open({
      adb: { auth: 'system', prompt: { answer: 'never-answers', ms: 0 } },
      recipe: { proofTimeout: 15, wipe: true },
      patience: { hands: 600 },
    })
    bench.whenAsked('bootloader', () => void bench.restart('bootloader'))
    const job = await bench.flashed()
    expect(job.state, outcome(job)).toBe('done')
    const reasons = bench.waitings.map(({ reason }) => reason)
    expect(reasons).toEqual(expect.arrayContaining(['boot', 'adb-authorisation', 'hands-to-bootloader']))
    expect(job.steps.at(-1)?.receipt).toMatchObject({ kind: 'proof', slot: 'b' })
    await bench.boots(NEW_BUILD, 'b')
    await bench.close()
  })

  it('and lets nobody in, with nobody at hand, is written and not proven', async () => {
    const bench = await open({
      adb: { auth: 'system', prompt: { answer: 'refuse', ms: 0 } },
      recipe: { proofTimeout: 2 },
      patience: { hands: 500 },
    })
    expectEnd(await bench.flashed(), 'written', 'boot-not-proven', /does not let this computer in/)
    await bench.restart('bootloader')
    await bench.resumes()
    await bench.close()
  })

  it('and asks whether it may is not waited for longer than the proof may take', async () => {
    const bench = await open({
      adb: { auth: 'system', prompt: { answer: 'never-answers', ms: 0 } },
      recipe: { proofTimeout: 1.5 },
      patience: { hands: 40_000 },
    })
    await bench.planned()
    expectEnd(await bench.run(), 'written', 'boot-not-proven', /does not let this computer in/)
    const asked = bench.waitings.find((waiting) => waiting.reason === 'adb-authorisation')
    expect(asked).toMatchObject({ seconds: expect.toSatisfy((s: number) => s <= 2) })
    await bench.close()
  })

  it('as a stranger proves nothing', async () => {
    const bench = await open({ recipe: { proofTimeout: 5 } })
    const stranger = await ModeBench.open(place, { serial: 'STRANGER' })
    stranger.bench.usb.unplug(stranger.terminal)
    await bench.planned()
    bench.once('system', () => bench.bench.usb.swap(bench.terminal, stranger.terminal))
    expectEnd(await bench.run(), 'interrupted', 'terminal-stranger')
    bench.bench.usb.swap(stranger.terminal, bench.terminal)
    await bench.resumes()
    await stranger.close()
    await bench.close()
  })
})
