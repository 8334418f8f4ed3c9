import { describe, expect, it } from 'vitest'
import type { Recipe } from '../../../shared/plan.ts'
import type { PackageTable, RomInfo } from '../../../shared/rom.ts'
import type { PartitionTable, TerminalFacts } from '../../../shared/terminal.ts'
import { planTables } from './tables.ts'

const SECTORS = 1000
const guid = (n: number) => `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`

function table(places: Readonly<Record<string, readonly [number, number]>>): PartitionTable {
  return {
    ...{ diskGuid: guid(1), sectorSize: 4096, diskSectors: SECTORS, firstUsable: 6, lastUsable: 994 },
    entryCount: 32,
    entries: Object.entries(places).map(([name, [firstLba, lastLba]], i) => ({
      ...{
        name,
        firstLba,
        lastLba,
        typeGuid: guid(2),
        uniqueGuid: guid(10 + i),
        attributes: '1000000000000000',
      },
    })),
  }
}

const OWN = table({ persist: [6, 9], boot_a: [10, 19], boot_b: [20, 29], userdata: [30, 994] })

/** As a package has it: places from the start of the disk. */
function offered(places: Readonly<Record<string, readonly [number, number]>>): PackageTable {
  const at = (plus: number) => ({ fromDisk: 0 as const, plus })
  return {
    ...{ lun: 0, sectorSize: 4096, diskGuid: guid(3), entryCount: 32, firstUsable: at(6) },
    lastUsable: { fromDisk: 1, plus: -6 },
    entries: table(places).entries.map(({ firstLba, lastLba, ...entry }, index) => ({
      ...{ ...entry, index, first: at(firstLba), last: at(lastLba) },
    })),
  }
}

const ROM = { images: [{ name: 'boot', slotted: 'yes', placement: 'ask', size: 4096 }] } as const
const rom = (...tables: PackageTable[]) => ({ ...ROM, tables }) as unknown as RomInfo
const recipe = (packageTables: boolean) => ({ packageTables }) as Recipe

function facts(lun: { primary?: string; backup?: string; table?: PartitionTable }): TerminalFacts {
  return {
    ...{ mode: 'edl', bay: 'usb:1-1', slots: {}, hasSlot: {}, variables: {} },
    partitions: Object.fromEntries((lun.table?.entries ?? []).map(({ name }) => [name, { size: 4096 }])),
    edl: {
      luns: [{ lun: 0, sectors: SECTORS, primary: 'valid', backup: 'valid', ...lun }],
      ...{ writable: true, digests: true },
    },
  }
}

const codes = (found: readonly { readonly code: string }[]) => found.map(({ code }) => code)

describe('the tables of a terminal', () => {
  it('that are whole and those of the package stay as they are, without a word', () => {
    const same = offered({ persist: [6, 9], boot_a: [10, 19], boot_b: [20, 29], userdata: [30, 994] })
    for (const asked of [false, true])
      expect(planTables(facts({ table: OWN }), rom(same), recipe(asked))).toMatchObject({
        ...{ drafts: [], blockers: [], warnings: [] },
      })
  })

  it('stay where the package has others, which is said, unless those are asked for', () => {
    const other = offered({ persist: [6, 9], boot_a: [10, 14], boot_b: [20, 29], userdata: [30, 994] })
    const { drafts, warnings } = planTables(facts({ table: OWN }), rom(other), recipe(false))
    expect([drafts, codes(warnings)]).toEqual([[], ['table-differs']])
    expect(warnings[0]?.detail).toContain('boot_a')
    const asked = planTables(facts({ table: OWN }), rom(other), recipe(true))
    expect(asked.drafts).toMatchObject([{ kind: 'write-table', lun: 0, source: 'package' }])
    expect(asked.facts.partitions['boot_a']?.size).toBe(5 * 4096)
    expect(asked.facts.slotCount?.value).toBe(2)
  })

  it('of a donor that would halve the storage are stretched to this disk', () => {
    const donor = offered({ persist: [6, 9], boot_a: [10, 14], boot_b: [20, 29], userdata: [30, 500] })
    const { drafts, blockers } = planTables(facts({ table: OWN }), rom(donor), recipe(true))
    expect(blockers).toEqual([])
    const userdata = drafts[0]?.table.entries.find(({ name }) => name === 'userdata')
    expect(userdata).toMatchObject({ firstLba: 30, lastLba: 994 })
  })

  it('of a donor that would move radio or user data are refused, also when they are asked for', () => {
    const donor = offered({ boot_a: [6, 15], persist: [16, 19], boot_b: [20, 29], userdata: [30, 994] })
    const { drafts, blockers } = planTables(facts({ table: OWN }), rom(donor), recipe(true))
    expect(drafts).toEqual([])
    expect(codes(blockers)).toContain('table-loses-data')
  })

  it('of which one copy is damaged are repaired from the other', () => {
    const damaged = facts({ primary: 'wrong CRC', table: OWN })
    const { drafts, warnings } = planTables(damaged, rom(), recipe(false))
    expect(drafts).toMatchObject([{ source: 'repair', table: OWN }])
    expect(codes(warnings)).toEqual(['table-repaired'])
  })

  it('that are lost block, and name the package’s as the way', () => {
    const lost = facts({ primary: 'none', backup: 'none' })
    const own = offered({ boot_a: [10, 19], boot_b: [20, 29], super: [30, 99], userdata: [100, 500] })
    expect(planTables(lost, rom(own), recipe(false)).blockers).toMatchObject([
      { code: 'table-damaged', next: expect.stringContaining('--package-tables') },
    ])
    expect(codes(planTables(lost, rom(), recipe(true)).blockers)).toEqual(['table-damaged'])
    const asked = planTables(lost, rom(own), recipe(true))
    expect(asked.blockers).toEqual([])
    expect(asked.facts.superPartition?.value).toBe('super')
    expect(asked.drafts[0]?.table.entries.find(({ name }) => name === 'userdata')?.lastLba).toBe(994)
  })
})
