// A plan as a window is shown it.
import { z } from 'zod'
import { bayIdSchema, jobIdSchema, stepViewSchema } from './contract-views.ts'
import { findingSchema, identitySchema, recipeSchema } from './plan.ts'
import { deviationSchema } from './role.ts'

const count = z.number().int().nonnegative()

/** A plan as it is shown before it is run; the plan itself stays with the host, under this id. */
export const planViewSchema = z.object({
  id: jobIdSchema,
  bay: bayIdSchema,
  /** Of the library; absent where it is no package that is written. */
  rom: jobIdSchema.exactOptional(),
  terminal: identitySchema,
  recipe: recipeSchema,
  fromSlot: z.enum(['a', 'b']).exactOptional(),
  steps: z.array(stepViewSchema),
  blockers: z.array(findingSchema),
  warnings: z.array(findingSchema),
  totals: z.object({ writeBytes: count, backupBytes: count }),
  /** What a supervisor has to stand behind, where the bench has one. */
  deviations: z.array(deviationSchema),
})
export type PlanView = z.infer<typeof planViewSchema>
