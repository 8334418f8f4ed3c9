// The places where hosts reach the modes of a simulated terminal, and the ways between them.
import { describe, expect, it } from 'vitest'
import type { AdbDaemon, AdbMachine, ByteLink } from './adb-service.ts'
import type { SimulatedTerminal } from './terminal.ts'
import type { RebootTarget, TerminalState } from './terminal-state.ts'
import { BUILD_1, testTerminal } from './test-terminal.ts'

/** A daemon that keeps what it was given, and echoes. */
function recordingDaemon() {
  const machines: AdbMachine[] = []
  const daemon: AdbDaemon = async (machine, link) => {
    machines.push(machine)
    for (;;) {
      const bytes = await link.read().catch(() => undefined)
      if (!bytes) return
      await link.write(bytes)
    }
  }
  return { daemon, machines }
}

function testLink() {
  let wake: (bytes: Uint8Array<ArrayBuffer> | undefined) => void = () => {}
  const written: string[] = []
  const closed: string[] = []
  const link: ByteLink = {
    read: () =>
      new Promise((resolve, reject) => {
        wake = (bytes) => (bytes ? resolve(bytes) : reject(new Error('closed')))
      }),
    write: async (bytes) => void written.push(Buffer.from(bytes).toString()),
    close: (how) => {
      closed.push(how)
      wake(undefined)
    },
  }
  return { link, written, closed, send: (text: string) => wake(new Uint8Array(Buffer.from(text))) }
}

const comesTo = (terminal: SimulatedTerminal, wanted: TerminalState) =>
  new Promise<void>((resolve) => {
    if (terminal.state === wanted) resolve()
    terminal.on((event) => event.kind === 'state' && event.state === wanted && resolve())
  })

describe('ADB', () => {
  it('is served in the system, with what booted, and not in the bootloader', async () => {
    const { daemon, machines } = recordingDaemon()
    const terminal = await testTerminal('nx679j', { adb: daemon })
    await terminal.powerOn({ keys: 'bootloader' })
    const early = testLink()
    await terminal.adb.serve(early.link)
    expect([machines.length, early.closed]).toEqual([0, ['orderly']])
    terminal.cutPower()
    await terminal.powerOn()
    const { link, written, closed, send } = testLink()
    const served = terminal.adb.serve(link)
    send('hello')
    await expect.poll(() => written).toEqual(['hello'])
    expect(machines[0]).toMatchObject({ mode: 'system', booted: { slot: 'a', build: BUILD_1.build } })
    expect(machines[0]?.booted.properties.get('com.android.build.system.security_patch')).toBe('2026-01-01')
    terminal.cutPower()
    await served
    expect(closed).toContain('abrupt')
  })

  it.each<[RebootTarget, TerminalState]>([
    ['system', 'system'],
    ['bootloader', 'bootloader'],
    ['recovery', 'recovery'],
    ['sideload', 'sideload'],
    ['sideload-auto-reboot', 'sideload'],
    ['rescue', 'rescue'],
    ['edl', 'rom'],
    ['off', 'off'],
    // Without logical partitions there is no fastboot in recovery, which then shows its menu.
    ['fastbootd', 'recovery'],
  ])('reboots to %s, which is %s', async (target, state) => {
    const { daemon, machines } = recordingDaemon()
    const terminal = await testTerminal('nx679j', { adb: daemon })
    await terminal.powerOn()
    const { link, closed } = testLink()
    const served = terminal.adb.serve(link)
    await machines[0]?.reboot(target)
    await served
    await comesTo(terminal, state)
    expect(closed[0]).toBe('orderly')
  })

  it('changes between the modes of recovery without a restart', async () => {
    const { daemon, machines } = recordingDaemon()
    const terminal = await testTerminal('nx679j', { adb: daemon })
    await terminal.powerOn({ keys: 'recovery' })
    expect(terminal.state).toBe('recovery')
    const first = terminal.adb.serve(testLink().link)
    machines[0]?.switchTo('sideload')
    await first
    expect(terminal.state).toBe('sideload')
    void terminal.adb.serve(testLink().link)
    expect(machines[1]?.mode).toBe('sideload')
    expect(terminal.boots()).toHaveLength(1)
    await machines[1]?.reboot('system')
    await comesTo(terminal, 'system')
  })

  it('is there while a terminal that is off charges', async () => {
    const { daemon, machines } = recordingDaemon()
    const terminal = await testTerminal('nx679j', { adb: daemon })
    await terminal.powerOn({ keys: 'charging' })
    expect(terminal.state).toBe('charging')
    void terminal.adb.serve(testLink().link)
    expect(machines[0]?.mode).toBe('charging')
  })
})
