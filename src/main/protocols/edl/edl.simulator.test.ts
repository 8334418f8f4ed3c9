// Our client, through the USB adapter, against the simulated terminal: from the greeting of its boot ROM to its restart.
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { memorySource } from '../../../../test/loader-files.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { loaderFor, spoiltLoader } from '../../../simulator/edl/make-loader.ts'
import type { ProgrammerTraits } from '../../../simulator/edl/traits.ts'
import type { Fault } from '../../../simulator/faults.ts'
import type { ProfileId } from '../../../simulator/profiles/index.ts'
import { testTerminal } from '../../../simulator/test-terminal.ts'
import { SimulatedBench, type UsbLinkQuality } from '../../../simulator/usb.ts'
import { loaderFits, readLoader } from '../../core/formats/loader-image.ts'
import { watchUsb } from '../../io/usb/usb-watch.ts'
import { createDiscovery } from '../../terminals/discovery.ts'
import type { BenchDiscovery } from '../../terminals/types.ts'
import { type FirehoseOptions, openFirehose } from '../firehose/open.ts'
import type { Firehose, SectorTarget } from '../firehose/types.ts'
import { openSahara, programmerImages, type SaharaIdentified } from '../sahara/sahara.ts'
import type { Transport } from '../transport.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const io = (ms = 30_000): IoOptions => ({
  signal: new AbortController().signal,
  deadline: Deadline.after(ms),
})
/** A simulated programmer has begun to speak before this is over; what is late is heard all the same. */
const BRISK: FirehoseOptions = { deadlines: { startup: 200, quiet: 30 }, powerDelay: 0 }

async function attach(
  id: ProfileId,
  {
    faults = [],
    link = { speed: 'high' },
  }: { readonly faults?: readonly Fault[]; readonly link?: UsbLinkQuality } = {},
) {
  const terminal = await testTerminal(id, { faults: { faults } })
  const bench = new SimulatedBench()
  bench.plug(terminal, { bus: '001', ports: [2, 1], link })
  await terminal.powerOn({ keys: 'edl' })
  const discovery = createDiscovery([watchUsb(async () => bench)])
  cleanups.push(() => discovery.close())
  return { terminal, bench, discovery }
}

async function connect(discovery: BenchDiscovery): Promise<Transport> {
  const sighting = await discovery.waitFor((s) => s.protocol === 'edl', io())
  const transport = await sighting.open(io())
  cleanups.push(() => transport.close())
  return transport
}

async function greet(transport: Transport): Promise<SaharaIdentified> {
  const start = await openSahara(transport, io(), { deadlines: { greeting: 300 } })
  if (start.kind !== 'sahara') throw new Error('a programmer runs already')
  return start.sahara
}

async function upload(sahara: SaharaIdentified, loader: Uint8Array<ArrayBuffer>) {
  const transfer = await sahara.startTransfer(io())
  return await transfer.send(programmerImages(memorySource(loader)), io())
}

/** A configured programmer on a fresh terminal, wherever it comes up. */
async function running(
  id: ProfileId,
  change: Partial<ProgrammerTraits> = {},
  options: FirehoseOptions = {},
  world: Parameters<typeof attach>[1] = {},
) {
  const attached = await attach(id, world)
  const { terminal, discovery } = attached
  const first = await connect(discovery)
  const { left } = await upload(await greet(first), loaderFor(terminal.profile, change))
  const open = async (transport: Transport) => openFirehose(transport, { ...BRISK, ...options }, io())
  if (!left) {
    const firehose = await open(first).catch((thrown: unknown) => {
      if (thrown instanceof SlotbenchError && thrown.code === 'terminal-gone') return undefined
      throw thrown
    })
    if (firehose) return { ...attached, firehose }
  }
  await first.close()
  return { ...attached, firehose: await open(await connect(discovery)) }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => 'a result',
    (error: unknown) => error,
  )
  return thrown instanceof SlotbenchError ? thrown.code : `not ours: ${String(thrown)}`
}

const noise = (length: number, seed = 1) =>
  new Uint8Array(length).map((_, index) => (index * 31 + (index >> 8) * 7 + seed) & 0xff)

async function* pieces(whole: Uint8Array<ArrayBuffer>, size: number) {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size)
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of source) all.push(piece)
  return Buffer.concat(all)
}

/** Some sectors of the last LUN that can be written without harm: behind its table. */
async function place(firehose: Firehose, count: number): Promise<SectorTarget> {
  const info = await firehose.storageInfo(0, io())
  if (info === undefined) throw new Error('it does not tell its storage')
  return { lun: 0, first: 64, count, sectorSize: info.sectorSize }
}

const IDS = ['nx679j', 'nx769j', 'nx789j', 'emmc-ab', 'a-only'] as const satisfies readonly ProfileId[]

describe('the boot ROM', () => {
  it.each(IDS)('of %s is greeted, identified, and has a loader that fits', async (id) => {
    const { terminal, discovery } = await attach(id)
    const transport = await connect(discovery)
    const { identity } = await greet(transport)
    const { edl } = terminal.profile
    expect(identity.chipSerial).toBe(terminal.chipSerial.toString(16).padStart(8, '0'))
    expect(identity.hwId?.slice(0, 8)).toBe(edl?.chip.msmId.toString(16).padStart(8, '0'))
    const refuses = edl?.sahara.refuses.includes(3) === true
    expect(identity.pkHash).toBe(refuses ? undefined : edl?.chip.pkHash)
    const loader = await readLoader(memorySource(loaderFor(terminal.profile)))
    expect(loaderFits(loader, identity).kind).toBe(refuses ? 'unknown' : 'fits')
    const other = await readLoader(memorySource(loaderFor(terminal.profile, { vendor: 'other' })))
    expect(loaderFits(other, identity).kind).toBe(refuses ? 'unknown' : 'misfit')
  })

  it('speaks although its greeting was eaten', async () => {
    const { discovery, terminal } = await attach('nx679j', { faults: [{ kind: 'hello-eaten' }] })
    const transport = await connect(discovery)
    const sahara = await greet(transport)
    expect(sahara.identity.hwId).toBe('001ca0e100040000')
    const done = await upload(sahara, loaderFor(terminal.profile))
    expect(done.left).toBe(false)
  })

  it('greets again after somebody has left it', async () => {
    const { discovery } = await attach('nx679j')
    const first = await connect(discovery)
    await (await greet(first)).leave(io())
    await first.close()
    const second = await greet(await connect(discovery))
    expect(second.identity.hwId).toBe('001ca0e100040000')
  })

  it('can be restarted without a loader', async () => {
    const { terminal, discovery } = await attach('nx679j')
    const sahara = await greet(await connect(discovery))
    await sahara.restart(io())
    await expect.poll(() => terminal.state, { timeout: 10_000 }).toBe('system')
  })

  it.each([
    ['nx679j', 'a mute one', 'zte'],
    ['nx789j', 'one that leaves', 'other'],
    ['a-only', 'one with a status', 'other'],
  ] as const)(
    'of %s does not start a foreign loader (%s), which is said with its ids',
    async (id, _kind, vendor) => {
      const { terminal, discovery } = await attach(id)
      const transport = await connect(discovery)
      const start = await openSahara(transport, io(), { deadlines: { greeting: 300, request: 700 } })
      if (start.kind !== 'sahara') throw new Error('a programmer runs already')
      const work = upload(start.sahara, loaderFor(terminal.profile, { vendor }))
      const error = await work.catch((thrown: unknown) => thrown as SlotbenchError)
      expect(error).toMatchObject({ code: 'loader-not-accepted' })
      expect((error as SlotbenchError).message).toContain(start.sahara.identity.hwId)
    },
  )

  it('says what is wrong with a spoilt loader, where it says anything', async () => {
    const { terminal, discovery } = await attach('a-only')
    const sahara = await greet(await connect(discovery))
    const spoilt = spoiltLoader(loaderFor(terminal.profile), 'tampered')
    await expect(upload(sahara, spoilt)).rejects.toThrow(/0x22.*segment/)
  })
})

describe('the programmer', () => {
  it.each(IDS)('of %s is configured, and its sectors are what was written to them', async (id) => {
    const { firehose, terminal } = await running(id)
    expect(firehose.limits).toMatchObject({
      memory: terminal.profile.edl?.programmer.memory,
      payloadToTarget: terminal.profile.edl?.programmer.maxPayload,
      readOnly: false,
    })
    await firehose.nop(io())
    const target = await place(firehose, 700)
    const content = noise(700 * target.sectorSize)
    await firehose.program(target, pieces(content, 100_000), io())
    const back = await collect(firehose.read(target, io()))
    expect(back.equals(Buffer.from(content))).toBe(true)
    const digest = await firehose.digest(target, io())
    const knows = terminal.profile.edl?.programmer.commands.includes('getsha256digest') === true
    expect(digest).toBe(knows ? createHash('sha256').update(content).digest('hex') : undefined)
    const some = { ...target, first: target.first + 1, count: 2 }
    await firehose.erase(some, io())
    const erased = await collect(firehose.read({ ...some, first: target.first, count: 1 }, io()))
    expect(erased.equals(Buffer.from(content.subarray(0, target.sectorSize)))).toBe(true)
    await firehose.power('reset', io())
    await expect.poll(() => terminal.state, { timeout: 10_000 }).not.toBe('programmer')
  })

  it.each([
    ['joined', false],
    ['split', false],
    ['split', true],
    ['apart', true],
  ] as const)(
    'is understood when its documents come %s, logs behind the response: %s',
    async (documents, trailingLogs) => {
      const lines: string[] = []
      const { firehose } = await running(
        'nx679j',
        { documents, trailingLogs },
        { onLog: (line) => lines.push(line) },
      )
      const target = await place(firehose, 5)
      const content = noise(5 * target.sectorSize, 9)
      for (let round = 0; round < 3; round++) {
        await firehose.program(target, pieces(content, 999), io())
        expect((await collect(firehose.read(target, io()))).equals(Buffer.from(content))).toBe(true)
      }
      expect(lines.some((line) => line.includes('Finished sector'))).toBe(true)
    },
  )

  it.each([
    ['high', 'at-payload-ends', 'at-end'],
    ['high', 'at-payload-ends', 'after-each-unit'],
    ['high', 'once-at-end', 'at-end'],
    ['super', 'at-payload-ends', 'at-end'],
    ['super', 'at-payload-ends', 'after-each-unit'],
    ['super', 'once-at-end', 'at-end'],
    ['high', 'once-at-end', 'none'],
    ['full', 'at-payload-ends', 'none'],
  ] as const)(
    'on a %s-speed link that takes empty packets %s gets them %s, and nothing is spoilt',
    async (speed, takes, zlp) => {
      const maxPayload = 16_384
      const { firehose } = await running('nx679j', { zlp: takes, maxPayload }, { zlp }, { link: { speed } })
      const target = await place(firehose, 21)
      const content = noise(21 * target.sectorSize, 3)
      await firehose.program(target, pieces(content, 7_000), io())
      expect((await collect(firehose.read(target, io()))).equals(Buffer.from(content))).toBe(true)
    },
  )

  it('is spoilt by empty packets where it takes none: the simulated one would show a client that sends them', async () => {
    const { firehose } = await running(
      'nx679j',
      { zlp: 'once-at-end', maxPayload: 16_384 },
      { zlp: 'after-each-unit' },
    )
    const target = await place(firehose, 21)
    const content = noise(21 * target.sectorSize, 3)
    await firehose.program(target, pieces(content, 7_000), io())
    const back = await collect(firehose.read(target, io()))
    expect(back.equals(Buffer.from(content))).toBe(false)
  })

  it.each([
    ['oem', { oem: 'ZTE' }, {}],
    ['a smaller payload', { maxPayload: 8192 }, {}],
    ['another storage', {}, { memory: 'emmc' }],
  ] as const)('that wants %s is given it', async (_what, change, options) => {
    const { firehose } = await running('nx679j', change, options)
    expect(firehose.limits.memory).toBe('ufs')
    await firehose.nop(io())
  })

  it('that only reads is known for it', async () => {
    const { firehose } = await running('nx679j', { maxPayload: 0 })
    expect(firehose.limits.readOnly).toBe(true)
    const target = await place(firehose, 2)
    expect(await codeOf(firehose.erase(target, io()))).toBe('loader-read-only')
    expect((await collect(firehose.read(target, io()))).length).toBe(2 * target.sectorSize)
  })

  it('refuses with its own words, and goes on', async () => {
    const { firehose } = await running(
      'nx679j',
      {},
      {},
      {
        faults: [{ kind: 'write-error', lun: 0, sector: 66, count: 1 }],
      },
    )
    const target = await place(firehose, 8)
    const content = noise(8 * target.sectorSize)
    expect(await codeOf(firehose.program(target, pieces(content, 4096), io()))).toBe('terminal-refused')
    expect(
      await codeOf(firehose.program({ ...target, sectorSize: 512 }, pieces(noise(4096), 512), io())),
    ).toBe('terminal-refused')
    expect(await firehose.storageInfo(200, io())).toBeUndefined()
    await firehose.program({ ...target, count: 2 }, pieces(content.subarray(0, 8192), 4096), io())
  })

  it('is attached to again when it runs already, with nothing of the earlier talk taken for an answer', async () => {
    const { firehose, discovery } = await running('nx679j', { trailingLogs: true })
    await firehose.nop(io())
    await firehose.close()
    const transport = await connect(discovery)
    expect(await openSahara(transport, io(), { deadlines: { greeting: 100 } })).toEqual({ kind: 'firehose' })
    const again = await openFirehose(transport, { ...BRISK, attach: true }, io())
    await again.nop(io())
    expect(await place(again, 1)).toMatchObject({ sectorSize: 4096 })
  })

  it('asks for a power cycle when it still waits for data', async () => {
    const deadlines = { ...BRISK.deadlines, ear: 200 }
    const { firehose, discovery } = await running('nx679j', {}, { deadlines })
    const target = await place(firehose, 512)
    async function* half() {
      yield noise(4096)
      throw new SlotbenchError('cancelled', 'the process ended')
    }
    expect(await codeOf(firehose.program(target, half(), io()))).toBe('cancelled')
    await firehose.close()
    const transport = await connect(discovery)
    const options = { ...BRISK, attach: true, deadlines: { ...BRISK.deadlines, nop: 300 } }
    await expect(openFirehose(transport, options, io())).rejects.toMatchObject({ retry: 'power-cycle' })
  })

  it.each([0, 1, 4096, 100_000, 1_048_576])(
    'that is pulled away after %i bytes of data says so',
    async (afterBytes) => {
      const { firehose } = await running(
        'nx679j',
        {},
        {},
        {
          faults: [{ kind: 'disconnect-in-download', afterBytes: afterBytes + 300_000 }],
        },
      )
      const target = await place(firehose, 1000)
      const code = await codeOf(
        firehose.program(target, pieces(noise(1000 * target.sectorSize), 1 << 20), io()),
      )
      expect(['terminal-gone', 'usb-failed']).toContain(code)
      expect(await codeOf(firehose.nop(io()))).toBe('terminal-garbled')
    },
  )
})
