// A job as every host sees it: its state, its steps, what happens in it.
import { z } from 'zod'
import type { GuideId } from './guides.ts'
import { planSchema } from './plan.ts'

/** `written`: all is written and verified, the boot was not seen. `fell-back`: the new slot did not boot, the old one is active again. */
export const JOB_STATES = [
  'planned',
  'running',
  'interrupted',
  'done',
  'written',
  'fell-back',
  'failed',
] as const
export const jobStateSchema = z.enum(JOB_STATES)
export type JobState = z.infer<typeof jobStateSchema>

/** States from which `resume` goes on. */
export const RESUMABLE: ReadonlySet<JobState> = new Set<JobState>([
  'planned',
  'running',
  'interrupted',
  'written',
  'failed',
])

export const writeReceiptSchema = z.object({
  kind: z.literal('write'),
  imageBytes: z.number(),
  wireBytes: z.number(),
  sha256: z.string(),
  pieces: z.number(),
  durationMs: z.number(),
})
export const receiptSchema = z.discriminatedUnion('kind', [
  writeReceiptSchema,
  z.object({ kind: z.literal('verify'), method: z.enum(['read-back', 'stream']), sha256: z.string() }),
  z.object({ kind: z.literal('backup'), file: z.string(), bytes: z.number(), sha256: z.string() }),
  z.object({
    kind: z.literal('proof'),
    /** What proved it; see docs/adr on boot proofs. */
    by: z.enum(['boot-completed', 'slot-successful', 'current-slot-after-system', 'system-mode']),
    slot: z.enum(['a', 'b']).optional(),
  }),
  z.object({
    kind: z.literal('switch'),
    /** The terminal took the new slot's `successful` mark away at the switch, so that a new mark is news of a boot. */
    unmarked: z.boolean(),
  }),
  z.object({
    kind: z.literal('sideload'),
    bytes: z.number(),
    /** Bytes that the terminal asked for; more than `bytes` when it read some twice. */
    sentBytes: z.number(),
    durationMs: z.number(),
  }),
  z.object({ kind: z.literal('done') }),
])
export type Receipt = z.infer<typeof receiptSchema>

export const stepStateSchema = z.enum(['pending', 'started', 'proven'])
export const stepRecordSchema = z.object({
  id: z.string(),
  state: stepStateSchema,
  attempts: z.number().int(),
  startedAt: z.string().optional(),
  provenAt: z.string().optional(),
  receipt: receiptSchema.optional(),
})
export type StepRecord = z.infer<typeof stepRecordSchema>

export const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  meaning: z.string(),
  next: z.string(),
  step: z.string().optional(),
  at: z.string(),
})
export type Problem = z.infer<typeof problemSchema>

export const jobSchema = z.object({
  id: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  state: jobStateSchema,
  /** Who worked at the bench when it was started, where the bench knows. */
  operator: z.string().optional(),
  plan: planSchema,
  steps: z.array(stepRecordSchema),
  problem: problemSchema.optional(),
})
export type Job = z.infer<typeof jobSchema>

export type JobEvent =
  | { readonly type: 'state'; readonly job: string; readonly state: JobState }
  | {
      readonly type: 'step-started'
      readonly job: string
      readonly step: string
      readonly index: number
      readonly of: number
    }
  | { readonly type: 'step-proven'; readonly job: string; readonly step: string; readonly receipt: Receipt }
  | { readonly type: 'progress'; readonly job: string; readonly step: string; readonly progress: Progress }
  | {
      readonly type: 'waiting'
      readonly job: string
      readonly reason: WaitReason
      /** What hands should do, where they are needed. */
      readonly guide?: GuideId
      /** How long it will be waited for. */
      readonly seconds?: number
    }
  | { readonly type: 'terminal-says'; readonly job: string; readonly text: string }
  | { readonly type: 'problem'; readonly job: string; readonly problem: Problem }

/** What the bench waits for, so that silence always has a reason. */
export type WaitReason =
  | 'terminal'
  | 'boot'
  | 'hands-to-bootloader'
  /** Software cannot take the terminal to the mode that is needed; the event names the guide. */
  | 'hands'
  /** The prompt on the terminal's screen. */
  | 'adb-authorisation'
  /** Another program on this computer has the terminal open. */
  | 'held'
  /** The terminal itself finishes an earlier update. */
  | 'merge'

export interface Progress {
  /** Bytes of this step's image. */
  readonly done: number
  readonly total: number
  /** Bytes of all images of the job. */
  readonly jobDone: number
  readonly jobTotal: number
  /** Image bytes per second, smoothed; 0 until known. */
  readonly bytesPerSecond: number
  /** Seconds for what is left of the job; undefined until known. */
  readonly remainingSeconds: number | undefined
}
