// Every way in which a terminal can answer wrongly, at every kind of command: one error with its code, a terminal that boots, and a
// job that goes on where that can help.
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { ErrorCode } from '../../src/shared/error-catalogue.ts'
import type { Fault, FaultTrigger, ReplyFault } from '../../src/simulator/faults.ts'
import type { Workplace } from '../flash-bench.ts'
import { expectOutcome, type Outcome, openPlace, SILENCE_MS } from './bench.ts'

let place: Workplace

beforeAll(async () => {
  place = await openPlace('nx679j')
})
afterAll(() => place.close())

/** Each kind of command of a job, somewhere in it. */
const MOMENTS: Readonly<Record<string, FaultTrigger>> = {
  'getvar all': { startsWith: 'getvar:all' },
  getvar: { startsWith: 'getvar:', nth: 4 },
  download: { startsWith: 'download:', nth: 5 },
  flash: { startsWith: 'flash:', nth: 5 },
  'flash of the last partition': { startsWith: 'flash:abl_b' },
  set_active: { startsWith: 'set_active:' },
  reboot: { startsWith: 'reboot' },
}
/** Faults after which the terminal says nothing for longer than a person would wait. */
const SILENT: ReadonlySet<string> = new Set(['answers too late', 'loses its answer', 'hangs'])
const AGAIN: Outcome = {
  state: 'interrupted',
  codes: ['terminal-garbled', 'terminal-silent', 'terminal-gone', 'usb-failed'],
}
const UNHARMED: Outcome = { state: 'done' }

type Table = Readonly<Record<string, Outcome>>

function atEach(what: string, fault: (at: FaultTrigger) => Fault, outcomes: Table, otherwise: Outcome): void {
  describe.concurrent(what, () => {
    it.each(Object.entries(MOMENTS))('at %s', async (name, at) => {
      const bad = { faults: [fault(at)], ...(SILENT.has(what) && { silenceMs: SILENCE_MS }) }
      await expectOutcome(place, bad, outcomes[name] ?? otherwise)
    })
  })
}

const reply =
  (how: ReplyFault) =>
  (at: FaultTrigger): Fault => ({ kind: 'reply', at, how })
const interrupted = (...codes: ErrorCode[]): Outcome => ({ state: 'interrupted', codes })

atEach('answers with garbage', reply({ kind: 'garbage' }), {}, interrupted('terminal-garbled'))
atEach('answers too long', reply({ kind: 'too-long', bytes: 700 }), {}, interrupted('terminal-garbled'))
atEach('answers late, but in time', reply({ kind: 'late', ms: 300 }), {}, UNHARMED)
atEach('answers too late', reply({ kind: 'late', ms: 4_000 }), {}, AGAIN)
atEach('loses its answer', reply({ kind: 'lost' }), { reboot: UNHARMED }, interrupted('terminal-silent'))
atEach('answers twice', reply({ kind: 'duplicated' }), { reboot: UNHARMED }, AGAIN)
atEach(
  'refuses',
  (at) => ({ kind: 'refuse', at, words: 'not today' }),
  // What a terminal does not say is a fact that is missing.
  { 'getvar all': UNHARMED, getvar: UNHARMED },
  { state: 'failed', codes: ['terminal-refused'] },
)
atEach('hangs', (at) => ({ kind: 'stall', at }), {}, interrupted('terminal-silent'))
