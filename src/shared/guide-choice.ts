// Which guide leads from one mode to another, and what each mode that nobody asked for is, means, and how it is left.
import { GUIDE_BOOK } from './guide-book.ts'
import type { Guide, GuideId } from './guides.ts'
import { missingCase } from './missing-case.ts'
import type { Mode } from './terminal.ts'

/** What hands do next to get from one mode to another; undefined when the terminal is there already, or no guide leads there.
 * The way may have several stages: ask again with the mode that is then seen. */
export function guideFor(from: Mode, to: Mode): Guide | undefined {
  if (from === to) return undefined
  const goal = guideTo(to)
  if (goal === undefined) return undefined
  return GUIDE_BOOK[exitOf(from, to) ?? goal]
}

function guideTo(to: Mode): GuideId | undefined {
  switch (to) {
    case 'bootloader':
    case 'fastbootd':
    case 'recovery':
    case 'sideload':
    case 'edl':
      return to
    case 'system':
      return 'system-adb'
    // Rescue is a screen of a recovery that found nothing to boot; nobody goes there on purpose. The others are entered by
    // accident, or are not written by Slotbench.
    case 'rescue':
    case 'charging':
    case 'unisoc':
    case 'mediatek':
    case 'zxic':
    case 'crashdump':
    case 'modem':
    case 'unknown':
      return undefined
    default:
      return missingCase(to)
  }
}

/** States that must be left before the keys of another mode do anything. */
function exitOf(from: Mode, to: Mode): GuideId | undefined {
  switch (from) {
    case 'crashdump':
      // Clean EDL is reached by power-cycling with keys as well: the dump's own protocol leaves a dirty USB state (zte-domain §2.2).
      return 'leave-crashdump'
    case 'charging':
      // It is switched off already, which is where the key combinations start.
      return to === 'system' ? 'leave-charging' : undefined
    case 'unisoc':
    case 'mediatek':
    case 'zxic':
    case 'edl':
      return 'leave-download'
    case 'unknown':
      return 'leave-unknown'
    case 'system':
    case 'recovery':
    case 'sideload':
    case 'rescue':
    case 'bootloader':
    case 'fastbootd':
    case 'modem':
      return undefined
    default:
      return missingCase(from)
  }
}

export interface ModeExplanation {
  readonly name: string
  /** What the terminal does there. */
  readonly what: string
  /** What that means for the technician. */
  readonly means: string
  /** How it is left by hand. */
  readonly leave: GuideId
}

/** The states that nobody asks for. The modes that are worked in need no explanation. */
export const STRAY_STATES: Readonly<Record<'crashdump' | 'charging' | 'unknown', ModeExplanation>> = {
  crashdump: {
    name: 'Crash dump',
    what: 'The terminal crashed early and offers its memory to a debugger.',
    means:
      'Nothing can be written here. Often images of different builds were mixed, or one was damaged on its way.',
    leave: 'leave-crashdump',
  },
  charging: {
    name: 'Off-mode charging',
    what: 'The terminal is switched off and charges; only its charging picture runs.',
    means: 'Nothing can be read or written. It is no sign of a fault, and no sign that the system boots.',
    leave: 'leave-charging',
  },
  unknown: {
    name: 'Unknown state',
    what: 'Something of a maker of terminals is attached and shows nothing that Slotbench speaks.',
    means:
      'USB debugging may be off, the driver or the permission may be missing, or it is a mode nobody has described.',
    leave: 'leave-unknown',
  },
}
