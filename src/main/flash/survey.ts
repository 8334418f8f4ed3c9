// Reads a terminal's facts in every mode that has something to tell. Nothing is written; the terminal restarts from mode to mode.
import { Deadline } from '../../shared/io-options.ts'
import type { Mode, TerminalFacts } from '../../shared/terminal.ts'
import { sameThroughout } from '../terminals/identity.ts'
import type { FlashSession, TerminalSession } from '../terminals/types.ts'
import { BaySessions, PATIENCE, type Patience, type SessionOpeners, type Waiting } from './bay-sessions.ts'
import { reachMode, whateverMode } from './reach-mode.ts'

/** One reading per mode, in the order of the visits; at least one. */
export type Readings = readonly [TerminalFacts, ...TerminalFacts[]]

export interface SurveyOptions {
  readonly bay: string
  readonly signal: AbortSignal
  readonly patience?: Partial<Patience> | undefined
  readonly onWaiting: (waiting: Waiting) => void
  /** Partitions that are asked for by name where the terminal speaks fastboot. */
  readonly partitions: readonly string[]
  /** Which modes are still to be visited, from all that is known so far; none ends the survey. */
  readonly next: (known: Readings) => readonly Mode[]
  /** Called before the terminal is restarted into another mode. */
  readonly onVisit?: (mode: Mode) => void
}

/** The terminal stays in the mode that was visited last.
 * @throws SlotbenchError `terminal-stranger` when another terminal turns up, `mode-not-reached`, and what opening throws. */
export async function survey(openers: SessionOpeners, o: SurveyOptions): Promise<Readings> {
  const patience = { ...PATIENCE, ...o.patience }
  const check = sameThroughout(o.bay)
  const bay = new BaySessions(openers, {
    bay: o.bay,
    signal: o.signal,
    patience,
    onWaiting: o.onWaiting,
    check: ({ facts }) => check(facts),
  })
  const known: [TerminalFacts, ...TerminalFacts[]] = [await visit(await whateverMode(bay, patience), o)]
  for (;;) {
    const visited = new Set(known.map((facts) => facts.mode))
    const mode = o.next(known).find((wanted) => !visited.has(wanted))
    if (mode === undefined) return known
    o.onVisit?.(mode)
    known.push(await visit(await reachMode(bay, mode, { signal: o.signal, patience }), o))
  }
}

async function visit(session: TerminalSession, o: SurveyOptions): Promise<TerminalFacts> {
  const io = { signal: o.signal, deadline: Deadline.after(PATIENCE.open) }
  try {
    if (session.protocol !== 'adb') return await (session as FlashSession).describe(o.partitions, io)
    return session.facts
  } finally {
    await session.close()
  }
}
