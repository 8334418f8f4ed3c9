// Takes one terminal from the mode it is in to another and leaves it there. No job, nothing is written.
import { asSlotbenchError, SlotbenchError } from '../../shared/errors.ts'
import { Deadline } from '../../shared/io-options.ts'
import type { Mode, TerminalFacts } from '../../shared/terminal.ts'
import { sameThroughout } from '../terminals/identity.ts'
import type { RebootTarget, Sighting, TerminalSession } from '../terminals/types.ts'
import { BaySessions, PATIENCE, type Patience, type SessionOpeners, type Waiting } from './bay-sessions.ts'
import { handsFor, nextRestart, reachMode } from './reach-mode.ts'

export interface JourneyOptions {
  readonly signal: AbortSignal
  readonly patience?: Partial<Patience> | undefined
  readonly onWaiting: (waiting: Waiting) => void
  /** Called with what the terminal is before it is sent anywhere; what it throws ends the journey. */
  readonly onOpened?: (facts: TerminalFacts) => void
}

export interface Arrival {
  readonly from: Mode
  readonly mode: Mode
  /** Absent where the terminal is only recognised (EDL) or does not let us in. */
  readonly facts: TerminalFacts | undefined
}

/** Opens what was sighted, once and without asking for hands, and reads its facts.
 * @throws SlotbenchError what opening throws. */
export async function readOnce(
  openers: SessionOpeners,
  sighting: Sighting,
  o: JourneyOptions,
): Promise<TerminalFacts> {
  const session = await openOnce(openers, sighting, o)
  await session.close()
  return session.facts
}

/** The session itself, to be closed by the caller.
 * @throws SlotbenchError what opening throws. */
export function openOnce(
  openers: SessionOpeners,
  sighting: Sighting,
  o: JourneyOptions,
): Promise<TerminalSession> {
  return baySessions(openers, sighting, o).openNow(sighting)
}

/** A terminal that is there already restarts into the same mode where software can do that.
 * @throws SlotbenchError `mode-not-reached`, `terminal-stranger` when another one comes up, and what opening throws. */
export async function goToMode(
  openers: SessionOpeners,
  sighting: Sighting,
  to: RebootTarget,
  o: JourneyOptions,
): Promise<Arrival> {
  if (isSeenIn(to, sighting)) return { from: sighting.mode, mode: to, facts: undefined }
  return to === 'edl' ? toEdl(openers, sighting, o) : toOpenable(openers, sighting, to, o)
}

/** EDL is recognised and never opened here. */
async function toEdl(openers: SessionOpeners, sighting: Sighting, o: JourneyOptions): Promise<Arrival> {
  const { reconnect, hands } = { ...PATIENCE, ...o.patience }
  const bay = baySessions(openers, sighting, o)
  const { from, restarted } = await sendOff(bay, sighting, 'edl', o)
  const wait = (ms: number) =>
    openers.discovery.waitFor((s) => s.bay === sighting.bay && isSeenIn('edl', s), {
      signal: o.signal,
      deadline: Deadline.after(ms),
    })
  const byHand = () => {
    o.onWaiting(handsFor(from, 'edl', Math.round(hands / 1000)))
    return wait(hands)
  }
  try {
    const there = restarted ? await wait(reconnect).catch(byHand) : await byHand()
    bay.noteSeen(there)
    return { from, mode: 'edl', facts: undefined }
  } catch (thrown) {
    throw notReached(thrown, 'edl')
  }
}

async function toOpenable(
  openers: SessionOpeners,
  sighting: Sighting,
  to: RebootTarget,
  o: JourneyOptions,
): Promise<Arrival> {
  // Once the system is seen running, nobody need wait for one that lets us in.
  const over = new AbortController()
  const signal = AbortSignal.any([o.signal, over.signal])
  const isThere = () => openers.discovery.sightings().some((s) => s.bay === sighting.bay && isSeenIn(to, s))
  let left = false
  const bay = baySessions(openers, sighting, {
    ...o,
    signal,
    onWaiting: (waiting) => {
      const asks = to === 'system' && waiting.reason === 'adb-authorisation'
      if (asks && left) over.abort()
      else if (!isThere()) o.onWaiting(waiting)
    },
  })
  const { from } = await sendOff(bay, sighting, to, o)
  left = true
  const look = () => {
    if (isThere()) over.abort()
  }
  const stop = openers.discovery.onChange(look)
  try {
    look()
    const session = await reachMode(bay, to, { signal, patience: patienceFor(sighting, o) })
    await session.close()
    return { from, mode: to, facts: session.facts }
  } catch (thrown) {
    if (!over.signal.aborted || o.signal.aborted) throw notReached(thrown, to)
    return { from, mode: to, facts: undefined }
  } finally {
    stop()
  }
}

interface SentOff {
  readonly from: Mode
  readonly restarted: boolean
}

/** The restart itself, where software knows one. */
async function sendOff(
  bay: BaySessions,
  sighting: Sighting,
  to: RebootTarget,
  o: JourneyOptions,
): Promise<SentOff> {
  if (!bay.opens(sighting)) return { from: sighting.mode, restarted: false }
  const session = await bay.openNow(sighting)
  const from = session.facts.mode
  try {
    o.onOpened?.(session.facts)
    const restart = nextRestart(from, to)
    if (restart === undefined)
      throw new SlotbenchError('terminal-refused', `from ${from} only hands lead to ${to}`)
    await session.reboot(restart, { signal: o.signal, deadline: Deadline.after(PATIENCE.open) })
  } catch (thrown) {
    const error = asSlotbenchError(thrown)
    if (error.code !== 'terminal-refused') throw error
    bay.giveUp(error)
    return { from, restarted: false }
  } finally {
    await session.close()
  }
  await bay.departed()
  return { from, restarted: true }
}

/** What does not let us in is seen all the same, and so is EDL, which is not opened for looking. */
function isSeenIn(to: RebootTarget, { mode, protocol }: Sighting): boolean {
  return mode === to && (protocol === undefined || protocol === 'edl')
}

function baySessions(openers: SessionOpeners, { bay }: Sighting, o: JourneyOptions): BaySessions {
  const { signal, onWaiting } = o
  const check = sameThroughout(bay)
  return new BaySessions(openers, {
    ...{ bay, signal, onWaiting, patience: { ...PATIENCE, ...o.patience } },
    check: ({ facts }) => check(facts),
  })
}

/** What cannot be opened is led away by hands, which take their time. */
function patienceFor({ protocol }: Sighting, o: JourneyOptions): Patience {
  const patience = { ...PATIENCE, ...o.patience }
  return protocol === undefined || protocol === 'edl' ? { ...patience, reconnect: patience.hands } : patience
}

function notReached(thrown: unknown, to: Mode): SlotbenchError {
  const error = asSlotbenchError(thrown)
  if (error.code !== 'terminal-not-found') return error
  return new SlotbenchError('mode-not-reached', `the terminal was not seen in ${to}: ${error.message}`, {
    cause: error,
  })
}
