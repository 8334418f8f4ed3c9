// Firehose as the simulated programmers speak it, by a raw host over the simulated bus.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { FaultPlan } from '../faults.ts'
import type { ProfileId } from '../profiles/index.ts'
import { randomBytes } from '../randomness.ts'
import { testTerminal } from '../test-terminal.ts'
import { loaderFor } from './make-loader.ts'
import { plugIn } from './test-edl-host.ts'
import type { ProgrammerTraits } from './traits.ts'

const UFS = { lun: 4, sectorSize: 4096 } as const

interface Wanted {
  readonly id?: ProfileId
  readonly traits?: Partial<ProgrammerTraits>
  readonly faults?: FaultPlan
}

/** A terminal whose programmer runs, and a host that has read what it said at its start. */
async function programming({ id = 'nx679j', traits = {}, faults }: Wanted = {}) {
  const terminal = await testTerminal(id)
  const plugged = plugIn(terminal)
  await terminal.powerOn({ keys: 'edl' })
  const first = await plugged.host()
  await first.load(loaderFor(terminal.profile, traits))
  await until(() => terminal.state === 'programmer')
  const host = terminal.profile.edl?.programmer.reenumeratesAfterMs === null ? first : await plugged.host()
  if (faults) terminal.setFaults(faults)
  return { ...plugged, first: host }
}

/** The same, configured. */
async function configured(wanted: Wanted = {}) {
  const { faults, ...rest } = wanted
  const running = await programming(rest)
  const { edl } = running.terminal.profile
  const payload = wanted.traits?.maxPayload || (edl?.programmer.maxPayload ?? 0)
  const reply = await running.first.configure(
    edl?.programmer.oem ? 'Oem="ZTE"' : '',
    edl?.programmer.memory,
    payload,
  )
  expect(reply.value).toBe('ACK')
  if (faults) running.terminal.setFaults(faults)
  return running
}

const until = async (ready: () => boolean) => {
  while (!ready()) await new Promise((resolve) => setTimeout(resolve, 1))
}

function place(terminal: { storage: { sectorSize: number } }, lun: number, start: number, count: number) {
  return { lun, start, count, sectorSize: terminal.storage.sectorSize }
}

describe('configure', () => {
  it('settles the size of payloads: a larger one is refused with the largest', async () => {
    const { first: host } = await programming({ id: 'emmc-ab' })
    const refused = await host.configure('', 'emmc')
    expect(refused.value).toBe('NAK')
    expect(refused.text).toContain('MaxPayloadSizeToTargetInBytesSupported="16384"')
    const agreed = await host.configure('', 'eMMC', 16384)
    expect(agreed.value).toBe('ACK')
    expect(agreed.text).toMatch(/MaxPayloadSizeToTargetInBytes="16384"[\s\S]*MaxXMLSizeInBytes="4096"/)
  })

  it.each<[ProfileId, string, string]>([
    ['nx679j', 'emmc', 'Failed to open the SDCC Device'],
    ['emmc-ab', 'ufs', 'Failed to initialize (open whole lun) UFS'],
    ['nx679j', 'nand', 'Failed to set the IO options'],
  ])('of %s as %s says what is not there', async (id, memory, words) => {
    const { first: host } = await programming({ id })
    const { value, logs } = await host.configure('', memory, 4096)
    expect([value, logs.at(-1)]).toEqual(['NAK', expect.stringContaining(words)])
  })

  it('wants the maker’s name in the newest generation, and another USB address', async () => {
    const terminal = await testTerminal('nx789j')
    const plugged = plugIn(terminal)
    await terminal.powerOn({ keys: 'edl' })
    const rom = await plugged.host()
    await rom.load(loaderFor(terminal.profile))
    await until(() => terminal.state === 'programmer')
    const host = await plugged.host()
    expect(host.device.address).not.toBe(rom.device.address)
    const refused = await host.configure()
    expect([refused.value, refused.logs]).toEqual(['NAK', expect.arrayContaining(['ERROR: Non-ZTE tool'])])
    expect((await host.configure('Oem="ZTE"')).value).toBe('ACK')
  })

  it('may leave the storage alone, which then cannot be worked on', async () => {
    const { first: host } = await programming()
    const configure =
      '<configure MemoryName="emmc" MaxPayloadSizeToTargetInBytes="4096" SkipStorageInit="1"/>'
    expect((await host.command(configure)).value).toBe('ACK')
    const { value, logs } = await host.command('<getstorageinfo physical_partition_number="0"/>')
    expect([value, logs.at(-1)]).toEqual(['NAK', expect.stringContaining('SDCC')])
  })

  it('comes before anything that touches the storage', async () => {
    const { first: host } = await programming()
    expect((await host.command('<nop/>')).value).toBe('ACK')
    expect((await host.command('<getstorageinfo physical_partition_number="0"/>')).value).toBe('NAK')
  })
})

describe('storage', () => {
  it('is told as JSON, LUN by LUN', async () => {
    const { first: host, terminal } = await configured()
    const { logs } = await host.command('<getstorageinfo physical_partition_number="4"/>')
    const line = logs.find((words) => words.includes('storage_info'))
    expect(JSON.parse(line?.slice('INFO: '.length) ?? '')).toMatchObject({
      storage_info: {
        ...{
          total_blocks: (terminal.storage.luns.get(4)?.size ?? 0) / 4096,
          block_size: 4096,
          num_physical: 6,
        },
        mem_type: 'UFS',
      },
    })
    expect((await host.command('<getstorageinfo physical_partition_number="6"/>')).value).toBe('NAK')
  })

  it('is told as text by old programmers, and more comes behind the response', async () => {
    const { first: host } = await configured({ id: 'emmc-ab' })
    const { logs } = await host.command('<getstorageinfo physical_partition_number="0"/>')
    expect(logs).toContain('INFO: Device Block Size in Bytes: 0x200')
    expect(logs.join()).not.toContain('{')
    expect((await host.command('<nop/>')).logs).toContain('INFO: ready for the next command')
  })

  it.each<[ProfileId, number]>([
    ['nx679j', 4],
    ['emmc-ab', 0],
    ['nx789j', 4],
  ])('of %s takes what is programmed, gives it back and digests it', async (id, lun) => {
    const { first: host, terminal } = await configured({ id })
    const { sectorSize } = terminal.storage
    const payload = terminal.profile.edl?.programmer.maxPayload ?? 0
    const bytes = randomBytes('image', 3 * sectorSize + Math.floor(payload / sectorSize) * sectorSize)
    const zlp = id === 'nx789j' ? 'last' : 'each'
    const done = await host.program({ lun, start: 300, sectorSize }, bytes, { payload, zlp })
    expect(done.text).toContain('value="ACK" rawmode="false"')
    const sectors = place(terminal, lun, 300, bytes.length / sectorSize)
    expect(Buffer.compare(await terminal.storage.read(lun, 300 * sectorSize, bytes.length), bytes)).toBe(0)
    expect(Buffer.compare(await host.read(sectors), bytes)).toBe(0)
    const { logs } = await host.command(
      `<getsha256digest SECTOR_SIZE_IN_BYTES="${sectorSize}" num_partition_sectors="${sectors.count}" physical_partition_number="${lun}" start_sector="300"/>`,
    )
    const digest = createHash('sha256').update(bytes).digest('hex').toUpperCase()
    expect(logs).toContain(`INFO: Digest: ${digest}`)
  })

  it('refuses sectors of another size, and sectors beyond the end', async () => {
    const { first: host, terminal } = await configured()
    const bytes = new Uint8Array(512)
    const other = await host.program({ lun: 4, start: 0, sectorSize: 512 }, bytes)
    expect(other.logs.at(-1)).toMatch(/sector size .* different from device sector size \(4096\)/)
    const end = (terminal.storage.luns.get(4)?.size ?? 0) / 4096
    const beyond = await host.program({ ...UFS, start: end - 1 }, new Uint8Array(8192))
    expect([beyond.value, beyond.logs.at(-1)]).toEqual(['NAK', expect.stringContaining('out of range')])
    const last = await host.program({ ...UFS, start: 'NUM_DISK_SECTORS-1.' }, randomBytes('last', 4096))
    expect(last.value).toBe('ACK')
    expect(
      Buffer.compare(await terminal.storage.read(4, (end - 1) * 4096, 4096), randomBytes('last', 4096)),
    ).toBe(0)
  })

  it('is erased where it is told, and without a range altogether', async () => {
    const { first: host, terminal } = await configured()
    await terminal.storage.write(5, 0, randomBytes('old', 64 * 4096))
    await host.command(
      '<erase SECTOR_SIZE_IN_BYTES="4096" physical_partition_number="5" start_sector="4" num_partition_sectors="2"/>',
    )
    const some = await terminal.storage.read(5, 0, 8 * 4096)
    expect(some.subarray(4 * 4096, 6 * 4096).every((byte) => byte === 0)).toBe(true)
    expect(
      Buffer.compare(some.subarray(6 * 4096), randomBytes('old', 64 * 4096).subarray(6 * 4096, 8 * 4096)),
    ).toBe(0)
    await host.command('<erase physical_partition_number="5"/>')
    const all = await terminal.storage.read(5, 0, terminal.storage.luns.get(5)?.size ?? 0)
    expect(all.every((byte) => byte === 0)).toBe(true)
  })

  it('is patched with numbers and expressions', async () => {
    const { first: host, terminal } = await configured()
    await terminal.storage.write(5, 300 * 4096, randomBytes('patched', 8192))
    const before = await terminal.storage.read(5, 300 * 4096, 8192)
    const patch = (more: string) =>
      host.command(
        `<patch SECTOR_SIZE_IN_BYTES="4096" filename="DISK" physical_partition_number="5" ${more}/>`,
      )
    const sectors = (terminal.storage.luns.get(5)?.size ?? 0) / 4096
    await patch('byte_offset="4092" size_in_bytes="8" start_sector="300" value="NUM_DISK_SECTORS-6."')
    await patch('byte_offset="16" size_in_bytes="4" start_sector="301" value="0xdeadbeef"')
    await patch('byte_offset="0" size_in_bytes="4" start_sector="300" value="CRC32(301,92)"')
    const after = Buffer.from(await terminal.storage.read(5, 300 * 4096, 8192))
    expect(after.readBigUInt64LE(4092)).toBe(BigInt(sectors - 6))
    expect(after.readUInt32LE(4096 + 16)).toBe(0xdeadbeef)
    const { crc32 } = await import('node:zlib')
    expect(after.readUInt32LE(0)).toBe(crc32(after.subarray(4096, 4096 + 92)))
    expect(Buffer.compare(after.subarray(4, 4092), before.subarray(4, 4092))).toBe(0)
    const large = await patch('byte_offset="0" size_in_bytes="16" start_sector="300" value="0"')
    expect(large.logs.at(-1)).toContain('patch size too large')
    for (const value of ['', '1-', 'CRC32(1', 'CRC32(999999999,9)', 'x', '1/0'])
      expect(
        (await patch(`byte_offset="0" size_in_bytes="4" start_sector="300" value="${value}"`)).value,
      ).toBe('NAK')
  })

  it('boots from the boot LUN that is set', async () => {
    const { first: host, terminal } = await configured()
    expect((await host.command('<setbootablestoragedrive value="2"/>')).value).toBe('ACK')
    expect(terminal.storage.state.bootLun).toBe('b')
    expect(await terminal.wouldBoot()).toMatchObject({ verdict: 'booted' })
    await terminal.writePartitionRaw('xbl_b', new Uint8Array(4096))
    expect(await terminal.wouldBoot()).toMatchObject({
      verdict: 'no-bootloader',
      reason: 'xbl_b cannot be run',
    })
    expect((await host.command('<setbootablestoragedrive value="4"/>')).value).toBe('NAK')
  })
})

describe('a loader', () => {
  it('that only reads says so and refuses to write', async () => {
    const { first: host, terminal } = await programming({ traits: { maxPayload: 0 } })
    expect((await host.configure()).text).toContain('MaxPayloadSizeToTargetInBytesSupported="0"')
    expect((await host.read(place(terminal, 0, 1, 1))).toString('latin1', 0, 8)).toBe('EFI PART')
    for (const command of [
      '<program SECTOR_SIZE_IN_BYTES="4096" num_partition_sectors="1" physical_partition_number="5" start_sector="8"/>',
      '<erase physical_partition_number="5"/>',
      '<patch SECTOR_SIZE_IN_BYTES="4096" byte_offset="0" filename="DISK" physical_partition_number="5" size_in_bytes="4" start_sector="8" value="1"/>',
    ])
      expect((await host.command(command)).value).toBe('NAK')
  })

  it('without a digest does not know the command and does not list it', async () => {
    const { first: host } = await programming({ id: 'a-only' })
    expect((await host.configure()).logs.join()).toContain('INFO: getstorageinfo')
    const digest = await host.command('<getsha256digest num_partition_sectors="1" start_sector="0"/>')
    expect([digest.value, digest.logs.join()]).toEqual([
      'NAK',
      expect.stringContaining('Unrecognized command'),
    ])
  })

  it.each(['joined', 'split', 'apart'] as const)('sends documents %s', async (documents) => {
    const { first: host, terminal } = await configured({ traits: { documents } })
    for (let i = 0; i < 20; i++) {
      const reply = await host.command('<getstorageinfo physical_partition_number="0"/>')
      expect(reply.logs.filter((words) => words.startsWith('INFO: Device'))).toHaveLength(5)
    }
    expect((await host.read(place(terminal, 0, 1, 1))).toString('latin1', 0, 8)).toBe('EFI PART')
  })

  it('survives what is no command', async () => {
    const { first: host } = await configured()
    for (const text of [
      'junk',
      '<?xml version="1.0"?><data></data>',
      '<data><nop></data',
      '<data><power value="x"/></data>',
    ]) {
      await host.send(Buffer.from(text))
      expect((await host.reply()).value).toBe('NAK')
    }
    expect((await host.command('<nop/>')).value).toBe('ACK')
  })
})

describe('zero-length packets', () => {
  const image = randomBytes('zlp', 40 * 4096)
  const stored = async (id: ProfileId, payload: number, zlp: 'each' | 'last' | 'none') => {
    const { first: host, terminal } = await configured({ id, traits: { maxPayload: 16 * 4096 } })
    const reply = await host.program({ ...UFS, start: 300 }, image, { payload, zlp })
    expect(reply.value).toBe('ACK')
    return Buffer.compare(await terminal.storage.read(4, 300 * 4096, image.length), image) === 0
  }

  it.each(['each', 'last', 'none'] as const)('are welcome where payloads end: %s', async (zlp) => {
    expect(await stored('nx679j', 16 * 4096, zlp)).toBe(true)
  })

  it('spoil silently what is written when they stand within a payload', async () => {
    expect(await stored('nx679j', 4 * 4096, 'each')).toBe(false)
    expect(await stored('nx679j', 4 * 4096, 'last')).toBe(true)
  })

  it('spoil everything but at the very end in the newest generation', async () => {
    expect(await stored('nx789j', 16 * 4096, 'last')).toBe(true)
    expect(await stored('nx789j', 16 * 4096, 'none')).toBe(true)
    expect(await stored('nx789j', 16 * 4096, 'each')).toBe(false)
  })

  it('end a command that fills its packets', async () => {
    const { first: host } = await configured()
    const body = '<nop pad=""/>'
    const bare = Buffer.from(`<?xml version="1.0" ?><data>${body}</data>`).length
    const text = `<?xml version="1.0" ?><data><nop pad="${'x'.repeat(1024 - bare)}"/></data>`
    await host.send(Buffer.from(text))
    await expect(host.reply(50)).rejects.toThrow('Cancelled')
    await host.send(new Uint8Array(0))
    expect((await host.reply()).value).toBe('ACK')
  })
})

describe('the way out', () => {
  it.each([
    ['reset', 'system'],
    ['off', 'off'],
    ['reset_to_edl', 'rom'],
  ] as const)('power %s leads to %s', async (value, state) => {
    const { first: host, terminal } = await configured()
    expect((await host.command(`<power value="${value}" DelayInSeconds="2"/>`)).value).toBe('ACK')
    await until(() => terminal.state === state)
    if (state === 'system') expect(await terminal.wouldBoot()).toMatchObject({ verdict: 'booted' })
  })

  it('is the boot ROM again when nobody comes in time', async () => {
    const terminal = await testTerminal('nx789j')
    const plugged = plugIn(terminal)
    await terminal.powerOn({ keys: 'edl' })
    await (await plugged.host()).load(loaderFor(terminal.profile, { watchdogMs: 30 }))
    await until(() => terminal.state === 'programmer')
    await until(() => terminal.state === 'rom')
    expect((await (await plugged.host()).packet())[0]).toBe(1)
  })

  it('leaves a running programmer to the next host', async () => {
    const { first: host, terminal, bench } = await configured()
    expect((await host.command('<nop/>')).value).toBe('ACK')
    bench.unplug(terminal)
    const again = plugIn(terminal)
    expect(
      (await (await again.host()).command('<getstorageinfo physical_partition_number="0"/>')).value,
    ).toBe('ACK')
  })
})

describe('faults', () => {
  it('refuse any command, by name and number', async () => {
    const { first: host } = await configured({
      faults: { faults: [{ kind: 'refuse', at: { startsWith: 'firehose:nop', nth: 2 }, words: 'no' }] },
    })
    expect((await host.command('<nop/>')).value).toBe('ACK')
    expect(await host.command('<nop/>')).toMatchObject({ value: 'NAK', logs: ['ERROR: no'] })
    expect((await host.command('<nop/>')).value).toBe('ACK')
  })

  it('refuse after all data', async () => {
    const { first: host } = await configured({
      faults: {
        faults: [{ kind: 'refuse-after-data', at: { startsWith: 'firehose:program' }, words: 'late' }],
      },
    })
    const reply = await host.program({ ...UFS, start: 300 }, new Uint8Array(8192))
    expect(reply).toMatchObject({ value: 'NAK', logs: ['ERROR: late'] })
  })

  it('lose, double and spoil answers, and swallow commands', async () => {
    const at = (nth: number) => ({ startsWith: 'firehose:nop', nth })
    const { first: host } = await configured({
      faults: {
        faults: [
          { kind: 'reply', at: at(1), how: { kind: 'lost' } },
          { kind: 'reply', at: at(2), how: { kind: 'duplicated' } },
          { kind: 'reply', at: at(3), how: { kind: 'garbage' } },
          { kind: 'stall', at: at(4) },
        ],
      },
    })
    await host.write('<nop/>')
    await expect(host.reply(50)).rejects.toThrow('Cancelled')
    expect((await host.command('<nop/>')).value).toBe('ACK')
    expect((await host.reply()).value).toBe('ACK')
    await host.write('<nop/>')
    expect((await host.receive()).every((byte) => byte >= 0x80)).toBe(true)
    await host.write('<nop/>')
    await expect(host.reply(50)).rejects.toThrow('Cancelled')
  })

  it('take the link within data, either way, and leave the programmer running', async () => {
    const plugged = await configured({
      faults: { faults: [{ kind: 'disconnect-in-download', afterBytes: 5000 }] },
    })
    const first = plugged.first
    const { terminal } = plugged
    await expect(first.program({ ...UFS, start: 300 }, new Uint8Array(64 * 4096))).rejects.toThrow(
      'Disconnected',
    )
    expect(terminal.state).toBe('programmer')
    terminal.setFaults({ faults: [{ kind: 'disconnect-in-upload', afterBytes: 20_000 }] })
    const next = await plugged.host()
    await expect(next.read(place(terminal, 4, 300, 64))).rejects.toThrow('Disconnected')
    expect((await (await plugged.host()).command('<nop/>')).value).toBe('ACK')
  })

  it('cut the power at a command and within a write', async () => {
    const { first: host, terminal } = await configured({
      faults: { seed: 3, faults: [{ kind: 'power-cut-in-write', afterBytes: 100_000 }] },
    })
    const bytes = randomBytes('cut', 64 * 4096)
    const old = await terminal.storage.read(4, 300 * 4096, bytes.length)
    await expect(host.program({ ...UFS, start: 300 }, bytes)).rejects.toThrow('Disconnected')
    expect(terminal.state).toBe('off')
    const now = await terminal.storage.read(4, 300 * 4096, bytes.length)
    const kept = Array.from({ length: 64 }, (_, i) => i * 4096).filter(
      (at) => Buffer.compare(now.subarray(at, at + 4096), bytes.subarray(at, at + 4096)) === 0,
    )
    expect(kept.length).toBeLessThan(64)
    expect(Buffer.compare(now.subarray(kept.length * 4096), old.subarray(kept.length * 4096))).toBe(0)
  })

  it('make storage fail aloud, and keep what it had silently', async () => {
    const { first: host, terminal } = await configured({
      faults: {
        faults: [
          { kind: 'write-error', lun: 4, sector: 310, count: 1 },
          { kind: 'stuck', lun: 4, sector: 402, count: 2 },
        ],
      },
    })
    const bytes = randomBytes('storage', 16 * 4096)
    const failed = await host.program({ ...UFS, start: 300 }, bytes)
    expect([failed.value, failed.logs.at(-1)]).toEqual(['NAK', expect.stringContaining('write failed')])
    const old = await terminal.storage.read(4, 400 * 4096, bytes.length)
    expect((await host.program({ ...UFS, start: 400 }, bytes)).value).toBe('ACK')
    const now = await terminal.storage.read(4, 400 * 4096, bytes.length)
    const expected = Buffer.from(bytes)
    expected.set(old.subarray(2 * 4096, 4 * 4096), 2 * 4096)
    expect(Buffer.compare(now, expected)).toBe(0)
  })
})
