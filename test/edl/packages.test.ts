// A dead terminal is rescued from every kind of package there is for EDL, also when its partition tables or its super are gone.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { edlOpener } from '../../src/main/hosts/edl-opener.ts'
import { LoaderStore } from '../../src/main/io/files/loader-store.ts'
import type { Plan } from '../../src/shared/plan.ts'
import type { PackageKind } from '../../src/shared/rom.ts'
import type { ProfileId } from '../../src/simulator/profiles/index.ts'
import type { EdlOptions } from '../../src/simulator/rom-factory/edl-package.ts'
import type { FlashBench } from '../flash-bench.ts'
import { NEVER } from '../images.ts'
import {
  carriedOut,
  dead,
  differing,
  type EdlPlace,
  expectBoots,
  inEdl,
  openEdlPlace,
  ownContent,
  planned,
  withPackage,
} from './bench.ts'

const MIB = 1024 * 1024
const PROFILES = ['nx679j', 'nx769j', 'nx769j-tight', 'nx789j', 'emmc-ab', 'a-only'] as const
const places = new Map<ProfileId, EdlPlace>()
/** New tables of super align to a whole MiB, as on real terminals; two systems must fit all the same. */
const ROOMY = { system: 3 * MIB, vendor: 2 * MIB, product: 2 * MIB }
const roomy = new Map<ProfileId, EdlPlace>()

beforeAll(async () => {
  await Promise.all([
    ...PROFILES.map(async (id) => places.set(id, await openEdlPlace(id))),
    ...(['nx769j', 'nx789j'] as const).map(async (id) => roomy.set(id, await openEdlPlace(id, ROOMY))),
  ])
}, 120_000)
afterAll(async () => {
  for (const place of [...places.values(), ...roomy.values()]) await place.close()
})

function at(id: ProfileId): EdlPlace {
  const place = places.get(id)
  if (place === undefined) throw new Error(`no workplace for ${id}`)
  return place
}

const codes = (findings: Plan['warnings']) => findings.map(({ code }) => code)

/** Rescued, both slots whole, and everything that is its own as it was. */
async function rescued(place: EdlPlace, bench: FlashBench, recipe: Parameters<typeof planned>[1] = {}) {
  const own = await ownContent(bench)
  const plan = await planned(bench, recipe)
  await carriedOut(bench, plan)
  await expectBoots(bench)
  expect(await ownContent(bench)).toEqual(own)
  for (const slot of place.profile.slotScheme === 'none' ? [undefined] : (['a', 'b'] as const))
    expect(await differing(bench, place.build, slot), `slot ${slot}`).toEqual([])
  return plan
}

interface Kind {
  readonly edl?: EdlOptions
  readonly kind?: PackageKind
  readonly flavour?: string
  readonly warns?: Plan['warnings'][number]['code']
}
const PHYSICAL: Readonly<Record<string, Kind>> = {
  'a folder': {},
  'a zip': { kind: 'edl-zip' },
  'sparse images': { edl: { format: 'sparse' } },
  'sparse images with don’t-care': { edl: { format: 'sparse', sparseZeros: 'dont-care' }, kind: 'edl-zip' },
  'images in pieces': { edl: { unsparse: ['system', 'vendor', 'modem'] } },
  'slot a only': { edl: { slots: ['a'] } },
  'slot b only': { edl: { slots: ['b'] }, kind: 'edl-zip' },
  'a flavour': { edl: { flavours: ['asic', 'other'] }, flavour: 'other' },
  'no tables': { edl: { noTables: true } },
  'tables and identity of a donor': {
    edl: { donorUserdata: 128 * 1024, donorIdentity: true },
    warns: 'tables-differ',
  },
}
const IN_SUPER: Readonly<Record<string, Kind>> = {
  'a raw super': {},
  'a sparse super': { edl: { format: 'sparse' }, kind: 'edl-zip' },
  'a super in pieces': { edl: { unsparse: ['super'] } },
  'a super with don’t-care, slot a only': {
    edl: { format: 'sparse', sparseZeros: 'dont-care', slots: ['a'] },
  },
}
const CASES: readonly (readonly [ProfileId, string, Kind])[] = [
  ...Object.entries(PHYSICAL).map(([name, kind]) => ['nx679j', name, kind] as const),
  ['emmc-ab', 'a folder', {}] as const,
  ['emmc-ab', 'slot a only', { edl: { slots: ['a'] } }] as const,
  ...Object.entries(IN_SUPER).map(([name, kind]) => ['nx769j', name, kind] as const),
  ['nx789j', 'a raw super', {}] as const,
]

describe('a dead terminal', { timeout: 120_000 }, () => {
  it.each(CASES)('%s boots again from %s', async (id, _, { edl, kind, flavour, warns }) => {
    const place = await withPackage(at(id), edl, {
      ...(kind && { kind }),
      ...(flavour !== undefined && { flavour }),
    })
    const bench = await dead(place)
    const plan = await rescued(place, bench)
    if (warns !== undefined) expect(codes(plan.warnings)).toContain(warns)
    if (edl?.donorIdentity) expect(codes(plan.warnings)).toContain('protected-skipped')
    expect(plan.steps.some(({ kind }) => kind === 'write-table')).toBe(false)
    await bench.close()
  })

  it.each(['nx679j', 'nx769j', 'nx789j', 'emmc-ab'] as const)(
    '%s boots again from a full OTA',
    async (id) => {
      const place = at(id)
      const bench = await dead(place)
      await rescued(place, bench)
      await bench.close()
    },
  )

  it('whose super holds one system gets one whole slot, and is told so', async () => {
    const place = at('nx769j-tight')
    const bench = await dead(place)
    const own = await ownContent(bench)
    const plan = await planned(bench)
    expect(codes(plan.warnings)).toContain('second-slot-without-system')
    await carriedOut(bench, plan)
    const { slot } = await bench.terminal.wouldBoot()
    await expectBoots(bench)
    expect(await differing(bench, place.build, slot)).toEqual([])
    const other = await differing(bench, place.build, slot === 'a' ? 'b' : 'a')
    expect(other.toSorted()).toEqual(['product', 'system', 'vendor'])
    expect(await ownContent(bench)).toEqual(own)
    await bench.close()
  })

  it('is opened with the loader that its package brings, and with nothing else', async () => {
    const place = await withPackage(at('nx679j'), {}, { kind: 'edl-zip' })
    const edl = edlOpener([], new LoaderStore(join(place.folder, 'kept loaders')))
    expect(edl.any).toBe(false)
    const rom = await place.openRom(place.romPath, NEVER)
    await edl.use(rom)
    await rom.close()
    expect(edl.any).toBe(true)
    const bench = await dead(place, { edl })
    await rescued(place, bench)
    await bench.close()
  })
})

/** Neither copy of any table is left; what the partitions hold is where it was. */
async function losesTables({ terminal }: FlashBench): Promise<void> {
  const { storage } = terminal
  for (const [lun, medium] of storage.luns) {
    const nothing = new Uint8Array(6 * storage.sectorSize)
    await storage.write(lun, 0, nothing)
    await storage.write(lun, medium.size - nothing.length, nothing)
  }
}

async function losesSuper({ terminal }: FlashBench): Promise<void> {
  await terminal.writePartitionRaw('super', new Uint8Array(256 * 1024).fill(0xdb))
}

describe('a terminal whose partition tables are all lost', { timeout: 120_000 }, () => {
  it.each(['nx679j', 'nx769j', 'nx789j'] as const)('%s is rebuilt with those of its package', async (id) => {
    const place = await withPackage(roomy.get(id) ?? at(id), {})
    const bench = await dead(place)
    const own = await ownContent(bench)
    await losesTables(bench)
    const unasked = await bench.plan()
    expect(codes(unasked.blockers)).toContain('table-damaged')
    const plan = await planned(bench, { packageTables: true })
    expect(plan.steps.filter(({ kind }) => kind === 'write-table')).toHaveLength(
      bench.terminal.storage.luns.size,
    )
    await carriedOut(bench, plan)
    await expectBoots(bench)
    expect(await ownContent(bench)).toEqual(own)
    for (const slot of ['a', 'b'] as const) expect(await differing(bench, place.build, slot)).toEqual([])
    await bench.close()
  })

  it('gets its whole userdata with the table of a donor', async () => {
    const place = await withPackage(at('nx679j'), { donorUserdata: 128 * 1024 })
    const bench = await dead(place)
    await losesTables(bench)
    const plan = await planned(bench, { packageTables: true, extendUserdata: true })
    await carriedOut(bench, plan)
    await expectBoots(bench)
    expect((await bench.terminal.readPartition('userdata')).length).toBeGreaterThanOrEqual(512 * 1024)
    await bench.close()
  })
})

describe('the table of a donor', () => {
  it('is not written where userdata would shrink, and is where it is stretched', async () => {
    const place = await withPackage(at('nx679j'), { donorUserdata: 128 * 1024 })
    const bench = await dead(place)
    expect(codes((await bench.plan({ packageTables: true })).blockers)).toContain('table-loses-data')
    const userdata = await bench.terminal.readPartition('userdata')
    await rescued(place, bench, { packageTables: true, extendUserdata: true })
    const after = await bench.terminal.readPartition('userdata')
    expect(Buffer.from(after.subarray(0, userdata.length)).equals(userdata)).toBe(true)
    await bench.close()
  })
})

describe('a damaged copy of a table', () => {
  it.each(['first', 'second'] as const)('is repaired from the other one: the %s', async (which) => {
    const place = at('nx679j')
    const bench = await dead(place)
    const { storage } = bench.terminal
    for (const [lun, medium] of storage.luns) {
      const offset = which === 'first' ? storage.sectorSize : medium.size - storage.sectorSize
      await storage.write(lun, offset, new Uint8Array(storage.sectorSize).fill(7))
    }
    const plan = await rescued(place, bench)
    expect(codes(plan.warnings)).toContain('table-repaired')
    bench.terminal.cutPower()
    await bench.terminal.powerOn({ keys: 'edl' })
    const { edl } = (await bench.plan()).facts
    expect(edl?.luns.map(({ primary, backup }) => [primary, backup])).toEqual(
      Array.from(storage.luns, () => ['valid', 'valid']),
    )
    await bench.close()
  })
})

describe('a terminal whose super is lost', { timeout: 120_000 }, () => {
  it.each(['nx769j', 'nx789j'] as const)('%s gets a new one from a full OTA', async (id) => {
    const place = roomy.get(id) ?? at(id)
    const bench = await dead(place)
    await losesSuper(bench)
    const plan = await rescued(place, bench)
    expect(plan.steps.some(({ kind }) => kind === 'new-super')).toBe(true)
    await bench.close()
  })
})

describe('where a slot still boots', { timeout: 120_000 }, () => {
  it.each([
    ['nx679j', 'seamless'],
    ['emmc-ab', 'seamless'],
    ['nx769j', 'seamless'],
    ['nx679j', 'both'],
    ['emmc-ab', 'both'],
  ] as const)('%s is flashed through EDL with policy %s', async (id, policy) => {
    const place = at(id)
    const bench = await inEdl(place, { policy, patience: { adb: 10_000 } })
    const own = await ownContent(bench)
    const bootOfA = await bench.terminal.partitionDigest('boot_a')
    await carriedOut(bench, await planned(bench))
    await expectBoots(bench, 'b')
    expect(await differing(bench, place.build, 'b')).toEqual([])
    if (policy === 'both') expect(await differing(bench, place.build, 'a')).toEqual([])
    else expect(await bench.terminal.partitionDigest('boot_a')).toBe(bootOfA)
    expect(await ownContent(bench)).toEqual(own)
    await bench.close()
  })

  it('a terminal without slots is rescued through EDL with policy single', async () => {
    const place = await withPackage(at('a-only'), {})
    const bench = await dead(place, { policy: 'single' })
    const plan = await rescued(place, bench)
    expect(codes(plan.warnings)).not.toContain('slot-leftover')
    await bench.close()
  })

  it('a terminal without slots is told which of its boot chain a package does not bring', async () => {
    const bench = await dead(at('a-only'), { policy: 'single' })
    const { warnings } = await planned(bench)
    const details = warnings.filter(({ code }) => code === 'slot-leftover').map(({ detail }) => detail)
    expect(details.map((detail) => detail.split(' ')[0])).toEqual(['xbl', 'abl'])
    await bench.close()
  })
})
