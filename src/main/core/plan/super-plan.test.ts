// Plans for terminals whose systems lie in super: the order of modes and changes, and what is refused before the first write.
import { describe, expect, it } from 'vitest'
import {
  blockers,
  facts,
  HELD,
  ids,
  image,
  MIB,
  make,
  PHYSICAL,
  ROM,
  rom,
  said,
  warnings,
} from '../../../../test/super-cases.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { SuperTables, TerminalFacts } from '../../../shared/terminal.ts'
import { modesToSurvey } from './modes.ts'

describe('a full ROM into the slot of super that does not run', () => {
  it('shrinks, grows and writes in fastbootd, then writes the rest and switches in the bootloader', () => {
    const p = make(facts(HELD), ROM)
    expect(blockers(p)).toEqual([])
    expect(ids(p)).toEqual([
      'identify',
      'resize-logical-system_b',
      'resize-logical-vendor_b',
      'write-system_b',
      'write-vendor_b',
      'enter-bootloader',
      'write-boot_b',
      'write-vbmeta_b',
      'write-abl_b',
      'set-active-b',
      'reboot-system',
      'prove-boot',
    ])
    const switched = p.steps.findIndex((s) => s.kind === 'set-active')
    expect(p.steps.findLastIndex((s) => s.kind === 'verify')).toBeLessThan(switched)
  })

  it('goes to fastbootd first when the terminal stands elsewhere', () => {
    expect(ids(make(facts(HELD, { mode: 'system' }), ROM))[1]).toBe('enter-fastbootd')
    expect(ids(make(facts(HELD, { mode: 'bootloader' }), ROM))[1]).toBe('enter-fastbootd')
  })

  it('rounds sizes up to the blocks of liblp and makes what is missing', () => {
    const p = make(facts({ system_a: MIB }), rom({ system: MIB, odm: 4097 }))
    const odm = p.steps.find((s) => s.kind === 'resize-logical' && s.partition === 'odm_b')
    expect(odm).toMatchObject({ bytes: 8192 })
    expect(blockers(p)).toEqual([])
  })

  it('expects the build that the package names, and falls back to the slot that was not touched', () => {
    const named = { ...ROM, postBuild: ['nubia/NX679J:14/2'] }
    const proof = make(facts(HELD), named).steps.at(-1)
    expect(proof).toMatchObject({ fingerprint: 'nubia/NX679J:14/2', slot: 'b', fallback: 'a' })
    const several = make(facts(HELD), { ...ROM, postBuild: ['x', 'y'] }).steps.at(-1)
    expect(several).not.toHaveProperty('fingerprint')
  })

  it('both does the other slot after the proof, physical partitions last', () => {
    const p = make(facts(HELD), ROM, { policy: 'both' })
    expect(blockers(p)).toEqual([])
    const after = ids(p).slice(ids(p).indexOf('prove-boot') + 1)
    expect(after).toEqual([
      'enter-fastbootd',
      'resize-logical-system_a',
      'resize-logical-vendor_a',
      'write-system_a',
      'write-vendor_a',
      'enter-bootloader',
      'write-boot_a',
      'write-vbmeta_a',
      'write-abl_a',
    ])
  })

  it('single rewrites super while fastbootd is still the old one, the boot chain at the very end', () => {
    const alone = facts(
      { system: 300 * MIB, vendor: 10 * MIB },
      { slotCount: said(1), slots: {}, hasSlot: {} },
    )
    const { currentSlot: _, ...single } = alone
    for (const base of PHYSICAL) single.partitions[base] = { size: 4 * MIB, logical: false }
    const p = make(single, ROM, { policy: 'single' })
    expect(blockers(p)).toEqual([])
    expect(ids(p)).toEqual([
      'identify',
      'resize-logical-system',
      'resize-logical-vendor',
      'write-system',
      'write-vendor',
      'enter-bootloader',
      'write-boot',
      'write-vbmeta',
      'write-abl',
      'reboot-system',
      'prove-boot',
    ])
  })

  it('cannot write what no table of partitions could name', () => {
    const p = make(facts(HELD), rom({ ['x'.repeat(35)]: MIB }))
    expect(blockers(p)).toContain('partition-missing')
  })

  it('plans physical partitions for a bootloader that tells of none, as fastbootd alone knows them', () => {
    const quiet = facts(HELD)
    for (const name of Object.keys(quiet.partitions))
      if (!(name in HELD) && name !== 'super') delete quiet.partitions[name]
    expect(blockers(make({ ...quiet, hasSlot: {} }, ROM))).toEqual([])
  })

  it('asks per mode whether partitions can be read back', () => {
    const p = make(facts(HELD, { maxFetch: said(MIB), readBackIn: ['fastbootd'] }), ROM)
    const method = (name: string) =>
      p.steps.flatMap((s) => (s.kind === 'verify' && s.partition === name ? [s.method] : []))
    expect([method('system_b'), method('boot_b')]).toEqual([['read-back'], ['stream']])
  })
})

describe('an update that the terminal has begun by itself', () => {
  const cow = { ...HELD, 'system_b-cow': 50 * MIB }

  it('is dropped when it was only staged, and its left-overs are deleted', () => {
    const p = make(facts(cow, { snapshotStatus: said('snapshotted') }), ROM)
    expect(blockers(p)).toEqual([])
    expect(warnings(p)).toEqual(expect.arrayContaining(['snapshot-cancelled', 'cow-leftover']))
    expect(ids(p).slice(1, 4)).toEqual([
      'snapshot-cancel',
      'delete-logical-system_b-cow',
      'resize-logical-system_b',
    ])
  })

  it('is finished, never dropped, once it merges', () => {
    const p = make(facts(cow, { snapshotStatus: said('merging') }), ROM)
    expect(blockers(p)).toEqual([])
    expect(ids(p)[1]).toBe('snapshot-merge')
    expect(ids(p)).not.toContain('snapshot-cancel')
  })

  it('that is over leaves partitions behind which alone are deleted', () => {
    const odd = { ...HELD, 'system_b-cow': MIB, scratch: MIB, system_cow: MIB }
    const p = make(facts(odd), ROM)
    const deleted = p.steps.flatMap((s) => (s.kind === 'delete-logical' ? [s.partition] : []))
    expect(deleted).toEqual(['system_b-cow'])
    expect(warnings(p)).toContain('cow-leftover')
  })

  it('is dropped before physical partitions alone are written too', () => {
    const p = make(facts(HELD, { mode: 'bootloader', snapshotStatus: said('snapshotted') }), rom({}))
    expect(ids(p).slice(1, 5)).toEqual([
      'enter-fastbootd',
      'snapshot-cancel',
      'enter-bootloader',
      'write-boot_b',
    ])
  })

  const unsure: readonly [string, TerminalFacts][] = [
    [
      'may be the one that runs: its slot is active and never booted',
      facts(HELD, {
        snapshotStatus: said('snapshotted'),
        slots: { a: { successful: said(false) }, b: { successful: said(true) } },
      }),
    ],
    [
      'is for the active slot, as its copy-on-write partitions say',
      facts({ ...HELD, 'system_a-cow': MIB }, { snapshotStatus: said('snapshotted') }),
    ],
    [
      'is staged, and neither marks nor partitions say for which slot',
      facts(HELD, { snapshotStatus: said('snapshotted'), slots: {} }),
    ],
    ['is in a state that has no name here', facts(HELD, { snapshotStatus: said('unverified') })],
    [
      'left partitions behind, and its state is not told',
      (({ snapshotStatus: _, ...rest }) => rest)(facts({ ...HELD, 'system_b-cow': MIB })),
    ],
  ]
  it.each(unsure)('%s: nothing is planned on a guess', (_, f) => {
    const p = make(f, ROM)
    expect(blockers(p)).toContain('snapshot-merging')
    expect(p.steps.some((s) => s.kind === 'snapshot')).toBe(false)
  })
})

describe('room in super', () => {
  const tight = facts(HELD, { superSize: 800 * MIB })

  it('that does not suffice is a blocker with the numbers and the ways out', () => {
    const p = make(tight, ROM)
    expect(blockers(p)).toEqual(['super-space'])
    const [blocker] = p.blockers
    expect(blocker?.detail).toMatch(
      /need 450\.9 MB .* 418\.4 MB are free; slot a, which runs, holds 419\.4 MB/,
    )
    expect(blocker?.next).toMatch(/--policy sideload.*--give-up-other-slot/)
  })

  it('is made by giving up the running slot, as late as possible and with plain words', () => {
    const p = make(tight, ROM, { giveUpOtherSlot: true })
    expect(blockers(p)).toEqual([])
    expect(ids(p)).toEqual([
      'identify',
      'resize-logical-system_b',
      'write-system_b',
      'enter-bootloader',
      'write-boot_b',
      'write-vbmeta_b',
      'write-abl_b',
      'enter-fastbootd',
      'delete-logical-system_a',
      'delete-logical-vendor_a',
      'resize-logical-vendor_b',
      'write-vendor_b',
      'enter-bootloader',
      'set-active-b',
      'reboot-system',
      'prove-boot',
    ])
    expect(p.warnings.find((w) => w.code === 'other-slot-given-up')?.detail).toMatch(/no way back/)
    expect(p.steps.at(-1)).not.toHaveProperty('fallback')
  })

  it('is not made at the cost of the running slot when there is enough', () => {
    const p = make(facts(HELD), ROM, { giveUpOtherSlot: true })
    expect(p.steps.some((s) => s.kind === 'delete-logical')).toBe(false)
    expect(p.steps.at(-1)).toHaveProperty('fallback', 'a')
  })

  it('has to do for two systems when both slots are written', () => {
    const p = make(facts({ system_a: 10 * MIB, system_b: 0 }, { superSize: 500 * MIB }), ROM, {
      policy: 'both',
    })
    expect(p.blockers).toMatchObject([
      { code: 'super-space', next: expect.stringContaining('--policy seamless') },
    ])
  })

  it('is limited by the groups of the terminal’s own tables', () => {
    const groups = [
      { name: 'main_a', maximum: 0 },
      { name: 'main_b', maximum: 400 * MIB },
    ]
    const partitions = Object.entries(HELD).map(([name, bytes]) => ({
      name,
      bytes,
      group: name.endsWith('a') ? 'main_a' : 'main_b',
    }))
    const tables = { size: 4000 * MIB, firstByte: MIB, alignment: MIB, groups, partitions }
    const p = make(facts(HELD, { superTables: said(tables) }), ROM)
    expect(p.blockers).toMatchObject([{ code: 'super-space', detail: expect.stringContaining('main_b') }])
  })

  it.each([
    ['of a partition', { system_a: undefined }],
    ['of super', { super: undefined }],
  ])('is not known without the size %s', (_, unknown) => {
    const f = facts(HELD)
    for (const name of Object.keys(unknown)) f.partitions[name] = { logical: name !== 'super' }
    expect(warnings(make(f, ROM))).toContain('super-unknown')
  })

  it('that depends on how tightly the terminal packs super is left to it to refuse', () => {
    const held = { system_a: 1.5 * MIB, vendor_a: 1.5 * MIB }
    const f = facts(held, { superSize: 7.5 * MIB })
    const wanted = rom({ system: 1.5 * MIB, vendor: 1.5 * MIB })
    expect([blockers(make(f, wanted)), warnings(make(f, wanted))]).toEqual([
      [],
      expect.arrayContaining(['super-unknown']),
    ])
    expect(blockers(make(facts(held, { superSize: 5 * MIB }), wanted))).toEqual(['super-space'])
    // Told by its tables, it is certain.
    const partitions = Object.entries(held).map(([name, bytes]) => ({ name, bytes, group: 'default' }))
    const tables = { size: 7.5 * MIB, firstByte: MIB, alignment: MIB, groups: [], partitions }
    expect(blockers(make({ ...f, superTables: said(tables) }, wanted))).toEqual(['super-space'])
  })

  it('that is not known is left to the terminal to refuse, but nothing is given up for it', () => {
    const unknown = facts(HELD)
    delete unknown.partitions['super']
    expect(blockers(make(unknown, ROM))).toEqual([])
    expect(warnings(make(unknown, ROM))).toContain('super-unknown')
    expect(blockers(make(unknown, ROM, { giveUpOtherSlot: true }))).toEqual(['super-unknown'])
  })
})

describe('tables of super that have no place for the ROM', () => {
  const tablesOf = (
    limit: number,
    held: Readonly<Record<string, number>>,
    size = 1000 * MIB,
  ): SuperTables => ({
    size,
    firstByte: MIB,
    alignment: MIB,
    groups: ['a', 'b'].map((slot) => ({ name: `main_${slot}`, maximum: limit })),
    partitions: Object.entries(held).map(([name, bytes]) => ({
      name,
      bytes,
      group: `main_${name.slice(-1)}`,
    })),
  })
  const EMPTY = { system_a: 0, vendor_a: 0, system_b: 0, vendor_b: 0 }
  const narrow = facts(HELD, { superTables: said(tablesOf(400 * MIB, HELD)) })
  const bringing = (tables: SuperTables) =>
    rom(
      { system: 310 * MIB, vendor: 120 * MIB },
      { superEmpty: { name: 'super_empty', sha256: 'cd'.repeat(32), tables } },
    )
  const wider = bringing(tablesOf(900 * MIB, EMPTY))

  it('are replaced by the package’s when the other slot is given up, after all that can be written before', () => {
    const p = make(narrow, wider, { giveUpOtherSlot: true })
    expect(blockers(p)).toEqual([])
    expect(ids(p)).toEqual([
      'identify',
      'enter-bootloader',
      'write-boot_b',
      'write-vbmeta_b',
      'write-abl_b',
      'enter-fastbootd',
      'update-super',
      'resize-logical-system_b',
      'resize-logical-vendor_b',
      'write-system_b',
      'write-vendor_b',
      'enter-bootloader',
      'set-active-b',
      'reboot-system',
      'prove-boot',
    ])
    expect(p.steps.find(({ kind }) => kind === 'update-super')).toMatchObject({
      image: { name: 'super_empty' },
      sha256: 'cd'.repeat(32),
      wipe: false,
    })
    expect(p.warnings.find((w) => w.code === 'other-slot-given-up')?.detail).toMatch(
      /replaced by the package’s.*slot a \(system_a, vendor_a\).*no way back/,
    )
    expect(p.steps.at(-1)).not.toHaveProperty('fallback')
  })

  it('are a blocker that names both ways, as long as it is not', () => {
    const p = make(narrow, wider)
    expect(p.blockers).toMatchObject([
      {
        code: 'super-space',
        detail: expect.stringContaining('main_b'),
        next: expect.stringMatching(/--policy sideload.*--give-up-other-slot/),
      },
    ])
    expect(ids(p)).not.toContain('update-super')
  })

  it('are replaced after an update of the terminal’s own is out of the way', () => {
    const staged = { ...HELD, 'system_b-cow': MIB }
    const f = facts(staged, {
      superTables: said(tablesOf(400 * MIB, HELD)),
      snapshotStatus: said('snapshotted'),
    })
    const order = ids(make(f, wider, { giveUpOtherSlot: true }))
    expect(order.indexOf('snapshot-cancel')).toBe(1)
    expect(order.indexOf('update-super')).toBeGreaterThan(order.indexOf('write-boot_b'))
  })

  const WITHOUT_GIVING_UP = /^(?!.*--give-up-other-slot).*--policy sideload/
  it.each([
    ['are for a larger super', bringing(tablesOf(900 * MIB, EMPTY, 1001 * MIB)), /super of 1\.\d+ GB/],
    ['are as narrow', bringing(tablesOf(400 * MIB, EMPTY)), WITHOUT_GIVING_UP],
    ['are not there', ROM, WITHOUT_GIVING_UP],
  ])('stay when the package’s own %s', (_, wanted, next) => {
    for (const giveUpOtherSlot of [true, false]) {
      const p = make(narrow, wanted, { giveUpOtherSlot })
      expect(p.blockers).toMatchObject([{ code: 'super-space', next: expect.stringMatching(next) }])
      expect(p.blockers[0]?.next).toMatch(WITHOUT_GIVING_UP)
      expect(ids(p)).not.toContain('update-super')
    }
  })

  it('stay where what belongs to no slot would leave no room under the package’s', () => {
    const common = { ...HELD, common: 600 * MIB }
    const f = facts(common, {
      superSize: 2000 * MIB,
      superTables: said({
        ...tablesOf(400 * MIB, HELD, 2000 * MIB),
        partitions: [...tablesOf(0, HELD).partitions, { name: 'common', group: 'default', bytes: 600 * MIB }],
      }),
    })
    expect(blockers(make(f, wider, { giveUpOtherSlot: true }))).toEqual(['super-space'])
  })

  it('stay where deletions make room enough, and where nothing is amiss', () => {
    const tight = facts(HELD, {
      superSize: 800 * MIB,
      superTables: said(tablesOf(0, HELD, 800 * MIB)),
    })
    const small = bringing(tablesOf(700 * MIB, EMPTY, 800 * MIB))
    const order = ids(make(tight, small, { giveUpOtherSlot: true }))
    expect([order.includes('delete-logical-system_a'), order.includes('update-super')]).toEqual([true, false])
    const roomy = facts(HELD, { superTables: said(tablesOf(900 * MIB, HELD)) })
    const p = make(roomy, wider, { giveUpOtherSlot: true })
    expect(ids(p)).not.toContain('update-super')
    expect(p.steps.at(-1)).toHaveProperty('fallback', 'a')
  })

  it('stay when both slots are to be written', () => {
    const p = make(narrow, wider, { giveUpOtherSlot: true, policy: 'both' })
    expect(blockers(p)).toEqual(['super-space'])
  })
})

describe('what has to be asked first', () => {
  const seen = (more: Partial<TerminalFacts>) => ({ ...facts({}), ...more })
  const table: readonly [string, TerminalFacts, RomInfo, readonly string[]][] = [
    [
      'everything, of a running system',
      seen({ mode: 'system', surveyed: ['system'] }),
      ROM,
      ['bootloader', 'fastbootd'],
    ],
    [
      'fastbootd, of a bootloader',
      seen({ mode: 'bootloader', surveyed: ['bootloader'] }),
      ROM,
      ['fastbootd'],
    ],
    ['the bootloader, of fastbootd', seen({ surveyed: ['fastbootd'] }), ROM, ['bootloader']],
    ['nothing more', facts(HELD), ROM, []],
    [
      'no fastbootd, for physical partitions',
      seen({ mode: 'bootloader', surveyed: ['bootloader'] }),
      rom({}),
      [],
    ],
    [
      'fastbootd, where the package does not say and the terminal has a super',
      seen({ mode: 'bootloader', surveyed: ['bootloader'] }),
      rom({}, { images: [image('boot', MIB, 'physical'), image('system', MIB, 'ask')] }),
      ['fastbootd'],
    ],
    ...(
      [
        [
          'fastbootd, where a silent bootloader and a set that is newer than super leave it open',
          'fastboot-zip',
          ['fastbootd'],
        ],
        ['no fastbootd, where a payload without groups settles it', 'ota-zip', []],
      ] as const
    ).map(([name, kind, modes]): (typeof table)[number] => [
      name,
      seen({
        mode: 'bootloader',
        surveyed: ['bootloader'],
        superPartition: undefined,
        partitions: {},
        hasSlot: {},
      }),
      rom({}, { kind, images: [image('vendor_boot', MIB, 'ask'), image('system', MIB, 'ask')] }),
      modes,
    ]),
    [
      'no fastbootd, where the bootloader has the partition and no super',
      seen({
        mode: 'bootloader',
        surveyed: ['bootloader'],
        superPartition: undefined,
        partitions: { system_a: { size: MIB } },
      }),
      rom({}, { images: [image('boot', MIB, 'physical'), image('system', MIB, 'ask')] }),
      [],
    ],
  ]
  it.each(table)('%s', (_, f, r, modes) => {
    expect(modesToSurvey(r, f)).toEqual(modes)
    expect(blockers(make(f, r)).includes('needs-survey')).toBe(modes.length > 0)
    expect(modesToSurvey(r, f, 'sideload')).toEqual([])
  })
})
