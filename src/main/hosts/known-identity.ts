// Which terminal of those the bench remembers a sighting is, as every host shows it. Looking stores nothing.
import type { KnownIdentity } from '../../shared/contract.ts'
import type { KnownTerminals } from '../io/sqlite/known-terminals.ts'
import { seenAs } from '../terminals/identity.ts'
import type { Sighting } from '../terminals/types.ts'

const MAX_NAMES = 2

/** Undefined for a terminal that was never opened here, and where its marks belong to several. */
export function knownIdentity(
  known: Pick<KnownTerminals, 'recall'>,
  sighting: Sighting,
  now: Date,
): KnownIdentity | undefined {
  const link = known.recall(seenAs(sighting, now))
  if (link.kind !== 'known') return undefined
  const { serial, chipSerial, names } = link.terminal
  return {
    names: [...new Set(names.map(({ value }) => value))].slice(0, MAX_NAMES),
    ...(serial !== undefined && { serial }),
    ...(chipSerial !== undefined && { chipSerial }),
    why: link.why,
    ...(link.caution !== undefined && { caution: link.caution }),
  }
}

/** `PQ83A01 (NX769J), serial 1A2B`. */
export function knownWords({ names, serial, chipSerial }: KnownIdentity): string {
  const [first = 'a terminal without a name', second] = names
  const mark = serial !== undefined ? `, serial ${serial}` : chipSerial && `, chip serial ${chipSerial}`
  return `${first}${second === undefined ? '' : ` (${second})`}${mark ?? ''}`
}
