// A backup of a terminal's radio and identity partitions: what was read, from which terminal, when.
import { z } from 'zod'

/** What tells this terminal from every other one, as far as it was known. */
export const backupTerminalSchema = z.object({
  serial: z.string().exactOptional(),
  /** Eight hex digits, from the boot ROM or the EDL product string. */
  chipSerial: z.string().exactOptional(),
  product: z.string().exactOptional(),
})
export type BackupTerminal = z.infer<typeof backupTerminalSchema>

export const backupPartitionSchema = z.object({
  /** Full name (`modemst1`). */
  name: z.string(),
  bytes: z.number().int().nonnegative(),
  sha256: z.string(),
  /** Beside the manifest. */
  file: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/),
})

export const backupSchema = z.object({
  format: z.literal('slotbench-backup'),
  version: z.literal(1),
  /** That of the job which made it, where one did. */
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  /** ISO 8601, of the last partition in it. */
  at: z.string(),
  terminal: backupTerminalSchema,
  partitions: z.array(backupPartitionSchema),
})
export type Backup = z.infer<typeof backupSchema>

/** The manifest, beside the images. */
export const BACKUP_MANIFEST = 'slotbench-backup.json'
