import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { BootloaderDouble, type BootloaderOptions } from '../../../../test/bootloader-double.ts'
import { counting } from '../../../../test/scripted-transport.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { type BayId, bytes, partitionName, sha256 } from '../../../shared/units.ts'
import { memoryImage } from '../../core/formats/raw-image.ts'
import { isSparse, openSparse } from '../../core/formats/sparse-reader.ts'
import type { Extent, ImageSource } from '../../core/source.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import type { Sighting, WriteOptions } from '../types.ts'
import { openFastbootSession } from './session.ts'

const MIB = 1024 * 1024
const boot = partitionName('boot_b')
const workshop = createWorkshop({ width: 1 })
afterAll(() => workshop.close())

const io = (ms = 20_000): IoOptions => ({
  signal: new AbortController().signal,
  deadline: Deadline.after(ms),
})
const writing = (): WriteOptions => ({ ...io(), workshop })
const digestOf = (content: Uint8Array) => sha256(createHash('sha256').update(content).digest('hex'))

function sighting(transport: BootloaderDouble, usb = false): Sighting {
  return {
    bay: 'usb:1-2' as BayId,
    mode: 'bootloader',
    protocol: 'fastboot',
    serial: 'USB1',
    product: undefined,
    usb: usb ? { vendorId: 1, productId: 2, address: 3, speed: 'high' } : undefined,
    problem: undefined,
    open: async () => transport,
  }
}

async function open(options: BootloaderOptions = {}) {
  const terminal = new BootloaderDouble(options)
  return { terminal, session: await openFastbootSession(sighting(terminal), io()) }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  return thrown instanceof SlotbenchError ? thrown.code : `not ours: ${String(thrown)}`
}

const AB = { product: 'NX679J', serialno: 'S1', unlocked: 'yes', 'slot-count': '2', 'current-slot': 'a' }

/** What a partition holds after the flashes, each raw or sparse, were applied in order. */
async function applied(flashes: BootloaderDouble['flashed'], size: number, before = 0): Promise<Uint8Array> {
  const content = new Uint8Array(size).fill(before)
  for (const { data } of flashes) {
    if (!isSparse(data.subarray(0, 28))) {
      content.set(data)
      continue
    }
    const source = {
      name: 'piece',
      size: bytes(data.length),
      read: async (offset: number, length: number) => data.slice(offset, offset + length),
      close: async () => undefined,
    }
    for await (const extent of (await openSparse(source)).extents({ signal: io().signal })) {
      if (extent.kind === 'data') content.set(extent.bytes, extent.offset)
      if (extent.kind === 'fill') {
        const word = new Uint8Array(new Uint32Array([extent.word]).buffer)
        for (let at = 0; at < extent.length; at++) content[extent.offset + at] = word[at % 4] ?? 0
      }
    }
  }
  return content
}

describe('facts of a session', () => {
  it('come from getvar all, and what is missing there is asked for', async () => {
    const { session, terminal } = await open({
      variables: { ...AB, 'slot-successful:a': 'yes', 'slot-retry-count:b': '7' },
    })
    expect(session.facts).toMatchObject({
      bay: 'usb:1-2',
      serial: { value: 'S1' },
      slots: { a: { successful: { value: true } } },
    })
    expect(session.can).toEqual({ readBack: false, setActive: true, logicalPartitions: false })
    expect(terminal.commands[0]).toBe('getvar:all')
    expect(terminal.commands).not.toContain('getvar:product')
    expect(terminal.commands).toContain('getvar:slot-unbootable:a')
    expect(terminal.commands).not.toContain('getvar:slot-retry-count:b')
  })

  it.each(['FAIL', 'OKAY'] as const)(
    'come one by one from a terminal that lists nothing and says %s to the unknown',
    async (unknown) => {
      const { session } = await open({
        lists: false,
        unknown,
        variables: { product: 'P606F02', 'current-slot': '_a' },
      })
      expect(session.facts).toMatchObject({
        product: { value: 'P606F02' },
        currentSlot: { value: 'a' },
        serial: { value: 'USB1' },
      })
      expect(session.facts.unlocked).toBeUndefined()
      expect(session.can.setActive).toBe(true)
    },
  )

  it('grow with describe, once for each name, and survive refresh', async () => {
    const { session, terminal } = await open({
      variables: {
        ...AB,
        'has-slot:boot': 'yes',
        'partition-size:boot_a': '0x1000',
        'partition-size:boot_b': '0x2000',
        'has-slot:persist': 'no',
      },
      lists: false,
    })
    await session.describe(['boot', 'persist', 'vendor_b'], io())
    const asked = terminal.commands.length
    await session.describe(['boot', 'persist', 'vendor_b'], io())
    expect(terminal.commands.length).toBe(asked)
    expect(session.facts.hasSlot).toEqual({ boot: true, persist: false })
    expect(session.facts.partitions).toMatchObject({ boot_a: { size: 4096 }, boot_b: { size: 8192 } })
    expect((await session.refresh(io())).partitions).toMatchObject({ boot_b: { size: 8192 } })
  })

  it('begins on USB by throwing away stale replies, and closes what it cannot use', async () => {
    const terminal = new BootloaderDouble({
      variables: AB,
      onCommand: (c) => (c === 'getvar:version' ? 'HELLO' : undefined),
    })
    await expect(openFastbootSession(sighting(terminal, true), io())).rejects.toMatchObject({
      code: 'terminal-garbled',
      context: { bay: 'usb:1-2', terminal: 'USB1' },
    })
    expect(terminal.closed).toBe(true)
    const good = new BootloaderDouble({ variables: AB })
    await openFastbootSession(sighting(good, true), io())
    expect(good.commands[0]).toBe('getvar:version')
  })
})

describe('writing', () => {
  it('sends what fits as it is', async () => {
    const { session, terminal } = await open({ variables: { ...AB, 'max-download-size': '0x8000000' } })
    const content = counting(3 * MIB + 5)
    const receipt = await session.write(boot, memoryImage(content, { sha256: digestOf(content) }), writing())
    expect(receipt).toMatchObject({
      imageBytes: content.length,
      wireBytes: content.length,
      pieces: 1,
      sha256: digestOf(content),
    })
    expect(terminal.flashed).toHaveLength(1)
    expect(Buffer.from(terminal.flashed[0]?.data ?? []).equals(Buffer.from(content))).toBe(true)
  })

  it('sends what does not fit in sparse pieces within the limit, byte-exact, with progress that only grows', async () => {
    const { session, terminal } = await open({ variables: { ...AB, 'max-download-size': '0x100000' } })
    const content = counting(5 * MIB)
    content.fill(0, MIB, 3 * MIB)
    const done: number[] = []
    const receipt = await session.write(boot, memoryImage(content, { sha256: digestOf(content) }), {
      ...writing(),
      onProgress: (now, total) => {
        expect(total).toBe(content.length)
        done.push(now)
      },
    })
    expect(receipt.pieces).toBe(terminal.flashed.length)
    expect(receipt.pieces).toBeGreaterThan(2)
    expect(receipt.sha256).toBe(digestOf(content))
    expect(receipt.wireBytes).toBeLessThan(content.length)
    expect(terminal.flashed.every(({ data }) => data.length <= MIB)).toBe(true)
    expect(Buffer.from(await applied(terminal.flashed, content.length)).equals(Buffer.from(content))).toBe(
      true,
    )
    expect(done).toEqual(done.toSorted((a, b) => a - b))
    expect(done.at(-1)).toBe(content.length)
  })

  it('writes zeros into the holes of an image whose every byte is vouched for, and skips them otherwise', async () => {
    const extents: readonly Extent[] = [
      { kind: 'data', offset: 0, bytes: counting(MIB) },
      { kind: 'hole', offset: MIB, length: MIB },
      { kind: 'fill', offset: 2 * MIB, length: MIB, word: 0x04030201 },
      { kind: 'data', offset: 3 * MIB, bytes: counting(MIB) },
    ]
    const plain = new Uint8Array(4 * MIB)
    plain.set(counting(MIB))
    for (let at = 2 * MIB; at < 3 * MIB; at++) plain[at] = (at % 4) + 1
    plain.set(counting(MIB), 3 * MIB)
    const image = (vouched: boolean): ImageSource => ({
      size: bytes(4 * MIB),
      sha256: vouched ? digestOf(plain) : undefined,
      async *extents() {
        for (const extent of extents)
          yield extent.kind === 'data' ? { ...extent, bytes: extent.bytes.slice() } : extent
      },
    })
    for (const limit of ['0x100000', '0x8000000']) {
      const { session, terminal } = await open({ variables: { ...AB, 'max-download-size': limit } })
      const receipt = await session.write(boot, image(true), writing())
      expect(receipt.sha256).toBe(digestOf(plain))
      expect(Buffer.from(await applied(terminal.flashed, 4 * MIB, 0xee)).equals(Buffer.from(plain))).toBe(
        true,
      )
    }
    const { session, terminal } = await open({ variables: { ...AB, 'max-download-size': '0x100000' } })
    expect((await session.write(boot, image(false), writing())).sha256).toBe(digestOf(plain))
    const kept = await applied(terminal.flashed, 4 * MIB, 0xee)
    expect(kept.subarray(MIB, 2 * MIB).every((byte) => byte === 0xee)).toBe(true)
  })

  it.each(['0x100000', '0x8000000'])(
    'does not flash the last piece of an image that is not what it promises (limit %s)',
    async (limit) => {
      const { session, terminal } = await open({ variables: { ...AB, 'max-download-size': limit } })
      const content = counting(3 * MIB)
      const image = memoryImage(content, { sha256: digestOf(counting(7)) })
      expect(await codeOf(session.write(boot, image, writing()))).toBe('digest-mismatch')
      const flashed = await applied(terminal.flashed, content.length)
      expect(flashed.subarray(-4096).every((byte) => byte === 0)).toBe(true)
      // The terminal itself is fine: nothing broke off.
      await session.setActive('a', io())
    },
  )

  it('passes on what the image throws, with the connection intact', async () => {
    const { session } = await open({ variables: { ...AB, 'max-download-size': '0x100000' } })
    const image: ImageSource = {
      size: bytes(4 * MIB),
      sha256: undefined,
      async *extents() {
        yield { kind: 'data', offset: 0, bytes: counting(2 * MIB) }
        throw new SlotbenchError('payload-invalid', 'an operation does not expand')
      },
    }
    expect(await codeOf(session.write(boot, image, writing()))).toBe('payload-invalid')
    await session.setActive('a', io())
  })

  it('refuses an image larger than its partition, or empty, before anything is sent', async () => {
    const { session, terminal } = await open({ variables: { ...AB, 'partition-size:boot_b': '0x1000' } })
    const before = terminal.commands.length
    expect(await codeOf(session.write(boot, memoryImage(counting(4097)), writing()))).toBe('image-too-large')
    expect(await codeOf(session.write(boot, memoryImage(counting(0)), writing()))).toBe('package-incomplete')
    expect(terminal.commands.length).toBe(before)
  })

  it('says what the terminal said when it refuses to flash', async () => {
    const { session } = await open({
      variables: AB,
      onCommand: (command) =>
        command.startsWith('flash:') ? 'FAILFlashing is not allowed in Lock State' : undefined,
    })
    await expect(session.write(boot, memoryImage(counting(9)), writing())).rejects.toMatchObject({
      code: 'terminal-refused',
      message: expect.stringContaining('Flashing is not allowed in Lock State'),
      context: { bay: 'usb:1-2', terminal: 'S1' },
    })
  })
})

describe('reading back', () => {
  const vbmeta = new Uint8Array(4096)
  const content = counting(300_000)
  const readable = { vbmeta_a: vbmeta, boot_a: content }
  const variables = {
    ...AB,
    'is-userspace': 'yes',
    'max-fetch-size': '0x10000',
    'partition-size:vbmeta_a': '0x1000',
  }

  it('digests and reads in pieces of max-fetch-size', async () => {
    const { session, terminal } = await open({ variables, readable })
    expect(session.can).toEqual({ readBack: true, setActive: true, logicalPartitions: true })
    // Four kilobytes of nothing are no vbmeta: readable, but no rollback index.
    expect(session.facts.rollback).toBeUndefined()
    const size = bytes(content.length)
    expect(await session.digest(partitionName('boot_a'), size, writing())).toBe(digestOf(content))
    expect(terminal.commands.filter((command) => command.startsWith('fetch:boot_a'))).toHaveLength(5)
    const pieces: Uint8Array[] = []
    for await (const piece of session.read(partitionName('boot_a'), size, io())) pieces.push(piece)
    expect(Buffer.concat(pieces).equals(Buffer.from(content))).toBe(true)
  })

  it('is not offered by a terminal that names a size and then refuses (AOSP: vendor_boot only)', async () => {
    const { session } = await open({ variables })
    expect(session.can.readBack).toBe(false)
    expect(await codeOf(session.digest(partitionName('boot_a'), bytes(1), writing()))).toBe(
      'terminal-refused',
    )
  })
})

it('restarts the terminal and is then over', async () => {
  const { session, terminal } = await open({ variables: AB })
  await session.reboot('fastbootd', io())
  expect(terminal.commands.at(-1)).toBe('reboot-fastboot')
  expect(terminal.closed).toBe(true)
  expect(await codeOf(session.erase(boot, io()))).toBe('terminal-gone')
})
