// Plans that give the package to the terminal's own recovery.
import { describe, expect, it } from 'vitest'
import { blockers, facts, HELD, ids, MIB, make, ROM, said, warnings } from '../../../../test/super-cases.ts'
import type { Recipe } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'

describe('sideload', () => {
  const sideload = (f: TerminalFacts, r: RomInfo, more: Partial<Recipe> = {}) =>
    make(f, r, { policy: 'sideload', ...more })
  const locked = facts(
    {},
    { mode: 'system', surveyed: ['system'], unlocked: said(false), fingerprint: said('base/1') },
  )
  const delta: RomInfo = { ...ROM, full: false, delta: true, preBuild: ['base/1'], postBuild: ['next/2'] }

  it('gives the file to the recovery and sees the other slot boot, locked or not', () => {
    const p = sideload(locked, ROM)
    expect(blockers(p)).toEqual([])
    expect(ids(p)).toEqual(['identify', 'enter-sideload', 'sideload', 'reboot-system', 'prove-boot'])
    expect(p.steps.at(-1)).toMatchObject({ slot: 'b', fallback: 'a' })
    expect(p.totals.writeBytes).toBe(700 * MIB)
  })

  it('takes a delta that starts from what is installed', () => {
    const p = sideload(locked, delta)
    expect(blockers(p)).toEqual([])
    expect(p.steps.at(-1)).toMatchObject({ fingerprint: 'next/2' })
    expect(blockers(make(facts(HELD), delta))).toContain('rom-not-full')
  })

  it('proves a terminal without slots by its boot alone', () => {
    const { currentSlot: _, ...single } = facts({}, { slotCount: said(1), hasSlot: {}, mode: 'recovery' })
    expect(sideload(single, ROM).steps.at(-1)).toEqual({ kind: 'prove-boot', id: expect.any(String) })
  })

  const refused: readonly [string, TerminalFacts, RomInfo, Partial<Recipe>, string][] = [
    ['a delta for another build', { ...locked, fingerprint: said('base/0') }, delta, {}, 'delta-base'],
    ['a package that is no OTA zip', locked, { ...ROM, kind: 'fastboot-folder' }, {}, 'not-sideloadable'],
    ['a wipe', locked, ROM, { wipe: true }, 'not-sideloadable'],
    ['another model', locked, { ...ROM, models: ['NX769J'] }, {}, 'wrong-model'],
    ['a low battery', { ...locked, batteryPercent: said(3) }, ROM, {}, 'battery-low'],
    [
      'an older patch level',
      { ...locked, securityPatch: said('2026-06-01') },
      { ...ROM, securityPatch: '2026-01-01' },
      {},
      'patch-level-lower',
    ],
    ['a terminal in EDL', { ...locked, mode: 'edl' }, ROM, {}, 'wrong-mode'],
  ]
  it.each(refused)('refuses %s', (_, f, r, more, code) => {
    const p = sideload(f, r, more)
    expect(blockers(p)).toEqual([code])
    expect(p.blockers[0]?.next).toBeTruthy()
  })

  it('warns of a delta whose base cannot be compared, and of a downgrade that wipes', () => {
    const { fingerprint: _, ...silent } = locked
    expect(warnings(sideload(silent, delta))).toContain('delta-base')
    const back = { ...ROM, downgrade: true, securityPatch: '2020-01-01' }
    const p = sideload({ ...locked, securityPatch: said('2026-01-01') }, back)
    expect([blockers(p), warnings(p)]).toEqual([[], ['wipe']])
  })
})
