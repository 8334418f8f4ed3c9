// (f) From the moment a terminal shows itself until it is known which it is: product, serial number, slot and mode.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adbKeyStore } from '../../src/main/io/adb/key-store.ts'
import { watchTcpEndpoints } from '../../src/main/io/tcp/tcp-source.ts'
import { watchUsb } from '../../src/main/io/usb/usb-watch.ts'
import type { AdbCredentials } from '../../src/main/protocols/adb/credentials.ts'
import { openAdbSession } from '../../src/main/terminals/adb/session.ts'
import { createDiscovery } from '../../src/main/terminals/discovery.ts'
import { openFastbootSession } from '../../src/main/terminals/fastboot/session.ts'
import type { BenchDiscovery, Sighting } from '../../src/main/terminals/types.ts'
import { Deadline, type IoOptions } from '../../src/shared/io-options.ts'
import type { Mode, TerminalFacts } from '../../src/shared/terminal.ts'
import { adbDaemon } from '../../src/simulator/adb/daemon.ts'
import { serveAdbTcp } from '../../src/simulator/adb-tcp-server.ts'
import { leaveMessage } from '../../src/simulator/boot/message.ts'
import { serveFastbootTcp } from '../../src/simulator/fastboot-tcp-server.ts'
import { factoryImages, makeBuild, simulatorRootOfTrust } from '../../src/simulator/make-images.ts'
import { type ProfileId, profile } from '../../src/simulator/profiles/index.ts'
import { Disk } from '../../src/simulator/storage/disk.ts'
import { SimulatedTerminal } from '../../src/simulator/terminal.ts'
import { SimulatedBench } from '../../src/simulator/usb.ts'
import type { BenchCase, BenchContext, Outcome, Series } from './measurement.ts'
import { OLD_BUILD } from './terminal-profile.ts'

const SERIAL = 'BENCH001'
const LIMIT_MS = 300
/** It takes milliseconds, so it is measured more often than the others. */
const TIMES_AS_OFTEN = 4

export const identifyTerminal: BenchCase = {
  name: 'identify',
  title: '(f) From plugging in to product, serial number, slot and mode',
  measure,
}

type SomeMode = 'system' | 'bootloader' | 'fastbootd'

interface Subject {
  readonly what: string
  readonly id: ProfileId
  readonly mode: SomeMode
  readonly link: 'USB' | 'TCP'
}

const SUBJECTS: readonly Subject[] = [
  { what: 'bootloader over USB', id: 'nx679j', mode: 'bootloader', link: 'USB' },
  { what: 'bootloader that lists nothing, over USB', id: 'unisoc-ab', mode: 'bootloader', link: 'USB' },
  { what: 'fastbootd over USB', id: 'nx769j', mode: 'fastbootd', link: 'USB' },
  { what: 'running system over USB, key known', id: 'nx679j', mode: 'system', link: 'USB' },
  { what: 'bootloader over TCP', id: 'nx679j', mode: 'bootloader', link: 'TCP' },
  { what: 'running system over TCP, key known', id: 'nx679j', mode: 'system', link: 'TCP' },
]

async function measure(bench: BenchContext): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'slotbench-bench-identify-'))
  const credentials = adbKeyStore({ dataFolder: folder, googleKey: join(folder, 'none') })
  try {
    const series: Series[] = []
    for (const subject of SUBJECTS) {
      const [first = Number.NaN, ...samples] = await timesOf(subject, credentials, bench)
      bench.note(`${subject.what}: first ${first.toFixed(0)} ms`)
      series.push({ what: subject.what, unit: 'ms', samples, target: { atMost: LIMIT_MS } })
      series.push({ what: `${subject.what}: the first`, unit: 'ms', samples: [first] })
    }
    return {
      kind: 'measured',
      notes: [
        'The simulated terminal answers at once and runs in this process, so its own time is within the figures. USB: from the',
        'connect event. TCP, where nothing announces a terminal: from the start of looking for it. "The first": of its kind in this',
        'process, with cold code',
      ],
      series,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function timesOf(
  { id, mode, link }: Subject,
  credentials: AdbCredentials,
  bench: BenchContext,
): Promise<number[]> {
  const [key] = await credentials.keys()
  const terminal = await terminalIn(id, mode, key.publicKey)
  const stand = link === 'USB' ? new UsbStand(terminal) : await TcpStand.make(terminal, mode)
  const times: number[] = []
  try {
    for (let run = 0; run <= bench.runs * TIMES_AS_OFTEN; run++) {
      const io = { signal: bench.signal, deadline: Deadline.after(20_000) }
      times.push(await stand.appear(io, (sighting) => identify(sighting, credentials, { io, mode })))
    }
  } finally {
    await stand.close()
    terminal.cutPower()
  }
  return times
}

/** @param publicKey known to it already. */
async function terminalIn(id: ProfileId, mode: SomeMode, publicKey: string): Promise<SimulatedTerminal> {
  const model = profile(id)
  const [trusted = ''] = publicKey.split(' ')
  const terminal = await SimulatedTerminal.create({
    profile: model,
    serial: SERIAL,
    unlocked: true,
    keys: await simulatorRootOfTrust(),
    image: factoryImages(model, await makeBuild(model, OLD_BUILD)),
    adb: adbDaemon({ behaviour: { auth: 'system' }, trustedKeys: new Set([trusted]) }),
  })
  if (mode === 'fastbootd') await leaveMessage(await Disk.load(terminal.storage), 'fastbootd')
  await terminal.powerOn(mode === 'bootloader' ? { keys: 'bootloader' } : {})
  if (terminal.state !== mode) throw new Error(`the terminal started into ${terminal.state}`)
  return terminal
}

/** Opens what was sighted, as the engine does, and reads its facts; the session is closed after the clock has stopped. */
async function identify(
  sighting: Sighting,
  credentials: AdbCredentials,
  { io, mode }: { readonly io: IoOptions; readonly mode: Mode },
): Promise<() => Promise<void>> {
  const session =
    sighting.protocol === 'adb'
      ? await openAdbSession(sighting, { ...io, credentials, onPrompt })
      : await openFastbootSession(sighting, io)
  assertKnown(session.facts, mode)
  return () => session.close()
}

function onPrompt(): void {
  throw new Error('the terminal asks somebody to allow what it should know')
}

function assertKnown({ product, serial, currentSlot, mode }: TerminalFacts, expected: Mode): void {
  const known = product !== undefined && serial?.value === SERIAL && currentSlot?.value === 'a'
  if (!known || mode !== expected) throw new Error(`not known: ${product?.value} ${serial?.value} ${mode}`)
}

type Identify = (sighting: Sighting) => Promise<() => Promise<void>>

const talks = (sighting: Sighting) => sighting.protocol !== undefined

/** A port into which the terminal is plugged again and again; somebody watches all the time. */
class UsbStand {
  readonly #terminal: SimulatedTerminal
  readonly #bus = new SimulatedBench()
  readonly #discovery: BenchDiscovery
  #connectedAt = 0

  constructor(terminal: SimulatedTerminal) {
    this.#terminal = terminal
    this.#bus.addEventListener('connect', () => {
      this.#connectedAt = performance.now()
    })
    this.#discovery = createDiscovery([watchUsb(async () => this.#bus)])
  }

  /** @returns ms from the connect event. */
  async appear(io: IoOptions, identify: Identify): Promise<number> {
    await this.#discovery.scan(io)
    const waiting = this.#discovery.waitFor(talks, io)
    this.#bus.plug(this.#terminal, { bus: '1', ports: [2, 3] })
    const close = await identify(await waiting)
    const ms = performance.now() - this.#connectedAt
    await close()
    this.#bus.unplug(this.#terminal)
    await this.#gone(io)
    return ms
  }

  async close(): Promise<void> {
    await this.#discovery.close()
  }

  async #gone(io: IoOptions): Promise<void> {
    while (this.#discovery.sightings().length > 0 && !io.deadline.expired)
      await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A port of this computer on which the terminal answers all the time. */
class TcpStand {
  readonly #endpoint: string
  readonly #stop: () => Promise<void>

  private constructor(endpoint: string, stop: () => Promise<void>) {
    this.#endpoint = endpoint
    this.#stop = stop
  }

  static async make(terminal: SimulatedTerminal, mode: SomeMode): Promise<TcpStand> {
    const place = { port: 0, host: '127.0.0.1' }
    const fastboot = await serveFastbootTcp(terminal, place)
    if (mode !== 'system') return new TcpStand(`tcp:127.0.0.1:${fastboot.port}`, () => fastboot.close())
    const adb = await serveAdbTcp(terminal, place)
    return new TcpStand(`tcp:127.0.0.1:${fastboot.port},${adb.port}`, async () => {
      await adb.close()
      await fastboot.close()
    })
  }

  /** @returns ms from the beginning of the search. */
  async appear(io: IoOptions, identify: Identify): Promise<number> {
    const discovery = createDiscovery([watchTcpEndpoints([this.#endpoint])])
    const startedAt = performance.now()
    const close = await identify(await discovery.waitFor(talks, io))
    const ms = performance.now() - startedAt
    await close()
    await discovery.close()
    return ms
  }

  async close(): Promise<void> {
    await this.#stop()
  }
}
