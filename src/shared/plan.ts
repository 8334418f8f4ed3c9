// Recipe, plan and steps: data that is shown before it is run, kept with the job, and printed in the report.
import { z } from 'zod'
import { romInfoSchema } from './rom.ts'
import { modeSchema, partitionTableSchema, terminalFactsSchema } from './terminal.ts'

/** `rescue`: nothing boots; both slots are written, one after the other. `sideload`: the terminal's own recovery or updater installs the package, into the slot that does not run where there are two. */
export const POLICIES = ['seamless', 'both', 'single', 'rescue', 'sideload'] as const
export const policySchema = z.enum(POLICIES)
export type Policy = z.infer<typeof policySchema>

const slot = z.enum(['a', 'b'])
const size = z.number().int().nonnegative()

export const recipeSchema = z.object({
  policy: policySchema,
  /** Erase user data just before the switch. */
  wipe: z.boolean(),
  /** Percent below which nothing is started. */
  batteryLimit: z.number().min(0).max(100),
  /** A model name that the technician vouches for, where package and terminal call it differently or the package is silent. */
  assumedModel: z.string().optional(),
  /** Where super has no room for both slots: give up the logical partitions of the slot that runs. */
  giveUpOtherSlot: z.boolean().exactOptional(),
  /** In EDL: put the package's partition tables in the place of the terminal's, and what they move goes. */
  packageTables: z.boolean().exactOptional(),
  /** With those: userdata reaches to the end of the disk that is there, whatever the package's table says. */
  extendUserdata: z.boolean().exactOptional(),
  /** Seconds to wait for the new build to be seen booting. */
  proofTimeout: z.number().positive(),
})
export type Recipe = z.infer<typeof recipeSchema>

/** Why a plan may not be run, or what the technician should know before running it. */
export const FINDING_CODES = [
  'wrong-mode',
  'wrong-model',
  'model-unknown',
  'requirement-not-met',
  'requirement-unknown',
  'bootloader-locked',
  'lock-unknown',
  'not-ab',
  'not-a-only',
  'slot-unknown',
  'running-slot-not-good',
  'no-fallback-slot',
  'image-too-large',
  'partition-size-unknown',
  'partition-missing',
  'unslotted-skipped',
  'protected-skipped',
  'other-slot-image-skipped',
  'table-loses-data',
  'table-missing',
  'table-unfit',
  'rom-incomplete',
  'slot-leftover',
  'rom-empty',
  'rom-not-verified',
  'rom-not-full',
  'battery-low',
  'battery-unknown',
  'package-broken',
  'trust-alarming',
  'avb-key-differs',
  'rollback-lower',
  'rollback-unknown',
  'patch-level-lower',
  'snapshot-merging',
  'snapshot-cancelled',
  'cow-leftover',
  'super-unknown',
  'super-space',
  'other-slot-given-up',
  'needs-survey',
  'not-sideloadable',
  'delta-base',
  'host-space',
  'edl-unread',
  'loader-read-only',
  'table-repaired',
  'tables-differ',
  'slots-differ',
  'table-damaged',
  'slot-may-boot',
  'second-slot-without-system',
  'another-terminal',
  'active-slot',
  'partition-protected',
  'no-backup-possible',
  'no-read-back',
  'wipe',
  'vouched-model',
  'model-weak',
] as const
export const findingSchema = z.object({
  code: z.enum(FINDING_CODES),
  /** What was found, with the values that decided. */
  detail: z.string(),
  /** What removes it, for blockers. */
  next: z.string().optional(),
})
export type Finding = z.infer<typeof findingSchema>
export type FindingCode = Finding['code']

const imageRef = z.object({ name: z.string(), slot: slot.exactOptional() })

export const stepSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('identify'), id: z.string() }),
  z.object({ kind: z.literal('backup'), id: z.string(), partition: z.string(), bytes: size }),
  z.object({
    kind: z.literal('write'),
    id: z.string(),
    partition: z.string(),
    image: imageRef,
    slot: slot.optional(),
    bytes: size,
    sha256: z.string(),
  }),
  z.object({
    kind: z.literal('verify'),
    id: z.string(),
    partition: z.string(),
    slot: slot.optional(),
    bytes: size,
    sha256: z.string(),
    /** `read-back`: the terminal's own bytes are digested. `stream`: the digest of what went to the wire, and the terminal's word. */
    method: z.enum(['read-back', 'stream']),
  }),
  z.object({ kind: z.literal('erase'), id: z.string(), partition: z.string() }),
  z.object({ kind: z.literal('set-active'), id: z.string(), slot }),
  /** Brings the terminal into this mode from whatever it runs: by itself where software can, else with the technician's hands. */
  z.object({ kind: z.literal('enter-mode'), id: z.string(), mode: modeSchema }),
  /** `cancel` drops an update that was staged and never booted; `merge` finishes one that was. */
  z.object({ kind: z.literal('snapshot'), id: z.string(), action: z.enum(['cancel', 'merge']) }),
  z.object({ kind: z.literal('delete-logical'), id: z.string(), partition: z.string() }),
  /** Makes the logical partition when it is missing, and gives it this size. */
  z.object({ kind: z.literal('resize-logical'), id: z.string(), partition: z.string(), bytes: size }),
  /** Puts the package's own table (`super_empty.img`) in the place of the terminal's. */
  z.object({
    kind: z.literal('update-super'),
    id: z.string(),
    image: imageRef,
    sha256: z.string(),
    wipe: z.boolean(),
  }),
  /** Empty tables for a super of this size, made from what the package says of its groups; whatever super held is gone. */
  z.object({
    kind: z.literal('new-super'),
    id: z.string(),
    partition: z.string(),
    bytes: size,
    virtualAb: z.boolean(),
    metadataSlots: size,
    /** Bytes at whose multiples partitions begin. */
    alignment: size,
    /** By full name, with the empty partitions that they begin with. */
    groups: z.array(z.object({ name: z.string(), maximum: size, partitions: z.array(z.string()) })),
  }),
  /** Both copies of the partition table of one LUN: `repair` brings back the one that the terminal has, `package` replaces it. */
  z.object({
    kind: z.literal('write-table'),
    id: z.string(),
    lun: size,
    source: z.enum(['repair', 'package']),
    table: partitionTableSchema,
  }),
  /** A file goes to one partition as it is, and is read back: `restore` brings back this very terminal's own backup. */
  z.object({
    kind: z.literal('write-file'),
    id: z.string(),
    partition: z.string(),
    file: z.string(),
    bytes: size,
    sha256: z.string(),
    restore: z.boolean(),
  }),
  /** The package file itself goes to the terminal's recovery. */
  z.object({ kind: z.literal('sideload'), id: z.string(), bytes: size }),
  z.object({ kind: z.literal('reboot'), id: z.string(), to: z.enum(['system', 'bootloader']) }),
  z.object({
    kind: z.literal('prove-boot'),
    id: z.string(),
    /** Absent on terminals without slots. */
    slot: slot.optional(),
    /** The slot to make active again when the new one does not boot. */
    fallback: slot.optional(),
    /** What the system that boots must call itself; absent where the package does not tell. */
    fingerprint: z.string().exactOptional(),
  }),
])
export type Step = z.infer<typeof stepSchema>
export type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>

export const identitySchema = z.object({
  bay: z.string(),
  serial: z.string().optional(),
  product: z.string().optional(),
})

export const planSchema = z.object({
  version: z.literal(1),
  createdAt: z.string(),
  terminal: identitySchema,
  facts: terminalFactsSchema,
  rom: romInfoSchema,
  recipe: recipeSchema,
  /** The slot that came in running; absent on terminals without slots. */
  fromSlot: slot.optional(),
  steps: z.array(stepSchema),
  blockers: z.array(findingSchema),
  warnings: z.array(findingSchema),
  totals: z.object({ writeBytes: size, backupBytes: size }),
})
export type Plan = z.infer<typeof planSchema>
