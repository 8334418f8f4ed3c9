import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { damaged, outcome } from '../../../../test/images.ts'
import { requireTool } from '../../../../test/tools.ts'
import { encodeGpt, type GptTable, gptDiskSectors, gptUsable, readGpt, type SectorSize } from './gpt.ts'

const LINUX = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
const A = 'DDB70D24-1234-4ABC-9DEF-00112233445A'
const B = 'DDB70D24-1234-4ABC-9DEF-00112233445B'
const DISK = '98101B32-BBE2-4BF2-A06E-2BB33D000C20'

function table(sectorSize: SectorSize, diskSectors = 2048): GptTable {
  const { firstUsable, lastUsable } = gptUsable(sectorSize, diskSectors)
  return {
    ...{ diskGuid: DISK, sectorSize, diskSectors, firstUsable, lastUsable, entryCount: 128 },
    entries: [
      {
        typeGuid: LINUX,
        uniqueGuid: A,
        firstLba: 64,
        lastLba: 127,
        attributes: 0x107fn << 48n,
        name: 'boot_a',
        index: 0,
      },
      {
        typeGuid: LINUX,
        uniqueGuid: B,
        firstLba: 128,
        lastLba: lastUsable,
        attributes: 0n,
        name: 'übrig',
        index: 5,
      },
    ],
  }
}

/** A disk with the table written to it. */
function disk(gpt: GptTable): Uint8Array {
  const { protectiveMbr, primary, backup } = encodeGpt(gpt)
  const bytes = new Uint8Array(gpt.diskSectors * gpt.sectorSize)
  bytes.set(protectiveMbr)
  bytes.set(primary.bytes, primary.lba * gpt.sectorSize)
  bytes.set(backup.bytes, backup.lba * gpt.sectorSize)
  return bytes
}

const read = (bytes: Uint8Array, sectorSize: SectorSize = 512, sectors = bytes.byteLength / sectorSize) =>
  readGpt(async (offset, length) => bytes.subarray(offset, offset + length), sectorSize, sectors)

describe('GPT', () => {
  it.each([512, 4096] as const)('comes back as it was written, %i-byte sectors', async (sectorSize) => {
    const gpt = table(sectorSize)
    expect(await read(disk(gpt), sectorSize)).toEqual({ table: gpt, primary: 'valid', backup: 'valid' })
  })

  it('falls back to the backup and says what is wrong with the primary', async () => {
    const bytes = disk(table(512))
    bytes[1024 + 60] = 1
    const reading = await read(bytes)
    expect(reading.table).toEqual(table(512))
    expect(reading).toMatchObject({ primary: 'the CRC-32 of the entries does not match', backup: 'valid' })
  })

  it('says when the backup is damaged or another one', async () => {
    const bytes = disk(table(512))
    const other = disk({ ...table(512), diskGuid: A })
    const last = bytes.byteLength - 33 * 512
    bytes.set(other.subarray(last), last)
    expect(await read(bytes)).toMatchObject({ primary: 'valid', backup: 'differs from the primary' })
    bytes.fill(0, last)
    expect(await read(bytes)).toMatchObject({ primary: 'valid', backup: 'no GPT signature' })
  })

  it('tells from one header how many sectors there are', () => {
    const bytes = disk(table(512, 300))
    expect(gptDiskSectors(bytes.subarray(512, 1024), 512, 1)).toBe(300)
    expect(gptDiskSectors(bytes.subarray(299 * 512), 512, 299)).toBe(300)
    expect(gptDiskSectors(bytes.subarray(0, 512), 512, 1)).toBeUndefined()
    const header = bytes.slice(512, 1024)
    fc.assert(
      fc.property(damaged(header), (changed) => {
        const sectors = gptDiskSectors(changed, 512, 1)
        expect(sectors === undefined || sectors >= 2).toBe(true)
      }),
    )
  })

  it('refuses a disk on which both copies are damaged', async () => {
    const bytes = disk(table(512))
    bytes[512 + 56] = 1
    bytes[bytes.byteLength - 512 + 56] = 1
    await expect(read(bytes)).rejects.toMatchObject({ code: 'gpt-invalid' })
  })

  it('keeps an entry at its place when there is a gap before it', () => {
    const entries = encodeGpt(table(512)).primary.bytes.subarray(512)
    expect(entries.subarray(128, 5 * 128).every((byte) => byte === 0)).toBe(true)
    // Mixed-endian GUID: the first three groups turned (UEFI appendix A).
    expect(Buffer.from(entries.subarray(0, 16)).toString('hex')).toBe('af3dc60f838472478e793d69d8477de4')
  })

  it.each([
    ['overlaps', { firstLba: 127 }],
    ['overlaps', { firstLba: 5 }],
    ['ends beyond', { lastLba: 2047 }],
    ['is no range', { lastLba: 1 }],
    ['no place', { index: 0 }],
    ['no place', { index: 128 }],
    ['longer than 36', { name: 'x'.repeat(37) }],
    ['not a GUID', { typeGuid: 'nothing' }],
  ])('does not write a table in which an entry %s (%#)', (words, change) => {
    const gpt = table(512)
    const entries = gpt.entries.map((entry, i) => (i === 1 ? { ...entry, ...change } : entry))
    expect(() => encodeGpt({ ...gpt, entries })).toThrow(words)
  })

  it('gives a table or one error for any damage', async () => {
    const bytes = disk(table(512, 200))
    const places = fc.oneof(
      fc.nat(512 + 92),
      fc.integer({ min: bytes.byteLength - 512, max: bytes.byteLength - 420 }),
    )
    const edits = fc.array(fc.tuple(places, fc.nat(255)), { minLength: 1, maxLength: 30 })
    const sectors = fc.constantFrom(bytes.byteLength / 512, 3, 0, 2 ** 52, Number.NaN)
    await fc.assert(
      fc.asyncProperty(edits, sectors, async (list, count) => {
        const copy = new Uint8Array(bytes)
        for (const [at, value] of list) copy[at] = value
        await outcome(() => read(copy, 512, count))
      }),
    )
  })

  it('checks sizes before it believes them, even under right checksums', async () => {
    const { crc32 } = await import('node:zlib')
    for (const [at, value] of [
      [80, 0xffffffff],
      [84, 0xffffffff],
      [84, 0],
      [80, 0],
      [72, 0xffffffff],
      [40, 0xffffffff],
    ]) {
      const bytes = disk(table(512))
      for (const header of [512, bytes.byteLength - 512]) {
        const view = new DataView(bytes.buffer, header, 92)
        view.setUint32(at ?? 0, value ?? 0, true)
        view.setUint32(16, 0, true)
        view.setUint32(16, crc32(bytes.subarray(header, header + 92)), true)
      }
      await expect(read(bytes)).rejects.toMatchObject({ code: 'gpt-invalid' })
    }
  })
})

describe('GPT and sgdisk', () => {
  const image = (ctx: TestContext) => {
    const folder = mkdtempSync(join(tmpdir(), 'slotbench-gpt-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    return { sgdisk: requireTool('sgdisk', ctx), path: join(folder, 'disk.img') }
  }

  it('reads what sgdisk wrote', async (ctx) => {
    const { sgdisk, path } = image(ctx)
    writeFileSync(path, '')
    truncateSync(path, 8 * 1024 * 1024)
    const parts = ['-n', '1:2048:4095', '-c', '1:boot_a', '-t', `1:${A}`, '-u', `1:${B}`, '-A', '1:set:60']
    execFileSync(sgdisk, ['-o', '-U', DISK, ...parts, '-n', '4:8192:0', '-c', '4:userdata', path])
    const { table: gpt, primary, backup } = await read(readFileSync(path))
    expect([primary, backup, gpt.diskGuid, gpt.entryCount]).toEqual(['valid', 'valid', DISK, 128])
    expect(gpt.entries[0]).toEqual({
      ...{
        typeGuid: A,
        uniqueGuid: B,
        firstLba: 2048,
        lastLba: 4095,
        attributes: 1n << 60n,
        name: 'boot_a',
        index: 0,
      },
    })
    expect(gpt.entries[1]).toMatchObject({
      typeGuid: LINUX,
      firstLba: 8192,
      lastLba: 16350,
      name: 'userdata',
      index: 3,
    })
  })

  it('writes what sgdisk finds no fault with', (ctx) => {
    const { sgdisk, path } = image(ctx)
    writeFileSync(path, disk(table(512)))
    expect(execFileSync(sgdisk, ['-v', path], { encoding: 'utf8' })).toContain('No problems found')
    const info = execFileSync(sgdisk, ['-i', '1', path], { encoding: 'utf8' })
    expect(info).toContain(`Partition unique GUID: ${A}`)
    expect(info).toContain("Partition name: 'boot_a'")
    expect(info).toContain('Attribute flags: 107F000000000000')
    expect(execFileSync(sgdisk, ['-i', '6', path], { encoding: 'utf8' })).toContain("Partition name: 'übrig'")
  })
})
