// A ROM and a terminal with a super, for tests of plans.
import { plan } from '../src/main/core/plan/plan.ts'
import type { Plan, Recipe } from '../src/shared/plan.ts'
import type { RomImageInfo, RomInfo } from '../src/shared/rom.ts'
import type { TerminalFacts } from '../src/shared/terminal.ts'
import { SLOTS } from '../src/shared/units.ts'

export const MIB = 1024 * 1024
const DIGEST = 'ab'.repeat(32)
export const said = <T>(value: T) => ({ value, source: 'getvar' })
export const PHYSICAL = ['abl', 'boot', 'vbmeta'] as const

export function image(name: string, size: number, placement: RomImageInfo['placement']): RomImageInfo {
  return { name, slotted: 'yes', placement, size, sha256: DIGEST }
}

export function rom(logical: Readonly<Record<string, number>>, more: Partial<RomInfo> = {}): RomInfo {
  return {
    kind: 'ota-zip',
    path: '/roms/full.zip',
    packageSize: 700 * MIB,
    fingerprint: 'f'.repeat(64),
    models: ['NX679J'],
    full: true,
    downgrade: false,
    requirements: [],
    dynamicGroups: [{ name: 'main', size: 0, partitions: Object.keys(logical) }],
    images: [
      ...PHYSICAL.map((name) => image(name, MIB, 'physical')),
      ...Object.entries(logical).map(([name, size]) => image(name, size, 'logical')),
    ],
    notes: [],
    ...more,
  }
}

/** A terminal seen in its bootloader and then in fastbootd. */
export function facts(
  logical: Readonly<Record<string, number>>,
  more: Partial<TerminalFacts> & { readonly superSize?: number } = {},
): TerminalFacts {
  const { superSize = 1000 * MIB, ...rest } = more
  const partitions: TerminalFacts['partitions'] = { super: { size: superSize } }
  for (const base of PHYSICAL)
    for (const slot of SLOTS) partitions[`${base}_${slot}`] = { size: 4 * MIB, logical: false }
  for (const [name, size] of Object.entries(logical)) partitions[name] = { size, logical: true }
  return {
    mode: 'fastbootd',
    surveyed: ['bootloader', 'fastbootd'],
    bay: 'usb:1-2',
    serial: said('S1'),
    product: said('NX679J'),
    unlocked: said(true),
    slotCount: said(2),
    currentSlot: said('a' as const),
    slots: { a: { successful: said(true) }, b: { successful: said(true) } },
    batteryPercent: said(80),
    superPartition: said('super'),
    snapshotStatus: said('none'),
    partitions,
    hasSlot: { abl: true, boot: true, vbmeta: true },
    variables: {},
    ...rest,
  }
}

const RECIPE: Recipe = { policy: 'seamless', wipe: false, batteryLimit: 30, proofTimeout: 300 }
export const make = (f: TerminalFacts, r: RomInfo, recipe: Partial<Recipe> = {}) =>
  plan({ facts: f, rom: r, recipe: { ...RECIPE, ...recipe }, host: { freeBytes: 1e9 }, now: '2026-01-01' })
export const ids = (p: Plan) =>
  p.steps.map((s) => s.id.replace(/^\d+-/, '')).filter((id) => !id.startsWith('verify'))
export const blockers = (p: Plan) => p.blockers.map((b) => b.code)
export const warnings = (p: Plan) => p.warnings.map((w) => w.code)

export const HELD = { system_a: 300 * MIB, vendor_a: 100 * MIB, system_b: 350 * MIB, vendor_b: 0 }
export const ROM = rom({ system: 310 * MIB, vendor: 120 * MIB })
