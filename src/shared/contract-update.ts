// Updates of the program itself, as a window shows them: what is known, and how far it is.
import { z } from 'zod'
import { noticeSchema, TEXT } from './contract-views.ts'

const version = z.string().max(TEXT.name)
const count = z.number().int().nonnegative()

export const updateViewSchema = z.discriminatedUnion('phase', [
  /** This host does not renew itself: the station, and a program that runs from its sources. */
  z.object({ phase: z.literal('unsupported') }),
  /** The package was made without an address for updates: nobody is asked. */
  z.object({ phase: z.literal('off') }),
  /** Nothing newer is known. `checkedAt`: ISO 8601. */
  z.object({ phase: z.literal('idle'), checkedAt: z.string().max(40).exactOptional() }),
  z.object({ phase: z.literal('checking') }),
  z.object({ phase: z.literal('available'), version }),
  z.object({ phase: z.literal('downloading'), version, done: count, total: count }),
  /** It is wanted, but jobs run; it is fetched when the last one has ended. */
  z.object({ phase: z.literal('waiting'), version }),
  z.object({ phase: z.literal('downloaded'), version }),
  /** The program ends in a moment; nothing is started any more. */
  z.object({ phase: z.literal('installing'), version }),
  z.object({ phase: z.literal('failed'), problem: noticeSchema }),
])
export type UpdateView = z.infer<typeof updateViewSchema>
