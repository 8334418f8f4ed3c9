// Which terminal of those the bench knows stands there now: the serial number wins over the chip's, both win over the bay.
import type { KnownTerminal } from '../../../shared/known-terminal.ts'
import type { Fact, Mode, TerminalFacts } from '../../../shared/terminal.ts'
import { recognise } from './same-product.ts'

/** A terminal as it is seen in one mode. */
export interface SeenTerminal {
  readonly bay: string
  readonly mode: Mode
  readonly serial?: string | undefined
  readonly chipSerial?: string | undefined
  readonly names?: readonly Fact<string>[]
  /** ISO 8601, UTC. */
  readonly at: string
}

export interface LinkOptions {
  /** The id of the terminal that Slotbench itself has just told to change its mode at this bay. */
  readonly awaited?: string | undefined
  /** How long a terminal without any serial number may have been away from its bay and still be taken for the same. */
  readonly windowMs?: number
}

export type Link =
  | {
      readonly kind: 'known'
      /** The id of the known terminal, and what is known of it now. */
      readonly terminal: KnownTerminal
      readonly by: 'serial' | 'chip-serial' | 'bay'
      /** In words, for reports. */
      readonly why: string
      /** Set when it may be another one: nothing may be written on the strength of this link alone. */
      readonly caution: string | undefined
      /** Ids under which the same terminal was known as well, from modes that showed other marks; to be forgotten. */
      readonly absorbs: readonly string[]
    }
  /** Nobody has seen it before; whoever stores it gives it an id. */
  | { readonly kind: 'new'; readonly terminal: Omit<KnownTerminal, 'id'>; readonly why: string }
  /** Its marks belong to different known terminals, or to several at once. */
  | { readonly kind: 'conflict'; readonly candidates: readonly KnownTerminal[]; readonly why: string }

/** Long enough for a restart into another mode with an update being merged, short enough that nobody has exchanged the phone without
 * the bench noticing the empty bay. */
const WINDOW_MS = 3 * 60_000

/** Serial numbers that came from the factory unset; they tell no two terminals apart. */
const UNSET = /^(0+|f+|0123456789abcdef|1234567890(abcdef)?|unknown|null|none|\?+)$/i

export function isUnset(serial: string): boolean {
  return serial.trim() === '' || UNSET.test(serial.trim())
}

/** What an opened terminal shows of itself. */
export function seenIn(facts: TerminalFacts, at: Date): SeenTerminal {
  const names = [facts.product, ...(facts.names ?? [])].filter((name) => name !== undefined)
  return {
    bay: facts.bay,
    mode: facts.mode,
    serial: facts.serial?.value,
    chipSerial: facts.chipSerial?.value,
    names: names.filter(
      ({ value }, index) => names.findIndex((n) => n.value.toLowerCase() === value.toLowerCase()) === index,
    ),
    at: at.toISOString(),
  }
}

/** @param known all that share a serial number, a chip serial number or the bay with `seen`; more do no harm. */
export function link(
  known: readonly KnownTerminal[],
  seenRaw: SeenTerminal,
  options: LinkOptions = {},
): Link {
  const seen = withoutUnset(seenRaw)
  const bySerial = known.filter((k) => same(k.serial, seen.serial))
  const byChip = known.filter((k) => same(k.chipSerial, seen.chipSerial) || crossed(k, seen))
  const marked = [...new Set([...bySerial, ...byChip])]
  const [found, ...others] = marked
  if (found === undefined) return byBay(known, seen, options)
  const whole = others.reduce<KnownTerminal | undefined>(united, found)
  if (whole === undefined) return conflictOf(marked, seen)
  const absorbs = others.map((other) => other.id)
  return byMark(whole, seen, { serial: bySerial.length > 0, absorbs })
}

/** Two records as one, where nothing of one speaks against the other: a mode that shows both marks has shown that they are one. */
function united(a: KnownTerminal | undefined, b: KnownTerminal): KnownTerminal | undefined {
  if (a === undefined || clashOf(a, { ...b, at: b.lastSeen }) !== undefined) return undefined
  const both = merged(a, { ...b, at: b.lastSeen }, true)
  const firstSeen = a.firstSeen.localeCompare(b.firstSeen) > 0 ? b.firstSeen : a.firstSeen
  return { ...both, firstSeen }
}

/** On many Qualcomm terminals the serial number is the chip's, so one mode's field is found in the other's. */
function crossed(known: KnownTerminal, seen: SeenTerminal): boolean {
  return same(known.serial, seen.chipSerial) || same(known.chipSerial, seen.serial)
}

function byMark(
  found: KnownTerminal,
  seen: SeenTerminal,
  { serial, absorbs }: { readonly serial: boolean; readonly absorbs: readonly string[] },
): Link {
  const by = serial ? 'serial' : 'chip-serial'
  const clash = clashOf(found, seen)
  if (clash !== undefined) return { kind: 'conflict', candidates: [found], why: clash }
  const mark = serial
    ? `serial number ${seen.serial}`
    : `chip serial number ${seen.chipSerial ?? seen.serial}`
  const moved = found.bay === seen.bay ? '' : `, moved from ${found.bay} to ${seen.bay}`
  return {
    kind: 'known',
    by,
    terminal: merged(found, seen, true),
    why: `it has the ${mark}${moved}`,
    caution: undefined,
    absorbs,
  }
}

function byBay(known: readonly KnownTerminal[], seen: SeenTerminal, options: LinkOptions): Link {
  const here = known.filter((k) => k.bay === seen.bay)
  const awaited = here.find((k) => k.id === options.awaited)
  const possible = here.filter(
    (k) => clashOf(k, seen) === undefined && isRecent(k, seen, options.windowMs ?? WINDOW_MS),
  )
  if (awaited !== undefined && possible.includes(awaited)) {
    return {
      kind: 'known',
      by: 'bay',
      terminal: merged(awaited, seen, true),
      why: `it came up on ${seen.bay} after Slotbench had sent the terminal there into another mode`,
      caution: seen.serial === undefined && seen.chipSerial === undefined ? UNPROVEN : undefined,
      absorbs: [],
    }
  }
  const [only, ...more] = possible
  if (only === undefined) return asNew(here, seen)
  if (more.length > 0)
    return {
      kind: 'conflict',
      candidates: possible,
      why: `several terminals were on ${seen.bay} a moment ago`,
    }
  // Its serial numbers are not taken over: were the link wrong, it would turn two terminals into one for good.
  return {
    kind: 'known',
    by: 'bay',
    terminal: merged(only, seen, false),
    why: `it is on ${seen.bay}, where this terminal was a moment ago`,
    caution: UNPROVEN,
    absorbs: [],
  }
}

const UNPROVEN = 'The bay alone proves nothing: compare the terminal in your hand before anything is written.'

function asNew(here: readonly KnownTerminal[], seen: SeenTerminal): Link {
  const last = [...here].sort((a, b) => b.lastSeen.localeCompare(a.lastSeen))[0]
  const clash = last && clashOf(last, seen)
  const why =
    clash === undefined
      ? 'no terminal that the bench knows has any of its marks'
      : `it is not the one that was on ${seen.bay} last: ${clash}`
  return { kind: 'new', terminal: newTerminal(seen), why }
}

/** Why both cannot be one terminal; undefined when nothing speaks against it. A missing value speaks neither way. */
function clashOf(known: KnownTerminal, seen: SeenTerminal): string | undefined {
  const differ = (field: string, a: string | undefined, b: string | undefined) =>
    a !== undefined && b !== undefined && !same(a, b) ? `the ${field} is ${b} instead of ${a}` : undefined
  return (
    differ('serial number', known.serial, seen.serial) ??
    differ('chip serial number', known.chipSerial, seen.chipSerial) ??
    productClash(known, seen)
  )
}

function productClash(known: KnownTerminal, seen: SeenTerminal): string | undefined {
  const before = recognise(known.names.map((n) => n.value))
  const now = recognise((seen.names ?? []).map((n) => n.value))
  // With equal serial numbers another name is a flashed package, not another terminal.
  if (known.serial !== undefined && same(known.serial, seen.serial)) return undefined
  if (before === undefined || now === undefined || before === now) return undefined
  return `the product is ${now.id} (${now.marketing}) instead of ${before.id} (${before.marketing})`
}

function conflictOf(candidates: readonly KnownTerminal[], seen: SeenTerminal): Link {
  const marks = [
    seen.serial === undefined ? undefined : `serial number ${seen.serial}`,
    seen.chipSerial === undefined ? undefined : `chip serial number ${seen.chipSerial}`,
  ].filter((mark) => mark !== undefined)
  return {
    kind: 'conflict',
    candidates,
    why: `${marks.join(' and ')} belong to ${candidates.length} terminals that the bench knows`,
  }
}

function merged(known: KnownTerminal, seen: SeenTerminal, proven: boolean): KnownTerminal {
  const serial = known.serial ?? (proven ? seen.serial : undefined)
  const chipSerial = known.chipSerial ?? (proven ? seen.chipSerial : undefined)
  return {
    id: known.id,
    ...(serial !== undefined && { serial }),
    ...(chipSerial !== undefined && { chipSerial }),
    bay: seen.bay,
    names: proven ? namesOf([...known.names, ...(seen.names ?? [])]) : known.names,
    mode: seen.mode,
    firstSeen: known.firstSeen,
    lastSeen: later(known.lastSeen, seen.at),
  }
}

function newTerminal(seen: SeenTerminal): Omit<KnownTerminal, 'id'> {
  return {
    ...(seen.serial !== undefined && { serial: seen.serial }),
    ...(seen.chipSerial !== undefined && { chipSerial: seen.chipSerial }),
    bay: seen.bay,
    names: namesOf(seen.names ?? []),
    mode: seen.mode,
    firstSeen: seen.at,
    lastSeen: seen.at,
  }
}

/** ISO 8601 in UTC sorts as text. */
function later(a: string, b: string): string {
  return a.localeCompare(b) > 0 ? a : b
}

/** The newest value of each source and name once. */
function namesOf(names: readonly Fact<string>[]): Fact<string>[] {
  return [
    ...new Map(names.map((n) => [`${n.source}\0${n.value}`, { value: n.value, source: n.source }])).values(),
  ]
}

function isRecent(known: KnownTerminal, seen: SeenTerminal, windowMs: number): boolean {
  const away = Date.parse(seen.at) - Date.parse(known.lastSeen)
  // A clock that was set back makes it negative: no time that can be trusted.
  return away >= 0 && away <= windowMs
}

function withoutUnset(seen: SeenTerminal): SeenTerminal {
  const real = (serial: string | undefined) =>
    serial === undefined || isUnset(serial) ? undefined : serial.trim()
  return { ...seen, serial: real(seen.serial), chipSerial: real(seen.chipSerial) }
}

/** Bootloader and system spell the same serial number in different cases on some terminals. */
function same(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a.toLowerCase() === b.toLowerCase()
}
