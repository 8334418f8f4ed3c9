// Which modes of a terminal its facts speak for.
import type { Mode, TerminalFacts } from '../../../shared/terminal.ts'

/** The modes whose words the facts are. */
export function surveyedModes(facts: TerminalFacts): readonly Mode[] {
  return facts.surveyed ?? [facts.mode]
}

/** Whether partitions can be read back in this mode. */
export function canReadBack(facts: TerminalFacts, mode: Mode): boolean {
  return facts.readBackIn?.includes(mode) ?? (facts.maxFetch !== undefined && facts.mode === mode)
}
