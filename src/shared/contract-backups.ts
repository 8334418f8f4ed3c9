// Backups in the windows: what belongs to one terminal alone, kept and brought back.
import { z } from 'zod'
import { backupTerminalSchema } from './backup.ts'
import { planViewSchema } from './contract-plan.ts'
import { bayIdSchema, jobIdSchema, TEXT } from './contract-views.ts'

const path = z.string().min(1).max(TEXT.path)
const text = z.string().max(TEXT.name)
const count = z.number().int().nonnegative()
const onBay = z.strictObject({ bay: bayIdSchema })
const onBackup = z.strictObject({ backup: jobIdSchema })

export const backupViewSchema = z.object({
  id: jobIdSchema,
  /** ISO 8601. */
  at: text,
  terminal: backupTerminalSchema,
  partitions: z.array(z.object({ name: text, bytes: count })).max(2_000),
  bytes: count,
})
export type BackupView = z.infer<typeof backupViewSchema>

export const BACKUP_COMMANDS = {
  /** Those of the terminal that stands there, newest first. */
  'backups.list': {
    params: onBay,
    result: z.object({
      backups: z.array(backupViewSchema).max(200),
      /** Nothing that tells this terminal from others is known yet. */
      nameless: z.boolean(),
      /** The mode that it is in gives its partitions out. */
      canKeep: z.boolean(),
    }),
  },
  /** Reads every image of it, and fails with what is damaged. */
  'backups.check': { params: onBackup, result: z.object({}) },
  /** Answers when everything was read twice. */
  'backups.make': { params: onBay, result: z.object({ backup: backupViewSchema }) },
  /** A copy of it in that folder, which is read again. */
  'backups.export': {
    params: onBackup.extend({ folder: path }),
    result: z.object({ folder: z.string() }),
  },
  /** What bringing it back would write; it is started as every other plan. `backup`: one of this bench, or the folder of an exported one. */
  'backups.plan': {
    params: onBay.extend({ backup: path }),
    result: z.object({ plan: planViewSchema }),
  },
} as const
