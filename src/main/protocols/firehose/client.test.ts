import { describe, expect, it } from 'vitest'
import {
  ACK,
  codeOf,
  collect,
  END,
  errorOf,
  io,
  LOG,
  NAK,
  pieces,
  programmer,
  RANGE,
  RAW,
  SOON,
  sectors,
} from '../../../../test/firehose-transcript.ts'
import { counting } from '../../../../test/scripted-transport.ts'

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
