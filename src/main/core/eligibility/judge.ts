// How a rule is put to a fact: met, not met, or unknown with the fact that would decide it.
import type { FactName } from '../../../shared/deployment.ts'
import type { Reason, RuleName } from '../../../shared/eligibility.ts'
import type { Fact, TerminalFacts } from '../../../shared/terminal.ts'
import { whereToRead } from './known-facts.ts'

/** The rule and the fact that it hangs on. */
export interface Question {
  readonly rule: RuleName
  readonly fact: FactName
  readonly facts: TerminalFacts
}

export function unknown({ rule, fact, facts }: Question, wanted: string): Reason {
  const readIn = whereToRead(fact, facts)
  const where = readIn.length === 0 ? 'in no mode in which Slotbench reads it' : 'in the modes asked so far'
  return {
    rule,
    outcome: 'unknown',
    detail: `wanted: ${wanted}; the terminal does not tell it ${where}`,
    fact,
    readIn,
  }
}

export function decided(rule: RuleName, met: boolean, detail: string): Reason {
  return { rule, outcome: met ? 'met' : 'not-met', detail }
}

/** Whether the known text is one of these, in any case. */
export function oneOf(
  question: Question,
  known: Fact<string> | undefined,
  wanted: readonly string[],
): Reason {
  const list = wanted.join(' or ')
  if (known === undefined) return unknown(question, list)
  const own = known.value.trim().toLowerCase()
  const met = wanted.some((one) => one.trim().toLowerCase() === own)
  return decided(question.rule, met, `wanted: ${list}; ${known.source} says ${known.value}`)
}

/** Both ends belong to it; an end that is missing is open. */
export interface Range<T> {
  readonly minimum?: T | undefined
  readonly maximum?: T | undefined
}

/** @param compare negative, 0 or positive; undefined where the two cannot be ordered, which leaves the rule unknown. */
export function within<T extends string | number>(
  question: Question,
  known: Fact<T> | undefined,
  range: Range<T>,
  compare: (a: T, b: T) => number | undefined = plainly,
): Reason {
  const wanted = shownRange(range)
  if (known === undefined) return unknown(question, wanted)
  const detail = `wanted: ${wanted}; ${known.source} says ${known.value}`
  const below = range.minimum === undefined ? 0 : compare(known.value, range.minimum)
  const above = range.maximum === undefined ? 0 : compare(known.value, range.maximum)
  if ((below ?? 0) < 0 || (above ?? 0) > 0) return decided(question.rule, false, detail)
  if (below === undefined || above === undefined)
    return {
      rule: question.rule,
      outcome: 'unknown',
      detail: `${detail}, which cannot be ordered against it`,
    }
  return decided(question.rule, true, detail)
}

function plainly<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function shownRange({ minimum, maximum }: Range<string | number>): string {
  const ends = [
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    ...(maximum === undefined ? [] : [`at most ${maximum}`]),
  ]
  return ends.join(', ')
}
