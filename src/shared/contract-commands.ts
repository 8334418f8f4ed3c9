// Every command of the contract: what it is given and what it gives back, checked on both sides.
import { z } from 'zod'
import { certificateSchema } from './certificate.ts'
import { BACKUP_COMMANDS } from './contract-backups.ts'
import { FIRMWARE_COMMANDS } from './contract-firmware-commands.ts'
import { logLineSchema } from './contract-log.ts'
import { PARTITION_COMMANDS } from './contract-partitions.ts'
import { planViewSchema } from './contract-plan.ts'
import { bayIdSchema, jobIdSchema, settingsSchema, TEXT } from './contract-views.ts'
import { doctorReportSchema } from './doctor.ts'
import { JOB_STATES, jobStateSchema } from './job.ts'
import { policySchema } from './plan.ts'
import { OPERATORS, pinSchema } from './role.ts'
import { romInfoSchema } from './rom.ts'
import { replacementSchema } from './support.ts'
import { terminalFactsSchema } from './terminal.ts'

const path = z.string().min(1).max(TEXT.path)
const text = z.string().max(TEXT.name)
const count = z.number().int().nonnegative()
const nothing = z.strictObject({})
const done = z.object({})

/** What a technician chooses beside the package. The rest of a recipe comes from the settings. */
export const choiceSchema = z.strictObject({
  policy: policySchema,
  wipe: z.boolean(),
  assumedModel: text.exactOptional(),
  giveUpOtherSlot: z.boolean().exactOptional(),
})
export type Choice = z.infer<typeof choiceSchema>

export const jobQuerySchema = z.strictObject({
  /** Anywhere in serial, product, build, bay, operator or number. */
  text: text.exactOptional(),
  state: z.enum(JOB_STATES).exactOptional(),
  /** ISO dates (`2026-11-25`), both inclusive, UTC. */
  from: z.iso.date().exactOptional(),
  to: z.iso.date().exactOptional(),
})
export type JobQuery = z.infer<typeof jobQuerySchema>

export const jobSummarySchema = z.object({
  id: jobIdSchema,
  createdAt: z.string(),
  updatedAt: z.string(),
  state: jobStateSchema,
  bay: z.string(),
  serial: z.string().exactOptional(),
  product: z.string().exactOptional(),
  build: z.string().exactOptional(),
  operator: z.string().max(OPERATORS.longest).exactOptional(),
  stepsProven: count,
  steps: count,
})
export type JobSummaryView = z.infer<typeof jobSummarySchema>

const fileEntrySchema = z.object({
  name: z.string(),
  path: z.string(),
  kind: z.enum(['folder', 'file']),
  bytes: count,
})
export type FileEntry = z.infer<typeof fileEntrySchema>

const onBay = z.strictObject({ bay: bayIdSchema })
const onJob = z.strictObject({ job: jobIdSchema })
const onRom = z.strictObject({ rom: jobIdSchema })
const startedJob = z.object({ job: jobIdSchema })

export const COMMANDS = {
  'bays.rename': { params: z.strictObject({ bay: bayIdSchema, name: z.string().max(40) }), result: done },
  'bays.order': { params: z.strictObject({ bays: z.array(bayIdSchema).max(256) }), result: done },
  /** Takes an empty port off the wall. */
  'bays.forget': { params: onBay, result: done },

  'rom.add': { params: z.strictObject({ path }), result: z.object({ rom: jobIdSchema }) },
  /** Answers at once; how it goes is told in the state. */
  'rom.verify': { params: onRom, result: done },
  /** Off the list; the file stays. */
  'rom.remove': { params: onRom, result: done },
  'rom.detail': { params: onRom, result: z.object({ info: romInfoSchema }) },
  /** A programmer for EDL, which stays with the bench. */
  'loader.add': { params: z.strictObject({ path }), result: done },
  'files.list': {
    params: z.strictObject({
      folder: path.exactOptional(),
      /** What is looked for; default: packages and programmers. */
      kind: z.enum(['package', 'image', 'root', 'key', 'folder']).exactOptional(),
    }),
    result: z.object({
      folder: z.string(),
      parent: z.string().exactOptional(),
      entries: z.array(fileEntrySchema).max(2_000),
      /** There were more. */
      cut: z.boolean(),
    }),
  },

  /** Reads the terminal; with `survey` it may restart into the modes that know what the plan needs. */
  'plan.make': {
    params: z.strictObject({ bay: bayIdSchema, rom: jobIdSchema, choice: choiceSchema, survey: z.boolean() }),
    result: z.object({ plan: planViewSchema }),
  },
  'job.start': { params: z.strictObject({ plan: jobIdSchema }), result: startedJob },
  'job.cancel': { params: onJob, result: done },
  /** From the first unproven step. `bay`: the terminal was moved there. */
  'job.resume': {
    params: z.strictObject({ job: jobIdSchema, bay: bayIdSchema.exactOptional() }),
    result: done,
  },
  /** From the start: plans anew with the same package and recipe, and starts. */
  'job.again': { params: onJob, result: startedJob },
  /** Somebody has seen how it ended. */
  'job.acknowledge': { params: onJob, result: done },
  'job.throughput': {
    params: onJob,
    result: z.object({
      samples: z.array(z.object({ at: z.number(), bytesPerSecond: z.number(), step: z.string() })).max(2_000),
    }),
  },
  /** The certificate from the journal, written to the reports folder as well. */
  'job.report': {
    params: onJob,
    result: z.object({
      certificate: certificateSchema,
      page: z.string(),
      files: z.object({ json: z.string(), page: z.string() }),
    }),
  },
  'jobs.search': {
    params: jobQuerySchema.extend({ limit: count.max(200), offset: count }),
    result: z.object({
      jobs: z.array(jobSummarySchema).max(200),
      total: count,
      passed: count,
      failed: count,
    }),
  },
  'jobs.csv': { params: jobQuerySchema, result: z.object({ csv: z.string() }) },

  /** `fresh` reads the terminal again in the mode it is in. */
  'terminal.facts': {
    params: z.strictObject({ bay: bayIdSchema, fresh: z.boolean() }),
    result: z.object({ facts: terminalFactsSchema.exactOptional(), at: z.string().exactOptional() }),
  },
  /** Answers when it has arrived. */
  'terminal.reboot': {
    params: z.strictObject({
      bay: bayIdSchema,
      to: z.enum(['system', 'bootloader', 'fastbootd', 'recovery', 'sideload', 'edl']),
    }),
    result: done,
  },
  /** Ends reading, planning or restarting; a job is cancelled by `job.cancel`. */
  'terminal.stop': { params: onBay, result: done },

  'session.start': {
    params: z.strictObject({
      rom: jobIdSchema,
      choice: choiceSchema,
      countdown: z.number().int().min(0).max(60),
    }),
    result: done,
  },
  /** Starts nothing more; jobs that run go on. */
  'session.stop': { params: nothing, result: done },
  /** Starts the fit terminal on this bay now. */
  'session.go': { params: onBay, result: done },
  /** Leaves this bay alone. */
  'session.hold': { params: onBay, result: done },
  'session.recheck': { params: onBay, result: done },

  'settings.set': { params: settingsSchema.omit({ bays: true }).partial().strict(), result: done },
  /** Newest last; `before` is the number of the first line that is there already. */
  'log.read': {
    params: z.strictObject({
      before: count.exactOptional(),
      limit: count.max(1_000),
      job: jobIdSchema.exactOptional(),
      bay: bayIdSchema.exactOptional(),
    }),
    result: z.object({ lines: z.array(logLineSchema).max(1_000), more: z.boolean() }),
  },
  /** Why a terminal is not seen or cannot be opened. */
  'host.doctor': { params: nothing, result: z.object({ report: doctorReportSchema }) },
  /** Asks whether there is a newer version of the program; the answer is told in the state. */
  'update.check': { params: nothing, result: done },
  /** Fetches it; while jobs run it waits for their end. */
  'update.download': { params: nothing, result: done },
  /** Ends the program and starts the newer one. Refused while a job runs. */
  'update.install': { params: nothing, result: done },
  /** Plugs in one simulated terminal, and puts a package for it into the library. */
  'simulation.add': {
    params: z.strictObject({ profile: z.string().max(40) }),
    result: z.object({ bay: bayIdSchema }),
  },
  'simulation.remove': { params: onBay, result: done },

  ...FIRMWARE_COMMANDS,
  ...BACKUP_COMMANDS,
  ...PARTITION_COMMANDS,

  /** Gathers what helps from afar, with pseudonyms in it, to be looked at. */
  'support.make': {
    params: z.strictObject({ jobs: z.array(jobIdSchema).min(1).max(20) }),
    result: z.object({
      bundle: jobIdSchema,
      name: text,
      files: z
        .array(z.object({ name: z.string(), bytes: count, text: z.string(), cut: z.boolean() }))
        .max(128),
      replaced: z.array(replacementSchema).max(500),
    }),
  },
  /** Exactly what was shown, as a zip archive: kept in the data folder, and in base64 for the window to hand out. */
  'support.save': {
    params: z.strictObject({ bundle: jobIdSchema }),
    result: z.object({ path: z.string(), name: text, zip: z.base64() }),
  },

  /** The first one needs no other; from then on this window is the supervisor's. */
  'supervisor.set-pin': {
    params: z.strictObject({ pin: pinSchema, old: z.string().max(64).exactOptional() }),
    result: done,
  },
  'supervisor.remove-pin': { params: z.strictObject({ old: z.string().max(64) }), result: done },
  /** This window alone, for as long as somebody uses it. */
  'supervisor.unlock': { params: z.strictObject({ pin: z.string().max(64) }), result: done },
  'supervisor.lock': { params: nothing, result: done },
  /** Somebody is at the window. */
  'supervisor.touch': { params: nothing, result: done },
} as const

export type CommandName = keyof typeof COMMANDS
export type Params<N extends CommandName> = z.infer<(typeof COMMANDS)[N]['params']>
export type Result<N extends CommandName> = z.infer<(typeof COMMANDS)[N]['result']>

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name)
}
