// The whole way through EDL on simulated terminals: boot ROM, loader, programmer, a slot written and switched, and it boots.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { collect, memorySource } from '../../../../test/images.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { bytes, partitionName, type Slot, slotted } from '../../../shared/units.ts'
import { loaderFor } from '../../../simulator/edl/make-loader.ts'
import type { ProfileId } from '../../../simulator/profiles/index.ts'
import type { SimulatedTerminal } from '../../../simulator/terminal.ts'
import { BUILD_2, testBuild, testTerminal } from '../../../simulator/test-terminal.ts'
import { SimulatedBench } from '../../../simulator/usb.ts'
import { memoryImage } from '../../core/formats/raw-image.ts'
import { watchUsb } from '../../io/usb/usb-watch.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import { createDiscovery } from '../discovery.ts'
import type { BenchDiscovery, EdlSession, WriteOptions } from '../types.ts'
import { openEdlSession } from './open.ts'

const workshop = createWorkshop({ width: 1 })
const cleanups: (() => Promise<unknown>)[] = []
const unattended: unknown[] = []
const notice = (reason: unknown) => unattended.push(reason)
beforeAll(() => {
  process.on('unhandledRejection', notice)
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  expect(unattended).toEqual([])
})
afterAll(async () => {
  process.off('unhandledRejection', notice)
  await workshop.close()
})

const io = (ms = 60_000): IoOptions => ({
  signal: new AbortController().signal,
  deadline: Deadline.after(ms),
})
const writing = (): WriteOptions => ({ ...io(), workshop })
/** A restart is announced ten seconds ahead, so that it does not fail on real terminals. */
const FIREHOSE = { powerDelay: 0, deadlines: { quiet: 20, startup: 200 } } as const

interface Bench {
  readonly terminal: SimulatedTerminal
  readonly bench: SimulatedBench
  readonly discovery: BenchDiscovery
}

async function inEdl(id: ProfileId): Promise<Bench> {
  const terminal = await testTerminal(id)
  const bench = new SimulatedBench()
  bench.plug(terminal, { bus: '1', ports: [2, 3], link: { speed: 'high' } })
  await terminal.powerOn({ keys: 'edl' })
  const discovery = createDiscovery([watchUsb(async () => bench)])
  cleanups.push(() => discovery.close())
  return { terminal, bench, discovery }
}

type Loader = Uint8Array<ArrayBuffer>

async function open({ terminal, discovery }: Bench, loaders?: readonly Loader[]): Promise<EdlSession> {
  const sighting = await discovery.waitFor(({ protocol }) => protocol === 'edl', io())
  const given = loaders ?? [loaderFor(terminal.profile)]
  const session = await openEdlSession(sighting, {
    ...io(),
    discovery,
    loaders: given.map((bytes, i) => memorySource(bytes, `loader ${i}`)),
    firehose: FIREHOSE,
  })
  cleanups.push(() => session.close())
  return session
}

const thrownBy = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof SlotbenchError ? error : new Error(`not ours: ${String(error)}`)),
  )

async function until(ready: () => boolean): Promise<void> {
  while (!ready()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Every image of a build for one slot, written, and proven by the terminal's own digests or read back. */
async function writeSlot({ terminal }: Bench, session: EdlSession, id: ProfileId, slot: Slot | undefined) {
  const build = await testBuild(id, BUILD_2)
  for (const { name, logical } of terminal.profile.partitions) {
    const image = build.get(name)?.image
    if (image === undefined) continue
    const target = slot === undefined ? partitionName(name) : slotted(name, slot)
    if (logical === true) await session.resizeLogical(target, image.size, io())
    const { sha256 } = await session.write(target, image, writing())
    expect(await session.digest(target, image.size, writing()), target).toBe(sha256)
  }
}

describe('a terminal in EDL', () => {
  it.each<ProfileId>(['nx679j', 'nx769j', 'nx789j', 'emmc-ab'])(
    '%s: its other slot is written, switched to, and boots',
    async (id) => {
      const bench = await inEdl(id)
      const { terminal } = bench
      const session = await open(bench)
      const { facts } = session
      expect(facts).toMatchObject({
        ...{ mode: 'edl', currentSlot: { value: 'a' }, slotCount: { value: 2 } },
        ...{ slots: { a: { successful: { value: true } } }, edl: { writable: true, digests: true } },
        rollback: { value: { 0: 1 } },
      })
      expect(facts.chipSerial?.value).toBe(terminal.chipSerial.toString(16).padStart(8, '0'))
      await writeSlot(bench, session, id, 'b')
      await session.setActive('b', io())
      expect(session.facts.currentSlot?.value).toBe('b')
      await session.reboot('system', io())
      await until(() => terminal.state === 'system')
      expect(terminal.boots().at(-1)).toMatchObject({ slot: 'b', verdict: 'booted', build: 'BUILD-2' })
    },
    60_000,
  )

  it('without slots is written in place, by a programmer without digests', async () => {
    const bench = await inEdl('a-only')
    const session = await open(bench)
    expect(session.facts).toMatchObject({ slotCount: { value: 1 }, edl: { digests: false } })
    expect(session.facts.currentSlot).toBeUndefined()
    expect(session.can.setActive).toBe(false)
    await writeSlot(bench, session, 'a-only', undefined)
    await session.reboot('system', io())
    await until(() => bench.terminal.state === 'system')
    expect(bench.terminal.boots().at(-1)).toMatchObject({ verdict: 'booted', build: 'BUILD-2' })
  }, 60_000)

  it.each([
    ['bootloader', 'bootloader'],
    ['fastbootd', 'fastbootd'],
    ['recovery', 'recovery'],
    ['sideload', 'sideload'],
    ['edl', 'rom'],
  ] as const)('is brought into %s', async (to, state) => {
    const bench = await inEdl('nx769j')
    await (await open(bench)).reboot(to, io())
    await until(() => bench.terminal.state === state)
  })

  it('is taken on where its programmer runs already, without a loader', async () => {
    const bench = await inEdl('nx679j')
    await (await open(bench)).close()
    const session = await open(bench, [])
    expect(session.facts.currentSlot?.value).toBe('a')
    expect(session.facts.chipSerial?.source).toBe('USB product string')
  })
})

describe('loaders', () => {
  it('of another maker are not sent, and the right one is taken afterwards', async () => {
    const bench = await inEdl('nx679j')
    const right = loaderFor(bench.terminal.profile)
    const wrong = loaderFor(bench.terminal.profile, { vendor: 'other' })
    const refusal = await thrownBy(open(bench, [wrong]))
    expect(refusal).toMatchObject({ code: 'loader-mismatch' })
    expect(refusal?.message).toMatch(/loader 0: .*signed under another key.*hardware ID 001ca0e100040000/)
    expect(await thrownBy(open(bench, []))).toMatchObject({ code: 'loader-missing' })
    expect(await thrownBy(open(bench, [new Uint8Array(5000)]))).toMatchObject({ code: 'loader-invalid' })
    const session = await open(bench, [new Uint8Array(5000), wrong, right])
    expect(session.facts.edl?.writable).toBe(true)
  })

  it('that only read are said to, and write nothing', async () => {
    const bench = await inEdl('nx679j')
    const session = await open(bench, [loaderFor(bench.terminal.profile, { maxPayload: 0 })])
    expect(session.can).toMatchObject({ readBack: true, setActive: false })
    expect(session.facts.edl?.writable).toBe(false)
    const image = memoryImage(new Uint8Array(4096))
    expect(await thrownBy(session.write(partitionName('boot_b'), image, writing()))).toMatchObject({
      code: 'loader-read-only',
    })
    const boot = await bench.terminal.readPartition('boot_a')
    const parts = await collect(session.read(partitionName('boot_a'), bytes(boot.length), io()))
    expect(Buffer.compare(Buffer.concat(parts), boot)).toBe(0)
  })

  it.each([50, 600])(
    'that come up as a new device %i ms later are waited for',
    async (reenumeratesAfterMs) => {
      const bench = await inEdl('nx789j')
      const session = await open(bench, [loaderFor(bench.terminal.profile, { reenumeratesAfterMs })])
      expect(session.facts.currentSlot?.value).toBe('a')
    },
  )

  it('that come up as a new device are not followed to a stranger', async () => {
    const bench = await inEdl('nx789j')
    const stranger = await testTerminal('nx789j', { serial: 'ANOTHER' })
    await stranger.powerOn({ keys: 'edl' })
    const stop = bench.terminal.on((event) => {
      if (event.kind !== 'state' || event.state !== 'programmer') return
      stop()
      queueMicrotask(() => bench.bench.swap(bench.terminal, stranger))
    })
    const error = await thrownBy(open(bench))
    expect(error).toMatchObject({ code: 'terminal-stranger', context: { bay: 'usb:1-2.3' } })
  })
})

describe('a power cut in EDL', () => {
  it.each([1, 30_000, 50_000, 70_000, 90_000, 110_000])(
    'after %i bytes of a slot switch leaves a terminal that boots, and the switch is finished',
    async (afterBytes) => {
      const bench = await inEdl('nx679j')
      const { terminal } = bench
      const session = await open(bench)
      terminal.setFaults({ faults: [{ kind: 'power-cut-in-write', afterBytes }] })
      expect((await thrownBy(session.setActive('b', io())))?.name).toBe('SlotbenchError')
      expect(await terminal.wouldBoot()).toMatchObject({ verdict: 'booted' })
      terminal.setFaults({})
      await terminal.powerOn({ keys: 'edl' })
      const again = await open(bench)
      await again.setActive('b', io())
      await again.reboot('system', io())
      await until(() => terminal.state === 'system')
      expect(terminal.boots().at(-1)).toMatchObject({ slot: 'b', verdict: 'booted' })
    },
    60_000,
  )

  it('in the middle of a partition costs what was not written yet', async () => {
    const bench = await inEdl('nx679j')
    const { terminal } = bench
    const { image } = (await testBuild('nx679j', BUILD_2)).get('system') ?? {}
    if (image === undefined) return expect.unreachable()
    const target = partitionName('system_b')
    const session = await open(bench)
    terminal.setFaults({ faults: [{ kind: 'power-cut-in-write', afterBytes: 300_000 }] })
    expect((await thrownBy(session.write(target, image, writing())))?.name).toBe('SlotbenchError')
    terminal.setFaults({})
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'a', verdict: 'booted' })
    await terminal.powerOn({ keys: 'edl' })
    const again = await open(bench)
    const { sha256 } = await again.write(target, image, writing())
    expect(await terminal.partitionDigest('system_b')).toBe(sha256)
    expect((await again.write(target, image, writing())).wireBytes).toBe(0)
  }, 60_000)
})
