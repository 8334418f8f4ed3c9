import { describe, expect, it } from 'vitest'
import { GUIDE_BOOK } from './guide-book.ts'
import { guideFor, STRAY_STATES } from './guide-choice.ts'
import { GUIDE_IDS } from './guides.ts'
import { MODES } from './terminal.ts'

describe('the book', () => {
  it.each(GUIDE_IDS)('%s can be followed: steps, a sign of success, patience for its steps', (id) => {
    const guide = GUIDE_BOOK[id]
    expect(guide.id).toBe(id)
    expect(guide.steps.length).toBeGreaterThan(1)
    expect(guide.recognisedBy.length).toBeGreaterThan(0)
    expect(guide.sources.length).toBeGreaterThan(0)
    const held = guide.steps.reduce((sum, s) => sum + (s.seconds ?? 0), 0)
    expect(guide.patience).toBeGreaterThan(held)
    for (const step of guide.steps) {
      expect(step.picture).toMatch(/^[a-z-]+$/)
      expect(step.keys.length > 0 || step.action === 'release' || step.action === 'wait').toBe(true)
    }
  })

  it('warns wherever keys decide that they vary', () => {
    for (const guide of Object.values(GUIDE_BOOK)) {
      const keys = guide.steps.some((s) => s.action === 'hold' && s.keys.some((k) => k.startsWith('volume')))
      if (keys && !guide.id.startsWith('leave'))
        expect(guide.caveats.join(' '), guide.id).toContain('vary by model')
    }
  })
})

describe('the choice', () => {
  it.each([
    ['system', 'bootloader', 'bootloader'],
    ['bootloader', 'edl', 'edl'],
    ['crashdump', 'edl', 'leave-crashdump'],
    ['crashdump', 'bootloader', 'leave-crashdump'],
    ['charging', 'system', 'leave-charging'],
    ['charging', 'bootloader', 'bootloader'],
    ['unisoc', 'bootloader', 'leave-download'],
    ['unknown', 'system', 'leave-unknown'],
    ['bootloader', 'system', 'system-adb'],
    ['bootloader', 'sideload', 'sideload'],
    ['bootloader', 'bootloader', undefined],
    ['bootloader', 'crashdump', undefined],
  ] as const)('%s → %s: %s', (from, to, id) => expect(guideFor(from, to)?.id).toBe(id))

  it('answers for every pair of modes', () => {
    for (const from of MODES)
      for (const to of MODES) {
        const guide = guideFor(from, to)
        if (guide !== undefined) expect(GUIDE_BOOK[guide.id]).toBe(guide)
        if (from === to) expect(guide).toBeUndefined()
      }
  })

  it('ends: whoever does what it says and lands where it says gets to the goal', () => {
    for (const to of ['bootloader', 'recovery', 'edl', 'sideload'] as const)
      for (const from of MODES) {
        let mode = from
        for (let tries = 0; mode !== to; tries++) {
          const guide = guideFor(mode, to)
          expect(guide, `${mode} → ${to}`).toBeDefined()
          expect(tries).toBeLessThan(4)
          mode = guide?.recognisedBy.includes(to) ? to : (guide?.recognisedBy[0] ?? to)
        }
      }
  })

  it('each stray state names a guide out of it', () => {
    for (const { leave } of Object.values(STRAY_STATES)) expect(leave.startsWith('leave-')).toBe(true)
  })
})
