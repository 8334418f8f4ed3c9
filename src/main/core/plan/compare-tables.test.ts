import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { guid } from '../../../../test/edl-package.ts'
import { requireTool } from '../../../../test/tools.ts'
import {
  encodeGpt,
  type GptEntry,
  type GptTable,
  gptUsable,
  readGpt,
  type SectorSize,
} from '../formats/gpt.ts'
import { compareTables, sameLayout } from './compare-tables.ts'
import { extendUserdata } from './extend-userdata.ts'

const LINUX = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
const GB = 1_000_000_000
/** About a terabyte of 4 KiB sectors. */
const DISK = 250_000_000

type Sizes = Readonly<Record<string, number>>

/** A table of partitions one behind the other; sizes in sectors, 0 for the rest of the disk. */
function table(
  sizes: Sizes,
  o: { readonly diskSectors?: number; readonly from?: number; readonly sectorSize?: SectorSize } = {},
): GptTable {
  const { diskSectors = DISK, from, sectorSize = 4096 } = o
  const usable = gptUsable(sectorSize, diskSectors, 32)
  let next = from ?? usable.firstUsable
  const entries = Object.entries(sizes).map(([name, sectors], index): GptEntry => {
    const firstLba = next
    const lastLba = sectors === 0 ? usable.lastUsable : firstLba + sectors - 1
    next = lastLba + 1
    return {
      typeGuid: LINUX,
      uniqueGuid: guid(index + 1),
      firstLba,
      lastLba,
      attributes: 0x107fn << 48n,
      name,
      index,
    }
  })
  return { diskGuid: guid(99), sectorSize, diskSectors, ...usable, entryCount: 32, entries }
}

const compare = (
  terminal: GptTable | undefined,
  offered: GptTable,
  written: readonly string[] = ['boot_a', 'boot_b', 'super'],
) => compareTables({ lun: 0, terminal, package: offered, written: new Set(written) })

const TERMINAL = { persist: 100, boot_a: 1000, boot_b: 1000, super: 4_000_000, userdata: 0 }

describe('the package’s partition table against the terminal’s', () => {
  it('is equal when names and places are, whatever slots and identifiers say', () => {
    const own = table(TERMINAL)
    const theirs = {
      ...own,
      diskGuid: guid(5),
      entries: own.entries.map((entry) => ({
        ...entry,
        uniqueGuid: guid(500 + (entry.index ?? 0)),
        attributes: 0n,
      })),
    }
    expect(compare(own, theirs)).toEqual({
      lun: 0,
      equal: true,
      changes: [],
      blockers: [],
      warnings: [],
      proposed: undefined,
      extended: undefined,
    })
  })

  it('of a donor with half the storage would shrink userdata, and can be extended', () => {
    const own = table(TERMINAL)
    const userdata = own.entries.at(-1)?.firstLba ?? 0
    const donor = table({ ...TERMINAL, userdata: Math.floor((420 * GB) / 4096) })
    const found = compare(own, { ...donor, lastUsable: donor.entries.at(-1)?.lastLba ?? 0 })
    expect(found.changes).toEqual([
      {
        name: 'userdata',
        kind: 'shrinks',
        before: (own.lastUsable - userdata + 1) * 4096,
        after: Math.floor((420 * GB) / 4096) * 4096,
        kept: true,
      },
    ])
    expect(found.blockers).toEqual([
      {
        code: 'table-loses-data',
        detail: 'LUN 0, donor table: userdata would shrink from 1.0 TB to 420.0 GB',
        next: expect.stringContaining('With --extend-userdata'),
      },
    ])
    expect(found.proposed).toBeUndefined()
    if (found.extended === undefined) throw new Error('it can be extended')
    expect(sameLayout(found.extended, own)).toBe(true)
  })

  it('with userdata extended is offered where it still differs and nothing is lost by it', () => {
    const own = table({ ...TERMINAL })
    const donor = table({
      persist: 100,
      boot_a: 1000,
      boot_b: 900,
      gap: 100,
      super: 4_000_000,
      userdata: 1_000_000,
    })
    const { blockers, extended, proposed } = compare(own, donor)
    expect(proposed).toBeUndefined()
    expect(blockers.map(({ detail }) => detail)).toEqual([expect.stringContaining('userdata would shrink')])
    expect(extended?.entries.find(({ name }) => name === 'userdata')?.lastLba).toBe(own.lastUsable)
    expect(extended?.entries.map(({ name }) => name)).toEqual(
      Object.keys({ persist: 0, boot_a: 0, boot_b: 0, gap: 0, super: 0, userdata: 0 }),
    )
  })

  it('tells every partition that would move, shrink, grow, vanish or appear, in bytes', () => {
    const own = table({ boot_a: 10, boot_b: 10, oem: 5, super: 100, userdata: 0 })
    const offered = table({ boot_a: 12, boot_b: 8, logo: 5, super: 90, userdata: 0 })
    const { changes } = compare(own, offered)
    expect(changes.map(({ name, kind, before, after, kept }) => [name, kind, before, after, kept])).toEqual([
      ['boot_a', 'grows', 10 * 4096, 12 * 4096, false],
      ['boot_b', 'moves', 10 * 4096, 8 * 4096, false],
      ['oem', 'vanishes', 5 * 4096, undefined, true],
      ['super', 'shrinks', 100 * 4096, 90 * 4096, false],
      ['userdata', 'moves', expect.any(Number), expect.any(Number), true],
      ['logo', 'appears', undefined, 5 * 4096, false],
    ])
  })

  it.each([
    ['radio data', 'modemst1'],
    ['the user’s data', 'metadata'],
    ['what the package does not write', 'oem'],
  ])('is blocked when it would move %s', (_what, name) => {
    const found = compare(
      table({ boot_a: 10, [name]: 10, userdata: 0 }),
      table({ boot_a: 12, [name]: 8, userdata: 0 }),
    )
    expect(found.blockers.map(({ detail }) => detail)).toEqual([
      `LUN 0, donor table: ${name} would move, and have 32.8 KB instead of 41.0 KB`,
    ])
    expect(found.proposed).toBeUndefined()
  })

  it('is blocked by protected partitions even where the package has an image for them', () => {
    const [own, theirs] = [table({ persist: 10, boot_a: 4 }), table({ persist: 8, boot_a: 4 })]
    expect(compare(own, theirs, ['persist', 'boot_a']).blockers).toHaveLength(1)
    expect(compare(table({ dtbo: 10 }), table({ dtbo: 8 }), ['dtbo']).blockers).toHaveLength(0)
  })

  it('is proposed when only what is written changes, with what the terminal knows of the rest', () => {
    const own = table({ persist: 10, boot_a: 10, boot_b: 10 })
    const offered = table({ persist: 10, boot_a: 12, boot_b: 8 })
    const theirs = {
      ...offered,
      diskGuid: guid(7),
      entries: offered.entries.map((entry) => ({
        ...entry,
        uniqueGuid: guid(700 + (entry.index ?? 0)),
        attributes: 5n,
      })),
    }
    const { proposed, warnings, blockers } = compare(own, theirs)
    expect(blockers).toEqual([])
    expect(warnings).toEqual([
      {
        code: 'tables-differ',
        detail:
          'LUN 0, the package’s partition table: boot_a would grow from 41.0 KB to 49.2 KB; boot_b would move, and have 32.8 KB instead of 41.0 KB',
      },
    ])
    expect(proposed?.diskGuid).toBe(own.diskGuid)
    expect(proposed?.entries[0]).toEqual(own.entries[0])
    expect(proposed?.entries[1]).toEqual(theirs.entries[1])
  })

  it('is proposed with a warning where the terminal has none', () => {
    const offered = table(TERMINAL)
    const found = compare(undefined, offered)
    expect(found).toMatchObject({ equal: false, blockers: [], proposed: offered, extended: undefined })
    expect(found.warnings.map(({ code }) => code)).toEqual(['table-missing'])
    const small = table({ ...TERMINAL, userdata: 1000 })
    expect(compare(undefined, small).extended).toEqual(extendUserdata(small))
  })

  it('is never compared over different disks', () => {
    expect(() => compare(table(TERMINAL), table(TERMINAL, { diskSectors: DISK + 1 }))).toThrow(RangeError)
  })

  it('loses nothing that is kept by what is proposed', () => {
    const names = fc.uniqueArray(
      fc.constantFrom('persist', 'boot_a', 'boot_b', 'oem', 'super', 'userdata', 'misc'),
      { minLength: 1 },
    )
    const tables = names.chain((list) =>
      fc
        .tuple(...list.map(() => fc.integer({ min: 1, max: 20 })))
        .map((sizes) =>
          table(Object.fromEntries(list.map((name, i) => [name, sizes[i] ?? 1])), { diskSectors: 1000 }),
        ),
    )
    fc.assert(
      fc.property(tables, tables, (own, offered) => {
        const { proposed, extended, blockers } = compare(own, offered)
        expect(proposed === undefined || blockers.length === 0).toBe(true)
        for (const result of [proposed, extended]) {
          if (result === undefined) continue
          encodeGpt(result)
          for (const entry of own.entries.filter(
            ({ name }) => !['boot_a', 'boot_b', 'super'].includes(name),
          )) {
            const after = result.entries.find(({ name }) => name === entry.name)
            expect(after).toMatchObject({
              firstLba: entry.firstLba,
              uniqueGuid: entry.uniqueGuid,
              attributes: entry.attributes,
            })
            expect(after?.lastLba).toBeGreaterThanOrEqual(entry.lastLba)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('userdata extended', () => {
  const arbitrary = fc
    .record({
      sectorSize: fc.constantFrom<SectorSize>(512, 4096),
      sizes: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }),
      userdata: fc.integer({ min: 1, max: 50 }),
      room: fc.integer({ min: 1, max: 1000 }),
      gap: fc.nat(5),
      attributes: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    })
    .map(({ sectorSize, sizes, userdata, room, gap, attributes }) => {
      const all = { ...Object.fromEntries(sizes.map((size, i) => [`p${i}`, size])), userdata }
      const diskSectors = 700 + room
      const from = gptUsable(sectorSize, diskSectors, 32).firstUsable + gap
      const made = table(all, { sectorSize, diskSectors, from })
      return { ...made, entries: made.entries.map((entry) => ({ ...entry, attributes })) }
    })

  it('never overlaps, and keeps everything else as it is', () => {
    fc.assert(
      fc.property(arbitrary, (before) => {
        const after = extendUserdata(before)
        if (after === undefined) throw new Error('there was room')
        encodeGpt(after)
        expect(after.lastUsable).toBe(gptUsable(before.sectorSize, before.diskSectors, 32).lastUsable)
        expect({ ...after, lastUsable: 0, entries: [] }).toEqual({ ...before, lastUsable: 0, entries: [] })
        expect(after.entries).toEqual(
          before.entries.map((entry) =>
            entry.name === 'userdata' ? { ...entry, lastLba: after.lastUsable } : entry,
          ),
        )
        expect(extendUserdata(after)).toBeUndefined()
      }),
    )
  })

  it('is without fault to sgdisk', async (test) => {
    const sgdisk = requireTool('sgdisk', test)
    const folder = mkdtempSync(join(tmpdir(), 'slotbench-extend-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const only512 = arbitrary.filter(({ sectorSize }) => sectorSize === 512)
    await fc.assert(
      fc.asyncProperty(only512, async (before) => {
        const after = extendUserdata(before)
        if (after === undefined) throw new Error('there was room')
        const { protectiveMbr, primary, backup } = encodeGpt(after)
        const disk = Buffer.alloc(after.diskSectors * 512)
        disk.set(protectiveMbr)
        disk.set(primary.bytes, primary.lba * 512)
        disk.set(backup.bytes, backup.lba * 512)
        const path = join(folder, 'disk')
        writeFileSync(path, disk)
        expect(execFileSync(sgdisk, ['-v', path]).toString()).toContain('No problems found')
        expect(
          await readGpt(async (at, length) => disk.subarray(at, at + length), 512, after.diskSectors),
        ).toEqual({ table: after, primary: 'valid', backup: 'valid' })
      }),
      { numRuns: 15 },
    )
  })

  it('is none where userdata is not the last partition', () => {
    expect(extendUserdata(table({ userdata: 10, oem: 5 }))).toBeUndefined()
    expect(extendUserdata(table({ boot: 10 }))).toBeUndefined()
    expect(extendUserdata(table({}))).toBeUndefined()
  })
})
