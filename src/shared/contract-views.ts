// What a window shows, as the host tells it: bays, jobs, packages, the session and the settings. Plain data, every text of limited length.
import { z } from 'zod'
import { jobStateSchema, problemSchema, stepStateSchema } from './job.ts'
import { findingSchema, POLICIES, recipeSchema } from './plan.ts'
import { recognisedSchema } from './recognised.ts'
import { OPERATORS } from './role.ts'
import { packageKindSchema } from './rom.ts'
import { modeSchema } from './terminal.ts'
import { trustVerdictSchema } from './trust.ts'

/** Longest texts of each kind; what terminals and packages say of themselves is cut to these before it is sent. */
export const TEXT = { name: 200, line: 2_000, path: 4_096 } as const
const name = z.string().max(TEXT.name)
const line = z.string().max(TEXT.line)
const path = z.string().max(TEXT.path)
const count = z.number().int().nonnegative()
const slot = z.enum(['a', 'b'])
const time = z.string().max(40)

export const bayIdSchema = z.string().min(1).max(TEXT.name)
export const jobIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)

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

/** What stands on a port, as far as it shows without being opened. */
export const sightingViewSchema = z.object({
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
export type SightingView = z.infer<typeof sightingViewSchema>

/** All that is attached, and what there is to tell about the bench as a whole, e.g. that this machine has no USB. */
export const benchViewSchema = z.object({
  bays: z.array(sightingViewSchema),
  notices: z.array(noticeSchema),
})
export type BenchView = z.infer<typeof benchViewSchema>

const slotViewSchema = z.object({
  successful: z.boolean().exactOptional(),
  unbootable: z.boolean().exactOptional(),
  attempts: count.exactOptional(),
})
export type SlotView = z.infer<typeof slotViewSchema>

/** The few facts that a tile shows, from the last reading. */
export const bayFactsSchema = z.object({
  /** ISO 8601. */
  at: time,
  /** The most telling first. */
  names: z.array(name).max(8),
  build: name.exactOptional(),
  securityPatch: name.exactOptional(),
  /** Percent. */
  battery: z.number().exactOptional(),
  batteryOk: z.boolean().exactOptional(),
  unlocked: z.boolean().exactOptional(),
  currentSlot: slot.exactOptional(),
  slots: z.object({ a: slotViewSchema.exactOptional(), b: slotViewSchema.exactOptional() }),
})
export type BayFacts = z.infer<typeof bayFactsSchema>

/** What is waited for. `until` is when it is given up, ISO 8601. */
export const waitingViewSchema = z.object({
  reason: z.enum(['terminal', 'boot', 'hands-to-bootloader', 'hands', 'adb-authorisation', 'held', 'merge']),
  guide: z.string().max(60).exactOptional(),
  until: time.exactOptional(),
})
export type WaitingView = z.infer<typeof waitingViewSchema>

/** Something short that the bench does with the terminal of a bay outside of any job. */
export const bayWorkSchema = z.object({
  kind: z.enum(['reading', 'planning', 'rebooting', 'backing-up']),
  /** Where the terminal is being taken. */
  mode: modeSchema.exactOptional(),
  waiting: waitingViewSchema.exactOptional(),
})
export type BayWork = z.infer<typeof bayWorkSchema>

/** One port of the bench. Terminals come and go, the bay stays. */
export const bayViewSchema = z.object({
  bay: bayIdSchema,
  /** Given by the technician. */
  name: name.exactOptional(),
  simulated: z.boolean(),
  /** Absent while nothing is plugged in. */
  sighting: sightingViewSchema.exactOptional(),
  facts: bayFactsSchema.exactOptional(),
  work: bayWorkSchema.exactOptional(),
  /** The last reading failed. */
  problem: noticeSchema.exactOptional(),
})
export type BayView = z.infer<typeof bayViewSchema>

/** A step without what only the engine needs of it. Its words are made by whoever shows it. */
export const stepViewSchema = z.object({
  id: name,
  kind: z.enum([
    'identify',
    'backup',
    'write',
    'verify',
    'erase',
    'set-active',
    'enter-mode',
    'snapshot',
    'delete-logical',
    'resize-logical',
    'update-super',
    'new-super',
    'write-table',
    'write-file',
    'sideload',
    'reboot',
    'prove-boot',
  ]),
  state: stepStateSchema,
  attempts: count,
  partition: name.exactOptional(),
  slot: slot.exactOptional(),
  bytes: count.exactOptional(),
  mode: modeSchema.exactOptional(),
  /** How it is verified, where a reboot leads, what becomes of a snapshot, where a table comes from. */
  how: z
    .enum(['read-back', 'stream', 'system', 'bootloader', 'cancel', 'merge', 'repair', 'package', 'restore'])
    .exactOptional(),
  lun: count.exactOptional(),
  startedAt: time.exactOptional(),
  provenAt: time.exactOptional(),
})
export type StepView = z.infer<typeof stepViewSchema>

export const progressSchema = z.object({
  /** Bytes of this step's image. */
  done: count,
  total: count,
  jobDone: count,
  jobTotal: count,
  bytesPerSecond: z.number().nonnegative(),
  remainingSeconds: z.number().exactOptional(),
})
export type ProgressView = z.infer<typeof progressSchema>

export const recipeViewSchema = recipeSchema.pick({ policy: true, wipe: true })

export const jobViewSchema = z.object({
  id: jobIdSchema,
  bay: bayIdSchema,
  serial: name.exactOptional(),
  /** In EDL a terminal has no other mark. */
  chipSerial: name.exactOptional(),
  product: name.exactOptional(),
  rom: z.object({ path, build: name.exactOptional() }),
  policy: z.enum(POLICIES),
  wipe: z.boolean(),
  fromSlot: slot.exactOptional(),
  /** Who worked at the bench when it was started. */
  operator: name.exactOptional(),
  state: jobStateSchema,
  createdAt: time,
  updatedAt: time,
  /** Since when it runs; absent while it does not. */
  runningSince: time.exactOptional(),
  steps: z.array(stepViewSchema).max(2_000),
  /** The step under way. */
  step: name.exactOptional(),
  progress: progressSchema.exactOptional(),
  /** What earlier jobs with this package and policy took for the rest, as of `at`; until it has a speed of its own. */
  expected: z.object({ seconds: z.number().nonnegative(), at: time }).exactOptional(),
  waiting: waitingViewSchema.exactOptional(),
  problem: problemSchema.exactOptional(),
  /** Somebody has seen how it ended. */
  acknowledged: z.boolean(),
})
export type JobView = z.infer<typeof jobViewSchema>

/** What a package says of itself, cut to what fits a screen. */
export const romSummarySchema = z.object({
  kind: z.enum([...packageKindSchema.options, 'backup', 'image']),
  packageSize: count,
  models: z.array(name).max(32),
  build: name.exactOptional(),
  securityPatch: name.exactOptional(),
  /** Seconds since 1970 (UTC). */
  timestamp: z.number().exactOptional(),
  full: z.boolean(),
  downgrade: z.boolean(),
  images: count,
  imageBytes: count,
  /** Images for each slot: `any` go into whichever slot is written. */
  coverage: z.object({ any: count, a: count, b: count }),
  logical: count,
  /** Whether it is genuine, once it was verified. */
  trust: z
    .object({ verdict: trustVerdictSchema.shape.verdict, summary: line, publishers: z.array(name).max(16) })
    .exactOptional(),
  notes: z.array(line).max(32),
})
export type RomSummary = z.infer<typeof romSummarySchema>

export const romViewSchema = z.object({
  id: jobIdSchema,
  path,
  /** The file's own name. */
  name,
  state: z.enum(['opening', 'opened', 'verifying', 'verified', 'bad']),
  summary: romSummarySchema.exactOptional(),
  /** Bytes, while it is verified. */
  progress: z.object({ done: count, total: count }).exactOptional(),
  problem: noticeSchema.exactOptional(),
})
export type RomView = z.infer<typeof romViewSchema>

/** One bay in a session. `ready`: waits for the key; `aside`: left alone until it is plugged in anew or asked for. */
export const sessionBaySchema = z.object({
  bay: bayIdSchema,
  state: z.enum(['checking', 'counting', 'ready', 'unfit', 'working', 'finished', 'aside']),
  /** When it starts by itself, ISO 8601. */
  startsAt: time.exactOptional(),
  reasons: z.array(findingSchema).max(64).exactOptional(),
  problem: noticeSchema.exactOptional(),
  job: jobIdSchema.exactOptional(),
})
export type SessionBayView = z.infer<typeof sessionBaySchema>

export const sessionViewSchema = z.object({
  active: z.boolean(),
  rom: jobIdSchema.exactOptional(),
  policy: z.enum(POLICIES),
  wipe: z.boolean(),
  /** Seconds before a fit terminal starts by itself; 0 waits for the key. */
  countdown: z.number().int().min(0).max(60),
  startedAt: time.exactOptional(),
  bays: z.array(sessionBaySchema).max(256),
})
export type SessionView = z.infer<typeof sessionViewSchema>

export const LANGUAGES = ['en', 'zh-CN', 'es', 'pt', 'ru', 'fr', 'ar'] as const
export const THEMES = ['system', 'light', 'dark', 'contrast'] as const

export const settingsSchema = z.object({
  language: z.enum(['system', ...LANGUAGES]),
  theme: z.enum(THEMES),
  /** Seconds before a fit terminal of a session starts; 0 waits for a key. */
  countdown: z.number().int().min(0).max(60),
  batteryLimit: z.number().int().min(0).max(100),
  /** Seconds to wait for a new build to be seen booting. */
  proofTimeout: z.number().int().min(30).max(3_600),
  sounds: z.boolean(),
  /** Read what is plugged in by itself. */
  autoRead: z.boolean(),
  /** Who works now: one of the names, or nobody in particular. */
  operator: z.string().max(OPERATORS.longest),
  operators: z.array(z.string().min(1).max(OPERATORS.longest)).max(OPERATORS.most),
  /** Bytes of all ROMs in the cache together. */
  cacheLimit: z
    .number()
    .int()
    .min(1024 ** 3)
    .max(2 ** 50),
  /** Channels of repositories in which this bench takes part. */
  channels: z.array(z.string().trim().min(1).max(128)).min(1).max(8),
  /** Known ports in the order of the wall, with their names. */
  bays: z.array(z.object({ bay: bayIdSchema, name: z.string().max(40).exactOptional() })).max(256),
  firstStartDone: z.boolean(),
})
export type Settings = z.infer<typeof settingsSchema>

/** The settings of a bench that nobody has touched yet. */
export const FIRST_SETTINGS: Settings = {
  language: 'system',
  theme: 'system',
  countdown: 5,
  batteryLimit: 30,
  proofTimeout: 600,
  sounds: false,
  autoRead: true,
  operator: '',
  operators: [],
  cacheLimit: 64 * 1024 ** 3,
  channels: ['stable'],
  bays: [],
  firstStartDone: false,
}
