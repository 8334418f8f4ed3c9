// What the engine and the desktop program say to each other about updates: the engine decides when, because it knows of the jobs.
import { z } from 'zod'

const version = z.string().max(200)
const count = z.number().int().nonnegative()

/** Engine → desktop program. */
export const updateOrderSchema = z.object({ update: z.enum(['check', 'download', 'cancel', 'install']) })
export type UpdateOrder = z.infer<typeof updateOrderSchema>

/** Desktop program → engine. */
export const updateReportSchema = z.discriminatedUnion('update', [
  /** Said first: whether there is an address to ask. */
  z.object({ update: z.literal('ready'), configured: z.boolean() }),
  z.object({ update: z.literal('none') }),
  z.object({ update: z.literal('found'), version }),
  z.object({ update: z.literal('progress'), done: count, total: count }),
  z.object({ update: z.literal('downloaded') }),
  z.object({ update: z.literal('failed'), detail: z.string().max(2_000) }),
])
export type UpdateReport = z.infer<typeof updateReportSchema>
