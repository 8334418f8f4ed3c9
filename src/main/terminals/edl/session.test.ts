// Writing, reading and facts of a terminal in EDL, over a programmer in memory.
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import {
  held,
  KIB,
  LAYOUT,
  MIB,
  phone,
  placeOf,
  put,
  stage,
  type Wanted,
} from '../../../../test/edl-terminal.ts'
import { type DoubleOptions, FirehoseDouble, type MemoryStorage } from '../../../../test/firehose-double.ts'
import { collect } from '../../../../test/images.ts'
import type { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { terminalFactsSchema } from '../../../shared/terminal.ts'
import { type BayId, bytes, partitionName, sha256 } from '../../../shared/units.ts'
import { parseBootloaderMessage } from '../../core/formats/bootctl.ts'
import { memoryImage } from '../../core/formats/raw-image.ts'
import type { Extent, ImageSource } from '../../core/source.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import type { RebootTarget, WriteOptions } from '../types.ts'
import { edlSession } from './session.ts'

const workshop = createWorkshop({ width: 1 })
afterAll(() => workshop.close())

const io = (): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(60_000) })
const writing = (more: Partial<WriteOptions> = {}): WriteOptions => ({ ...io(), workshop, ...more })
const digestOf = (content: Uint8Array) => sha256(createHash('sha256').update(content).digest('hex'))
const boot = partitionName('boot_b')
const origin = {
  bay: 'usb:1-1' as BayId,
  chipSerial: { value: '1a2b3c4d', source: 'Sahara' },
  hwId: { value: '0019c0e100040000', source: 'Sahara' },
  pkHash: undefined,
}

async function open(options: DoubleOptions & { readonly storage?: MemoryStorage } = {}) {
  const storage = options.storage ?? phone()
  const firehose = new FirehoseDouble(storage, options)
  const session = await edlSession(firehose, origin, io())
  firehose.commands.length = 0
  return { storage, firehose, session }
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: SlotbenchError) => error.code,
  )

const joined = async (all: AsyncIterable<Uint8Array>) => Buffer.concat(await collect(all))

/** An image of runs, as a sparse one is. */
function runs(...list: readonly Extent[]): ImageSource {
  const last = list.at(-1)
  const size = last === undefined ? 0 : last.offset + (last.kind === 'data' ? last.bytes.length : last.length)
  return {
    size: bytes(size),
    sha256: undefined,
    async *extents() {
      for (const run of list) yield run.kind === 'data' ? { ...run, bytes: run.bytes.slice() } : run
    },
  }
}

/** A phone with a partition large enough for several pieces. */
function roomy(size: number): { readonly storage: MemoryStorage; readonly layout: typeof LAYOUT } {
  const layout: Readonly<Record<number, readonly Wanted[]>> = { ...LAYOUT, 3: [{ name: 'large', size }] }
  return { storage: phone(4096, layout), layout }
}

describe('facts in EDL', () => {
  it('are those of the tables, each with its source', async () => {
    const { session } = await open()
    const { facts } = session
    expect(terminalFactsSchema.safeParse(facts).success).toBe(true)
    expect(facts).toMatchObject({
      mode: 'edl',
      readBackIn: ['edl'],
      chipSerial: { value: '1a2b3c4d', source: 'Sahara' },
      slotCount: { value: 2 },
      currentSlot: { value: 'a', source: 'attributes of boot_a and boot_b' },
      slots: { a: { successful: { value: true } }, b: { successful: { value: true } } },
      superPartition: { value: 'super', source: 'partition tables' },
      superTables: { source: 'metadata 0 of super' },
      rollback: { value: { 0: 7 }, source: 'vbmeta_a' },
      securityPatch: { value: '2026-01-05' },
      fingerprint: { value: 'ZTE/NX769J/NX769J:15/AKQ1/1:user/release-keys' },
      names: [{ value: 'NX769J' }],
      snapshotStatus: { value: 'none' },
      hasSlot: { boot: true, system: true, super: false, modemst1: false },
    })
    expect(facts.unlocked).toBeUndefined()
    expect(facts.partitions).toMatchObject({
      boot_a: { size: 192 * KIB, logical: false },
      system_a: { size: MIB, logical: true },
      system_b: { size: 0, logical: true },
    })
    expect(facts.edl).toMatchObject({
      hwId: { value: '0019c0e100040000' },
      memory: { value: 'ufs' },
      sectorSize: { value: 4096 },
      writable: true,
      digests: true,
    })
    expect(facts.edl?.luns.map(({ lun }) => lun)).toEqual([0, 1, 2, 4, 5])
    expect(session.can).toEqual({ readBack: true, setActive: true, logicalPartitions: true })
  })

  it('say where tables contradict each other, and such a partition is not written', async () => {
    const layout = {
      ...LAYOUT,
      5: [...(LAYOUT[5] ?? []), { name: 'boot_b', size: 4096 }, { name: 'a b', size: 4096 }],
    }
    const { session, firehose } = await open({ storage: phone(4096, layout) })
    expect(session.facts.edl?.contradictions).toEqual([
      'boot_b is a partition of each of LUN 4, LUN 5',
      'an entry of LUN 5 is called "a b", which is no name of a partition',
    ])
    expect(session.facts.partitions['boot_b']).toEqual({})
    expect(await codeOf(session.write(boot, memoryImage(new Uint8Array(4096)), writing()))).toBe(
      'gpt-invalid',
    )
    expect(firehose.written).toBe(0)
  })

  it.each(['whole', 'without-luns', 'none'] as const)(
    'are the same however the programmer tells its storage (%s), 512 and 4096 bytes',
    async (info) => {
      for (const size of [512, 4096] as const) {
        const { [3]: _, ...layout } = LAYOUT
        // Without a word from the programmer, the first LUN that is missing ends the search.
        const dense = { 0: layout[0] ?? [], 1: layout[1] ?? [], 2: layout[2] ?? [], 3: layout[4] ?? [] }
        const { session } = await open({ storage: phone(size, dense), info })
        expect(session.disks.map(({ lun, primary, backup }) => [lun, primary, backup])).toEqual(
          [0, 1, 2, 3].map((lun) => [lun, 'valid', 'valid']),
        )
        expect(session.facts.edl?.sectorSize?.value).toBe(size)
      }
    },
  )

  it('are read without touching LUNs that are not provisioned', async () => {
    const storage = phone()
    const firehose = new FirehoseDouble(storage)
    await edlSession(firehose, origin, io())
    expect(firehose.commands.filter((command) => /^(read|digest) [3]:/.test(command))).toEqual([])
  })

  it('leave out what is damaged and say so', async () => {
    const storage = phone()
    put(storage, LAYOUT, 'vbmeta_a', new Uint8Array([0x41, 0x56, 0x42, 0x30, 0, 0, 0, 9]))
    put(storage, LAYOUT, 'super', new Uint8Array(256 * KIB))
    const { session } = await open({ storage })
    expect(session.facts.rollback).toBeUndefined()
    expect(session.facts.superTables).toBeUndefined()
    expect(session.facts.partitions['system_a']).toBeUndefined()
    expect(session.facts.edl?.contradictions).toEqual([
      'the tables of super cannot be read',
      expect.stringContaining('vbmeta_a: '),
    ])
    expect(session.facts.partitions['boot_a']?.size).toBe(192 * KIB)
  })

  it('tell of a staged update in the words of fastbootd', async () => {
    for (const [status, source, told] of [
      [2, 'b', 'snapshotted'],
      [2, 'a', 'none'],
      [3, 'a', 'merging'],
      [4, 'b', 'none'],
    ] as const) {
      const storage = phone()
      stage(storage, status, source)
      expect((await open({ storage })).session.facts.snapshotStatus?.value).toBe(told)
    }
  })
})

describe('writing a partition', () => {
  it('puts the image where the tables say, and nothing beside it', async () => {
    const { session, storage, firehose } = await open()
    const before = storage.fork()
    const image = randomBytes(100 * KIB + 17)
    const receipt = await session.write(boot, memoryImage(image), writing())
    expect(receipt).toMatchObject({ imageBytes: image.length, sha256: digestOf(image), pieces: 1 })
    // One sector more is on the wire than the image fills wholly.
    expect(receipt.wireBytes).toBe(26 * 4096)
    const now = held(storage, 'boot_b')
    expect(Buffer.compare(now.subarray(0, image.length), image)).toBe(0)
    for (const name of ['boot_a', 'vbmeta_a', 'devinfo'])
      expect(Buffer.compare(held(storage, name), held(before, name))).toBe(0)
    expect(Buffer.compare(now.subarray(104 * KIB), held(before, 'boot_b').subarray(104 * KIB))).toBe(0)
    expect(firehose.of('program')).toHaveLength(1)
    expect(await session.digest(boot, bytes(image.length), writing())).toBe(digestOf(image))
  })

  it('refuses what is too large, unknown or none before anything is sent', async () => {
    const { session, firehose } = await open()
    const image = memoryImage(new Uint8Array(193 * KIB))
    expect(await codeOf(session.write(boot, image, writing()))).toBe('image-too-large')
    expect(await codeOf(session.write(partitionName('system_b'), image, writing()))).toBe('image-too-large')
    expect(await codeOf(session.write(partitionName('nothing'), image, writing()))).toBe('terminal-refused')
    expect(await codeOf(session.write(boot, memoryImage(new Uint8Array(0)), writing()))).toBe(
      'package-incomplete',
    )
    expect(firehose.written).toBe(0)
  })

  it('writes holes as zeros, because the whole is vouched for', async () => {
    const { session, storage } = await open()
    const data = randomBytes(5000)
    const image = runs(
      { kind: 'hole', offset: 0, length: 6000 },
      { kind: 'data', offset: 6000, bytes: new Uint8Array(data) },
      { kind: 'fill', offset: 11000, length: 4099, word: 0x04030201 },
      { kind: 'hole', offset: 15099, length: 9000 },
    )
    const expected = new Uint8Array(24099)
    expected.set(data, 6000)
    for (let at = 0; at < 4099; at++) expected[11000 + at] = (at % 4) + 1
    const receipt = await session.write(boot, image, writing())
    expect(receipt.sha256).toBe(digestOf(expected))
    expect(Buffer.compare(held(storage, 'boot_b').subarray(0, 24099), expected)).toBe(0)
  })

  it('sends only the pieces that the terminal does not hold already', async () => {
    const { storage, layout } = roomy(80 * MIB)
    const image = randomBytes(76 * MIB + 100)
    const { session, firehose } = await open({ storage })
    const first = await session.write(partitionName('large'), memoryImage(image), writing())
    expect(first.pieces).toBe(4)
    const again = await session.write(partitionName('large'), memoryImage(image), writing())
    expect(again).toMatchObject({ wireBytes: 0, pieces: 0, sha256: digestOf(image) })
    // One byte in the third piece.
    image[40 * MIB] = (image[40 * MIB] ?? 0) ^ 1
    const progress: number[] = []
    const onProgress = (done: number) => void progress.push(done)
    const third = await session.write(partitionName('large'), memoryImage(image), writing({ onProgress }))
    expect(third).toMatchObject({ wireBytes: 32 * MIB, pieces: 1 })
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(progress.at(-1)).toBe(image.length)
    const place = placeOf(storage, layout, 'large')
    if (place === undefined) return expect.unreachable()
    expect(Buffer.compare(storage.bytes(3).subarray(place.offset, place.offset + image.length), image)).toBe(
      0,
    )
    // The terminal proves all of it with its own digests: nothing comes back.
    firehose.commands.length = 0
    expect(await session.digest(partitionName('large'), bytes(image.length), writing())).toBe(digestOf(image))
    expect(firehose.of('read')).toEqual([])
    expect(firehose.of('digest')).toHaveLength(4)
  }, 60_000)

  it('asks about the beginning of a piece first, once one has differed, and believes only all of it', async () => {
    const { storage, layout } = roomy(80 * MIB)
    const content = new Uint8Array(randomBytes(76 * MIB))
    // The second piece begins with equal words and goes on as a hole.
    content.fill(0x11, 8 * MIB, 8 * MIB + 65_536).fill(0, 8 * MIB + 65_536, 9 * MIB)
    const extents = (): ImageSource =>
      runs(
        { kind: 'data', offset: 0, bytes: content.slice(0, 8 * MIB) },
        { kind: 'fill', offset: 8 * MIB, length: 65_536, word: 0x11111111 },
        { kind: 'hole', offset: 8 * MIB + 65_536, length: MIB - 65_536 },
        { kind: 'data', offset: 9 * MIB, bytes: content.slice(9 * MIB) },
      )
    const { session, firehose } = await open({ storage })
    await session.write(partitionName('large'), extents(), writing())
    const place = placeOf(storage, layout, 'large')
    if (place === undefined) return expect.unreachable()
    const large = storage.bytes(3).subarray(place.offset, place.offset + content.length)
    const flip = (at: number) => large.set([(large[at] ?? 0) ^ 1], at)
    const written = async () => {
      firehose.commands.length = 0
      const { wireBytes } = await session.write(partitionName('large'), extents(), writing())
      expect(Buffer.compare(large, content)).toBe(0)
      return { wireBytes, asked: firehose.of('digest').map((command) => Number(command.split('+')[1])) }
    }
    const [first, second, third, fourth] = [8, 16, 32, 20].map((size) => (size * MIB) / 4096)
    const sample = (128 * KIB) / 4096
    flip(0)
    flip(8 * MIB + 100_000)
    expect(await written()).toEqual({
      ...{ wireBytes: 24 * MIB, asked: [first, sample, sample, third, fourth] },
    })
    flip(0)
    flip(20 * MIB)
    expect(await written()).toEqual({
      ...{ wireBytes: 24 * MIB, asked: [first, sample, second, sample, third, fourth] },
    })
  }, 60_000)

  it('goes on after a power cut where it was', async () => {
    const { storage } = roomy(80 * MIB)
    const image = randomBytes(76 * MIB)
    const cut = await open({ storage, cutAt: (74 * MIB) / 4096, torn: 'half' })
    expect(await codeOf(cut.session.write(partitionName('large'), memoryImage(image), writing()))).toBe(
      'terminal-gone',
    )
    const { session } = await open({ storage })
    const receipt = await session.write(partitionName('large'), memoryImage(image), writing())
    expect(receipt).toMatchObject({ wireBytes: 20 * MIB, pieces: 1 })
    expect(await session.digest(partitionName('large'), bytes(image.length), writing())).toBe(digestOf(image))
  }, 60_000)

  it('sends everything where the programmer has no digests, and digests by reading back', async () => {
    const { session, firehose } = await open({ digests: false })
    const image = randomBytes(64 * KIB)
    await session.write(boot, memoryImage(image), writing())
    const again = await session.write(boot, memoryImage(image), writing())
    expect(again.wireBytes).toBe(64 * KIB)
    firehose.commands.length = 0
    expect(await session.digest(boot, bytes(image.length), writing())).toBe(digestOf(image))
    expect(firehose.of('read')).not.toEqual([])
    expect(session.facts.edl?.digests).toBe(false)
  })

  it('stops before the last piece when the stream is not what was promised', async () => {
    const { session, firehose } = await open()
    const image = memoryImage(randomBytes(64 * KIB), { sha256: digestOf(new Uint8Array(3)) })
    expect(await codeOf(session.write(boot, image, writing()))).toBe('digest-mismatch')
    expect(firehose.written).toBe(0)
    const { storage } = roomy(80 * MIB)
    const large = await open({ storage })
    const promised = memoryImage(randomBytes(80 * MIB), { sha256: digestOf(new Uint8Array(3)) })
    expect(await codeOf(large.session.write(partitionName('large'), promised, writing()))).toBe(
      'digest-mismatch',
    )
    expect(large.firehose.written).toBe((56 * MIB) / 4096)
  }, 60_000)

  it('is found out when the storage does not keep it', async () => {
    const { session, storage } = await open({
      stuck: (lun, sector) => lun === 4 && sector % 7 === 0,
    })
    const image = randomBytes(128 * KIB)
    await session.write(boot, memoryImage(image), writing())
    const digest = await session.digest(boot, bytes(image.length), writing())
    expect(digest).toBe(digestOf(held(storage, 'boot_b').subarray(0, image.length)))
    expect(digest).not.toBe(digestOf(image))
  })

  it('is proven against the package after a restart of the program, without reading back', async () => {
    const { storage } = roomy(90 * MIB)
    const image = randomBytes(90 * MIB - 100)
    await (await open({ storage })).session.write(partitionName('large'), memoryImage(image), writing())
    const { session, firehose } = await open({ storage })
    const options = { ...writing(), expected: memoryImage(image) }
    expect(await session.digest(partitionName('large'), bytes(image.length), options)).toBe(digestOf(image))
    expect(firehose.of('read')).toEqual([])
    // What is on the terminal counts, not what was expected.
    const other = { ...writing(), expected: memoryImage(randomBytes(image.length)) }
    expect(await session.digest(partitionName('large'), bytes(image.length), other)).toBe(digestOf(image))
  }, 60_000)

  it('gives an error of the image as it is, and the programmer is told no lies', async () => {
    const { session } = await open()
    const broken: ImageSource = {
      size: bytes(8192),
      sha256: undefined,
      async *extents() {
        yield { kind: 'data', offset: 0, bytes: new Uint8Array(4096) } as const
      },
    }
    expect(await codeOf(session.write(boot, broken, writing()))).toBe('internal')
  })
})

describe('what belongs to one terminal alone', () => {
  const small = () => memoryImage(randomBytes(4096))
  const place = (storage: MemoryStorage, name: string) => {
    const found = placeOf(storage, LAYOUT, name)
    if (found === undefined) throw new Error(name)
    return { lun: found.lun, first: found.offset / 4096, count: found.size / 4096 }
  }

  it.each(['modemst1', 'fsg', 'persist', 'devinfo'])('%s is written by a restore only', async (name) => {
    const { session, storage, firehose } = await open()
    const target = partitionName(name)
    const { lun, first, count } = place(storage, name)
    expect(await codeOf(session.write(target, small(), writing()))).toBe('partition-protected')
    expect(await codeOf(session.erase(target, io()))).toBe('partition-protected')
    const touching = { lun, first: first + count - 1, count: 1 }
    expect(await codeOf(session.programSectors(touching, small(), writing()))).toBe('partition-protected')
    expect(await codeOf(session.eraseSectors({ lun, first, count: 1 }, io()))).toBe('partition-protected')
    expect(firehose.written).toBe(0)
    expect(firehose.of('erase')).toEqual([])
    const own = randomBytes(4096)
    await session.write(target, memoryImage(own), writing({ restore: true }))
    expect(Buffer.compare(held(storage, name).subarray(0, 4096), own)).toBe(0)
  })

  it('is safe from a range that reaches into it from outside, and so are the tables', async () => {
    const { session, storage, firehose } = await open()
    const { lun, first } = place(storage, 'modemst1')
    const image = memoryImage(randomBytes(8192))
    for (const range of [
      { lun, first: first - 1, count: 2 },
      { lun, first: 1, count: 2 },
      { lun, first: storage.bytes(lun).length / 4096 - 2, count: 2 },
    ])
      expect(await codeOf(session.programSectors(range, image, writing()))).toBe('partition-protected')
    for (const range of [
      { lun: 7, first: 0, count: 1 },
      { lun, first: 0, count: 0 },
      { lun, first: -1, count: 2 },
      { lun, first: 8, count: 2 ** 40 },
    ])
      expect(await codeOf(session.eraseSectors(range, io()))).toBe('terminal-refused')
    storage.bytes(5).fill(0)
    await session.refresh(io())
    expect(await codeOf(session.programSectors({ lun: 5, first: 20, count: 2 }, image, writing()))).toBe(
      'partition-protected',
    )
    expect(firehose.written).toBe(0)
    expect(firehose.of('erase')).toEqual([])
  })
})

describe('sectors', () => {
  it('are written, read, digested and erased by their numbers', async () => {
    const { session, storage } = await open()
    const found = placeOf(storage, LAYOUT, 'userdata')
    if (found === undefined) return expect.unreachable()
    const range = { lun: 0, first: found.offset / 4096 + 2, count: 5 }
    const image = randomBytes(5 * 4096)
    const receipt = await session.programSectors(range, memoryImage(image), writing())
    expect(receipt.sha256).toBe(digestOf(image))
    expect(Buffer.compare(await joined(session.readSectors(range, io())), image)).toBe(0)
    expect(await session.digestSectors(range, writing())).toBe(digestOf(image))
    const tooLong = memoryImage(randomBytes(5 * 4096 + 1))
    expect(await codeOf(session.programSectors(range, tooLong, writing()))).toBe('image-too-large')
    await session.eraseSectors(range, io())
    expect(await session.digestSectors(range, writing())).toBe(digestOf(new Uint8Array(5 * 4096)))
  })

  it('of a partition are read to the byte that was asked for', async () => {
    const { session, storage } = await open()
    const boot_a = held(storage, 'boot_a')
    const some = await joined(session.read(partitionName('boot_a'), bytes(10_001), io()))
    expect(Buffer.compare(some, boot_a.subarray(0, 10_001))).toBe(0)
    expect(await session.digest(partitionName('boot_a'), bytes(10_001), writing())).toBe(digestOf(some))
    expect(await codeOf(joined(session.read(partitionName('boot_a'), bytes(193 * KIB), io())))).toBe(
      'terminal-refused',
    )
  })

  it('of a partition are erased with their numbers said', async () => {
    const { session, storage, firehose } = await open()
    await session.erase(partitionName('userdata'), io())
    expect(held(storage, 'userdata').every((byte) => byte === 0)).toBe(true)
    expect(firehose.of('erase')).toEqual([expect.stringMatching(/^erase 0:\d+\+64$/)])
  })
})

describe('restarting', () => {
  it.each<[RebootTarget, string, string]>([
    ['bootloader', 'bootonce-bootloader', ''],
    ['fastbootd', 'boot-fastboot', ''],
    ['recovery', 'boot-recovery', 'recovery\n'],
    ['sideload', 'boot-recovery', 'recovery\n--sideload\n'],
  ])('into %s leaves word in misc', async (to, command, recovery) => {
    const { session, storage, firehose } = await open()
    await session.reboot(to, io())
    const message = parseBootloaderMessage(held(storage, 'misc').subarray(0, 2048))
    expect(message).toMatchObject({ command, recovery })
    expect([firehose.powered, firehose.closed]).toEqual(['reset', true])
  })

  it('into the system or EDL needs none', async () => {
    for (const [to, power] of [
      ['system', 'reset'],
      ['edl', 'reset_to_edl'],
    ] as const) {
      const { session, firehose } = await open()
      await session.reboot(to, io())
      expect([firehose.powered, firehose.written]).toEqual([power, 0])
    }
  })

  it('into recovery is refused where there is no misc', async () => {
    const layout = { ...LAYOUT, 0: [{ name: 'userdata', size: 4096 }] }
    const { session, firehose } = await open({ storage: phone(4096, layout) })
    expect(await codeOf(session.reboot('recovery', io()))).toBe('terminal-refused')
    expect(firehose.powered).toBeUndefined()
  })
})

describe('a loader that only reads', () => {
  it('says so, reads and digests, and writes nothing', async () => {
    const { session, firehose, storage } = await open({ readOnly: true })
    expect(session.can).toEqual({ readBack: true, setActive: false, logicalPartitions: false })
    expect(session.facts.edl?.writable).toBe(false)
    const image = memoryImage(new Uint8Array(4096))
    const refused = [
      session.write(boot, image, writing()),
      session.erase(boot, io()),
      session.setActive('b', io()),
      session.deleteLogical(boot, io()),
      session.programSectors({ lun: 0, first: 40, count: 1 }, image, writing()),
      session.snapshotUpdate('cancel', io()),
      session.reboot('recovery', io()),
    ]
    for (const work of refused) expect(await codeOf(work)).toBe('loader-read-only')
    expect(firehose.written).toBe(0)
    expect(await session.digest(boot, bytes(192 * KIB), writing())).toBe(digestOf(held(storage, 'boot_b')))
  })
})

describe('a storage damaged anywhere', () => {
  it('opens all the same, or fails with one of our errors', async () => {
    const whole = phone()
    const places = ['misc', 'super', 'vbmeta_a'].flatMap((name) => placeOf(whole, LAYOUT, name) ?? [])
    const edit = fc.tuple(fc.nat(4), fc.nat(), fc.nat(12_000), fc.constantFrom(0, 1, 0x41, 0x7f, 0xff))
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 8 }), async (edits) => {
        const storage = whole.fork()
        for (const [kind, which, at, value] of edits) {
          const luns = [...storage.luns.keys()]
          const lun = luns[which % luns.length] ?? 0
          const place = places[which % places.length]
          const all = storage.bytes(lun)
          // Primary copy, backup copy, or what a partition begins with.
          if (kind < 2) all[4096 + at] = value
          else if (kind === 2) all[all.length - 1 - at] = value
          else if (place !== undefined) storage.bytes(place.lun)[place.offset + at] = value
        }
        const { session } = await open({ storage })
        expect(terminalFactsSchema.safeParse(session.facts).success).toBe(true)
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})
