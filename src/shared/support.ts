// A support bundle as it is looked at before it leaves the bench: what is in it, and what was put in the place of what.
import { z } from 'zod'

/** What is replaced: `id` is any other number that belongs to one terminal alone. */
export const SECRET_KINDS = [
  'serial',
  'imei',
  'id',
  'mac',
  'email',
  'operator',
  'user',
  'host',
  'home',
  'folder',
] as const
export const secretKindSchema = z.enum(SECRET_KINDS)
export type SecretKind = z.infer<typeof secretKindSchema>

export const replacementSchema = z.object({
  kind: secretKindSchema,
  pseudonym: z.string().max(40),
  /** As it was first found. Shown at the bench, and not part of the bundle. */
  original: z.string(),
  count: z.number().int().positive(),
})
export type Replacement = z.infer<typeof replacementSchema>

export interface SupportFile {
  readonly name: string
  readonly text: string
}
