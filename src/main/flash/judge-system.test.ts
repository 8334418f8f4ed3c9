import { describe, expect, it } from 'vitest'
import type { TerminalFacts } from '../../shared/terminal.ts'
import { type ExpectedBoot, judgeSystem } from './judge-system.ts'

const said = <T>(value: T) => ({ value, source: 'getprop' })

function system(more: Partial<TerminalFacts> = {}): TerminalFacts {
  return {
    ...{ mode: 'system', bay: 'usb:1-1', slots: {}, partitions: {}, hasSlot: {}, variables: {} },
    bootCompleted: said(true),
    ...more,
  }
}

const SLOT_B: ExpectedBoot = { slot: 'b', before: 'old', installedBySelf: false }
const NO_SLOTS: ExpectedBoot = { before: 'old', installedBySelf: false }
const SIDELOADED: ExpectedBoot = { before: 'old', installedBySelf: true }
const onB = { currentSlot: said('b' as const) }

describe('a system that answers over ADB', () => {
  const cases: readonly [string, ExpectedBoot, TerminalFacts, string][] = [
    ['proves the new slot', SLOT_B, system(onB), 'proven'],
    ['disproves it by running from the other', SLOT_B, system({ currentSlot: said('a') }), 'failed'],
    ['is asked again while it starts', SLOT_B, system({ ...onB, bootCompleted: said(false) }), 'starting'],
    ['is asked again while it does not say', SLOT_B, { ...system(onB), mode: 'recovery' }, 'starting'],
    ['proves nothing without naming its slot', SLOT_B, system(), 'starting'],
    [
      'proves the build that the package names',
      { ...SLOT_B, fingerprint: 'x|new' },
      system({ ...onB, fingerprint: said('new') }),
      'proven',
    ],
    [
      'leaves another build to a person',
      { ...SLOT_B, fingerprint: 'new' },
      system({ ...onB, fingerprint: said('other') }),
      'doubtful',
    ],
    ['proves itself where there are no slots', NO_SLOTS, system(), 'proven'],
    ['may be the old one after a sideload without slots', SIDELOADED, system(), 'doubtful'],
    ['is the old one when it calls itself so', SIDELOADED, system({ fingerprint: said('old') }), 'doubtful'],
    ['is another one when it calls itself so', SIDELOADED, system({ fingerprint: said('new') }), 'proven'],
    [
      'is the new one by name',
      { ...SIDELOADED, fingerprint: 'new' },
      system({ fingerprint: said('new') }),
      'proven',
    ],
    ['must say its name then', { ...SIDELOADED, fingerprint: 'new' }, system(), 'doubtful'],
  ]
  it.each(cases)('%s', (_, expected, facts, kind) => {
    expect(judgeSystem(expected, facts).kind).toBe(kind)
  })
})
