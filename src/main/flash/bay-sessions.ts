// Whatever stands on one bay, opened: the terminal changes its protocol and address on its way, the bay stays.
import { setTimeout as delay } from 'node:timers/promises'
import { abortError, asSlotbenchError, type ErrorCode, SlotbenchError } from '../../shared/errors.ts'
import type { GuideId } from '../../shared/guides.ts'
import { Deadline, type IoOptions } from '../../shared/io-options.ts'
import type { WaitReason } from '../../shared/job.ts'
import type { Mode } from '../../shared/terminal.ts'
import { type LinkOptions, type SeenTerminal, seenIn } from '../core/identity/known-terminals.ts'
import { seenAs } from '../terminals/identity.ts'
import type {
  AdbSession,
  BenchDiscovery,
  EdlSession,
  FlashSession,
  OpenOptions,
  Sighting,
  TerminalSession,
} from '../terminals/types.ts'

/** How long it is waited, in milliseconds. */
export interface Patience {
  /** For the terminal to be there at the start, and to come back after a disconnect. */
  readonly reconnect: number
  /** For a session to open and its facts to be read. */
  readonly open: number
  /** For a terminal on ADB to say anything at all; many a system has nobody behind that interface. */
  readonly adb: number
  /** For what only hands can do. */
  readonly hands: number
  /** Attempts at one step within one run, when trying again can help. */
  readonly attempts: number
  /** For a terminal that accepted a restart to leave its bay; a network endpoint may be back before it was seen to leave. */
  readonly departure: number
}

export const PATIENCE: Patience = {
  reconnect: 60_000,
  open: 30_000,
  adb: 6_000,
  hands: 300_000,
  attempts: 3,
  departure: 3_000,
}

export interface SessionOpeners {
  readonly discovery: BenchDiscovery
  readonly openSession: (sighting: Sighting, options: IoOptions) => Promise<FlashSession>
  /** Absent: terminals in their system are only recognised. */
  readonly openAdb?: ((sighting: Sighting, options: OpenOptions) => Promise<AdbSession>) | undefined
  /** Absent: terminals in EDL are only recognised. */
  readonly openEdl?: ((sighting: Sighting, options: IoOptions) => Promise<EdlSession>) | undefined
  /** Absent: the bench forgets. */
  readonly memory?: TerminalMemory | undefined
}

/** Remembers which terminals stood on the bench, under the marks that they showed in each mode. */
export interface TerminalMemory {
  /** @param options `awaited` is the id of the terminal that was just told to change its mode on this bay.
   * @returns the id under which it is known; undefined when its marks contradict each other. */
  note(seen: SeenTerminal, options: LinkOptions): { readonly id: string | undefined }
}

export interface BayOptions {
  readonly bay: string
  readonly signal: AbortSignal
  readonly patience: Patience
  readonly onWaiting: (waiting: Waiting) => void
  /** @throws SlotbenchError `terminal-stranger`, `plan-stale` when this is not the terminal, or not as it was left. */
  readonly check: (session: TerminalSession, arrival: Arrival) => void
}

/** How a terminal came to stand on the bay. */
export interface Arrival {
  /** The one that stood there before was told by us to change its mode, and nothing was opened since. */
  readonly sent: boolean
}

export interface Waiting {
  readonly reason: WaitReason
  readonly guide?: GuideId
  readonly seconds?: number
}

export interface NextOptions {
  /** Milliseconds for something to stand there that can be opened. */
  readonly ms: number
  /** Milliseconds from when it turns out that only hands can go on; no more than `ms` when left out. */
  readonly handsMs?: number
  /** What is said when nothing does yet. */
  readonly waiting: Waiting
  /** What is said when something stands there that cannot be opened or got no further. */
  readonly hands: (seen: Mode) => Waiting
  /** Nothing but EDL will do, or it is where the terminal came in: what cannot be opened there is an error. Elsewhere hands can still go on. */
  readonly needsEdl?: boolean
  /** A terminal with ADB was seen, whether it lets us in or not. */
  readonly onSystem?: (() => void) | undefined
}

interface Telling {
  readonly say: (waiting: Waiting) => void
  /** Whether hands get time of their own from now on; once. */
  readonly askHands: () => boolean
}

const DEPARTURE_POLL_MS = 50
/** An ADB interface behind which nobody is, or nobody who lets us in, is no failure: hands can still go on. */
const SHUT: ReadonlySet<ErrorCode> = new Set([
  'adb-unauthorised',
  'terminal-silent',
  'terminal-garbled',
  'terminal-refused',
  'usb-permission',
])
/** Whoever holds the terminal may let go of it. */
const HELD: ReadonlySet<ErrorCode> = new Set(['adb-server', 'usb-busy'])
const HELD_POLL_MS = 1_000

export class BaySessions {
  readonly #openers: SessionOpeners
  readonly #o: BayOptions
  /** Sightings from which nothing more is expected before they have left, and why. */
  readonly #spent = new Map<string, SlotbenchError>()
  #sighting: Sighting | undefined
  /** The terminal opened last, as the bench remembers it, and whether it was sent into another mode since. */
  #known: { readonly id: string | undefined; readonly sent: boolean } = { id: undefined, sent: false }

  constructor(openers: SessionOpeners, options: BayOptions) {
    this.#openers = openers
    this.#o = options
  }

  /** Why what stands there leads no further. */
  get obstacle(): SlotbenchError | undefined {
    return this.#present()
      .map((sighting) => this.#spent.get(keyOf(sighting)))
      .find((error) => error !== undefined)
  }

  /** Opens what stands on the bay, now or as soon as there is something that can be opened. Identity is checked at every opening.
   * @throws SlotbenchError `terminal-not-found` when nothing does in time, and what opening a fastboot terminal throws. */
  async next(o: NextOptions): Promise<TerminalSession> {
    let until = this.#io(o.ms)
    let held = false
    let handsAsked = false
    const askHands = () => {
      if (handsAsked || o.handsMs === undefined) return false
      handsAsked = true
      // Nobody is told to hurry because the terminal was quick to come up where it should not.
      until = this.#io(Math.max(o.handsMs, until.deadline.remainingMs))
      return true
    }
    const say = this.#sayOnce()
    for (;;) {
      const sighting = await this.#sight(o, until, { say, askHands })
      if (!this.#isOpenable(sighting)) continue
      try {
        // Where hands get no time of their own, neither does the question on the screen.
        return await this.openNow(sighting, o.handsMs === undefined ? until : undefined)
      } catch (thrown) {
        if (this.#o.signal.aborted) throw abortError(this.#o.signal)
        const error = asSlotbenchError(thrown)
        const after = afterFailure(error, sighting, o.needsEdl === true)
        if (after === 'throw' || (after !== 'spent' && until.deadline.expired)) throw error
        if (after === 'spent') this.#spent.set(keyOf(sighting), error)
        if (after === 'spent' && o.handsMs !== undefined) until = this.#io(o.handsMs)
        if (after === 'held' && !held) this.#o.onWaiting({ reason: 'held' })
        held ||= after === 'held'
        const pause = after === 'held' ? HELD_POLL_MS : DEPARTURE_POLL_MS
        await delay(pause, undefined, { signal: this.#o.signal })
      }
    }
  }

  /** Opens what was sighted, once: what cannot be opened now is an error.
   * @throws SlotbenchError what opening throws. */
  async openNow(sighting: Sighting, until = this.#io(this.#o.patience.hands)): Promise<TerminalSession> {
    const session = await this.#open(sighting, until)
    this.#sighting = sighting
    return session
  }

  /** Nothing more is expected of what stands there, until it has left. */
  giveUp(why: SlotbenchError): void {
    if (this.#sighting !== undefined) this.#spent.set(keyOf(this.#sighting), why)
  }

  /** After a restart was accepted: what stood on the bay before must go, or its shadow would be taken for the new boot. */
  async departed(): Promise<void> {
    this.#known = { ...this.#known, sent: true }
    const before = this.#sighting
    const options = this.#io(this.#o.patience.departure)
    const isThere = (s: Sighting) => before !== undefined && keyOf(s) === keyOf(before)
    while (!options.deadline.expired && this.#openers.discovery.sightings().some(isThere)) {
      this.#o.signal.throwIfAborted()
      await this.#openers.discovery.scan(options)
      await delay(DEPARTURE_POLL_MS, undefined, { signal: this.#o.signal })
    }
  }

  /** Tells what is waited for, each thing once. */
  #sayOnce(): (waiting: Waiting) => void {
    const said = new Set<string>()
    return (waiting) => {
      const what = `${waiting.reason} ${waiting.guide}`
      if (!said.has(what)) this.#o.onWaiting(waiting)
      said.add(what)
    }
  }

  /** Looked at twice before anything is said: what a network endpoint showed a while ago is not known any more.
   * @returns what can be opened; or, where hands are asked for now and get time of their own, what they are needed for. */
  async #sight(o: NextOptions, until: IoOptions, { say, askHands }: Telling): Promise<Sighting> {
    const { discovery } = this.#openers
    const matches = (sighting: Sighting): boolean => {
      if (sighting.bay !== this.#o.bay) return false
      if (sighting.protocol === 'adb') o.onSystem?.()
      if (this.#isOpenable(sighting)) return true
      say(o.hands(sighting.mode))
      return askHands()
    }
    const look = () => {
      this.#forgetDeparted()
      return discovery.sightings().find((s) => s.bay === this.#o.bay && this.#isOpenable(s))
    }
    if (look() === undefined) await discovery.scan(until)
    const now = look()
    if (now !== undefined) {
      matches(now)
      return now
    }
    if (this.#present().length === 0) say(o.waiting)
    return discovery.waitFor((sighting) => {
      this.#forgetDeparted()
      return matches(sighting)
    }, until)
  }

  /** Whether this bench can open what was sighted at all. */
  opens(sighting: Sighting): boolean {
    if (sighting.protocol === 'adb') return this.#openers.openAdb !== undefined
    if (sighting.protocol === 'edl') return this.#openers.openEdl !== undefined
    return sighting.protocol === 'fastboot' || sighting.problem !== undefined
  }

  #isOpenable(sighting: Sighting): boolean {
    return !this.#spent.has(keyOf(sighting)) && this.opens(sighting)
  }

  async #open(sighting: Sighting, until: IoOptions): Promise<TerminalSession> {
    const session = await this.#connect(sighting, until)
    try {
      this.#o.check(session, { sent: this.#known.sent })
      this.#note(seenIn(session.facts, new Date()))
      return session
    } catch (error) {
      await session.close()
      throw error
    }
  }

  #connect(sighting: Sighting, until: IoOptions): Promise<TerminalSession> {
    const { openSession, openEdl } = this.#openers
    if (sighting.protocol === 'adb') return this.#openAdb(sighting, until.deadline)
    const io = this.#io(this.#o.patience.open)
    if (sighting.protocol !== 'edl') return openSession(sighting, io)
    return (
      openEdl?.(sighting, io) ??
      Promise.reject(new SlotbenchError('loader-missing', `the terminal on ${sighting.bay} is in EDL`))
    )
  }

  /** Remembers what came up in a mode that is never opened. */
  noteSeen(sighting: Sighting): void {
    this.#note(seenAs(sighting, new Date()))
  }

  #note(seen: SeenTerminal): void {
    const { id, sent } = this.#known
    const awaited = sent ? id : undefined
    this.#known = { id: undefined, sent: false }
    try {
      const noted = this.#openers.memory?.note(seen, { awaited })
      this.#known = { id: noted?.id, sent: false }
    } catch {
      // It helps to recognise a terminal later; no work on one waits for it.
    }
  }

  /** Given up early when nobody answers, and at once when the terminal leaves; waited for long when its screen asks. */
  async #openAdb(sighting: Sighting, until: Deadline): Promise<AdbSession> {
    const { patience, signal, onWaiting } = this.#o
    const open = this.#openers.openAdb
    if (open === undefined) throw new SlotbenchError('terminal-wrong-mode', 'the terminal runs its system')
    const deadline = until.within(patience.hands)
    const over = new AbortController()
    const quiet = setTimeout(
      () => over.abort(new SlotbenchError('terminal-silent', 'nobody answers over ADB')),
      patience.adb,
    )
    const stop = this.#openers.discovery.onChange(() => {
      const there = this.#openers.discovery.sightings().some((s) => keyOf(s) === keyOf(sighting))
      if (!there) over.abort(new SlotbenchError('terminal-gone', 'the terminal left its system'))
    })
    try {
      return await open(sighting, {
        signal: AbortSignal.any([signal, over.signal]),
        deadline,
        onPrompt: () => {
          clearTimeout(quiet)
          onWaiting({ reason: 'adb-authorisation', seconds: Math.round(deadline.remainingMs / 1000) })
        },
      })
    } finally {
      clearTimeout(quiet)
      stop()
    }
  }

  #present(): readonly Sighting[] {
    return this.#openers.discovery.sightings().filter((sighting) => sighting.bay === this.#o.bay)
  }

  #forgetDeparted(): void {
    const there = new Set(this.#present().map(keyOf))
    for (const key of this.#spent.keys()) if (!there.has(key)) this.#spent.delete(key)
  }

  #io(ms: number): IoOptions {
    return { signal: this.#o.signal, deadline: Deadline.after(ms) }
  }
}

/** What follows when a sighting could not be opened. A fastboot terminal that fails is the step's business; one on ADB may leave, be let
 * go of, or be of no use any more. */
function afterFailure(
  error: SlotbenchError,
  { protocol }: Sighting,
  needsEdl: boolean,
): 'throw' | 'spent' | 'held' | 'again' {
  const isAnother = error.code === 'terminal-stranger' || error.code === 'plan-stale'
  if (protocol === 'edl') return needsEdl || isAnother ? 'throw' : 'spent'
  if (protocol === 'fastboot' || isAnother || error.code === 'adb-key-invalid') return 'throw'
  if (SHUT.has(error.code)) return 'spent'
  return HELD.has(error.code) ? 'held' : 'again'
}

/** One appearance of a terminal: each has an address of its own on USB. */
function keyOf({ bay, protocol, mode, usb }: Sighting): string {
  return `${bay} ${protocol ?? mode} ${usb?.address ?? ''}`
}
