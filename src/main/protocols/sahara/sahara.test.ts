import { describe, expect, it } from 'vitest'
import { counting, ScriptedTransport } from '../../../../test/scripted-transport.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { bytes } from '../../../shared/units.ts'
import { beyondEnd } from '../../core/formats/slice-source.ts'
import type { ByteSource } from '../../core/source.ts'
import { edlLink } from '../edl/edl-link.ts'
import {
  openSahara,
  programmerImages,
  type SaharaDeadlines,
  type SaharaIdentified,
  type SaharaImages,
} from './sahara.ts'

const io = (ms = 10_000): IoOptions => ({
  signal: new AbortController().signal,
  deadline: Deadline.after(ms),
})
/** For boot ROMs that are silent on purpose. */
const SOON: Partial<SaharaDeadlines> = { greeting: 60, answer: 400, request: 400 }

const hexOf = (...words: readonly number[]) => {
  const buffer = Buffer.alloc(4 * words.length)
  for (const [index, word] of words.entries()) buffer.writeUInt32LE(word >>> 0, 4 * index)
  return buffer.toString('hex')
}
const from = (...words: readonly number[]) => `< 0x${hexOf(...words)}`
const to = (...words: readonly number[]) => `> 0x${hexOf(...words)}`

const ZEROS = [0, 0, 0, 0, 0, 0]
const HELLO = (mode = 0, version = 2) => from(1, 0x30, version, 1, 1024, mode, ...ZEROS)
const ANSWER = (mode: number, version = 2) => to(2, 0x30, version, 1, 0, mode, ...ZEROS)
const READY = from(0x0b, 8)
const ASK = (what: number) => to(0x0d, 12, what)
const TELLS = (what: number, length: number) => from(0x0e, 16, what, length)
const GIVE = (what: number) => to(0x0f, 12, what)
const SWITCH = to(0x0c, 12, 0)
const READ = (image: number, offset: number, length: number) => from(3, 0x14, image, offset, length)
const READ64 = (image: number, offset: number, length: number) =>
  from(0x12, 0x20, image, 0, offset, 0, length, 0)
const EOI = (status = 0, image = 13) => from(4, 16, image, status)
const DONE = to(5, 8)
const DONE_RESPONSE = (status = 1) => from(6, 12, status)

const PK_HASH = 'c37eae7e'.repeat(8)
const LONG_HASH = `${'12'.repeat(40)}${'34'.repeat(8)}`
const WHO = [
  ...[ASK(1), TELLS(1, 4), GIVE(1), `< 0x${hexOf(0x1a2b3c4d)}`],
  ...[ASK(2), TELLS(2, 8), GIVE(2), `< 0x${hexOf(0x00040000, 0x000460e1)}`],
  ...[ASK(3), TELLS(3, 32), GIVE(3), `< 0x${PK_HASH}`],
]
const IDENTIFIED = [HELLO(), ANSWER(3), READY, ...WHO]
const ASKING = [...IDENTIFIED, SWITCH, HELLO(), ANSWER(0)]

function source(content: Uint8Array<ArrayBuffer>, name = 'prog_firehose.elf'): ByteSource {
  return {
    name,
    size: bytes(content.length),
    read: async (offset, length) => {
      if (offset + length > content.length) throw beyondEnd(name, offset + length)
      return content.slice(offset, offset + length)
    },
    close: async () => undefined,
  }
}

const LOADER = counting(10_000)

async function identify(lines: readonly string[], deadlines: Partial<SaharaDeadlines> = {}) {
  const transport = new ScriptedTransport(lines.join('\n'))
  const start = await openSahara(transport, io(), { deadlines })
  if (start.kind !== 'sahara') throw new Error('Firehose runs')
  return { transport, sahara: start.sahara }
}

async function load(
  lines: readonly string[],
  {
    images = programmerImages(source(LOADER)),
    deadlines = {},
  }: {
    readonly images?: SaharaImages
    readonly deadlines?: Partial<SaharaDeadlines>
  } = {},
) {
  const { transport, sahara } = await identify([...ASKING, ...lines], deadlines)
  const transfer = await sahara.startTransfer(io())
  const done = await transfer.send(images, io())
  return { transport, done, sent: Buffer.concat(transport.received) }
}

async function errorOf(work: Promise<unknown>): Promise<SlotbenchError> {
  const thrown = await work.then(
    () => 'a result',
    (error: unknown) => error,
  )
  if (thrown instanceof SlotbenchError) return thrown
  throw new Error(`not one of ours: ${String(thrown)}`)
}

describe('who it is', () => {
  it('is asked in command mode, before anything is sent', async () => {
    const { transport, sahara } = await identify(IDENTIFIED)
    expect(sahara.identity).toEqual({
      protocolVersion: 2,
      chipSerial: '1a2b3c4d',
      hwId: '000460e100040000',
      pkHash: PK_HASH,
    })
    expect(transport.finished).toBe(true)
  })

  it('is told in another record from version 3 on, where the old questions are refused', async () => {
    const record = Buffer.alloc(48)
    record.writeUInt32LE(0x001990e1, 36)
    record.writeUInt16LE(0, 40)
    record.writeUInt16LE(0x0001, 42)
    record.writeUInt16LE(4, 44)
    const { sahara } = await identify([
      ...[HELLO(0, 3), ANSWER(3, 3), READY, ASK(1), TELLS(1, 4), GIVE(1), `< 0x${hexOf(7)}`],
      ...[ASK(10), TELLS(10, 48), GIVE(10), `< 0x${record.toString('hex')}`],
      ...[ASK(3), EOI(0x1f)],
    ])
    expect(sahara.identity).toEqual({
      protocolVersion: 3,
      chipSerial: '00000007',
      hwId: '001990e100040001',
      pkHash: undefined,
    })
  })

  it('never answers with a version that it does not speak', async () => {
    const { sahara } = await identify([HELLO(0, 9), ANSWER(3, 3), READY, ASK(1)], SOON)
    expect(sahara.identity).toMatchObject({ protocolVersion: 9, chipSerial: undefined, hwId: undefined })
  })

  it.each([
    ['twice', `${PK_HASH}${PK_HASH}`, PK_HASH],
    ['three times', LONG_HASH.repeat(3), LONG_HASH],
    ['with its beginning again behind it', LONG_HASH + LONG_HASH.slice(0, 32), LONG_HASH],
    ['in full length', LONG_HASH, LONG_HASH],
    ['with zeros behind', `${PK_HASH}${'00'.repeat(16)}`, PK_HASH],
    ['as no key at all', '00'.repeat(32), '00'.repeat(32)],
  ])('knows a key hash that comes %s', async (_how, given, expected) => {
    const length = given.length / 2
    const { sahara } = await identify([
      ...[HELLO(), ANSWER(3), READY, ASK(1), EOI(0x1f), ASK(2), TELLS(2, 0)],
      ...[ASK(3), TELLS(3, length), GIVE(3), `< 0x${given}`],
    ])
    expect(sahara.identity).toMatchObject({ chipSerial: undefined, hwId: undefined, pkHash: expected })
  })

  it('believes no answer of a gigabyte', async () => {
    const { sahara } = await identify([
      ...[HELLO(), ANSWER(3), READY, ASK(1), TELLS(1, 0x4000_0000), ASK(2), TELLS(2, 0x7fff_ffff)],
      ...[ASK(3), TELLS(3, 0xffff_ffff)],
    ])
    expect(sahara.identity.pkHash).toBeUndefined()
  })

  it('stays unknown where command mode is refused or passed over', async () => {
    const refused = await identify([HELLO(), ANSWER(3), EOI(0x18)])
    expect(refused.sahara.identity.hwId).toBeUndefined()
    const { transport, sahara } = await identify([
      ...[HELLO(), ANSWER(3), READ(13, 0, 100), '> #100', EOI(), DONE, DONE_RESPONSE()],
    ])
    const transfer = await sahara.startTransfer(io())
    await transfer.send(programmerImages(source(LOADER)), io())
    expect(transport.finished).toBe(true)
  })
})

describe('the greeting', () => {
  it('may have been eaten: an answer that nobody asked for brings it to speak', async () => {
    const { transport, sahara } = await identify([ANSWER(3), READY, ...WHO], { greeting: 60 })
    expect(sahara.identity).toMatchObject({ protocolVersion: undefined, chipSerial: '1a2b3c4d' })
    expect(transport.finished).toBe(true)
  })

  it('may be late', async () => {
    const { sahara } = await identify([ANSWER(3), HELLO(), ANSWER(3), READY, ...WHO], { greeting: 60 })
    expect(sahara.identity.protocolVersion).toBe(2)
  })

  it('comes again from a boot ROM that an earlier process left in command mode', async () => {
    const { transport, sahara } = await identify(
      [ANSWER(3), EOI(1), SWITCH, HELLO(), ANSWER(3), READY, ...WHO],
      { greeting: 60 },
    )
    expect(sahara.identity).toMatchObject({ protocolVersion: 2, hwId: '000460e100040000' })
    expect(transport.finished).toBe(true)
    const stubborn = await identify([ANSWER(3), EOI(1), SWITCH, EOI(1), ANSWER(0), EOI(1)], { greeting: 60 })
    const transfer = await stubborn.sahara.startTransfer(io())
    const error = await errorOf(transfer.send(programmerImages(source(LOADER)), io()))
    expect([error.code, error.retry]).toEqual(['terminal-wrong-mode', 'power-cycle'])
  })

  it('may come in pieces, or together with what follows', async () => {
    const hello = HELLO().slice(4)
    const { sahara } = await identify([
      ...[`< 0x${hello.slice(0, 6)}`, `< 0x${hello.slice(6, 40)}`, `< 0x${hello.slice(40)}`],
      ...[ANSWER(3), READY, ...WHO],
    ])
    expect(sahara.identity.chipSerial).toBe('1a2b3c4d')
  })

  it.each([
    ['at once', ['< <?xml version="1.0" ?><data><log value="hello" /></data>']],
    ['in crumbs', ['< <', '< ?', '< xml version="1.0" ?><data><log value="hello" /></data>']],
    ['when it is spoken to', [ANSWER(3), '< <?xml version="1.0" ?><data><log value="hello" /></data>']],
  ])('is not one when Firehose speaks %s: nothing of that is lost', async (_when, lines) => {
    const transport = new ScriptedTransport(lines.join('\n'))
    expect(await openSahara(transport, io(), { deadlines: { greeting: 60 } })).toEqual({ kind: 'firehose' })
    const words = Buffer.from(await edlLink(transport).next(io())).toString()
    expect(words).toBe('<?xml version="1.0" ?><data><log value="hello" /></data>')
  })

  it.each([
    ['its greeting', [HELLO(2)]],
    ['its greeting after ours', [ANSWER(3), HELLO(2)]],
    ['its table', [HELLO(0), ANSWER(3), from(0x10, 24, 0, 0, 0, 0)]],
  ])('of a crashed terminal is known by %s, and nothing is asked of it', async (_what, lines) => {
    const transport = new ScriptedTransport(lines.join('\n'))
    const error = await errorOf(openSahara(transport, io(), { deadlines: { greeting: 60 } }))
    expect(error.code).toBe('edl-memory-debug')
    expect(transport.finished).toBe(true)
  })

  it('does not come from a terminal that hangs, or waits for the rest of an image', async () => {
    const mute = new ScriptedTransport(ANSWER(3))
    expect((await errorOf(openSahara(mute, io(), { deadlines: SOON }))).code).toBe('terminal-silent')
    const half = new ScriptedTransport(READ(13, 4096, 100))
    const error = await errorOf(openSahara(half, io(), { deadlines: SOON }))
    expect([error.code, error.retry]).toEqual(['terminal-wrong-mode', 'power-cycle'])
  })

  it.each([
    ['noise', '< OKAYfastboot'],
    ['a packet of another length than its own', from(1, 0x20, 2, 1, 0, 0, 0, 0)],
    ['a packet of a gigabyte', from(1, 0x4000_0000)],
    ['nothing that fits', DONE_RESPONSE()],
  ])('is not %s', async (_what, line) => {
    expect((await errorOf(openSahara(new ScriptedTransport(line), io()))).code).toBe('terminal-garbled')
  })
})

describe('loading', () => {
  it('gives what is asked for, in both widths, and ends with DONE', async () => {
    const { transport, done, sent } = await load([
      ...[READ(13, 0, 64), '> #64', READ(13, 64, 1000), '> #1000', READ64(13, 2000, 8000), '> #8000'],
      ...[EOI(), DONE, DONE_RESPONSE()],
    ])
    const expected = [LOADER.slice(0, 64), LOADER.slice(64, 1064), LOADER.slice(2000, 10_000)]
    expect(sent.equals(Buffer.concat(expected))).toBe(true)
    expect(done).toMatchObject({ left: false, identity: { hwId: '000460e100040000' } })
    expect(transport.finished).toBe(true)
  })

  it('reads a large range piece by piece', async () => {
    const large = new Uint8Array(3 * 1024 * 1024 + 77).map((_, index) => index % 251)
    const { transport, sent } = await load(
      [READ64(13, 0, large.length), `> #${large.length}`, EOI(), DONE, DONE_RESPONSE()],
      { images: programmerImages(source(large)) },
    )
    expect(sent.equals(Buffer.from(large))).toBe(true)
    expect(transport.received.map((piece) => piece.length)).toEqual([1048576, 1048576, 1048576, 77])
  })

  it('fills up a last sector, and goes no further', async () => {
    const { sent } = await load([READ(13, 9_900, 4_096), '> #4096', EOI(), DONE, DONE_RESPONSE()])
    expect(sent.subarray(0, 100).equals(Buffer.from(LOADER.slice(9_900)))).toBe(true)
    expect(sent.subarray(100).every((byte) => byte === 0xff)).toBe(true)
    for (const beyond of [READ(13, 9_900, 4_197), READ(13, 10_001, 1), READ(13, 0xffff_fff0, 0xffff_ffff)]) {
      expect((await errorOf(load([beyond]))).code).toBe('loader-mismatch')
    }
    expect((await errorOf(load([READ(13, 0, 0)]))).code).toBe('loader-mismatch')
  })

  it('serves several images by their ids, and a new greeting before each', async () => {
    const images = new Map([
      [0x21, source(counting(300), 'xbl_s.melf')],
      [13, source(LOADER)],
    ])
    const { transport, sent } = await load(
      [
        ...[READ(0x21, 0, 300), '> #300', EOI(0, 0x21), DONE, DONE_RESPONSE(0)],
        ...[HELLO(), ANSWER(0), READ(13, 0, 10), '> #10', EOI(), DONE, DONE_RESPONSE(1)],
      ],
      { images },
    )
    expect(sent.equals(Buffer.concat([counting(300), LOADER.slice(0, 10)]))).toBe(true)
    expect(transport.finished).toBe(true)
  })

  it('says which image is missing', async () => {
    const error = await errorOf(load([READ(0x22, 0, 100)]))
    expect(error.code).toBe('loader-mismatch')
    expect(error.message).toMatch(/0x22.*000460e100040000/)
  })

  it('believes that more is pending only from a terminal that then asks for more', async () => {
    const deadlines = { greeting: 60 }
    const old = await load([READ(13, 0, 10), '> #10', EOI(), DONE, DONE_RESPONSE(0)], { deadlines })
    expect(old.done.left).toBe(false)
    const words = '< <?xml version="1.0" ?><data><log value="I run" /></data>'
    const speaks = await load([READ(13, 0, 10), '> #10', EOI(), DONE, DONE_RESPONSE(0), words], { deadlines })
    expect(Buffer.from(await edlLink(speaks.transport).next(io())).toString()).toContain('I run')
    const more = load([...[READ(13, 0, 10), '> #10', EOI(), DONE, DONE_RESPONSE(0)], READ(0x22, 0, 10)], {
      deadlines,
    })
    expect((await errorOf(more)).code).toBe('loader-mismatch')
  })

  it('lets the terminal leave with its new programmer', async () => {
    const { done } = await load([READ(13, 0, 10), '> #10', EOI(), DONE, 'gone'])
    expect(done.left).toBe(true)
  })

  it.each([
    ['a status', [READ(13, 0, 10), '> #10', EOI(0x21)], /signature.*c37eae7e/],
    ['a status that nobody knows', [READ(13, 0, 10), '> #10', EOI(0x77)], /0x77/],
    ['silence', [READ(13, 0, 10), '> #10'], /says nothing more.*hardware ID 000460e100040000/],
    ['leaving', [READ(13, 0, 10), '> #10', 'gone'], /left the bus.*c37eae7e/],
  ])('that ends with %s was not accepted', async (_how, lines, words) => {
    const error = await errorOf(load(lines, { deadlines: { request: 300 } }))
    expect(error.code).toBe('loader-not-accepted')
    expect(error.message).toMatch(words)
  })

  it('is not to blame for a terminal that leaves before it asked for anything', async () => {
    expect((await errorOf(load(['gone']))).code).toBe('terminal-gone')
  })

  it('ends with a terminal that asks for the same thing for ever', async () => {
    const again = Array.from({ length: 200 }, () => [READ(13, 0, 10_000), '> #10000']).flat()
    expect((await errorOf(load(again))).code).toBe('terminal-garbled')
  })

  it('passes on what is wrong with the file', async () => {
    const broken: ByteSource = {
      ...source(LOADER),
      read: async () => Promise.reject(new SlotbenchError('host-io', 'the stick was pulled')),
    }
    const images = programmerImages(broken)
    expect((await errorOf(load([READ(13, 0, 10), '> #10'], { images }))).code).toBe('host-io')
  })

  it('is never tried twice', async () => {
    const { sahara } = await identify([...ASKING, READ(13, 0, 10), '> #10', EOI(0x21)])
    const transfer = await sahara.startTransfer(io())
    const images = programmerImages(source(LOADER))
    expect((await errorOf(transfer.send(images, io()))).code).toBe('loader-not-accepted')
    expect((await errorOf(transfer.send(images, io()))).code).toBe('internal')
    expect((await errorOf(sahara.startTransfer(io()))).code).toBe('internal')
  })

  it('ends with the signal', async () => {
    const { sahara } = await identify(ASKING.concat(READ(13, 0, 10), '> #10'))
    const transfer = await sahara.startTransfer(io())
    const stop = new AbortController()
    const sending = errorOf(transfer.send(programmerImages(source(LOADER)), { ...io(), signal: stop.signal }))
    setTimeout(() => stop.abort(), 20)
    expect((await sending).code).toBe('cancelled')
  })
})

describe('leaving again', () => {
  const RESET = to(7, 8)
  const end = (lines: readonly string[], work: (sahara: SaharaIdentified) => Promise<void>) =>
    identify([...IDENTIFIED, ...lines], SOON).then(async ({ transport, sahara }) => {
      await work(sahara)
      expect(transport.finished).toBe(true)
    })

  it('restarts the terminal, with an answer or without', async () => {
    await end([RESET, from(8, 8)], (sahara) => sahara.restart(io()))
    const { sahara } = await identify([...IDENTIFIED, RESET, 'gone'])
    await sahara.restart(io())
    const refusing = await identify([...IDENTIFIED, RESET, EOI(1)])
    expect((await errorOf(refusing.sahara.restart(io()))).code).toBe('terminal-refused')
  })

  it('steps back so that the next one is greeted', async () => {
    await end([SWITCH], (sahara) => sahara.leave(io()))
  })
})
