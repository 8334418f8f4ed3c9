// The way from mode to mode: terminals that go elsewhere, nowhere, or need hands.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adbDaemon } from '../../src/simulator/adb/daemon.ts'
import { type AdbDaemon, type AdbMachine, silentDaemon } from '../../src/simulator/adb-service.ts'
import type { TerminalProfile } from '../../src/simulator/profiles/types.ts'
import { NEW_BUILD, OLD_BUILD, type Workplace } from '../flash-bench.ts'
import { expectEnd, ModeBench, openPlace } from './bench.ts'

let place: Workplace
/** Its early crashes show a memory dump (zte-domain §2.1). */
let dumping: Workplace
beforeAll(async () => {
  place = await openPlace('nx769j')
  dumping = {
    ...place,
    profile: withRom(place.profile, { vendorId: 0x05c6, productId: 0x900e, productName: 'QUSB_BULK' }),
  }
})
afterAll(() => place.close())

function withRom(profile: TerminalProfile, rom: TerminalProfile['usb']['rom']): TerminalProfile {
  return { ...profile, usb: { ...profile.usb, rom } }
}

const toFastbootd = (how: 'refuse') =>
  ({ kind: how, at: { startsWith: 'reboot-fastboot' }, words: 'unknown command' }) as const

describe.concurrent('a bootloader', () => {
  it('that refuses to go to fastbootd needs hands, and says so', async () => {
    const bench = await ModeBench.open(place, { from: 'bootloader' })
    bench.terminal.setFaults({ faults: [toFastbootd('refuse')] })
    await expect(bench.bench.plan()).rejects.toMatchObject({
      code: 'mode-not-reached',
      message: expect.stringMatching(/fastbootd.*unknown command/),
    })
    expect(bench.bench.waitings).toEqual([{ reason: 'hands', guide: 'fastbootd', seconds: 1 }])
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })

  it('that refuses in the middle of a job goes on once hands have helped', async () => {
    const bench = await ModeBench.open(place, { patience: { hands: 5_000 } })
    const plan = await bench.planned()
    expect(plan.facts.mode).toBe('fastbootd')
    await bench.restart('bootloader')
    bench.terminal.setFaults({ faults: [toFastbootd('refuse')] })
    // Switched off and on, it is in its system, which goes to fastbootd by itself.
    bench.whenAsked('fastbootd', () => void bench.restart())
    await bench.resumes()
    expect(bench.waitings).toContainEqual(expect.objectContaining({ reason: 'hands', guide: 'fastbootd' }))
    await bench.close()
  })

  it('that agrees and comes back as itself is not asked for ever', async () => {
    const bench = await ModeBench.open(place, { from: 'bootloader' })
    let restarts = 0
    bench.terminal.on((event) => {
      if (event.kind !== 'state' || event.state !== 'fastbootd') return
      restarts += 1
      queueMicrotask(() => void bench.restart('bootloader'))
    })
    await expect(bench.bench.plan()).rejects.toMatchObject({ code: 'mode-not-reached' })
    expect(restarts).toBeLessThan(6)
    expect(bench.bench.waitings).toContainEqual(expect.objectContaining({ guide: 'fastbootd' }))
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })

  it('that agrees and is never seen again leaves the job to be resumed', async () => {
    const bench = await ModeBench.open(place)
    await bench.planned()
    await bench.restart('bootloader')
    bench.once('fastbootd', () => bench.terminal.cutPower())
    expectEnd(await bench.run(), 'interrupted', 'terminal-not-found')
    expect(bench.waitings).toContainEqual(expect.objectContaining({ reason: 'terminal' }))
    await bench.boots(OLD_BUILD, 'a')
    await bench.terminal.powerOn()
    await bench.resumes()
    await bench.close()
  })

  it('that agrees, and a stranger comes back: nothing of it is touched', async () => {
    const bench = await ModeBench.open(place)
    const stranger = await ModeBench.open(place, { serial: 'STRANGER', from: 'bootloader' })
    stranger.bench.usb.unplug(stranger.terminal)
    await bench.planned()
    await bench.restart('bootloader')
    const commands: string[] = []
    stranger.terminal.on((event) => {
      if (event.kind === 'command') commands.push(event.command)
    })
    bench.once('fastbootd', () => bench.bench.usb.swap(bench.terminal, stranger.terminal))
    expectEnd(await bench.run(), 'interrupted', 'terminal-stranger', /serial number/)
    expect(commands.filter((command) => !command.startsWith('getvar:'))).toEqual([])
    bench.bench.usb.swap(stranger.terminal, bench.terminal)
    await bench.resumes()
    await stranger.close()
    await bench.close()
  })
})

describe.concurrent('a recovery without ADB', () => {
  /** Its screen offers "Apply update from ADB", and somebody chooses it after a while. */
  function silentRecovery(): { readonly daemon: AdbDaemon; choose(what: 'sideload' | 'system'): void } {
    const usual = adbDaemon({})
    let menu: AdbMachine | undefined
    return {
      daemon: (machine, link) => {
        if (machine.mode !== 'recovery') return usual(machine, link)
        menu = machine
        return silentDaemon(machine, link)
      },
      choose: (what) => (what === 'system' ? void menu?.reboot(what) : menu?.switchTo(what)),
    }
  }

  it('on the way to a sideload is helped by hands, and the job goes on by itself', async () => {
    const { daemon, choose } = silentRecovery()
    const bench = await ModeBench.open(place, {
      ...{ daemon, from: 'bootloader', policy: 'sideload' },
      patience: { adb: 500, hands: 6_000 },
      recipe: { proofTimeout: 10 },
    })
    await bench.planned()
    bench.once('recovery', () => {
      bench.whenAsked('sideload', () => choose('sideload'))
      // After the package the menu is there again, and somebody chooses "Reboot system now".
      bench.once('recovery', () => setTimeout(() => choose('system'), 300))
    })
    await bench.resumes()
    expect(bench.waitings).toContainEqual(
      expect.objectContaining({ reason: 'hands', guide: 'sideload', seconds: 6 }),
    )
    await bench.close()
  })

  it('and without hands ends the job, which can be resumed', async () => {
    const { daemon, choose } = silentRecovery()
    const bench = await ModeBench.open(place, {
      ...{ daemon, from: 'bootloader', policy: 'sideload' },
      patience: { adb: 400, hands: 600 },
    })
    expectEnd(await bench.flashed(), 'interrupted', 'mode-not-reached', /sideload/)
    await bench.boots(OLD_BUILD, 'a')
    // Its running system knows the way.
    choose('system')
    await bench.resumes()
    await bench.close()
  })
})

describe.concurrent('a bay that shows', () => {
  it.each([
    ['a boot ROM (EDL)', 'edl', 'leave-download', () => place],
    ['a crash dump', 'edl', 'leave-crashdump', () => dumping],
  ] as const)('%s says how it is left, and goes on when it is', async (_, keys, guide, of) => {
    // Hands come later than a restart would have taken.
    const bench = await ModeBench.open(of(), { patience: { reconnect: 3_000, hands: 30_000 } })
    await bench.planned()
    await bench.restart(keys)
    bench.whenAsked(guide, () => setTimeout(() => void bench.restart(), 3_500))
    await bench.resumes()
    expect(bench.waitings).toContainEqual(expect.objectContaining({ reason: 'hands', guide }))
    await bench.close()
  })

  it('a crash dump after a restart says how that is left, not how fastbootd is reached', async () => {
    const bench = await ModeBench.open(dumping, { patience: { reconnect: 3_000 } })
    await bench.planned()
    await bench.restart('bootloader')
    bench.once('fastbootd', () => void bench.restart('edl'))
    const job = await bench.run()
    expectEnd(job, 'interrupted', 'terminal-not-found', /crashdump/)
    expect(bench.waitings).toContainEqual(expect.objectContaining({ guide: 'leave-crashdump' }))
    expect(bench.waitings.map(({ guide }) => guide)).not.toContain('fastbootd')
    await bench.restart()
    await bench.resumes()
    await bench.close()
  })

  it('a crash dump instead of the new system says how that is left', async () => {
    const bench = await ModeBench.open(dumping, { from: 'bootloader', recipe: { proofTimeout: 2 } })
    await bench.planned()
    bench.once('system', () => void bench.restart('edl'))
    expectEnd(await bench.run(), 'written', 'boot-not-proven')
    expect(bench.waitings).toContainEqual(expect.objectContaining({ guide: 'leave-crashdump' }))
    await bench.restart()
    await bench.resumes()
    await bench.close()
  })

  it('a terminal that charges is started from there by its own ADB', async () => {
    const bench = await ModeBench.open(place)
    await bench.planned()
    await bench.restart('charging')
    expect(bench.terminal.state).toBe('charging')
    await bench.resumes()
    await bench.close()
  })

  it('a terminal that charges, and nobody behind its ADB, needs hands', async () => {
    const usual = adbDaemon({})
    const daemon: AdbDaemon = (machine, link) =>
      (machine.mode === 'charging' ? silentDaemon : usual)(machine, link)
    const bench = await ModeBench.open(place, { daemon, patience: { adb: 400, hands: 700 } })
    await bench.planned()
    await bench.restart('charging')
    expectEnd(await bench.run(), 'interrupted', 'mode-not-reached')
    expect(bench.waitings).toContainEqual(expect.objectContaining({ guide: 'bootloader' }))
    await bench.restart()
    await bench.resumes()
    await bench.boots(NEW_BUILD)
    await bench.close()
  })
})
