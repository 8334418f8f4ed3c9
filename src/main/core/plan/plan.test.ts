import { describe, expect, it } from 'vitest'
import type { Recipe } from '../../../shared/plan.ts'
import type { RomImageInfo, RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { type PlanInput, plan } from './plan.ts'

const MB = 1024 * 1024
const DIGEST = 'ab'.repeat(32)
const said = <T>(value: T) => ({ value, source: 'getvar' })

function image(name: string, size = MB, more: Partial<RomImageInfo> = {}): RomImageInfo {
  return { name, slotted: 'yes', placement: 'physical', size, sha256: DIGEST, ...more }
}

function rom(more: Partial<RomInfo> = {}): RomInfo {
  return {
    kind: 'ota-zip',
    path: '/roms/full.zip',
    packageSize: 5 * MB,
    fingerprint: 'f'.repeat(64),
    models: ['NX679J'],
    build: 'build-2',
    full: true,
    downgrade: false,
    requirements: [],
    dynamicGroups: [],
    images: [image('abl'), image('boot'), image('system', 3 * MB), image('vbmeta', 4096)],
    avbPartitions: ['boot', 'system'],
    notes: [],
    ...more,
  }
}

function facts(more: Partial<TerminalFacts> = {}): TerminalFacts {
  const partitions: TerminalFacts['partitions'] = {
    persist: { size: MB },
    modemst1: { size: MB },
    userdata: { size: 64 * MB },
  }
  for (const base of ['abl', 'boot', 'system', 'vbmeta']) {
    for (const slot of ['a', 'b']) partitions[`${base}_${slot}`] = { size: 4 * MB }
  }
  return {
    mode: 'bootloader',
    bay: 'usb:1-2',
    serial: said('S1'),
    product: said('NX679J'),
    unlocked: said(true),
    slotCount: said(2),
    currentSlot: said('a' as const),
    slots: { a: { successful: said(true) }, b: { successful: said(true) } },
    batteryPercent: said(80),
    rollback: said({ '0': 1 }),
    partitions,
    hasSlot: { boot: true, system: true, vbmeta: true, abl: true, persist: false },
    variables: { 'version-bootloader': 'B1', product: 'NX679J' },
    ...more,
  }
}

const RECIPE: Recipe = { policy: 'seamless', wipe: false, batteryLimit: 30, proofTimeout: 300 }

function make(more: Partial<PlanInput> = {}) {
  return plan({
    facts: facts(),
    rom: rom(),
    recipe: RECIPE,
    host: { freeBytes: 1e9 },
    now: '2026-01-01T00:00:00Z',
    ...more,
  })
}
const kinds = (p: ReturnType<typeof make>) => p.steps.map((s) => s.id.replace(/^\d+-/, ''))
const blockers = (p: ReturnType<typeof make>) => p.blockers.map((b) => b.code)
const warnings = (p: ReturnType<typeof make>) => p.warnings.map((b) => b.code)

describe('slot policies', () => {
  it('seamless writes only the slot that does not run, verifies it whole, and only then switches', () => {
    const p = make()
    expect(blockers(p)).toEqual([])
    expect(kinds(p)).toEqual([
      'identify',
      'write-boot_b',
      'verify-boot_b',
      'write-system_b',
      'verify-system_b',
      'write-vbmeta_b',
      'verify-vbmeta_b',
      'write-abl_b',
      'verify-abl_b',
      'set-active-b',
      'reboot-system',
      'prove-boot',
    ])
    expect(p.fromSlot).toBe('a')
    expect(p.totals.writeBytes).toBe(5 * MB + 4096)
  })

  it('goes to slot a when b runs', () => {
    const p = make({ facts: facts({ currentSlot: said('b' as const) }) })
    expect(kinds(p)).toContain('write-boot_a')
    expect(kinds(p).some((id) => id.endsWith('_b'))).toBe(false)
  })

  it('both touches the old slot only after the new one has proven that it boots', () => {
    const ids = kinds(make({ recipe: { ...RECIPE, policy: 'both' } }))
    expect(ids.indexOf('write-boot_a')).toBeGreaterThan(ids.indexOf('prove-boot'))
    expect(ids.indexOf('write-boot_b')).toBeLessThan(ids.indexOf('set-active-b'))
  })

  it('single writes the boot chain last, and says that nothing is there to fall back to', () => {
    const single = facts({
      slotCount: said(0),
      currentSlot: undefined,
      slots: {},
      hasSlot: {},
      partitions: { abl: { size: MB }, boot: { size: MB }, system: { size: 4 * MB }, vbmeta: { size: MB } },
    })
    const p = make({ facts: single, recipe: { ...RECIPE, policy: 'single' } })
    expect(blockers(p)).toEqual([])
    expect(
      kinds(p)
        .filter((id) => id.startsWith('write'))
        .at(-1),
    ).toBe('write-abl')
    expect(warnings(p)).toContain('no-fallback-slot')
    expect(p.fromSlot).toBeUndefined()
  })

  it('reads back where the terminal can, and backs up radio and identity before the first write', () => {
    const p = make({ facts: facts({ maxFetch: said(MB) }) })
    expect(kinds(p).slice(0, 3).toSorted()).toEqual(['backup-modemst1', 'backup-persist', 'identify'])
    expect(p.steps.find((s) => s.kind === 'verify')?.method).toBe('read-back')
    expect(p.totals.backupBytes).toBe(2 * MB)
  })

  it('erases user data only when asked, and just before the switch', () => {
    const ids = kinds(make({ recipe: { ...RECIPE, wipe: true } }))
    expect(ids.indexOf('erase-userdata')).toBe(ids.indexOf('set-active-b') - 1)
  })
})

describe('blockers', () => {
  const cases: readonly [string, Partial<PlanInput>, string][] = [
    ['another model', { rom: rom({ models: ['NX769J'] }) }, 'wrong-model'],
    ['a package that names no model', { rom: rom({ models: [] }) }, 'model-unknown'],
    ['a locked bootloader', { facts: facts({ unlocked: said(false) }) }, 'bootloader-locked'],
    [
      'an image that does not fit',
      { rom: rom({ images: [image('boot', 5 * MB), image('vbmeta')], avbPartitions: [] }) },
      'image-too-large',
    ],
    [
      'an image without a partition',
      { rom: rom({ images: [...rom().images, image('strange')] }) },
      'partition-missing',
    ],
    [
      'a logical partition',
      { rom: rom({ images: [...rom().images, image('odm', MB, { placement: 'logical' })] }) },
      'needs-survey',
    ],
    ['a low battery', { facts: facts({ batteryPercent: said(12) }) }, 'battery-low'],
    ['the terminal’s own word on its battery', { facts: facts({ batteryOk: said(false) }) }, 'battery-low'],
    ['a lower rollback index', { rom: rom({ rollback: { '0': 0 } }) }, 'rollback-lower'],
    [
      'an older patch level',
      { rom: rom({ securityPatch: '2025-01-01' }), facts: facts({ securityPatch: said('2025-06-01') }) },
      'patch-level-lower',
    ],
    [
      'a vbmeta that vouches for more than the package has',
      { rom: rom({ avbPartitions: ['boot', 'dtbo'] }) },
      'rom-incomplete',
    ],
    [
      'a package without boot',
      { rom: rom({ images: [image('system'), image('vbmeta')], avbPartitions: [] }) },
      'rom-incomplete',
    ],
    [
      'too little room for backups',
      { facts: facts({ maxFetch: said(MB) }), host: { freeBytes: MB } },
      'host-space',
    ],
    [
      'an unfinished update of a kind that nobody knows',
      { facts: facts({ snapshotStatus: said('unverified') }) },
      'snapshot-merging',
    ],
    ['a mode that only hands lead out of', { facts: facts({ mode: 'unisoc' }) }, 'wrong-mode'],
    ['EDL without a programmer', { facts: facts({ mode: 'edl' }) }, 'edl-unread'],
    ['a terminal that was only seen in fastbootd', { facts: facts({ mode: 'fastbootd' }) }, 'needs-survey'],
    ['seamless without slots', { facts: facts({ slotCount: said(1), currentSlot: undefined }) }, 'not-ab'],
    ['single on a terminal with slots', { recipe: { ...RECIPE, policy: 'single' } }, 'not-a-only'],
    ['an unknown active slot', { facts: facts({ currentSlot: undefined }) }, 'slot-unknown'],
    ['a delta', { rom: rom({ full: false }) }, 'rom-not-full'],
    [
      'an unverified ROM',
      { rom: rom({ images: rom().images.map(({ sha256: _, ...rest }) => rest) }) },
      'rom-not-verified',
    ],
    [
      'a requirement that is not met',
      {
        rom: rom({ requirements: [{ variable: 'version-bootloader', anyOf: ['B2', 'B3'], reject: false }] }),
      },
      'requirement-not-met',
    ],
    [
      'a partition that must exist',
      {
        rom: rom({ requirements: [{ variable: 'partition-exists', anyOf: ['vendor_boot'], reject: false }] }),
      },
      'requirement-not-met',
    ],
  ]
  it.each(cases)('%s', (_name, input, code) => {
    const p = make(input)
    expect(blockers(p)).toContain(code)
    for (const blocker of p.blockers) expect(blocker.next, blocker.code).toBeTruthy()
  })

  it('a boot chain left over in a slot that was never seen booting', () => {
    const without = rom({ images: rom().images.filter((i) => i.name !== 'abl') })
    expect(blockers(make({ rom: without }))).toEqual([])
    expect(warnings(make({ rom: without }))).toContain('slot-leftover')
    const fresh = facts({ slots: { a: { successful: said(true) }, b: { successful: said(false) } } })
    expect(blockers(make({ rom: without, facts: fresh }))).toContain('rom-incomplete')
  })
})

describe('what is never written', () => {
  it('radio and identity partitions, whatever the package holds', () => {
    const p = make({
      rom: rom({
        images: [...rom().images, image('modemst1'), image('l_fixnv1'), image('persist'), image('ztecfg')],
      }),
    })
    expect(kinds(p).some((id) => /modemst1|fixnv|persist|ztecfg/.test(id))).toBe(false)
    expect(warnings(p).filter((w) => w === 'protected-skipped')).toHaveLength(4)
  })

  it('user data and unslotted partitions that the running slot needs', () => {
    const withSplash = facts({
      hasSlot: { ...facts().hasSlot, splash: false },
      partitions: { ...facts().partitions, splash: { size: MB } },
    })
    const p = make({
      facts: withSplash,
      rom: rom({ images: [...rom().images, image('userdata'), image('splash', MB, { slotted: 'ask' })] }),
    })
    expect(kinds(p).some((id) => /userdata|splash/.test(id))).toBe(false)
    expect(warnings(p)).toContain('unslotted-skipped')
  })
})

describe('names', () => {
  it('are compared without regard to case, and the variant counts too', () => {
    expect(blockers(make({ rom: rom({ models: ['nx679j'] }) }))).toEqual([])
    expect(blockers(make({ facts: facts({ product: said('taro'), variant: said('NX679J') }) }))).toEqual([])
  })

  it('a technician may vouch for a second name, and the plan says so', () => {
    const p = make({
      facts: facts({ product: said('PQ99A01') }),
      rom: rom({ models: ['NX741J'] }),
      recipe: { ...RECIPE, assumedModel: 'NX741J' },
    })
    expect(blockers(p)).toEqual([])
    expect(warnings(p)).toContain('vouched-model')
  })
})

it('a terminal of another model that was asked in its system only gets that one answer', () => {
  const p = make({ facts: facts({ mode: 'system' }), rom: rom({ models: ['NX769J'] }) })
  expect([blockers(p), warnings(p), p.steps]).toEqual([['wrong-model'], [], []])
})

it('a terminal that tells almost nothing (Unisoc) can still be planned for', () => {
  const quiet = facts({
    partitions: {},
    hasSlot: {},
    slots: {},
    slotCount: undefined,
    batteryPercent: undefined,
    rollback: undefined,
    unlocked: undefined,
  })
  const p = make({ facts: quiet })
  expect(blockers(p)).toEqual([])
  expect(kinds(p)).toContain('write-boot_b')
  expect(warnings(p)).toEqual(
    expect.arrayContaining(['lock-unknown', 'battery-unknown', 'rollback-unknown', 'partition-size-unknown']),
  )
})

it('the same input gives the same plan', () => {
  expect(make()).toEqual(make())
})

describe('an EDL package', () => {
  const OTHER = 'cd'.repeat(32)
  const edl = (images: readonly RomImageInfo[], name = 'build fingerprint') =>
    rom({
      kind: 'edl-folder',
      images: [...images],
      edl: {
        ...{ flavours: [], sectorSize: 4096, luns: [0], loaders: [], programs: [], skipped: [] },
        names: [{ value: 'NX679J', source: name }],
      },
    })
  const both = (b: string) =>
    ['abl', 'boot', 'system', 'vbmeta'].flatMap((name) => [
      image(name, MB, { slot: 'a' }),
      image(name, MB, { slot: 'b', sha256: name === 'boot' ? b : DIGEST }),
    ])
  const written = (p: ReturnType<typeof make>) =>
    p.steps.flatMap((step) =>
      step.kind === 'write' ? [`${step.partition} from ${step.image.slot ?? '-'}`] : [],
    )

  it('gives both slots the image for slot a, and does not speak of an equal one for slot b', () => {
    const p = make({ rom: edl(both(DIGEST)), recipe: { ...RECIPE, policy: 'both' } })
    expect(blockers(p)).toEqual([])
    expect(warnings(p)).not.toContain('other-slot-image-skipped')
    expect(warnings(p)).not.toContain('slots-differ')
    expect(written(p).filter((line) => line.startsWith('boot'))).toEqual(['boot_b from a', 'boot_a from a'])
  })

  it('whose images for the slots differ says which', () => {
    const p = make({ rom: edl(both(OTHER)) })
    expect(p.warnings.filter(({ code }) => code === 'slots-differ').map(({ detail }) => detail)).toEqual([
      'boot: the package has another image for slot b than for slot a; both slots get that of slot a',
    ])
    expect(written(p)).toContain('boot_b from a')
  })

  it('for slot b only gives it to the slot that is written', () => {
    const only = both(DIGEST).filter(({ slot }) => slot === 'b')
    const p = make({ rom: edl(only) })
    expect(blockers(p)).toEqual([])
    expect(written(p).toSorted()).toEqual([
      'abl_b from b',
      'boot_b from b',
      'system_b from b',
      'vbmeta_b from b',
    ])
  })

  it('is for the model that its build says; a name that somebody gave is told', () => {
    const build = make({ rom: edl(both(DIGEST)) })
    expect(warnings(build)).not.toContain('model-weak')
    const folder = make({ rom: edl(both(DIGEST), 'name of the package') })
    expect(blockers(folder)).toEqual([])
    expect(folder.warnings.find(({ code }) => code === 'model-weak')?.detail).toContain(
      'that the package is for NX679J is only said by the name of the package',
    )
    expect(
      blockers(make({ rom: { ...edl(both(DIGEST), 'name of the package'), models: ['NX741J'] } })),
    ).toContain('wrong-model')
    expect(blockers(make({ rom: { ...edl(both(DIGEST)), models: [] } }))).toContain('model-unknown')
  })
})
