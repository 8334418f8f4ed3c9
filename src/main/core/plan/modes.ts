// Which modes of a terminal know what a plan needs, and which of them have been asked.
import type { Policy } from '../../../shared/plan.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { Mode, TerminalFacts } from '../../../shared/terminal.ts'
import { isProtected, isUserData } from './protected.ts'
import { surveyedModes } from './surveyed.ts'
import { placementOn } from './targets.ts'

/** Modes that software, or hands with a guide, lead out of into any mode that a plan needs. */
const LEAVABLE: ReadonlySet<Mode> = new Set<Mode>([
  'system',
  'recovery',
  'sideload',
  'rescue',
  'bootloader',
  'fastbootd',
])

export function isLeavable(mode: Mode): boolean {
  return LEAVABLE.has(mode)
}

/** The modes that still have to be asked before this ROM can be planned for, in the order in which to go there.
 * The bootloader alone knows locks and physical partitions for certain; fastbootd alone knows what is inside super.
 * @param policy `sideload` needs neither: the terminal's own updater knows them. */
export function modesToSurvey(
  rom: RomInfo,
  facts: TerminalFacts,
  policy: Policy = 'seamless',
): readonly Mode[] {
  // A programmer in EDL sees the whole storage, and nothing else would be seen from there.
  if (policy === 'sideload' || facts.mode === 'edl') return []
  const written = rom.images.filter(({ name }) => !isProtected(name) && !isUserData(name))
  const inside = written.some((image) => placementOn(image, rom, facts) !== 'physical')
  const needed: readonly Mode[] = inside ? ['bootloader', 'fastbootd'] : ['bootloader']
  const asked = surveyedModes(facts)
  return needed.filter((mode) => !asked.includes(mode))
}
