// The log of the bench: what happened, as data. Whoever shows it makes the words.
import { z } from 'zod'
import { bayIdSchema, jobIdSchema, stepViewSchema, TEXT } from './contract-views.ts'
import { jobStateSchema, problemSchema } from './job.ts'
import { modeSchema } from './terminal.ts'

const name = z.string().max(TEXT.name)

export const logEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('attached'), mode: modeSchema, name: name.exactOptional() }),
  z.object({ kind: z.literal('left') }),
  z.object({ kind: z.literal('facts-read'), mode: modeSchema }),
  z.object({ kind: z.literal('restarting'), mode: modeSchema }),
  z.object({ kind: z.literal('job-state'), state: jobStateSchema }),
  z.object({ kind: z.literal('step-started'), step: stepViewSchema, index: z.number(), of: z.number() }),
  z.object({
    kind: z.literal('step-proven'),
    step: stepViewSchema,
    bytes: z.number().exactOptional(),
    ms: z.number().exactOptional(),
  }),
  z.object({
    kind: z.literal('waiting'),
    reason: z.string().max(40),
    guide: z.string().max(60).exactOptional(),
  }),
  z.object({ kind: z.literal('terminal-says'), text: z.string().max(TEXT.line) }),
  z.object({ kind: z.literal('problem'), problem: problemSchema }),
  z.object({ kind: z.literal('rom'), name, state: z.string().max(20) }),
  z.object({ kind: z.literal('session'), active: z.boolean() }),
  z.object({
    kind: z.literal('supervisor'),
    what: z.enum(['unlocked', 'locked', 'refused', 'pin-set', 'pin-removed']),
  }),
])
export type LogEvent = z.infer<typeof logEventSchema>

export const LOG_LEVELS = ['info', 'good', 'warning', 'error'] as const

export const logLineSchema = z.object({
  /** Counts up from 1 in one run of the bench. */
  n: z.number().int().positive(),
  /** ISO 8601. */
  at: z.string().max(40),
  level: z.enum(LOG_LEVELS),
  bay: bayIdSchema.exactOptional(),
  job: jobIdSchema.exactOptional(),
  event: logEventSchema,
})
export type LogLine = z.infer<typeof logLineSchema>
export type LogLevel = LogLine['level']
