import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { type AdbDaemonOptions, adbDaemon } from '../../../simulator/adb/daemon.ts'
import { TestAdbHost } from '../../../simulator/adb/test-host.ts'
import { serveAdbTcp } from '../../../simulator/adb-tcp-server.ts'
import { serveFastbootTcp } from '../../../simulator/fastboot-tcp-server.ts'
import { makeRom } from '../../../simulator/rom-factory/make-rom.ts'
import type { SimulatedTerminal } from '../../../simulator/terminal.ts'
import { BUILD_2, testProfile, testTerminal } from '../../../simulator/test-terminal.ts'
import { SimulatedBench, type UsbLinkQuality } from '../../../simulator/usb.ts'
import { adbKeyStore } from '../../io/adb/key-store.ts'
import { openFile } from '../../io/files/open-file.ts'
import { watchTcpEndpoints } from '../../io/tcp/tcp-source.ts'
import { watchUsb } from '../../io/usb/usb-watch.ts'
import type { AdbCredentials } from '../../protocols/adb/credentials.ts'
import { createDiscovery } from '../discovery.ts'
import type { AdbSession, BenchDiscovery, Sighting } from '../types.ts'
import { openAdbSession } from './session.ts'

let folder: string
let ota: string
let credentials: AdbCredentials
const cleanups: (() => Promise<unknown>)[] = []
const unattended: unknown[] = []
const notice = (reason: unknown) => unattended.push(reason)

beforeAll(async () => {
  process.on('unhandledRejection', notice)
  folder = await mkdtemp(join(tmpdir(), 'slotbench-adb-'))
  credentials = adbKeyStore({ dataFolder: folder, googleKey: join(folder, 'none') })
  ota = join(folder, 'ota.zip')
  await makeRom(testProfile('nx679j'), { ...BUILD_2, kind: 'ota-zip', securityPatch: '2026-02-01', out: ota })
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  expect(unattended).toEqual([])
})
afterAll(async () => {
  process.off('unhandledRejection', notice)
  await rm(folder, { recursive: true, force: true })
})

const io = (ms = 10_000): IoOptions => ({
  signal: new AbortController().signal,
  deadline: Deadline.after(ms),
})

interface Bench {
  readonly terminal: SimulatedTerminal
  readonly bench: SimulatedBench
  readonly discovery: BenchDiscovery
}

async function attached(options: AdbDaemonOptions = {}, link: UsbLinkQuality = {}): Promise<Bench> {
  const terminal = await testTerminal('nx679j', { adb: adbDaemon(options) })
  const bench = new SimulatedBench()
  bench.plug(terminal, { bus: '1', ports: [2, 3], link })
  await terminal.powerOn()
  const discovery = createDiscovery([watchUsb(async () => bench)])
  cleanups.push(() => discovery.close())
  return { terminal, bench, discovery }
}

const adbThere = (sighting: Sighting) => sighting.protocol === 'adb'

async function opened(discovery: BenchDiscovery, onPrompt?: () => void): Promise<AdbSession> {
  const sighting = await discovery.waitFor(adbThere, io())
  const session = await openAdbSession(sighting, { ...io(), credentials, ...(onPrompt && { onPrompt }) })
  cleanups.push(() => session.close())
  return session
}

/** Restarted from the running system into another mode of ADB, and opened there. */
async function openedIn(bench: Bench, to: 'recovery' | 'sideload'): Promise<AdbSession> {
  await (await opened(bench.discovery)).reboot(to, io())
  await vi.waitFor(() => expect(bench.terminal.state).toBe(to))
  return await opened(bench.discovery)
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  return thrown instanceof SlotbenchError ? thrown.code : `not ours: ${String(thrown)}`
}

describe('the running system over USB', () => {
  it('tells who it is, and can be opened again at once', async () => {
    const { discovery } = await attached()
    const sighting = await discovery.waitFor(adbThere, io())
    const session = await openAdbSession(sighting, { ...io(), credentials })
    expect(session.facts).toMatchObject({
      mode: 'system',
      serial: { value: 'SIM0123456789', source: 'getprop ro.serialno' },
      product: { value: 'NX679J' },
      fingerprint: { value: 'BUILD-1' },
      unlocked: { value: true },
      slotCount: { value: 2 },
      currentSlot: { value: 'a' },
      batteryPercent: { value: 83 },
      batteryMillivolts: { value: 4123 },
      bootCompleted: { value: true },
      dataFree: { source: 'df /data' },
    })
    await session.close()
    for (let i = 0; i < 3; i++) await (await openAdbSession(sighting, { ...io(), credentials })).close()
  })

  it('is let in after the prompt, once; the key is known afterwards', async () => {
    const prompt = { answer: 'always-allow', ms: 50 } as const
    const { discovery } = await attached({ behaviour: { auth: 'system', prompt } })
    const prompts: number[] = []
    for (let i = 0; i < 2; i++) {
      const session = await opened(discovery, () => prompts.push(i))
      expect(session.facts.mode).toBe('system')
      await session.close()
    }
    expect(prompts).toEqual([0])
  })

  it.each(['refuse', 'never-answers'] as const)(
    'says adb-unauthorised when the prompt is: %s',
    async (answer) => {
      const { discovery } = await attached({ behaviour: { auth: 'system', prompt: { answer, ms: 10 } } })
      const sighting = await discovery.waitFor(adbThere, io())
      const opening = openAdbSession(sighting, { ...io(400), credentials })
      await expect(opening).rejects.toMatchObject({
        code: 'adb-unauthorised',
        context: { bay: 'usb:1-2.3', terminal: 'SIM0123456789' },
      })
      // The interface is free again.
      expect(await codeOf(openAdbSession(sighting, { ...io(200), credentials }))).toBe('adb-unauthorised')
    },
  )

  it('is read as far as its properties make sense', async () => {
    const missing = ['ro.serialno', 'ro.boot.serialno', 'ro.build.fingerprint', 'ro.boot.slot_suffix']
    const replaced = {
      'ro.absurd': 'x'.repeat(1_000_000),
      'ro.product.model': 'two\nlines',
      'ro.build.display.id': '',
    }
    const { discovery } = await attached({
      behaviour: { properties: { missing, replaced }, version: 0x01000000, maxData: 4096 },
    })
    const { facts } = await opened(discovery)
    expect(facts.serial).toEqual({ value: 'SIM0123456789', source: 'USB descriptor' })
    expect([facts.fingerprint, facts.build, facts.currentSlot]).toEqual([undefined, undefined, undefined])
    expect(facts.names?.map(({ value }) => value)).toEqual(['NX679J'])
    expect(facts.slotCount).toEqual({ value: 2, source: 'getprop ro.build.ab_update' })
  })

  it('says when it has come all the way up', async () => {
    const { discovery } = await attached({ behaviour: { boot: { ms: 400 } } })
    const session = await opened(discovery)
    expect(session.facts.bootCompleted?.value).toBe(false)
    await vi.waitFor(async () => expect((await session.refresh(io())).bootCompleted?.value).toBe(true), 2_000)
  })

  it.each([
    ['bootloader', 'bootloader'],

    ['recovery', 'recovery'],
    ['sideload', 'sideload'],
    ['edl', 'rom'],
  ] as const)('restarts into %s', async (to, state) => {
    const { terminal, discovery } = await attached()
    const session = await opened(discovery)
    await session.reboot(to, io())
    await vi.waitFor(() => expect(terminal.state).toBe(state))
    expect(await codeOf(session.refresh(io()))).toBe('terminal-gone')
  })

  it('is gone when the cable is pulled while it is read', async () => {
    const { terminal, bench, discovery } = await attached()
    const session = await opened(discovery)
    const reading = codeOf(session.refresh(io()))
    bench.unplug(terminal)
    expect(await reading).toBe('terminal-gone')
  })
})

describe('recovery', () => {
  it('tells that it is recovery, and goes to sideload', async () => {
    const bench = await attached()
    const session = await openedIn(bench, 'recovery')
    expect(session.facts).toMatchObject({ mode: 'recovery', product: { value: 'NX679J' } })
    const file = await openFile(ota)
    cleanups.push(() => file.close())
    expect(await codeOf(session.sideload(file, io()))).toBe('terminal-wrong-mode')
    await session.reboot('sideload', io())
    await vi.waitFor(() => expect(bench.terminal.state).toBe('sideload'))
    expect((await opened(bench.discovery)).facts.names?.[0]?.value).toBe('NX679J')
  })

  it('installs a package that it is given, with progress, and boots it', async () => {
    const bench = await attached()
    const session = await openedIn(bench, 'sideload')
    const file = await openFile(ota)
    cleanups.push(() => file.close())
    const progress: number[] = []
    const receipt = await session.sideload(file, { ...io(30_000), onProgress: (done) => progress.push(done) })
    expect(receipt.bytes).toBe(file.size)
    expect(receipt.sentBytes).toBeGreaterThan(file.size)
    expect(progress.at(-1)).toBe(file.size)
    await session.close()
    await vi.waitFor(() => expect(bench.terminal.state).toBe('system'), 5_000)
    expect((await opened(bench.discovery)).facts).toMatchObject({
      fingerprint: { value: 'BUILD-2' },
      currentSlot: { value: 'b' },
    })
  })

  it('tells its battery in rescue, and installs there too', async () => {
    const bench = await attached()
    const host = TestAdbHost.to(bench.terminal)
    await host.connect()
    void host.ask('reboot:rescue').catch(() => {})
    await vi.waitFor(() => expect(bench.terminal.state).toBe('rescue'))
    const session = await opened(bench.discovery)
    expect(session.facts).toMatchObject({
      mode: 'rescue',
      batteryPercent: { value: 83 },
      fingerprint: { value: 'BUILD-1' },
    })
    const file = await openFile(ota)
    cleanups.push(() => file.close())
    expect((await session.sideload(file, io(30_000))).bytes).toBe(file.size)
    expect(await bench.terminal.wouldBoot({ toldToRestart: true })).toMatchObject({
      slot: 'b',
      build: 'BUILD-2',
    })
  })

  it.each([
    ['refuse', { kind: 'refuse', reason: 'signature' }, 'sideload-refused'],
    ['stall', { kind: 'stall', request: 3 }, 'terminal-silent'],
    ['drop the link', { kind: 'drop-link', request: 12 }, 'terminal-gone'],
    ['ask for a block outside', { kind: 'block-outside', request: 3 }, 'terminal-garbled'],
    ['ask for garbage', { kind: 'garbage-request', request: 3 }, 'terminal-garbled'],
  ] as const)('may %s', async (_, fault, code) => {
    const bench = await attached({ behaviour: { recovery: { faults: [fault] } } })
    const session = await openedIn(bench, 'sideload')
    const file = await openFile(ota)
    cleanups.push(() => file.close())
    await expect(session.sideload(file, io(1_500))).rejects.toMatchObject({ code })
  })
})

describe('over TCP', () => {
  it('is found where it answers, fastboot before ADB, and followed from one to the other', async () => {
    const { terminal, bench } = await attached()
    bench.unplug(terminal)
    const place = { port: 0, host: '127.0.0.1' }
    const fastboot = await serveFastbootTcp(terminal, place)
    const adb = await serveAdbTcp(terminal, place)
    cleanups.push(
      () => fastboot.close(),
      () => adb.close(),
    )
    const discovery = createDiscovery([watchTcpEndpoints([`tcp:127.0.0.1:${fastboot.port},${adb.port}`])])
    cleanups.push(() => discovery.close())
    const sighting = await discovery.waitFor(() => true, io())
    expect([sighting.bay, sighting.mode, sighting.protocol]).toEqual([
      `tcp:127.0.0.1:${fastboot.port}`,
      'system',
      'adb',
    ])
    const session = await opened(discovery)
    expect(session.facts).toMatchObject({ mode: 'system', serial: { value: 'SIM0123456789' } })
    await session.reboot('bootloader', io())
    await vi.waitFor(() => expect(terminal.state).toBe('bootloader'))
    const later = await discovery.waitFor((s) => s.protocol === 'fastboot', io())
    expect([later.bay, later.mode]).toEqual([sighting.bay, 'bootloader'])
  })
})
