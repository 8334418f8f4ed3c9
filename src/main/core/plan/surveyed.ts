// Which modes of a terminal its facts speak for.
import type { Mode, TerminalFacts } from '../../../shared/terminal.ts'

/** The modes whose words the facts are. */
export function surveyedModes(facts: TerminalFacts): readonly Mode[] {
  return facts.surveyed ?? [facts.mode]
}

/** What is inside super, fastbootd tells; in EDL its tables are read as they lie. */
export function knowsSuper(facts: TerminalFacts): boolean {
  return surveyedModes(facts).some((mode) => mode === 'fastbootd' || mode === 'edl')
}

/** Where partitions are written: the bootloader and fastbootd share the work, a programmer in EDL does it all. */
export function writingModes(facts: TerminalFacts): { readonly physical: Mode; readonly logical: Mode } {
  return facts.mode === 'edl'
    ? { physical: 'edl', logical: 'edl' }
    : { physical: 'bootloader', logical: 'fastbootd' }
}

/** Whether partitions can be read back in this mode. */
export function canReadBack(facts: TerminalFacts, mode: Mode): boolean {
  return facts.readBackIn?.includes(mode) ?? (facts.maxFetch !== undefined && facts.mode === mode)
}
