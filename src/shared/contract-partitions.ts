// Single partitions in the windows; which there are is among the facts of the terminal.
import { z } from 'zod'
import { planViewSchema } from './contract-plan.ts'
import { bayIdSchema, TEXT } from './contract-views.ts'

const path = z.string().min(1).max(TEXT.path)
const onPartition = z.strictObject({
  bay: bayIdSchema,
  /** Full name (`boot_b`). */
  partition: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,35}$/),
})

export const PARTITION_COMMANDS = {
  /** Into a new file of the folder. */
  'partitions.read': {
    params: onPartition.extend({ folder: path }),
    result: z.object({ path: z.string(), bytes: z.number().int().nonnegative(), sha256: z.string() }),
  },
  /** What writing the file there would do; it is started as every other plan. */
  'partitions.plan': { params: onPartition.extend({ path }), result: z.object({ plan: planViewSchema }) },
} as const
