import { describe, expect, it } from 'vitest'
import {
  ACK,
  BRISK,
  CONFIGURE,
  CONFIGURED,
  END,
  io,
  LOG,
  NAK,
  programmer,
  RAW,
  SOON,
  transcript,
} from '../../../../test/firehose-transcript.ts'
import { counting } from '../../../../test/scripted-transport.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { type FirehoseOptions, openFirehose } from './open.ts'
import type { SectorTarget } from './types.ts'

async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await errorOf(work)).code
}

async function errorOf(work: Promise<unknown>): Promise<SlotbenchError> {
  const thrown = await work.then(
    () => 'a result',
    (error: unknown) => error,
  )
  if (thrown instanceof SlotbenchError) return thrown
  throw new Error(`not one of ours: ${String(thrown)}`)
}

async function opened(lines: readonly string[], options: FirehoseOptions = {}) {
  const transport = transcript(...lines)
  const firehose = await openFirehose(transport, { deadlines: BRISK, ...options }, io())
  expect(transport.finished).toBe(true)
  return firehose.limits
}

async function* pieces(...parts: readonly Uint8Array<ArrayBuffer>[]) {
  yield* parts
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of source) all.push(piece)
  return Buffer.concat(all)
}

const sectors = (first: number, count: number): SectorTarget => ({ lun: 4, first, count, sectorSize: 512 })
const RANGE = (first: number, count: number) =>
  `SECTOR_SIZE_IN_BYTES="512" num_partition_sectors="${count}" physical_partition_number="4" start_sector="${first}"`
const PROGRAM = (first: number, count: number) => `> <program ${RANGE(first, count)} filename="slotbench" />`

describe('configure', () => {
  it('hears the programmer out before it speaks', async () => {
    const logs: string[] = []
    const limits = await opened(
      [
        LOG('Binary build date: Jan 1 2025'),
        LOG('Chip serial num: 439041101 (0x1a2b3c4d)'),
        CONFIGURE(),
        LOG('INFO: Calling handler for configure'),
        CONFIGURED(),
      ],
      { onLog: (line) => logs.push(line) },
    )
    expect(limits).toEqual({
      memory: 'ufs',
      payloadToTarget: 1048576,
      readOnly: false,
      targetName: 'SM8750',
    })
    expect(logs).toHaveLength(3)
  })

  it('takes the smaller payload that a refusal offers', async () => {
    const limits = await opened([
      CONFIGURE(),
      LOG('WARN: NAK: MaxPayloadSizeToTargetInBytes sent by host 1048576 larger than supported 16384'),
      '< <response value="NAK" MaxPayloadSizeToTargetInBytes="1048576" MaxPayloadSizeToTargetInBytesSupported="16384" />',
      CONFIGURE('', 'ufs', 16384),
      '< <response value="ACK" MaxPayloadSizeToTargetInBytes="16384" MaxPayloadSizeToTargetInBytesSupported="16384" MemoryName="UFS" />',
    ])
    expect(limits.payloadToTarget).toBe(16384)
  })

  it.each([
    ['ERROR: Failed to open the SDCC Device slot 0 partition 0', 'emmc', 'ufs'],
    [
      'ERROR 14: Line 1285: HANDLE_CONFIGURE_FAILURE Failed to initialize (open whole lun) UFS Device slot 0',
      'ufs',
      'emmc',
    ],
    ['ERROR: Failed to set the IO options', 'emmc', 'nand'],
  ] as const)('learns the storage from %j', async (words, first, then) => {
    const limits = await opened(
      [
        CONFIGURE('', first),
        LOG(words),
        NAK,
        CONFIGURE('', then),
        `< <response value="ACK" MaxPayloadSizeToTargetInBytes="1048576" MaxPayloadSizeToTargetInBytesSupported="1048576" />`,
      ],
      { memory: first },
    )
    expect(limits.memory).toBe(then)
  })

  it('calls itself a tool of ZTE only to a programmer that asks for it', async () => {
    await opened([
      CONFIGURE(),
      LOG('ERROR: Tool does not come from ZTE'),
      NAK,
      CONFIGURE(' Oem="ZTE"'),
      CONFIGURED(),
    ])
    await opened([CONFIGURE(' Oem="ZTE"'), CONFIGURED()], { oem: 'always' })
    const transport = transcript(CONFIGURE(), LOG('ERROR: Non-ZTE tool'), NAK)
    const refusal = await errorOf(openFirehose(transport, { oem: 'never', deadlines: BRISK }, io()))
    expect([refusal.code, refusal.message]).toEqual(['firehose-refused', 'ERROR: Non-ZTE tool'])
  })

  it('does not ask the same thing twice', async () => {
    const transport = transcript(
      CONFIGURE(),
      LOG('ERROR: Failed to initialize (open whole lun) UFS Device'),
      NAK,
      CONFIGURE('', 'emmc'),
      LOG('ERROR: Failed to open the SDCC Device'),
      NAK,
    )
    const refusal = await errorOf(openFirehose(transport, { deadlines: BRISK }, io()))
    expect([refusal.code, refusal.message]).toEqual([
      'firehose-refused',
      'ERROR: Failed to open the SDCC Device',
    ])
  })

  it.each(['ACK', 'NAK'])(
    'knows a loader that only reads (%s), and writes nothing with it',
    async (value) => {
      const transport = transcript(
        CONFIGURE(),
        `< <response value="${value}" MaxPayloadSizeToTargetInBytes="1048576" MaxPayloadSizeToTargetInBytesSupported="0" MemoryName="eMMC" />`,
      )
      const firehose = await openFirehose(transport, { deadlines: BRISK }, io())
      expect(firehose.limits).toMatchObject({ readOnly: true, payloadToTarget: 0, memory: 'emmc' })
      const patch = {
        lun: 0,
        startSector: 1,
        sectorSize: 512,
        byteOffset: 0,
        sizeInBytes: 4,
        value: '0',
      } as const
      expect(await codeOf(firehose.program(sectors(0, 1), pieces(counting(512)), io()))).toBe(
        'loader-read-only',
      )
      expect(await codeOf(firehose.erase(sectors(0, 1), io()))).toBe('loader-read-only')
      expect(await codeOf(firehose.patch(patch, io()))).toBe('loader-read-only')
      expect(await codeOf(firehose.setBootableDrive(1, io()))).toBe('loader-read-only')
    },
  )

  it('says so when a loader wants what only its maker has', async () => {
    const login = transcript(
      CONFIGURE(),
      LOG('ERROR: Only nop and sig tag can be recevied before authentication.'),
      NAK,
    )
    expect(await codeOf(openFirehose(login, { deadlines: BRISK }, io()))).toBe('loader-needs-vendor')
    const vip = transcript(LOG('INFO: VIP is enabled, receiving the signed table of size 8192'))
    expect(await codeOf(openFirehose(vip, { deadlines: BRISK }, io()))).toBe('loader-needs-vendor')
  })

  it('says it again to a programmer that is not ready, and takes no late answer for another', async () => {
    const late = transcript(CONFIGURE(), CONFIGURE(), CONFIGURED(), CONFIGURED(), '> <nop />', ACK)
    const firehose = await openFirehose(late, { deadlines: { ...BRISK, configureTry: 50 } }, io())
    await firehose.nop(io())
    expect(late.finished).toBe(true)
  })

  it('gives up a programmer that never speaks', async () => {
    const mute = transcript(...Array.from({ length: 20 }, () => CONFIGURE()))
    expect(await codeOf(openFirehose(mute, { deadlines: SOON }, io()))).toBe('terminal-silent')
  })

  it('ends with the link', async () => {
    expect(await codeOf(openFirehose(transcript('gone'), { deadlines: BRISK }, io()))).toBe('terminal-gone')
    const after = transcript(CONFIGURE(), 'gone')
    expect(await codeOf(openFirehose(after, { deadlines: BRISK }, io()))).toBe('terminal-gone')
  })
})

describe('a programmer that runs already', () => {
  it('is relieved of what it still had to say', async () => {
    const limits = await opened(
      [LOG('INFO: old'), ACK, LOG('INFO: older'), '> <nop />', ACK, CONFIGURE(), CONFIGURED()],
      { attach: true },
    )
    expect(limits.readOnly).toBe(false)
  })

  it.each([
    ['waits for the rest of data', ['> <nop />'], 'terminal-silent'],
    ['sends the rest of data', ['< #4096'], 'terminal-garbled'],
    ['sends the rest of data late', ['> <nop />', '< #4096'], 'terminal-garbled'],
  ] as const)('asks for a power cycle when it %s', async (_name, lines, code) => {
    const error = await errorOf(openFirehose(transcript(...lines), { attach: true, deadlines: SOON }, io()))
    expect([error.code, error.retry]).toEqual([code, 'power-cycle'])
    expect(error.message).toMatch(/rest of data/)
  })
})

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
    const { firehose } = await programmer([PROGRAM(0, 8192), RAW, '> #1048576', LOG('ERROR: no space'), NAK])
    async function* endless() {
      for (let i = 0; i < 4; i++) yield new Uint8Array(1048576)
    }
    const refusal = await errorOf(firehose.program(sectors(0, 8192), endless(), io()))
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

describe('read', () => {
  const READ = (first: number, count: number) => `> <read ${RANGE(first, count)} />`

  it('gives out exactly the sectors, whatever pieces they come in', async () => {
    const { transport, firehose } = await programmer([
      READ(2, 3),
      LOG('INFO: reading'),
      RAW,
      '< #1000',
      '< #536',
      END,
      '> <nop />',
      ACK,
    ])
    const got = await collect(firehose.read(sectors(2, 3), io()))
    expect(got.equals(Buffer.concat([counting(1000), counting(536)]))).toBe(true)
    await firehose.nop(io())
    expect(transport.finished).toBe(true)
  })

  it('finds the data that comes on the heels of its announcement, and the end behind the data', async () => {
    const raw = `<?xml version="1.0" ?><data><response value="ACK" rawmode="true" /></data>`
    const end = `<?xml version="1.0" ?><data><response value="ACK" rawmode="false" /></data>`
    const whole = Buffer.concat([Buffer.from(raw), counting(512), Buffer.from(end)]).toString('hex')
    const { firehose } = await programmer([READ(0, 1), `< 0x${whole}`])
    expect((await collect(firehose.read(sectors(0, 1), io()))).equals(Buffer.from(counting(512)))).toBe(true)
  })

  it('is refused with words, before the data and behind it', async () => {
    const { firehose } = await programmer([
      READ(0, 1),
      LOG('ERROR: beyond the end'),
      NAK,
      READ(0, 1),
      RAW,
      '< #512',
      LOG('ERROR: bad block'),
      NAK,
      '> <nop />',
      ACK,
    ])
    expect((await errorOf(collect(firehose.read(sectors(0, 1), io())))).message).toContain('beyond the end')
    expect((await errorOf(collect(firehose.read(sectors(0, 1), io())))).message).toContain('bad block')
    await firehose.nop(io())
  })

  it('understands a programmer that stops in the middle with words', async () => {
    const { firehose } = await programmer(
      [READ(0, 2), RAW, '< #512', '< <log value="ERROR: uncorrectable" /><response value="NAK" />'],
      { deadlines: SOON },
    )
    const error = await errorOf(collect(firehose.read(sectors(0, 2), io())))
    expect([error.code, error.message]).toEqual(['terminal-refused', 'read: ERROR: uncorrectable'])
    expect(await codeOf(firehose.nop(io()))).toBe('terminal-garbled')
  })

  it('cannot be left half-way without ending the connection', async () => {
    const { firehose } = await programmer([READ(0, 2), RAW, '< #512', '< #512', END])
    for await (const piece of firehose.read(sectors(0, 2), io())) {
      expect(piece.length).toBe(512)
      break
    }
    expect(await codeOf(firehose.nop(io()))).toBe('terminal-garbled')
  })
})

describe('the other commands', () => {
  it('reads the storage from JSON in a log line, and from the lines of older programmers', async () => {
    const json =
      '{"storage_info": {"total_blocks":30119936, "block_size":4096, "page_size":4096, "num_physical":6, "manufacturer_id":408, "serial_num":1212760641, "fw_version":"300","mem_type":"UFS","prod_name":"THGAF8T0T43BAIRB0300"}}'
    const { firehose } = await programmer([
      '> <getstorageinfo physical_partition_number="0" />',
      LOG('INFO: Device Total Logical Blocks: 0x1'),
      LOG(`INFO: ${json.replaceAll('"', '&quot;')}`),
      ACK,
      '> <getstorageinfo physical_partition_number="0" />',
      LOG(`INFO: ${json}`),
      ACK,
      '> <getstorageinfo physical_partition_number="4" />',
      LOG('Device Total Logical Blocks: 0x60ac00'),
      LOG('Device Block Size in Bytes: 0x1000'),
      LOG('Device Total Physical Paritions: 0x6'),
      LOG('Device Serial Number: 0x2b5f6219'),
      ACK,
      '> <getstorageinfo physical_partition_number="9" />',
      LOG('ERROR: Failed to open the device'),
      NAK,
      '> <getstorageinfo physical_partition_number="1" />',
      ACK,
    ])
    const told = {
      lun: 0,
      sectorSize: 4096,
      sectors: 30119936,
      luns: 6,
      memory: 'UFS',
      product: 'THGAF8T0T43BAIRB0300',
      serial: '1212760641',
    }
    expect(await firehose.storageInfo(0, io())).toEqual(told)
    expect(await firehose.storageInfo(0, io())).toEqual(told)
    expect(await firehose.storageInfo(4, io())).toMatchObject({
      lun: 4,
      sectorSize: 4096,
      sectors: 0x60ac00,
      luns: 6,
    })
    expect(await firehose.storageInfo(9, io())).toBeUndefined()
    expect(await firehose.storageInfo(1, io())).toBeUndefined()
  })

  it('finds a digest in a log line or in the response, and knows programmers that have none', async () => {
    const hash = 'AB'.repeat(32)
    const DIGEST = `> <getsha256digest ${RANGE(0, 8)} />`
    const { firehose } = await programmer([
      DIGEST,
      LOG(`INFO: Hash start: ${hash}`),
      ACK,
      DIGEST,
      `< <response value="ACK" Digest="${hash}" />`,
      DIGEST,
      LOG('ERROR: unknown tag'),
      NAK,
      DIGEST,
      LOG(`INFO: ${hash}00`),
      ACK,
    ])
    expect(await firehose.digest(sectors(0, 8), io())).toBe(hash.toLowerCase())
    expect(await firehose.digest(sectors(0, 8), io())).toBe(hash.toLowerCase())
    expect(await firehose.digest(sectors(0, 8), io())).toBeUndefined()
    expect(await firehose.digest(sectors(0, 8), io())).toBeUndefined()
  })

  it('erases with start and number, always; patches; chooses the boot LUN', async () => {
    const { transport, firehose } = await programmer([
      `> <erase ${RANGE(0, 16)} />`,
      ACK,
      '> <patch SECTOR_SIZE_IN_BYTES="4096" byte_offset="40" filename="DISK" physical_partition_number="0" size_in_bytes="8" start_sector="NUM_DISK_SECTORS-1." value="CRC32(NUM_DISK_SECTORS-5.,4096)" />',
      ACK,
      '> <setbootablestoragedrive value="2" />',
      ACK,
    ])
    await firehose.erase(sectors(0, 16), io())
    const value = 'CRC32(NUM_DISK_SECTORS-5.,4096)'
    const startSector = 'NUM_DISK_SECTORS-1.'
    await firehose.patch(
      { lun: 0, startSector, sectorSize: 4096, byteOffset: 40, sizeInBytes: 8, value },
      io(),
    )
    await firehose.setBootableDrive(2, io())
    expect(transport.finished).toBe(true)
  })

  it.each([
    { lun: 0, first: 0, count: 0, sectorSize: 512 },
    { lun: 0, first: -1, count: 1, sectorSize: 512 },
    { lun: 0, first: 0, count: 1.5, sectorSize: 512 },
    { lun: 0, first: Number.NaN, count: 1, sectorSize: 512 },
    { lun: 0, first: 2 ** 52, count: 1, sectorSize: 4096 },
    { lun: 0, first: 0, count: 1, sectorSize: 0 },
    { lun: 0, first: 0, count: 1, sectorSize: 520 },
    { lun: 256, first: 0, count: 1, sectorSize: 512 },
  ])('never sends a range that cannot be: %j', async (target) => {
    const { firehose } = await programmer(['> <nop />', ACK])
    expect(await codeOf(firehose.erase(target, io()))).toBe('internal')
    expect(await codeOf(firehose.digest(target, io()))).toBe('internal')
    expect(await codeOf(collect(firehose.read(target, io())))).toBe('internal')
    expect(await codeOf(firehose.program(target, pieces(), io()))).toBe('internal')
    await firehose.nop(io())
  })

  it('hears what trails a response before it says the next command', async () => {
    const { firehose } = await programmer(['> <nop />', ACK, LOG('INFO: late'), '> <nop />', ACK])
    await firehose.nop(io())
    await firehose.nop(io())
  })

  it('does one command at a time, and takes no answer that nobody asked for', async () => {
    const { firehose } = await programmer(['> <nop />', ACK, ACK])
    const first = firehose.nop(io())
    expect(await codeOf(firehose.nop(io()))).toBe('internal')
    await first
    expect(await codeOf(firehose.nop(io()))).toBe('terminal-garbled')
  })

  it.each([
    ['with a last word', [ACK, 'gone']],
    ['without one', ['gone']],
  ] as const)('restarts %s, and is gone then', async (_name, ending) => {
    const { firehose } = await programmer(['> <power value="reset" DelayInSeconds="1" />', ...ending], {
      powerDelay: 1,
    })
    await firehose.power('reset', io())
    expect(await codeOf(firehose.nop(io()))).toBe('terminal-garbled')
  })

  it('never takes a late answer for the next one', async () => {
    const { firehose } = await programmer(['> <nop />'])
    expect(await codeOf(firehose.nop(io(30)))).toBe('terminal-silent')
    expect(await codeOf(firehose.nop(io()))).toBe('terminal-garbled')
  })

  it('ends with the signal', async () => {
    const { firehose } = await programmer([`> <erase ${RANGE(0, 16)} />`])
    const stop = new AbortController()
    const erasing = codeOf(firehose.erase(sectors(0, 16), { ...io(), signal: stop.signal }))
    setTimeout(() => stop.abort(), 20)
    expect(await erasing).toBe('cancelled')
    expect(await codeOf(firehose.nop(io()))).toBe('terminal-garbled')
  })
})
