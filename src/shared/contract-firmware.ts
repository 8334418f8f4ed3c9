// What a window shows of firmware repositories: where they are, what they offer to whom, what is fetched, and the cache.
import { z } from 'zod'
import { bayIdSchema, jobIdSchema, noticeSchema, TEXT } from './contract-views.ts'
import { factNameSchema } from './deployment.ts'
import { reasonSchema, verdictSchema } from './eligibility.ts'
import { packageKindSchema } from './rom.ts'
import { modeSchema } from './terminal.ts'

const name = z.string().max(TEXT.name)
const line = z.string().max(TEXT.line)
const path = z.string().max(TEXT.path)
const time = z.string().max(40)
const count = z.number().int().nonnegative()

/** SHA-256 of the package: what it is called between window and host. */
export const offerIdSchema = z.string().regex(/^[0-9a-f]{64}$/)
export const repositoryNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/)

export const repositoryViewSchema = z.object({
  name: repositoryNameSchema,
  /** Absent for one that comes on sticks only. */
  url: path.exactOptional(),
  mirrors: z.array(path).max(16),
  roms: count,
  /** When this bench saw its list last, and until when that list counts. */
  listedAt: time.exactOptional(),
  expires: time.exactOptional(),
  /** Why it could not be asked; with a list, that list is what it showed last. */
  problem: noticeSchema.exactOptional(),
  /** What does not hold of single publishers. */
  publishers: z.array(noticeSchema).max(16),
})
export type RepositoryView = z.infer<typeof repositoryViewSchema>

/** Something that takes long: a ROM on its way into the cache, ROMs on their way to or from a stick. */
export const transferViewSchema = z.object({
  id: jobIdSchema,
  kind: z.enum(['download', 'export', 'import']),
  state: z.enum(['waiting', 'running', 'stopped', 'failed', 'done']),
  /** Of the ROM, or the folder of the stick. */
  name: path,
  rom: offerIdSchema.exactOptional(),
  /** Bytes: there by now, of all. */
  done: count,
  total: count,
  /** Of those: came over the network, and were copied from ROMs at hand. */
  received: count,
  copied: count,
  bytesPerSecond: z.number().nonnegative(),
  /** Another bench that fetches the same ROM. */
  owner: name.exactOptional(),
  problem: noticeSchema.exactOptional(),
  /** When it is tried again by itself. */
  retryAt: time.exactOptional(),
  /** ROMs that were written to a stick or taken from one. */
  roms: z.array(name).max(64).exactOptional(),
})
export type TransferView = z.infer<typeof transferViewSchema>

export const firmwareViewSchema = z.object({
  /** Goes up whenever questions about ROMs may be answered differently. */
  revision: count,
  refreshing: z.boolean(),
  repositories: z.array(repositoryViewSchema).max(64),
  transfers: z.array(transferViewSchema).max(256),
})
export type FirmwareView = z.infer<typeof firmwareViewSchema>

export const NO_FIRMWARE: FirmwareView = { revision: 0, refreshing: false, repositories: [], transfers: [] }

export const MOST_REASONS = 32

/** Whether one of the attached terminals may have a ROM. */
export const bayVerdictSchema = z.object({
  bay: bayIdSchema,
  verdict: verdictSchema,
  installed: z.boolean(),
  /** What decided: what is not met, else what is not known, else all of it. */
  reasons: z.array(reasonSchema.extend({ detail: line })).max(MOST_REASONS),
})
export type BayVerdict = z.infer<typeof bayVerdictSchema>

/** One ROM that a repository lists, or listed. */
export const offerViewSchema = z.object({
  id: offerIdSchema,
  /** Absent for one of the cache that no repository lists any more. */
  repository: repositoryNameSchema.exactOptional(),
  publisher: name,
  name,
  size: count,
  kind: packageKindSchema,
  /** Names of the terminals that it is for: the package's own, and those of the deployment rules. */
  models: z.array(name).max(32),
  build: name.exactOptional(),
  securityPatch: name.exactOptional(),
  /** Seconds since 1970 (UTC). */
  timestamp: z.number().exactOptional(),
  full: z.boolean(),
  notes: line.exactOptional(),
  /** Where the rules offer it. */
  channels: z.array(name).max(16),
  regions: z.array(name).max(16),
  /** Why it was withdrawn. */
  withdrawn: line.exactOptional(),
  cached: z
    .object({ pinned: z.boolean(), usedAt: time, package: jobIdSchema.exactOptional() })
    .exactOptional(),
  /** Of the terminals whose facts are known, those it is for or may be for. */
  terminals: z.array(bayVerdictSchema).max(256),
})
export type OfferView = z.infer<typeof offerViewSchema>

/** The ROMs for one terminal, best first. */
export const bestViewSchema = z.object({
  bay: bayIdSchema,
  offers: z.array(z.object({ offer: offerViewSchema, own: bayVerdictSchema })).max(3),
  /** Facts that would decide something, and where they can be read. */
  missing: z.array(z.object({ fact: factNameSchema, readIn: z.array(modeSchema) })).max(16),
  installedWithdrawn: line.exactOptional(),
})
export type BestView = z.infer<typeof bestViewSchema>

/** What a download would need, in bytes. */
export const needViewSchema = z.object({
  total: count,
  there: count,
  held: count,
  missing: count,
  /** Room on the disk: free now, and what the cache lets go of first to keep its limit. */
  free: count,
  removed: z.array(z.object({ name, size: count })).max(256),
})
export type NeedView = z.infer<typeof needViewSchema>

export const cacheViewSchema = z.object({
  folder: path,
  limit: count,
  free: count,
  roms: z.array(z.object({ offer: offerViewSchema, path, shared: count })).max(1_000),
})
export type CacheView = z.infer<typeof cacheViewSchema>
