// Every EDL package that the simulator's factory writes is read by the product byte for byte, and its tables are those that the
// factory gave the terminal.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareTables } from '../src/main/core/plan/compare-tables.ts'
import { openRom } from '../src/main/core/rom/open.ts'
import { packageTable } from '../src/main/core/rom/package-table.ts'
import { slotCoverage } from '../src/main/core/rom/slot-coverage.ts'
import type { Rom } from '../src/main/core/rom/types.ts'
import { verifyRom } from '../src/main/core/rom/verify.ts'
import { openFile } from '../src/main/io/files/open-file.ts'
import { openFolder } from '../src/main/io/files/open-folder.ts'
import { type Build, makeBuild } from '../src/simulator/make-images.ts'
import { profile } from '../src/simulator/profiles/index.ts'
import type { TerminalProfile } from '../src/simulator/profiles/types.ts'
import type { EdlOptions } from '../src/simulator/rom-factory/edl-package.ts'
import { writeRom } from '../src/simulator/rom-factory/make-rom.ts'
import { factoryTables } from '../src/simulator/storage/layout.ts'
import { expand, NEVER } from './images.ts'
import { PROFILE, RomWorkplace } from './rom-workplace.ts'

const KIB = 1024
const DYNAMIC = profile('nx769j', {
  sizes: { system: 1024 * KIB, vendor: 512 * KIB, product: 256 * KIB, boot: 256 * KIB, modem: 256 * KIB },
})
const FINGERPRINT = 'nubia/NX769J/NX769J:14/UKQ1/20261001:user/release-keys'

let place: RomWorkplace
let dynamic: Build

beforeAll(async () => {
  place = await RomWorkplace.open()
  dynamic = await makeBuild(DYNAMIC, { build: FINGERPRINT, rollbackIndex: 3, seed: 9, fill: 0.5 })
})
afterAll(() => place.close())

interface Made {
  readonly model: TerminalProfile
  readonly build: Build
  readonly edl?: EdlOptions
  readonly kind?: 'edl-folder' | 'edl-zip'
  readonly flavour?: string
}

async function open({ model, build, edl, kind = 'edl-folder', flavour }: Made): Promise<Rom> {
  const out = place.path(kind === 'edl-zip' ? '.zip' : '')
  await writeRom(model, build, { out, kind, build: 'any', ...(edl && { edl }) })
  return openRom(out, { openFile, openFolder, workshop: place.workshop, flavour }, NEVER)
}

const ab = (): Made => ({ model: PROFILE, build: place.build })
const vab = (): Made => ({ model: DYNAMIC, build: dynamic })

describe('an EDL package of the factory', () => {
  it.each<[string, () => Made]>([
    ['folder', ab],
    ['zip', () => ({ ...ab(), kind: 'edl-zip' })],
    ['sparse images', () => ({ ...ab(), edl: { format: 'sparse' } })],
    [
      'sparse images with don’t-care',
      () => ({ ...ab(), edl: { format: 'sparse', sparseZeros: 'dont-care' } }),
    ],
    ['images in pieces', () => ({ ...ab(), edl: { unsparse: ['system', 'vendor', 'modem'] } })],
    ['flavours', () => ({ ...ab(), edl: { flavours: ['asic', 'other'] }, flavour: 'asic' })],
    ['one slot', () => ({ ...ab(), edl: { slots: ['b'] } })],
    ['no tables', () => ({ ...ab(), edl: { noTables: true } })],
    ['no loader', () => ({ ...ab(), edl: { loader: null } })],
    ['logical partitions in a raw super', vab],
    ['logical partitions in a sparse super', () => ({ ...vab(), edl: { format: 'sparse' } })],
    [
      'logical partitions in pieces of super',
      () => ({ ...vab(), edl: { unsparse: ['super'] }, kind: 'edl-zip' }),
    ],
  ])('is read whole: %s', async (_name, make) => {
    const made = make()
    const rom = await open(made)
    try {
      const proven = await verifyRom(rom, { signal: NEVER, workshop: place.workshop })
      const names = new Set(proven.info.images.map(({ name }) => name))
      expect(names).toEqual(new Set(made.build.keys()))
      for (const image of proven.info.images) {
        const expected = made.build.get(image.name)
        if (expected === undefined) throw new Error(`no image ${image.name} was made`)
        const bytes = Buffer.from(await expand(proven.image(image)))
        // What is cut off the end of a piece is zeros.
        const whole = Buffer.from(await expand(expected.image))
        expect(bytes.equals(whole.subarray(0, bytes.length)), image.name).toBe(true)
        expect(
          whole.subarray(bytes.length).every((byte) => byte === 0),
          image.name,
        ).toBe(true)
      }
      expect(proven.info.rollback).toMatchObject({ 0: 3 })
      expect(proven.info.edl?.loaders).toHaveLength(made.edl?.loader === null ? 0 : 1)
      expectTables(made, proven.info.tables ?? [])
    } finally {
      await rom.close()
    }
  })

  function expectTables({ model, edl }: Made, tables: NonNullable<Rom['info']['tables']>): void {
    if (edl?.noTables) {
      expect(tables).toEqual([])
      return
    }
    const factory = factoryTables(model)
    expect(tables.map(({ lun }) => lun)).toEqual([...factory.keys()].toSorted((a, b) => a - b))
    for (const [lun, expected] of factory) {
      const table = tables.find((one) => one.lun === lun)
      if (table === undefined) throw new Error(`no table for LUN ${lun}`)
      const { entries, ...rest } = packageTable(table, expected.diskSectors)
      const { entries: wanted, ...same } = expected
      expect(rest).toEqual(same)
      expect(
        entries.map(({ name, firstLba, lastLba, typeGuid }) => ({ name, firstLba, lastLba, typeGuid })),
      ).toEqual(
        wanted.map(({ name, firstLba, lastLba, typeGuid }) => ({ name, firstLba, lastLba, typeGuid })),
      )
    }
  }

  it('tells its slots', async () => {
    const one = await open({ ...ab(), edl: { slots: ['a'] } })
    await one.close()
    expect(slotCoverage(one.info)).toMatchObject({ holds: 'a', both: [] })
    const two = await open(ab())
    const proven = await verifyRom(two, { signal: NEVER, workshop: place.workshop })
    await two.close()
    expect(slotCoverage(proven.info)).toMatchObject({ holds: 'both', different: [], unknown: [] })
  })

  it('of Virtual A/B names its model by its build, and its groups', async () => {
    const rom = await open(vab())
    await rom.close()
    expect(rom.info).toMatchObject({ virtualAb: true, models: ['NX769J'], build: FINGERPRINT })
    expect(rom.info.edl?.names[0]).toEqual({ value: 'NX769J', source: 'build fingerprint' })
    expect(rom.info.dynamicGroups.map(({ name, partitions }) => [name, partitions.toSorted()])).toEqual([
      ['qti_dynamic_partitions', ['product', 'system', 'vendor']],
    ])
  })

  it('from a donor would shrink userdata, and says so', async () => {
    const terminal = factoryTables(PROFILE).get(0)
    const userdata = terminal?.entries.find(({ name }) => name === 'userdata')
    if (terminal === undefined || userdata === undefined) throw new Error('no userdata')
    const bytes = (userdata.lastLba - userdata.firstLba + 1) * terminal.sectorSize
    const donorUserdata = Math.floor(bytes / 2)
    const rom = await open({ ...ab(), edl: { donorUserdata, donorIdentity: true } })
    await rom.close()
    const table = rom.info.tables?.find(({ lun }) => lun === 0)
    if (table === undefined) throw new Error('no table')
    const written = new Set((rom.info.edl?.programs ?? []).map(({ label }) => label))
    const compared = compareTables({
      lun: 0,
      terminal,
      package: packageTable(table, terminal.diskSectors),
      written,
    })
    expect(compared.changes.map(({ name, kind, kept }) => [name, kind, kept])).toEqual([
      ['userdata', 'shrinks', true],
    ])
    expect(compared).toMatchObject({ proposed: undefined, equal: false })
    // The factory leaves some sectors behind userdata; whoever extends it takes them too.
    expect(compared.extended?.entries.find(({ name }) => name === 'userdata')).toMatchObject({
      ...userdata,
      lastLba: terminal.lastUsable,
    })
    expect(compared.blockers[0]?.detail).toMatch(/^LUN 0, donor table: userdata would shrink from /)
    expect(rom.info.images.map(({ name }) => name)).toContain('modemst1')
  })
})
