import { hash } from 'node:crypto'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { partitionName } from '../../../shared/units.ts'
import { serveFastbootTcp } from '../../../simulator/fastboot-tcp-server.ts'
import type { Fault } from '../../../simulator/faults.ts'
import { type Build, factoryImages, makeBuild, simulatorRootOfTrust } from '../../../simulator/make-images.ts'
import { type ProfileId, profile } from '../../../simulator/profiles/index.ts'
import { SimulatedTerminal } from '../../../simulator/terminal.ts'
import { SimulatedBench } from '../../../simulator/usb.ts'
import { memoryImage } from '../../core/formats/raw-image.ts'
import type { ImageSource } from '../../core/source.ts'
import { watchTcpEndpoints } from '../../io/tcp/tcp-source.ts'
import { watchUsb } from '../../io/usb/usb-watch.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import { createDiscovery } from '../discovery.ts'
import { sameTerminal } from '../identity.ts'
import type { BenchDiscovery, WriteOptions } from '../types.ts'
import { openFastbootSession } from './session.ts'

const KIB = 1024
const SIZES = {
  system: 1024 * KIB,
  vendor: 512 * KIB,
  product: 256 * KIB,
  userdata: 1024 * KIB,
  boot: 256 * KIB,
  modem: 256 * KIB,
}
const workshop = createWorkshop({ width: 1 })
const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})
afterAll(() => workshop.close())

const io = (ms = 10_000): IoOptions => ({
  signal: new AbortController().signal,
  deadline: Deadline.after(ms),
})
const writing = (): WriteOptions => ({ ...io(), workshop })

interface Attached {
  readonly terminal: SimulatedTerminal
  readonly discovery: BenchDiscovery
  readonly update: Build
  readonly bench: SimulatedBench
}

/** A terminal in its bootloader, on a USB port. */
async function attach(
  id: ProfileId,
  options: { readonly maxDownload?: number; readonly faults?: readonly Fault[] } = {},
): Promise<Attached> {
  const { maxDownload, faults } = options
  const model = profile(id, { sizes: SIZES, ...(maxDownload !== undefined && { maxDownload }) })
  const factory = await makeBuild(model, { build: 'BUILD-1', rollbackIndex: 1, seed: 1 })
  const terminal = await SimulatedTerminal.create({
    profile: model,
    keys: await simulatorRootOfTrust(),
    image: factoryImages(model, factory),
    unlocked: true,
    serial: 'SIM0001',
    ...(faults && { faults: { faults } }),
  })
  const bench = new SimulatedBench()
  bench.plug(terminal, { bus: '001', ports: [2, 1] })
  await terminal.powerOn({ keys: 'bootloader' })
  const discovery = createDiscovery([watchUsb(async () => bench)])
  cleanups.push(() => discovery.close())
  const update = await makeBuild(model, { build: 'BUILD-2', rollbackIndex: 2, seed: 2 })
  return { terminal, discovery, update, bench }
}

/** The image as bytes: those the simulator makes up as it goes must not have their buffers taken away. */
async function inMemory(build: Build, name: string): Promise<ImageSource> {
  const built = build.get(name)
  if (!built) throw new Error(`the build has no image ${name}`)
  const content = new Uint8Array(built.size)
  for await (const extent of built.image.extents({ signal: io().signal })) {
    if (extent.kind === 'data') content.set(extent.bytes, extent.offset)
    else if (extent.kind === 'fill' && extent.word !== 0)
      throw new Error('the simulator fills with zeros only')
  }
  return memoryImage(content)
}

const inBootloader = (discovery: BenchDiscovery) => discovery.waitFor((s) => s.mode === 'bootloader', io())

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  return thrown instanceof SlotbenchError ? thrown.code : `not ours: ${String(thrown)}`
}

describe('over USB, against the simulated terminal', () => {
  it('reads the facts of a Qualcomm A/B phone, writes a whole slot, switches, and sees it boot', async () => {
    const { terminal, discovery, update } = await attach('nx679j', { maxDownload: 128 * KIB })
    const sighting = await inBootloader(discovery)
    expect(sighting).toMatchObject({ bay: 'usb:1-2.1', serial: 'SIM0001' })
    const session = await openFastbootSession(sighting, io())
    expect(session.facts).toMatchObject({
      mode: 'bootloader',
      serial: { value: 'SIM0001' },
      unlocked: { value: true },
      currentSlot: { value: 'a' },
      slotCount: { value: 2 },
      maxDownload: { value: 128 * KIB },
    })
    expect(
      sameTerminal({ bay: 'usb:1-2.1', serial: 'SIM0001', product: terminal.profile.product }, session.facts),
    ).toBeUndefined()
    const described = await session.describe([...update.keys()], io())
    for (const name of update.keys()) {
      const target = partitionName(described.hasSlot[name] ? `${name}_b` : name)
      const receipt = await session.write(target, await inMemory(update, name), writing())
      expect(receipt.sha256).toBe(await terminal.partitionDigest(target))
    }
    await session.setActive('b', io())
    expect((await session.refresh(io())).currentSlot?.value).toBe('b')
    terminal.holdKeys(undefined)
    await session.reboot('system', io())
    const system = await discovery.waitFor((s) => s.mode === 'system', io())
    expect(system.bay).toBe('usb:1-2.1')
    expect(terminal.boots().at(-1)).toMatchObject({ slot: 'b', verdict: 'booted', build: 'BUILD-2' })
  })

  it('gets along with a Unisoc phone that lists nothing', async () => {
    const { discovery } = await attach('unisoc-ab')
    const session = await openFastbootSession(await inBootloader(discovery), io())
    expect(session.facts.currentSlot?.value).toBe('a')
    expect(session.facts.maxDownload?.value).toBe(16 * 1024 * KIB)
    await session.close()
  })

  it('comes back to the same bay after reboot-bootloader, and the stale sighting is gone at once', async () => {
    const { discovery } = await attach('nx679j')
    const before = await inBootloader(discovery)
    const session = await openFastbootSession(before, io())
    await session.reboot('bootloader', io())
    const after = await inBootloader(discovery)
    expect(after.usb?.address).not.toBe(before.usb?.address)
    expect(after.bay).toBe(before.bay)
    await (await openFastbootSession(after, io())).close()
  })

  it.each<[string, Fault, RegExp]>([
    [
      'pulled before a flash',
      { kind: 'disconnect', at: { startsWith: 'flash:' }, when: 'before' },
      /terminal-gone|usb-failed/,
    ],
    [
      'pulled in a download',
      { kind: 'disconnect-in-download', afterBytes: 100_000 },
      /terminal-gone|usb-failed/,
    ],
    [
      'answering garbage',
      { kind: 'reply', at: { startsWith: 'flash:' }, how: { kind: 'garbage' } },
      /terminal-garbled/,
    ],
    [
      'answering too long',
      { kind: 'reply', at: { startsWith: 'flash:' }, how: { kind: 'too-long', bytes: 400 } },
      /terminal-garbled/,
    ],
    ['refusing', { kind: 'refuse', at: { startsWith: 'flash:' }, words: 'not allowed' }, /terminal-refused/],
    [
      'answering twice',
      { kind: 'reply', at: { startsWith: 'download:' }, how: { kind: 'duplicated' } },
      /terminal-garbled/,
    ],
    [
      'losing its answer',
      { kind: 'reply', at: { startsWith: 'flash:' }, how: { kind: 'lost' } },
      /terminal-silent/,
    ],
    [
      'answering too late',
      { kind: 'reply', at: { startsWith: 'flash:' }, how: { kind: 'late', ms: 600 } },
      /terminal-silent/,
    ],
    ['never answering', { kind: 'stall', at: { startsWith: 'flash:' } }, /terminal-silent/],
  ])('ends in one clear error when the terminal is %s', async (_, fault, codes) => {
    const { terminal, discovery, update } = await attach('nx679j', { faults: [fault] })
    const session = await openFastbootSession(await inBootloader(discovery), io())
    const boot = await inMemory(update, 'boot')
    expect(
      await codeOf(
        session.write(partitionName('boot_b'), boot, { ...writing(), deadline: Deadline.after(400) }),
      ),
    ).toMatch(codes)
    await session.close()
    if (fault.kind === 'stall') {
      // It stays dumb, as on the bench, until it is restarted by hand.
      expect(await codeOf(openFastbootSession(await inBootloader(discovery), io(300)))).toBe(
        'terminal-silent',
      )
      terminal.cutPower()
      await terminal.powerOn({ keys: 'bootloader' })
    }
    const again = await openFastbootSession(await inBootloader(discovery), io())
    await again.write(partitionName('boot_b'), boot, writing())
    await again.close()
  })

  it('reports a port that it may not open', async () => {
    const { terminal, bench, discovery } = await attach('nx679j')
    bench.unplug(terminal)
    bench.plug(terminal, { bus: '001', ports: [4], link: { denied: true } })
    const sighting = await discovery.waitFor((s) => s.bay === 'usb:1-4', io())
    expect(sighting.problem?.code).toBe('usb-permission')
    expect(await codeOf(openFastbootSession(sighting, io()))).toBe('usb-permission')
  })
})

describe('reading back, against the simulated terminal', () => {
  it('knows the installed rollback index and digests partitions', async () => {
    const { terminal, discovery, update } = await attach('nx679j-fetch')
    const session = await openFastbootSession(await inBootloader(discovery), io())
    expect(session.can.readBack).toBe(true)
    expect(session.facts.rollback).toMatchObject({ value: { '0': 1 }, source: 'fetch vbmeta_a' })
    const key = hash('sha256', (await simulatorRootOfTrust()).publicKey)
    expect(session.facts.avbKey).toEqual({ value: key, source: 'fetch vbmeta_a' })
    const target = partitionName('boot_b')
    const image = await inMemory(update, 'boot')
    const { sha256 } = await session.write(target, image, writing())
    expect(await session.digest(target, image.size, writing())).toBe(sha256)
    expect(await terminal.partitionDigest('boot_b')).toBe(sha256)
    await session.close()
  })
})

describe('over TCP, against the simulated terminal', () => {
  it('writes and reads facts as over USB', async () => {
    const { terminal, update, bench } = await attach('nx679j', { maxDownload: 128 * KIB })
    bench.unplug(terminal)
    const server = await serveFastbootTcp(terminal, { port: 0, host: '127.0.0.1' })
    cleanups.push(() => server.close())
    const discovery = createDiscovery([watchTcpEndpoints([`tcp:127.0.0.1:${server.port}`])])
    cleanups.push(() => discovery.close())
    const session = await openFastbootSession(await discovery.waitFor(() => true, io()), io())
    expect(session.facts.serial?.value).toBe('SIM0001')
    const target = partitionName('system_b')
    const image = await inMemory(update, 'system')
    const receipt = await session.write(target, image, writing())
    expect(receipt.sha256).toBe(await terminal.partitionDigest(target))
    await session.close()
  })
})
