// The beginning on a link that has none (USB): replies that an earlier program left there must not be taken for answers to ours.
import { asSlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Transport } from '../transport.ts'
import { garbled, MAX_RESPONSE_BYTES } from './response.ts'

/** A terminal that never stops is not fastboot. */
const MAX_MESSAGES = 20_000
/** A stale reply of an earlier program arrives at once or not at all. */
const STALE_MS = 150
const UNSURE_MS = 1_000
/** A reply that comes twice follows on the heels of the first. */
export const HEEL_MS = 2

/** The same question twice, then another one. In step the first two answers are the same and the third is not. Behind one stale reply
 * each answer comes one question late: then either the second is not the first, or the third is still the same. */
const QUESTIONS = ['getvar:version', 'getvar:version', 'getvar:product'] as const

/** Three round trips where nothing is left over. Where something is, or a terminal gives both variables the same answer, it reads until
 * nothing more comes.
 * @returns the last message, which nobody waits for any more.
 * @throws SlotbenchError `terminal-silent`, `terminal-gone`, `terminal-garbled`. */
export async function fallIntoStep(transport: Transport, o: IoOptions): Promise<Uint8Array> {
  let before: Uint8Array | undefined
  for (const [index, command] of QUESTIONS.entries()) {
    const expected = (message: Uint8Array) =>
      isEnd(message) && (before === undefined || (Buffer.compare(message, before) === 0) === (index === 1))
    const answer = await ask(transport, { command, expected }, o)
    if (answer.quiet) return answer.last
    before = answer.last
  }
  // Of several stale replies the first two may be the same.
  const more = await nextWithin(transport, HEEL_MS, o)
  if (more === undefined) return before ?? new Uint8Array(0)
  return await untilQuiet(transport, { state: { out: true }, first: more }, o)
}

/** What comes within `ms`; undefined when nothing does. */
export async function nextWithin(
  transport: Transport,
  ms: number,
  { signal, deadline }: IoOptions,
): Promise<Uint8Array | undefined> {
  try {
    return await transport.receive(MAX_RESPONSE_BYTES + 1, { signal, deadline: deadline.within(ms) })
  } catch (thrown) {
    const error = asSlotbenchError(thrown)
    if (error.code === 'terminal-silent' && !deadline.expired) return undefined
    throw error
  }
}

interface Question {
  readonly command: string
  readonly expected: (message: Uint8Array) => boolean
}

interface Answer {
  readonly last: Uint8Array
  /** Nothing came after it for a while. */
  readonly quiet: boolean
}

/** A terminal that is still busy for an earlier program takes no command before its reply is read, so both go on at once. */
async function ask(transport: Transport, question: Question, o: IoOptions): Promise<Answer> {
  const state = { out: false }
  const sending = transport.send(new TextEncoder().encode(question.command), o).then(() => {
    state.out = true
  })
  const reading = async (): Promise<Answer> => {
    let last = await nextWithin(transport, STALE_MS, o)
    while (last === undefined) last = await nextWithin(transport, STALE_MS, o)
    if (state.out && question.expected(last)) return { last, quiet: false }
    return { last: await untilQuiet(transport, { state, first: last }, o), quiet: true }
  }
  const [answer] = await Promise.all([reading(), sending])
  return answer
}

/** The last thing that comes before silence, once the question is out. */
async function untilQuiet(
  transport: Transport,
  { state, first }: { readonly state: { readonly out: boolean }; readonly first: Uint8Array },
  o: IoOptions,
): Promise<Uint8Array> {
  let last = first
  let answered = state.out
  for (let count = 1; count < MAX_MESSAGES; count++) {
    // What came while the question was still going out may be the answer, or be older.
    const unsure = state.out && !answered
    const next = await nextWithin(transport, unsure ? UNSURE_MS : STALE_MS, o)
    if (next === undefined && state.out && (answered || unsure)) return last
    if (next === undefined) continue
    last = next
    answered = state.out
  }
  throw garbled('the terminal does not stop talking')
}

function isEnd(message: Uint8Array): boolean {
  const word = Buffer.from(message.subarray(0, 4)).toString('latin1')
  return word === 'OKAY' || word === 'FAIL'
}
