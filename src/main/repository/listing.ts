// What a bench knows of a repository once its metadata are verified, and what it needs to verify them.

import { z } from 'zod'
import type { SlotbenchError } from '../../shared/errors.ts'
import { type PublishedRom, publishedRomSchema, type TargetRef, targetRefSchema } from './format.ts'

export interface Listing {
  readonly roms: readonly PublishedRom[]
  readonly deployment: TargetRef | undefined
  /** When the owner signed this state, where he says it. */
  readonly publishedAt: Date | undefined
  readonly expires: Date
  /** Publishers whose metadata do not hold; the others' ROMs are listed all the same. */
  readonly problems: readonly { readonly publisher: string; readonly error: SlotbenchError }[]
}

/** The last listing that a bench saw, for when no repository can be reached. */
export const keptListingSchema = z.object({
  roms: z.array(publishedRomSchema),
  deployment: targetRefSchema.optional(),
  publishedAt: z.coerce.date().optional(),
  expires: z.coerce.date(),
})

/** Metadata files by name (`timestamp.json`, `3.root.json`), from wherever they come.
 * @returns undefined when there is no such file.
 * @throws SlotbenchError */
export type MetadataSource = (name: string, max: number) => Promise<Buffer<ArrayBuffer> | undefined>
