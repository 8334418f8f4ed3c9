// Whatever a terminal says, however it is cut up, wherever it stops: a result or one of our errors, and never a hang.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memorySource } from '../../../../test/loader-files.ts'
import { type Noise, noisyTransport } from '../../../../test/noisy-transport.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { FIREHOSE_DEADLINES } from '../firehose/deadlines.ts'
import { openFirehose } from '../firehose/open.ts'
import type { Firehose, SectorTarget } from '../firehose/types.ts'
import { readDocument } from '../firehose/xml.ts'
import { openSahara, programmerImages } from '../sahara/sahara.ts'

const io = (): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(60_000) })
const QUICK = Object.fromEntries(Object.keys(FIREHOSE_DEADLINES).map((name) => [name, 2]))
const QUICK_SAHARA = { greeting: 2, answer: 3, request: 3, write: 100 }
const SILENCE_OF_OURS = /^(terminal-|loader-|firehose-|edl-)/

const noise = (says: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Noise> =>
  fc.record({
    turns: fc.array(
      fc.array(
        says.map((bytes) => new Uint8Array(bytes)),
        { maxLength: 4 },
      ),
      { maxLength: 12 },
    ),
    cuts: fc
      .array(fc.nat(70), { maxLength: 4 })
      .filter((cuts) => cuts.length === 0 || cuts.some((n) => n > 0)),
    ending: fc.constantFrom('gone' as const, 'silent' as const),
    writes: fc.option(fc.nat(12), { nil: undefined }),
  })

/** @returns whether it came to a result. */
async function isOurs(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(SlotbenchError)
    expect((thrown as SlotbenchError).code).toMatch(SILENCE_OF_OURS)
    return false
  }
}

describe('Sahara', () => {
  const word = fc.oneof(
    fc.constantFrom(0, 1, 2, 3, 8, 12, 13, 16, 20, 0x30, 100, 0x1000, 0xffff_ffff, 0x8000_0000),
    fc.nat(0xffff_ffff),
  )
  const packet = (id: number, size: number) =>
    fc
      .array(word, { minLength: size / 4 - 2, maxLength: size / 4 - 2 })
      .map((body) => packed([id, size, ...body]))
  const likely = fc.oneof(
    packet(1, 0x30),
    fc.constantFrom(0, 1, 2, 3).map((mode) => packed([1, 0x30, 2, 1, 1024, mode, 0, 0, 0, 0, 0, 0])),
    fc.constant(packed([0x0b, 8])),
    fc.tuple(fc.nat(11), fc.nat(64)).map(([what, length]) => packed([0x0e, 16, what, length])),
    fc.tuple(fc.nat(5_000), fc.nat(5_000)).map(([at, length]) => packed([3, 0x14, 13, at, length])),
    fc
      .tuple(fc.nat(5_000), fc.nat(5_000))
      .map(([at, length]) => packed([0x12, 0x20, 13, 0, at, 0, length, 0])),
    fc.constantFrom(0, 0, 0, 0x21, 0x99).map((status) => packed([4, 16, 13, status])),
    fc.constantFrom(0, 1).map((status) => packed([6, 12, status])),
    packet(0x0e, 16),
    packet(3, 0x14),
    packet(0x12, 0x20),
    packet(0x10, 24),
    packet(8, 8),
    fc.constant(new Uint8Array(Buffer.from('<?xml version="1.0"?>'))),
    fc.uint8Array({ maxLength: 80 }),
  )

  it('comes to an end', async () => {
    let results = 0
    await fc.assert(
      fc.asyncProperty(noise(likely), async (given) => {
        const ended = await isOurs(async () => {
          const start = await openSahara(noisyTransport(given), io(), { deadlines: QUICK_SAHARA })
          if (start.kind === 'firehose') return
          const transfer = await start.sahara.startTransfer(io())
          await transfer.send(programmerImages(memorySource(new Uint8Array(4_000))), io())
        })
        if (ended) results += 1
      }),
      { numRuns: 400 },
    )
    expect(results).toBeGreaterThan(0)
  })

  it('a boot ROM that follows the book until it stops at any place', async () => {
    const book = [
      packed([1, 0x30, 2, 1, 1024, 0, 0, 0, 0, 0, 0, 0]),
      packed([0x0b, 8]),
      ...[1, 2, 3].flatMap((what) => [packed([0x0e, 16, what, 8]), new Uint8Array(8).fill(what)]),
      packed([1, 0x30, 2, 1, 1024, 0, 0, 0, 0, 0, 0, 0]),
      packed([3, 0x14, 13, 0, 64]),
      packed([0x12, 0x20, 13, 0, 64, 0, 3_000, 0]),
      packed([4, 16, 13, 0]),
      packed([6, 12, 1]),
    ]
    const whole = Buffer.concat(book)
    let loaded = 0
    for (let length = 0; length <= whole.length; length++) {
      const turns = [[new Uint8Array(whole.subarray(0, length))]]
      const given: Noise = { turns, cuts: [1 + (length % 90)], ending: 'gone', writes: undefined }
      const ended = await isOurs(async () => {
        const start = await openSahara(noisyTransport(given), io(), { deadlines: QUICK_SAHARA })
        if (start.kind !== 'sahara') throw new Error('no XML was said')
        const transfer = await start.sahara.startTransfer(io())
        const done = await transfer.send(programmerImages(memorySource(new Uint8Array(4_000))), io())
        expect(done.left).toBe(length < whole.length)
      })
      if (ended) loaded += 1
    }
    // From the end of the last image on: it may leave with its new programmer.
    expect(loaded).toBe(13)
  })
})

describe('Firehose', () => {
  const document = (element: string) =>
    new Uint8Array(Buffer.from(`<?xml version="1.0" encoding="UTF-8" ?>\n<data>\n${element}</data>`))
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.constantFrom(
      'ERROR: no',
      'ZTE',
      'Failed to open the SDCC Device',
      '{"storage_info": {"total_blocks":9,',
      '&#x110000;&lt;',
    ),
  )
  const number = fc.oneof(
    fc.constantFrom('0', '512', '1048576', '-1', '1e9', '99999999999999999999'),
    fc.string(),
  )
  const likely = fc.oneof(
    text.map((value) => document(`<log value="${value}" />`)),
    fc.constantFrom('ACK', 'NAK', 'ack', 'maybe').map((value) => document(`<response value="${value}" />`)),
    fc.constantFrom('true', 'false').map((raw) => document(`<response value="ACK" rawmode="${raw}" />`)),
    fc
      .tuple(fc.constantFrom('ACK', 'NAK'), number, number)
      .map(([value, payload, supported]) =>
        document(
          `<response value="${value}" MaxPayloadSizeToTargetInBytes="${payload}" MaxPayloadSizeToTargetInBytesSupported="${supported}" />`,
        ),
      ),
    fc.constant(document('<response value="ACK" MaxPayloadSizeToTargetInBytes="1048576" />')),
    text.map((value) => new Uint8Array(Buffer.from(value))),
    fc.uint8Array({ maxLength: 600 }),
    fc.constant(document(`<log value="${'x'.repeat(70_000)}" />`)),
  )
  const CONFIGURED = document(
    '<response value="ACK" MaxPayloadSizeToTargetInBytes="1048576" MaxPayloadSizeToTargetInBytesSupported="1048576" />',
  )
  const target: SectorTarget = { lun: 0, first: 0, count: 3, sectorSize: 512 }
  async function* content() {
    for (let i = 0; i < 3; i++) yield new Uint8Array(512)
  }
  const commands: readonly ((firehose: Firehose) => Promise<unknown>)[] = [
    (f) => f.nop(io()),
    (f) => f.storageInfo(0, io()),
    (f) => f.program(target, content(), io()),
    async (f) => {
      for await (const piece of f.read(target, io())) expect(piece.length).toBeLessThanOrEqual(1536)
    },
    (f) => f.digest(target, io()),
    (f) => f.erase(target, io()),
    (f) => f.setBootableDrive(1, io()),
    (f) => f.power('reset', { ...io(), deadline: Deadline.after(20) }),
  ]

  it('comes to an end', async () => {
    let results = 0
    await fc.assert(
      fc.asyncProperty(
        noise(likely),
        fc.array(fc.constantFrom(...commands), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('attach', 'start', 'configured'),
        async (given, run, how) => {
          const attach = how === 'attach'
          // Mostly well begun, so that the commands have their turn too.
          const turns = how === 'configured' ? [[], [CONFIGURED], ...given.turns] : given.turns
          const transport = noisyTransport({ ...given, turns })
          const firehose: Firehose[] = []
          const options = { deadlines: QUICK, attach, powerDelay: 0 }
          await isOurs(async () => firehose.push(await openFirehose(transport, options, io())))
          for (const opened of firehose)
            for (const command of run) if (await isOurs(() => command(opened))) results += 1
        },
      ),
      { numRuns: 400 },
    )
    expect(results).toBeGreaterThan(0)
  })

  it('a programmer that follows the book until it stops, refuses or babbles at any place', async () => {
    const ACK = document('<response value="ACK" />')
    const NAK = document('<log value="ERROR: no" /><response value="NAK" />')
    const RAW = document('<response value="ACK" rawmode="true" />')
    const writing = document('<log value="INFO: writing" />')
    // Its turns: at first; after configure, nop, program, the data (one write, an empty packet is none), read.
    const book = [
      [document('<log value="INFO: hello" />')],
      [CONFIGURED],
      [ACK],
      [RAW],
      [writing, ACK],
      [RAW, new Uint8Array(1536), ACK],
    ]
    const run = async (turns: Noise['turns'], cuts: readonly number[], ending: Noise['ending']) =>
      isOurs(async () => {
        const firehose = await openFirehose(
          noisyTransport({ turns, cuts, ending, writes: undefined }),
          {
            deadlines: {
              ...QUICK,
              finalAck: 50,
              readChunk: 50,
              setup: 50,
              nop: 50,
              configureTry: 50,
              configure: 50,
            },
          },
          io(),
        )
        await firehose.nop(io())
        await firehose.program(target, content(), io())
        for await (const piece of firehose.read(target, io())) expect(piece.length).toBeGreaterThan(0)
      })
    expect(await run(book, [], 'silent')).toBe(true)
    expect(await run(book, [7, 100], 'silent')).toBe(true)
    const flat = book.flatMap((turn, at) => turn.map((_, index) => ({ at, index })))
    for (const { at, index } of flat) {
      const inserted = (change: readonly Uint8Array<ArrayBuffer>[]) =>
        book.map((turn, other) =>
          other === at ? [...turn.slice(0, index), ...change, ...turn.slice(index)] : turn,
        )
      const until = (last: readonly Uint8Array<ArrayBuffer>[]) => [
        ...book.slice(0, at),
        [...(book[at] ?? []).slice(0, index), ...last],
      ]
      const half = (book[at]?.[index] ?? ACK).slice(0, 20)
      for (const ending of ['gone', 'silent'] as const) {
        expect(await run(until([]), [], ending)).toBe(false)
        expect(await run(until([half]), [3], ending)).toBe(false)
        await run(inserted([NAK]), [50], ending)
        await run(inserted([new Uint8Array(40).fill(7)]), [], ending)
      }
    }
  })

  it('reads any text as a document, or says that it is none', () => {
    const part = fc.oneof(
      fc.constantFrom(
        '<?xml version="1.0"?>',
        '<data>',
        '</data>',
        '<log value="',
        '" />',
        '<response ',
        'value=',
        '"',
        "'",
        '/>',
        ' a="b"',
      ),
      fc.string({ maxLength: 20 }),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        try {
          for (const { name, attributes } of readDocument(parts.join(''))) {
            expect(name.length).toBeGreaterThan(0)
            for (const value of attributes.values()) expect(value).not.toContain('\u0000')
          }
        } catch (thrown) {
          expect((thrown as SlotbenchError).code).toBe('terminal-garbled')
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

function packed(words: readonly number[]): Uint8Array<ArrayBuffer> {
  const buffer = new DataView(new ArrayBuffer(4 * words.length))
  for (const [index, value] of words.entries()) buffer.setUint32(4 * index, value, true)
  return new Uint8Array(buffer.buffer)
}
