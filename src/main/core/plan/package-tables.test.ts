import { describe, expect, it } from 'vitest'
import { type EdlPartition, expectedTable } from '../../../../test/edl-package.ts'
import type { PackageTable } from '../../../shared/rom.ts'
import { type PackageTablesInput, planPackageTables } from './package-tables.ts'

const SECTORS = 100_000
const PARTITIONS: readonly EdlPartition[] = [
  { name: 'persist', lun: 0, sectors: 100 },
  { name: 'boot_a', lun: 0, sectors: 1000 },
  { name: 'userdata', lun: 0, sectors: 0 },
]

/** A package's table of these partitions; one without growing userdata is a donor's. */
function offered(partitions: readonly EdlPartition[], change: Partial<PackageTable> = {}): PackageTable {
  const table = expectedTable(partitions, 0, { diskSectors: SECTORS, sectorSize: 4096 })
  const at = (plus: number) => ({ fromDisk: 0 as const, plus })
  const end = { fromDisk: 1 as const, plus: -6 }
  const grows = (name: string) => partitions.some((one) => one.name === name && one.sectors === 0)
  return {
    ...{
      lun: 0,
      sectorSize: 4096,
      diskGuid: table.diskGuid,
      entryCount: 32,
      firstUsable: at(6),
      lastUsable: end,
    },
    entries: table.entries.map(({ name, typeGuid, uniqueGuid, firstLba, lastLba, index = 0 }) => ({
      ...{ name, typeGuid, uniqueGuid, index, attributes: 'ff' },
      first: at(firstLba),
      last: grows(name) ? end : at(lastLba),
    })),
    ...change,
  }
}

const OWN = expectedTable(PARTITIONS, 0, { diskSectors: SECTORS, sectorSize: 4096 })
const DONOR = PARTITIONS.map((one) => (one.name === 'userdata' ? { ...one, sectors: 5000 } : one))
const BIGGER_BOOT = [
  { name: 'persist', lun: 0, sectors: 100 },
  { name: 'boot_a', lun: 0, sectors: 1500 },
]
const SMALL_BOOT = [
  { name: 'persist', lun: 0, sectors: 100 },
  { name: 'boot_a', lun: 0, sectors: 1000 },
]

function planned(
  table: PackageTable | undefined,
  choice: PackageTablesInput['choice'],
  disk: Partial<PackageTablesInput['disks'][number]> = {},
) {
  const { found, writes } = planPackageTables({
    rom: table === undefined ? {} : { tables: [table] },
    written: new Set(['boot_a']),
    disks: [{ lun: 0, sectors: SECTORS, table: OWN, ...disk }],
    sectorSize: 4096,
    choice,
  })
  const codes = (list: typeof found.blockers) => list.map(({ code }) => code)
  return { blockers: codes(found.blockers), warnings: codes(found.warnings), writes, found }
}

describe('tables of a package', () => {
  it('are not written where the terminal has its own', () => {
    expect(planned(offered(PARTITIONS), 'keep')).toMatchObject({ blockers: [], warnings: [], writes: [] })
    const donor = planned(offered(DONOR), 'keep')
    expect(donor).toMatchObject({ blockers: [], warnings: ['tables-differ'], writes: [] })
    expect(donor.found.warnings[0]?.detail).toMatch(/userdata would shrink from .* the terminal’s own stays$/)
  })

  it('are written where the terminal lost its own, when asked for', () => {
    expect(planned(offered(PARTITIONS), 'keep', { table: undefined })).toMatchObject({
      blockers: [],
      warnings: [],
      writes: [],
    })
    const { blockers, warnings, writes } = planned(offered(PARTITIONS), 'package', { table: undefined })
    expect({ blockers, warnings }).toEqual({ blockers: [], warnings: ['table-missing'] })
    expect(
      writes.map(({ lun, table }) => [
        lun,
        table.entries.map(({ name }) => name),
        table.entries.at(-1)?.lastLba,
      ]),
    ).toEqual([[0, ['persist', 'boot_a', 'userdata'], OWN.lastUsable]])
    expect(planned(undefined, 'package', { table: undefined })).toMatchObject({ blockers: [], writes: [] })
  })

  it('of a donor are blocked when asked for, and written extended', () => {
    expect(planned(offered(DONOR), 'package')).toMatchObject({ blockers: ['table-loses-data'], writes: [] })
    // Extended, it is what the terminal has already.
    expect(planned(offered(DONOR), 'extended')).toMatchObject({ blockers: [], writes: [] })
    const extended = planned(offered(DONOR), 'extended', { table: undefined })
    expect(extended.writes.map(({ table }) => table.entries.at(-1)?.lastLba)).toEqual([OWN.lastUsable])
  })

  it('are written when asked for and nothing is lost', () => {
    const own = expectedTable(SMALL_BOOT, 0, { diskSectors: SECTORS, sectorSize: 4096 })
    const { blockers, warnings, writes } = planned(offered(BIGGER_BOOT), 'package', { table: own })
    expect({ blockers, warnings }).toEqual({ blockers: [], warnings: ['tables-differ'] })
    expect(writes.map(({ table }) => table.entries.map(({ attributes }) => attributes))).toEqual([
      [1n << 60n, 0xffn],
    ])
    expect(planned(offered(SMALL_BOOT), 'package', { table: own }).writes).toEqual([])
  })

  it.each([
    ['sectors of another size', offered(PARTITIONS, { sectorSize: 512 }), {}],
    ['a disk that is too small', offered(PARTITIONS), { sectors: 500 }],
  ])('for %s only matter where they are needed', (_name, table, disk) => {
    expect(planned(table, 'keep', disk)).toMatchObject({
      blockers: [],
      warnings: ['table-unfit'],
      writes: [],
    })
    expect(planned(table, 'package', disk)).toMatchObject({ blockers: ['table-unfit'], writes: [] })
  })
})
