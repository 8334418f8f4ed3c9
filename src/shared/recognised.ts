// What a thing on a USB port was recognised as, before anybody opened it: its mode, a name for it, and the way to a mode that Slotbench uses.
import { z } from 'zod'
import { GUIDE_IDS } from './guides.ts'
import { modeSchema } from './terminal.ts'

/** `certain`: an interface class, or an id that several implementations agree on. `likely`: field reports. `guess`: one report, or the
 * maker's id alone. */
export const CERTAINTIES = ['certain', 'likely', 'guess'] as const
export const certaintySchema = z.enum(CERTAINTIES)
export type Certainty = z.infer<typeof certaintySchema>

/** How to get from here to a mode that Slotbench can use. */
export const waySchema = z.object({
  /** The mode that it leads to. */
  to: modeSchema,
  /** What hands do. */
  guide: z.enum(GUIDE_IDS).optional(),
  /** What software does, in order of preference: a Slotbench action or a command that a technician may type. Slotbench never sends
   * the ones marked `information` by itself. */
  software: z.array(z.object({ words: z.string(), information: z.boolean() })),
})
export type Way = z.infer<typeof waySchema>

export const recognisedSchema = z.object({
  /** Stable; the key of its translation is `personality.<id>`. */
  id: z.string(),
  mode: modeSchema,
  /** Short, for a list. */
  name: z.string(),
  /** One or two sentences: what it is and what it means. */
  explanation: z.string(),
  certainty: certaintySchema,
  /** Absent where Slotbench can work already, or where no way is known. */
  way: waySchema.optional(),
})
export type Recognised = z.infer<typeof recognisedSchema>
