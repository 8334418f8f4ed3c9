// The contract between the engine and whatever shows it: messages as schemas, the same over every host.
import { z } from 'zod'
import { problemSchema } from './job.ts'
import { recognisedSchema } from './recognised.ts'
import { modeSchema } from './terminal.ts'

/** An error for people, outside of any job: what happened, what it means and what to do next. */
export const noticeSchema = problemSchema.omit({ step: true, at: true })
export type Notice = z.infer<typeof noticeSchema>

/** The terminal that the bench remembers, where what stands on the bay does not say by itself which one it is. */
export const knownIdentitySchema = z.object({
  /** The most telling first; none when it never gave one. */
  names: z.array(z.string()),
  serial: z.string().exactOptional(),
  chipSerial: z.string().exactOptional(),
  /** By which mark it was recognised. */
  why: z.string(),
  /** Set when it may be another one after all. */
  caution: z.string().exactOptional(),
})
export type KnownIdentity = z.infer<typeof knownIdentitySchema>

/** One port of the bench with what stands on it. */
export const bayViewSchema = z.object({
  bay: z.string(),
  mode: modeSchema,
  serial: z.string().optional(),
  product: z.string().optional(),
  /** Absent for what Slotbench only recognises. */
  protocol: z.enum(['fastboot', 'adb', 'edl']).optional(),
  /** What it was recognised as; absent for terminals over the network. */
  personality: recognisedSchema.pick({ name: true, explanation: true }).optional(),
  known: knownIdentitySchema.optional(),
  /** Absent for terminals over the network. */
  link: z
    .object({
      vendorId: z.number().int(),
      productId: z.number().int(),
      /** As the system names it: `full`, `high`, `super`, `superPlus`. */
      speed: z.string().optional(),
    })
    .optional(),
  problem: noticeSchema.optional(),
})
export type BayView = z.infer<typeof bayViewSchema>

/** Everything the list of bays shows. Each message is the whole truth; there are no differences to lose. */
export const benchViewSchema = z.object({
  bays: z.array(bayViewSchema),
  /** About the bench as a whole, e.g. that this machine has no USB. */
  notices: z.array(noticeSchema),
})
export type BenchView = z.infer<typeof benchViewSchema>

/** What the window gets from its host. */
export interface SlotbenchApi {
  readonly bays: {
    /** Calls back with the present view soon and after each change; returns the way to stop. */
    subscribe(listener: (view: BenchView) => void): () => void
  }
}

/** Names of the messages between a window and its host. */
export const CHANNEL = {
  /** Window → host: send the view now and keep it fresh. */
  baysSubscribe: 'slotbench:bays:subscribe',
  /** Host → window: a `BenchView`. */
  baysChanged: 'slotbench:bays:changed',
} as const
