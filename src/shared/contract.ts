// The contract between the engine and whatever shows it: messages as schemas, the same over every host.
import { z } from 'zod'
import { benchStateSchema, changeSchema } from './contract-state.ts'
import { noticeSchema } from './contract-views.ts'
import { roleViewSchema } from './role.ts'

export * from './contract-backups.ts'
export * from './contract-commands.ts'
export * from './contract-firmware.ts'
export * from './contract-log.ts'
export * from './contract-partitions.ts'
export * from './contract-plan.ts'
export * from './contract-state.ts'
export * from './contract-update.ts'
export * from './contract-views.ts'

/** Goes up whenever an older window would misread a newer host. */
export const CONTRACT_VERSION = 2

/** Most characters of one message, each way. */
export const MESSAGE_LIMIT = { toHost: 256 * 1024, toWindow: 32 * 1024 * 1024 } as const

/** Window → host. The parameters are checked by the command's own schema. */
export const requestSchema = z.strictObject({
  id: z.number().int().positive(),
  command: z.string().max(40),
  params: z.unknown(),
})
export type Request = z.infer<typeof requestSchema>

/** Host → window. `seq` counts without gaps from the snapshot on. */
export const hostMessageSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('snapshot'),
    contract: z.literal(CONTRACT_VERSION),
    seq: z.number().int().nonnegative(),
    state: benchStateSchema,
  }),
  z.object({
    type: z.literal('changes'),
    seq: z.number().int().positive(),
    changes: z.array(changeSchema),
  }),
  /** What this window may do: after the snapshot, and whenever it changes. */
  z.object({ type: z.literal('role'), role: roleViewSchema }),
  z.object({ type: z.literal('reply'), id: z.number().int(), result: z.unknown() }),
  z.object({ type: z.literal('failure'), id: z.number().int(), error: noticeSchema }),
])
export type HostMessage = z.infer<typeof hostMessageSchema>

/** Asks for a snapshot; not a command, because it is answered by the snapshot itself. */
export const RESYNC = 'resync'
