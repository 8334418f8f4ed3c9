// The report of a job: what was done to which terminal, with which bytes, and what was seen. Says no more than was seen.
import { z } from 'zod'
import { jobStateSchema, problemSchema, receiptSchema, stepStateSchema } from './job.ts'
import { findingSchema, identitySchema, recipeSchema } from './plan.ts'

export const VERDICTS = [
  'success',
  'written, boot not proven',
  'boot failed, old slot active',
  'interrupted',
  'failed',
  'not finished',
] as const

export const certificateSchema = z.object({
  format: z.literal('slotbench-certificate'),
  version: z.literal(1),
  job: z.string(),
  createdAt: z.string(),
  endedAt: z.string(),
  state: jobStateSchema,
  verdict: z.enum(VERDICTS),
  slotbench: z.string(),
  operator: z.string().optional(),
  terminal: identitySchema.extend({
    variables: z.record(z.string(), z.string()),
    fromSlot: z.enum(['a', 'b']).optional(),
  }),
  rom: z.object({
    path: z.string(),
    kind: z.string(),
    fingerprint: z.string(),
    build: z.string().optional(),
    securityPatch: z.string().optional(),
    models: z.array(z.string()),
  }),
  recipe: recipeSchema,
  warnings: z.array(findingSchema),
  steps: z.array(
    z.object({
      id: z.string(),
      what: z.string(),
      state: stepStateSchema,
      attempts: z.number(),
      startedAt: z.string().optional(),
      provenAt: z.string().optional(),
      receipt: receiptSchema.optional(),
    }),
  ),
  totals: z.object({ imageBytes: z.number(), wireBytes: z.number(), seconds: z.number() }),
  problem: problemSchema.optional(),
})
export type Certificate = z.infer<typeof certificateSchema>
export type Verdict = Certificate['verdict']
