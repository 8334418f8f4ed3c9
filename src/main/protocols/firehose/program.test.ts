import { describe, expect, it } from 'vitest'
import {
  ACK,
  codeOf,
  END,
  errorOf,
  io,
  LOG,
  NAK,
  PROGRAM,
  pieces,
  programmer,
  RAW,
  SOON,
  sectors,
} from '../../../../test/firehose-transcript.ts'
import { counting } from '../../../../test/scripted-transport.ts'
import { SlotbenchError } from '../../../shared/errors.ts'

describe('program', () => {
  it('sends the data in payloads, then hears the end', async () => {
    const { transport, firehose } = await programmer([
      PROGRAM(6, 4),
      LOG('INFO: start 6, num 4'),
      RAW,
      '> #2048',
      LOG('INFO: FINISHED'),
      END,
      '> <nop />',
      ACK,
    ])
    const all = counting(2048)
    await firehose.program(
      sectors(6, 4),
      pieces(all.slice(0, 100), all.slice(100, 1500), all.slice(1500)),
      io(),
    )
    await firehose.nop(io())
    expect(Buffer.concat(transport.received).equals(Buffer.from(all))).toBe(true)
    expect(transport.finished).toBe(true)
  })

  it('says in the words of the programmer why it is refused, and stays usable', async () => {
    const { firehose } = await programmer([
      PROGRAM(0, 1),
      LOG('ERROR: sector size (512) different from device sector size (4096)'),
      LOG('INFO: done'),
      NAK,
      '> <nop />',
      ACK,
    ])
    const refusal = await errorOf(firehose.program(sectors(0, 1), pieces(counting(512)), io()))
    expect(refusal.code).toBe('terminal-refused')
    expect(refusal.message).toContain('different from device sector size (4096)')
    await firehose.nop(io())
  })

  it('tells what is sent once it is, and with the answer all of it', async () => {
    const { firehose } = await programmer([PROGRAM(0, 24_576), RAW, '> #12582912', ACK])
    const told: number[] = []
    await firehose.program(sectors(0, 24_576), pieces(new Uint8Array(12 * 1024 * 1024)), {
      ...io(),
      onSent: (bytes) => void told.push(bytes),
    })
    expect(told).toEqual([4, 8, 12].map((size) => size * 1024 * 1024))
  })

  it('takes a NAK behind the data for a refusal', async () => {
    const { firehose } = await programmer([
      PROGRAM(0, 1),
      RAW,
      '> #512',
      LOG('ERROR: write failed'),
      NAK,
      '> <nop />',
      ACK,
    ])
    expect(await codeOf(firehose.program(sectors(0, 1), pieces(counting(512)), io()))).toBe(
      'terminal-refused',
    )
    await firehose.nop(io())
  })

  it('stops at a NAK in the middle of the data, and the connection is over', async () => {
    const { firehose } = await programmer([
      PROGRAM(0, 32_768),
      RAW,
      '> #4194304',
      LOG('ERROR: no space'),
      NAK,
    ])
    async function* endless() {
      for (let i = 0; i < 4; i++) yield new Uint8Array(4_194_304)
    }
    const refusal = await errorOf(firehose.program(sectors(0, 32_768), endless(), io()))
    expect([refusal.code, refusal.message]).toEqual(['terminal-refused', 'ERROR: no space'])
    expect(await codeOf(firehose.nop(io()))).toBe('terminal-garbled')
  })

  it.each([
    ['too short', 511],
    ['too long', 513],
  ])('ends the connection when the content is %s', async (_name, length) => {
    const { firehose } = await programmer([PROGRAM(0, 1), RAW, '> #512'])
    expect(await codeOf(firehose.program(sectors(0, 1), pieces(counting(length)), io()))).toBe('internal')
    expect(await codeOf(firehose.nop(io()))).toBe('terminal-garbled')
  })

  it('passes on what breaks the content', async () => {
    const { firehose } = await programmer([PROGRAM(0, 2), RAW, '> #512'])
    async function* broken() {
      yield counting(512)
      throw new SlotbenchError('source-truncated', 'ended')
    }
    expect(await codeOf(firehose.program(sectors(0, 2), broken(), io()))).toBe('source-truncated')
    expect(await codeOf(firehose.nop(io()))).toBe('terminal-garbled')
  })

  it('tells what was said last when the end does not come', async () => {
    const { firehose } = await programmer([PROGRAM(0, 1), RAW, '> #512', LOG('INFO: flushing')], {
      deadlines: SOON,
    })
    const error = await errorOf(firehose.program(sectors(0, 1), pieces(counting(512)), io()))
    expect(error.code).toBe('terminal-silent')
    expect(error.message).toContain('INFO: flushing')
  })

  it('waits on while the programmer speaks', async () => {
    const { transport, firehose } = await programmer(
      [PROGRAM(0, 1), RAW, '> #512', ...Array.from({ length: 8 }, (_, i) => LOG(`INFO: ${i}`)), END],
      { deadlines: { ...SOON, finalAck: 150 } },
    )
    const { receive } = transport
    transport.receive = async (max, o) => {
      await new Promise((resolve) => setTimeout(resolve, 40))
      return await receive.call(transport, max, o)
    }
    await firehose.program(sectors(0, 1), pieces(counting(512)), io())
    expect(transport.finished).toBe(true)
  })
})

describe('zero-length packets', () => {
  async function wire(zlp: 'at-end' | 'after-each-unit' | 'none' | undefined, count: number, packet = 512) {
    const { transport, firehose } = await programmer([PROGRAM(0, count), RAW, `> #${count * 512}`, END], {
      payload: 4096,
      ...(zlp !== undefined && { zlp }),
    })
    const sent: number[] = []
    const { send } = transport
    transport.send = async (data, o) => {
      sent.push(data.length)
      await send.call(transport, data, o)
    }
    Object.assign(transport, { packets: { size: packet, sendEmpty: async () => void sent.push(0) } })
    const content = counting(count * 512)
    await firehose.program(sectors(0, count), pieces(content.slice(0, 700), content.slice(700)), io())
    expect(Buffer.concat(transport.received).equals(Buffer.from(content))).toBe(true)
    return sent.slice(1)
  }

  it('stand at the very end by default, and nowhere else', async () => {
    expect(await wire(undefined, 18)).toEqual([9216, 0])
    expect(await wire('at-end', 16)).toEqual([8192, 0])
  })

  it('do not stand where a short packet shows the end', async () => {
    expect(await wire('at-end', 17, 1024)).toEqual([8704])
    expect(await wire('after-each-unit', 17, 1024)).toEqual([4096, 0, 4096, 0, 512])
  })

  it('stand behind each payload only when told so, and never when told not to', async () => {
    expect(await wire('after-each-unit', 18)).toEqual([4096, 0, 4096, 0, 1024, 0])
    expect(await wire('none', 18)).toEqual([9216])
  })

  it('are never needed behind a command: none fills its last packet', async () => {
    for (let first = 0; first < 65; first++) {
      const { transport, firehose } = await programmer([], { deadlines: { startup: 1, quiet: 1 } })
      const lengths: number[] = []
      transport.send = async (data) => {
        lengths.push(data.length)
      }
      const name = 'x'.repeat(first)
      const patch = {
        lun: 0,
        startSector: name,
        sectorSize: 512,
        byteOffset: 0,
        sizeInBytes: 4,
        value: '0',
      } as const
      await codeOf(firehose.patch(patch, io(5)))
      expect(lengths.filter((length) => length % 64 === 0)).toEqual([])
    }
  })
})
