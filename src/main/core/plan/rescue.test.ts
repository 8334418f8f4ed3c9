import { describe, expect, it } from 'vitest'
import type { Plan, Recipe } from '../../../shared/plan.ts'
import type { RomImageInfo, RomInfo } from '../../../shared/rom.ts'
import type { EdlFacts, PartitionTable, SuperTables, TerminalFacts } from '../../../shared/terminal.ts'
import { packageTable } from '../rom/package-table.ts'
import { tableData } from '../storage/table-data.ts'
import { plan } from './plan.ts'

const MB = 1024 * 1024
const said = <T>(value: T) => ({ value, source: 'GPT' })
const TABLE: PartitionTable = {
  diskGuid: '00000000-0000-0000-0000-000000000001',
  sectorSize: 4096,
  diskSectors: 1000,
  firstUsable: 6,
  lastUsable: 990,
  entryCount: 32,
  entries: [],
}

function image(name: string, size: number, more: Partial<RomImageInfo> = {}): RomImageInfo {
  return { name, slotted: 'yes', placement: 'physical', size, sha256: 'ab'.repeat(32), ...more }
}

const ROM: RomInfo = {
  kind: 'ota-zip',
  path: '/roms/full.zip',
  packageSize: 5 * MB,
  fingerprint: 'f'.repeat(64),
  models: ['NX769J'],
  build: 'build-2',
  full: true,
  downgrade: false,
  requirements: [],
  virtualAb: true,
  dynamicGroups: [{ name: 'main', size: 30 * MB, partitions: ['system', 'vendor'] }],
  images: [
    ...[image('abl', MB), image('boot', MB), image('vbmeta', 4096), image('modem', MB)],
    ...['system', 'vendor'].map((name) => image(name, 8 * MB, { placement: 'logical' })),
  ],
  avbPartitions: ['boot', 'system', 'vendor'],
  notes: [],
}

const RECIPE: Recipe = {
  ...{ policy: 'rescue', wipe: false, batteryLimit: 30, proofTimeout: 300 },
  assumedModel: 'NX769J',
}

function tables(superBytes: number, held: SuperTables['partitions'] = []): SuperTables {
  const groups = ['a', 'b'].map((slot) => ({ name: `main_${slot}`, maximum: 30 * MB }))
  return { size: superBytes, firstByte: MB, alignment: MB, groups, partitions: held }
}

function edl(more: Partial<EdlFacts> = {}): EdlFacts {
  return {
    hwId: said('001990e100040000'),
    memory: said('ufs'),
    sectorSize: said(4096),
    luns: [{ lun: 0, sectors: 1000, primary: 'valid', backup: 'valid', table: TABLE }],
    writable: true,
    digests: true,
    ...more,
  }
}

function facts(more: Partial<TerminalFacts> = {}): TerminalFacts {
  const partitions: TerminalFacts['partitions'] = {
    super: { size: 40 * MB, logical: false },
    persist: { size: MB, logical: false },
    modemst1: { size: MB, logical: false },
    userdata: { size: 64 * MB, logical: false },
  }
  for (const base of ['abl', 'boot', 'vbmeta', 'modem'])
    for (const slot of ['a', 'b']) partitions[`${base}_${slot}`] = { size: 2 * MB, logical: false }
  return {
    mode: 'edl',
    bay: 'usb:1-2',
    chipSerial: said('5b7e21d3'),
    slotCount: said(2),
    currentSlot: said('a' as const),
    slots: { a: { successful: said(false) }, b: { successful: said(false) } },
    superPartition: said('super'),
    superTables: said(tables(40 * MB)),
    partitions,
    hasSlot: { abl: true, boot: true, vbmeta: true, modem: true },
    readBackIn: ['edl'],
    variables: {},
    edl: edl(),
    ...more,
  }
}

function make(f: TerminalFacts = facts(), recipe: Partial<Recipe> = {}, rom: RomInfo = ROM): Plan {
  return plan({
    facts: f,
    rom,
    recipe: { ...RECIPE, ...recipe },
    host: { freeBytes: 1e9 },
    now: '2026-01-01T00:00:00Z',
  })
}
const small = () => ({ ...facts().partitions, super: { size: 4 * MB, logical: false } })
const kinds = (p: Plan) => p.steps.map((s) => s.id.replace(/^\d+-/, ''))
const codes = (findings: Plan['blockers']) => findings.map((b) => b.code)
const place = (p: Plan, name: string) => kinds(p).indexOf(name)

describe('rescue', () => {
  it('backs up, writes slot a whole, switches, and only then writes slot b', () => {
    const p = make()
    expect(codes(p.blockers)).toEqual([])
    expect(kinds(p).slice(0, 3)).toEqual(['identify', 'backup-persist', 'backup-modemst1'])
    const a = ['write-system_a', 'verify-vendor_a', 'write-boot_a', 'verify-abl_a'].map((n) => place(p, n))
    expect(Math.min(...a)).toBeGreaterThan(2)
    const b = ['resize-logical-system_b', 'write-system_b', 'write-abl_b'].map((n) => place(p, n))
    expect(Math.max(...a)).toBeLessThan(place(p, 'set-active-a'))
    expect(Math.min(...b)).toBeGreaterThan(place(p, 'set-active-a'))
    expect(kinds(p).slice(-2)).toEqual(['reboot-system', 'prove-boot'])
    expect(p.fromSlot).toBeUndefined()
  })

  it('never leaves EDL, verifies by reading back, and needs no other mode to be asked', () => {
    const p = make()
    expect(kinds(p).filter((kind) => kind.startsWith('enter'))).toEqual([])
    const methods = p.steps.flatMap((step) => (step.kind === 'verify' ? [step.method] : []))
    expect(new Set(methods)).toEqual(new Set(['read-back']))
  })

  it('begins with the slot that was not seen booting, and says that the other may still', () => {
    const p = make(facts({ slots: { a: { successful: said(true) }, b: {} } }))
    expect(place(p, 'set-active-b')).toBeGreaterThan(0)
    expect(place(p, 'write-boot_b')).toBeLessThan(place(p, 'set-active-b'))
    expect(place(p, 'write-boot_a')).toBeGreaterThan(place(p, 'set-active-b'))
    expect(codes(p.warnings)).toContain('slot-may-boot')
  })

  it('begins with the slot that is not active where both were seen booting', () => {
    const booted = { successful: said(true) }
    const p = make(facts({ currentSlot: said('b' as const), slots: { a: booted, b: booted } }))
    expect(place(p, 'set-active-a')).toBeGreaterThan(0)
    expect(place(p, 'write-boot_b')).toBeGreaterThan(place(p, 'set-active-a'))
  })

  it('gives slot b no system where super has room for one, and says so', () => {
    const held = ['system_b', 'vendor_b'].map((name) => ({ name, group: 'main_b', bytes: 8 * MB }))
    const p = make(facts({ superTables: said(tables(24 * MB, held)) }))
    expect(codes(p.blockers)).toEqual([])
    expect(codes(p.warnings)).toContain('second-slot-without-system')
    expect(kinds(p)).not.toContain('write-system_b')
    expect(kinds(p)).toContain('write-boot_b')
    expect(place(p, 'delete-logical-system_b')).toBeLessThan(place(p, 'set-active-a'))
  })

  it('makes new tables of super from the package’s groups where the terminal’s are lost', () => {
    const { superTables: _, ...lost } = facts()
    const p = make(lost)
    expect(codes(p.blockers)).toEqual([])
    expect(p.steps.find((step) => step.kind === 'new-super')).toMatchObject({
      ...{ partition: 'super', bytes: 40 * MB, virtualAb: true, metadataSlots: 3 },
      groups: [
        { name: 'main_a', maximum: 30 * MB, partitions: ['system_a', 'vendor_a'] },
        { name: 'main_b', maximum: 30 * MB, partitions: ['system_b', 'vendor_b'] },
      ],
    })
    expect(place(p, 'new-super')).toBeLessThan(place(p, 'resize-logical-system_a'))
    expect(codes(p.warnings)).toContain('super-unknown')
  })

  it('makes new tables of super also where the terminal’s have no place for the package', () => {
    const groups = ['a', 'b'].map((slot) => ({ name: `main_${slot}`, maximum: 2 * MB }))
    const held = ['system_a', 'system_b', 'vendor_a', 'vendor_b'].map((name) => ({
      ...{ name, group: `main_${name.slice(-1)}`, bytes: 0 },
    }))
    const p = make(facts({ superTables: said({ ...tables(40 * MB, held), groups }) }))
    expect(codes(p.blockers)).toEqual([])
    expect(p.steps.find((step) => step.kind === 'new-super')).toMatchObject({ bytes: 40 * MB })
    expect(p.warnings.find(({ code }) => code === 'super-unknown')?.detail).toMatch(/have no place/)
  })

  it('has no advice for a terminal that boots when super is too small', () => {
    const p = make(facts({ superTables: said(tables(4 * MB)), partitions: small() }))
    const [blocker] = p.blockers
    expect(codes(p.blockers)).toEqual(['super-space'])
    expect(blocker?.next).not.toMatch(/sideload|--give-up/)
  })

  it('is blocked where neither terminal nor package say what belongs into super', () => {
    const { superTables: _, ...lost } = facts()
    expect(codes(make(lost, {}, { ...ROM, dynamicGroups: [] }).blockers)).toContain('super-unknown')
  })

  it('repairs a damaged copy of a table first', () => {
    const lun = { lun: 4, sectors: 1000, primary: 'wrong CRC', backup: 'valid', table: TABLE }
    const p = make(facts({ edl: edl({ luns: [lun] }) }))
    expect(codes(p.warnings)).toContain('table-repaired')
    expect(place(p, 'write-table-4')).toBeLessThan(place(p, 'resize-logical-system_a'))
  })

  const refused: readonly (readonly [string, TerminalFacts, string])[] = [
    ['in the bootloader', facts({ mode: 'bootloader' }), 'wrong-mode'],
    ['with a loader that only reads', facts({ edl: edl({ writable: false }) }), 'loader-read-only'],
    ['without slots', facts({ slotCount: said(1), currentSlot: undefined }), 'not-ab'],
    [
      'with a table of which no copy is left',
      facts({ edl: edl({ luns: [{ lun: 4, sectors: 9, primary: 'none', backup: 'none' }] }) }),
      'table-damaged',
    ],
  ]
  it.each(refused)('refuses a terminal %s', (_, f, code) => {
    const p = make(f)
    expect(codes(p.blockers)).toContain(code)
    for (const blocker of p.blockers) expect(blocker.next, blocker.code).toBeTruthy()
  })

  it('refuses a terminal that has no name left, unless somebody vouches for it', () => {
    expect(codes(make(facts(), { assumedModel: undefined }).blockers)).toContain('wrong-model')
    expect(codes(make().warnings)).toContain('vouched-model')
  })
})

describe('the other policies in EDL', () => {
  it('seamless leaves the slot alone that is active', () => {
    const p = make(facts({ slots: { a: { successful: said(true) }, b: {} } }), { policy: 'seamless' })
    expect(codes(p.blockers)).toEqual([])
    const written = p.steps.flatMap((step) => (step.kind === 'write' ? [step.partition] : []))
    expect(written.every((name) => name.endsWith('_b'))).toBe(true)
    expect(kinds(p)).not.toContain('enter-bootloader')
  })

  it('both comes back to EDL for the other slot after the proof', () => {
    const p = make(facts({ slots: { a: { successful: said(true) }, b: {} } }), { policy: 'both' })
    expect(place(p, 'enter-edl')).toBeGreaterThan(place(p, 'prove-boot'))
    expect(place(p, 'write-boot_a')).toBeGreaterThan(place(p, 'enter-edl'))
  })

  it('sideload is for a terminal that has a recovery', () => {
    expect(codes(make(facts(), { policy: 'sideload' }).blockers)).toContain('wrong-mode')
  })
})

describe('the tables of an EDL package', () => {
  const place_ = (plus: number, fromDisk: 0 | 1 = 0) => ({ fromDisk, plus })
  const GUIDS = {
    typeGuid: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
    uniqueGuid: '00000000-0000-4000-8000-000000000001',
  }
  const layout = (sizes: Readonly<Record<string, number>>, end = place_(-6, 1)) => {
    let next = 6
    const entries = Object.entries(sizes).map(([name, sectors], index) => {
      const first = place_(next)
      next += sectors
      return { ...GUIDS, index, name, first, last: sectors === 0 ? end : place_(next - 1), attributes: '0' }
    })
    return {
      ...{ lun: 0, sectorSize: 4096 as const, diskGuid: GUIDS.uniqueGuid, entryCount: 64 },
      ...{ firstUsable: place_(6), lastUsable: place_(-6, 1), entries },
    }
  }
  const SIZES = {
    ...{ persist: 256, modemst1: 256, super: 10240 },
    ...Object.fromEntries(
      ['abl', 'boot', 'vbmeta', 'modem'].flatMap((b) => [
        [`${b}_a`, 512],
        [`${b}_b`, 512],
      ]),
    ),
    userdata: 0,
  }
  const SECTORS = 40_000
  const edlRom = (table: ReturnType<typeof layout>): RomInfo => ({
    ...ROM,
    kind: 'edl-zip',
    tables: [table],
    edl: {
      ...{ flavours: [], sectorSize: 4096, luns: [0], loaders: [], names: [], skipped: [] },
      programs: Object.keys(SIZES)
        .filter((label) => !['persist', 'modemst1', 'userdata'].includes(label))
        .map((label) => ({ label, file: `${label}.img`, lun: 0, start: '6', sectors: 1 })),
    },
  })
  const ownTable = (sizes: Readonly<Record<string, number>>) =>
    tableData(packageTable(layout(sizes), SECTORS))
  const terminal = (table: PartitionTable | undefined, more: Partial<TerminalFacts> = {}) =>
    facts({
      edl: edl({
        luns: [
          {
            ...{
              lun: 0,
              sectors: SECTORS,
              primary: table ? 'valid' : 'gone',
              backup: table ? 'valid' : 'gone',
            },
            ...(table && { table }),
          },
        ],
      }),
      ...more,
    })

  it('revive a terminal that has none, when asked for: everything is planned on the new ones', () => {
    const lost = terminal(undefined, {
      partitions: {},
      hasSlot: {},
      slotCount: said(1),
      superTables: undefined,
      superPartition: undefined,
      currentSlot: undefined,
    })
    const unasked = make(lost, {}, edlRom(layout(SIZES)))
    expect(unasked.blockers.find(({ code }) => code === 'table-damaged')?.next).toContain('--package-tables')
    const p = make(lost, { packageTables: true }, edlRom(layout(SIZES)))
    expect(codes(p.blockers)).toEqual([])
    expect(codes(p.warnings)).toContain('table-missing')
    const [table] = p.steps.flatMap((step) => (step.kind === 'write-table' ? [step] : []))
    expect(table).toMatchObject({ lun: 0, source: 'package' })
    expect(table?.table.entries.at(-1)).toMatchObject({ name: 'userdata', lastLba: SECTORS - 6 })
    expect(place(p, 'write-table-0')).toBeLessThan(place(p, 'new-super'))
    expect(place(p, 'new-super')).toBeLessThan(place(p, 'write-boot_a'))
    // Nothing was readable before, so nothing can be kept.
    expect(p.steps.some(({ kind }) => kind === 'backup')).toBe(false)
  })

  it('stay in the package where the terminal has its own, and are blocked where they would lose data', () => {
    const own = terminal(ownTable(SIZES))
    expect(codes(make(own, {}, edlRom(layout(SIZES))).warnings)).not.toContain('tables-differ')
    const donor = edlRom(layout({ ...SIZES, userdata: 1000 }))
    const kept = make(own, {}, donor)
    expect(codes(kept.warnings)).toContain('tables-differ')
    expect(codes(kept.blockers)).toEqual([])
    expect(kept.steps.some(({ kind }) => kind === 'write-table')).toBe(false)
    const asked = make(own, { packageTables: true }, donor)
    expect(asked.blockers.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^LUN 0, donor table: userdata would shrink from .* to 4\.1 MB$/),
    ])
    expect(codes(make(own, { packageTables: true, extendUserdata: true }, donor).blockers)).toEqual([])
  })

  it('never move what the slot that runs needs', () => {
    const moved = { ...SIZES, boot_b: 400 }
    const own = terminal(ownTable(SIZES), { slots: { a: { successful: said(true) }, b: {} } })
    const p = make(own, { policy: 'seamless', packageTables: true }, edlRom(layout(moved)))
    const lost = p.blockers.filter(({ code }) => code === 'table-loses-data').map(({ detail }) => detail)
    // Slot b is written anyway; what lies behind it in slot a would move.
    expect(lost.some((detail) => detail.includes('vbmeta_a'))).toBe(true)
    expect(lost.some((detail) => detail.includes('boot_b'))).toBe(false)
  })
})
