// A terminal as the bench remembers it, so that it is one terminal in ADB, in fastboot and in EDL.
import { z } from 'zod'
import { modeSchema } from './terminal.ts'

export const knownTerminalSchema = z.object({
  /** Given by the bench; says nothing. */
  id: z.string(),
  /** As bootloader and system call it. */
  serial: z.string().optional(),
  /** Of the chip, as EDL shows it: eight hex digits. */
  chipSerial: z.string().optional(),
  /** Where it was seen last. */
  bay: z.string(),
  /** Every name it gave itself in any mode, with its source. */
  names: z.array(z.object({ value: z.string(), source: z.string() })),
  /** In which mode it was seen last. */
  mode: modeSchema,
  /** ISO 8601, UTC. */
  firstSeen: z.string(),
  lastSeen: z.string(),
})
export type KnownTerminal = z.infer<typeof knownTerminalSchema>
