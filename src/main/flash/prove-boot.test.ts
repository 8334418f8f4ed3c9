import { describe, expect, it } from 'vitest'
import type { TerminalFacts } from '../../shared/terminal.ts'
import { judge, type Sightings } from './prove-boot.ts'

type SlotState = NonNullable<TerminalFacts['slots']['b']>
const said = <T>(value: T) => ({ value, source: 'getvar' })

function facts(current: 'a' | 'b' | undefined, b: SlotState): TerminalFacts {
  return {
    mode: 'bootloader',
    bay: 'usb:1-1',
    slots: { b },
    partitions: {},
    hasSlot: {},
    variables: {},
    ...(current === undefined ? {} : { currentSlot: said(current) }),
  }
}

const FRESH: Sightings = { system: false, unmarked: true }
const UP: Sightings = { system: true, unmarked: true }

describe('the boot of slot b', () => {
  const cases: readonly [string, TerminalFacts, Sightings, string][] = [
    ['is proven by a new mark', facts('b', { successful: said(true) }), FRESH, 'slot-successful'],
    [
      'is not proven by a mark that was there before',
      facts('b', { successful: said(true) }),
      { system: false, unmarked: false },
      'not-tried',
    ],
    [
      'is proven by an old mark and the system seen up',
      facts('b', { successful: said(true) }),
      { system: true, unmarked: false },
      'current-slot-after-system',
    ],
    ['is proven without marks by the system seen up', facts('b', {}), UP, 'current-slot-after-system'],
    ['is not proven by what we set ourselves', facts('b', {}), FRESH, 'not-tried'],
    [
      'is not proven while the mark is denied, even with the system up',
      facts('b', { successful: said(false) }),
      UP,
      'not-tried',
    ],
    ['is not proven by a system of an unknown slot', facts(undefined, {}), UP, 'not-tried'],
    ['is disproven by the other slot', facts('a', { successful: said(true) }), UP, 'failed'],
    ['is disproven by the unbootable mark', facts('b', { unbootable: said(true) }), UP, 'failed'],
    [
      'is disproven when no attempts are left',
      facts('b', { successful: said(false), retryCount: said(0) }),
      FRESH,
      'failed',
    ],
    [
      'is not disproven by spent attempts of a slot that booted',
      facts('b', { successful: said(true), retryCount: said(0) }),
      FRESH,
      'slot-successful',
    ],
  ]
  it.each(cases)('%s', (_name, given, seen, expected) => {
    const verdict = judge('b', given, seen)
    expect(verdict.kind === 'proven' ? verdict.by : verdict.kind).toBe(expected)
  })
})
