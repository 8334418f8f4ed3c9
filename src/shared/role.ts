// Who may do what: operators work at the bench; what departs from the usual is a supervisor's, where the bench has one.
import { z } from 'zod'

/** What in a job departs from the usual, so that a supervisor has to stand behind it. */
export const DEVIATIONS = [
  'wipe',
  'vouched-model',
  'other-slot',
  'package-tables',
  'extend-userdata',
  'battery',
  'downgrade',
  'verdict',
  'foreign-key',
  'raw-write',
  'restore',
] as const
export const deviationSchema = z.enum(DEVIATIONS)
export type Deviation = z.infer<typeof deviationSchema>

/** Digits or words, as a shop likes; short ones are made up for by the pauses between wrong tries. */
export const pinSchema = z.string().min(4).max(64)

/** The names that a bench keeps. */
export const OPERATORS = { most: 64, longest: 80 } as const

/** What one window may do; another window of the same bench may be told something else. */
export const roleViewSchema = z.object({
  /** The bench has a supervisor. Without one nothing is held back. */
  pin: z.boolean(),
  /** This window is the supervisor's until then (ISO 8601), or longer if it is used; absent while it is locked. */
  unlockedUntil: z.string().max(40).exactOptional(),
})
export type RoleView = z.infer<typeof roleViewSchema>
