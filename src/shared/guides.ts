// How hands bring a terminal into a mode that software cannot reach: keys, seconds, and the place of a picture.
import type { Mode } from './terminal.ts'

export const GUIDE_IDS = [
  'bootloader',
  'fastbootd',
  'recovery',
  'sideload',
  'system-adb',
  'edl',
  'ftm',
  'leave-crashdump',
  'leave-charging',
  'leave-download',
  'leave-unknown',
] as const
export type GuideId = (typeof GUIDE_IDS)[number]

export const GUIDE_KEYS = ['power', 'volume-up', 'volume-down', 'cable-in', 'cable-out', 'touch'] as const
export type GuideKey = (typeof GUIDE_KEYS)[number]

/** `hold`: all keys of the step together, for `seconds`; `keep`: the same keys as before, until the screen shows what `screen` says;
 * `press`: once; `release`: let everything go; `choose`: an entry on the terminal's screen; `wait`: hands off. */
export type GuideAction = 'hold' | 'keep' | 'press' | 'release' | 'choose' | 'wait'

export interface GuideStep {
  readonly action: GuideAction
  /** Together, in no order; `cable-in` means plugging in while the others are held. */
  readonly keys: readonly GuideKey[]
  /** How long, where it is known; a range is given by its upper end. */
  readonly seconds?: number
  /** One sentence; its translation has the key `guide.<id>.step.<index>`. */
  readonly words: string
  /** What the screen shows when the step has worked. */
  readonly screen?: string
  /** Name of the picture for this step: `resources/guides/<picture>.svg`, where somebody has drawn one. */
  readonly picture: string
}

/** Where the advice comes from and how sure it is. */
export interface GuideSource {
  readonly words: string
  /** `solid`: an implementation or several independent reports; `reported`: one report; `general`: common Android custom. */
  readonly certainty: 'solid' | 'reported' | 'general'
}

export interface Guide {
  readonly id: GuideId
  readonly title: string
  readonly steps: readonly GuideStep[]
  /** What the screen shows at the end. */
  readonly success: string
  /** Slotbench takes the guide as done when the bay shows one of these. */
  readonly recognisedBy: readonly Mode[]
  /** Seconds for one attempt, start to end, before the next attempt is offered. */
  readonly patience: number
  readonly caveats: readonly string[]
  readonly sources: readonly GuideSource[]
}
