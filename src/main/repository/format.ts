// What a firmware repository looks like: TUF metadata over plain files, names of targets, and what is said of each ROM.
// The folder `metadata/` holds TUF metadata (consistent snapshots), the folder `targets/` files named `<sha256>.<name>`.
import { z } from 'zod'
import { SlotbenchError } from '../../shared/errors.ts'
import { packageKindSchema } from '../../shared/rom.ts'
import { type Bytes, bytes, type Sha256, sha256 } from '../../shared/units.ts'

export const METADATA_FOLDER = 'metadata'
export const TARGETS_FOLDER = 'targets'

/** The deployment database: which ROM is for whom. Signed by the owner of the repository (the top-level targets role), never by
 * a publisher. */
export const DEPLOYMENT = 'deployment.json'
const ROMS = 'roms'
const INDEX_SUFFIX = '.chunks'

const PUBLISHER = /^[a-z][a-z0-9-]{0,31}$/
const TOP_LEVEL = new Set(['root', 'targets', 'snapshot', 'timestamp'])
/** Plain in every file system, URL and TUF path pattern. */
const ROM_NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/

/** A file of the repository as signed metadata describe it. */
export interface TargetRef {
  /** `roms/acme/NX769J-V2.11.zip` */
  readonly path: string
  readonly size: Bytes
  readonly sha256: Sha256
}

/** What signed metadata say of a ROM, so that a list needs none of the packages. */
export const romFactsSchema = z.object({
  kind: packageKindSchema,
  models: z.array(z.string()),
  build: z.string().optional(),
  /** Seconds since 1970. */
  timestamp: z.number().optional(),
  securityPatch: z.string().optional(),
  rollback: z.record(z.string(), z.number()).optional(),
  full: z.boolean(),
  delta: z.boolean().optional(),
  downgrade: z.boolean(),
  /** As `RomInfo` has it: the very package. */
  fingerprint: z.string(),
  /** The publisher's words. */
  notes: z.string().max(2000).optional(),
})
export type RomFacts = z.infer<typeof romFactsSchema>

export interface PublishedRom {
  readonly publisher: string
  /** File name, unique for its publisher. */
  readonly name: string
  readonly target: TargetRef
  /** Chunk index of the package. */
  readonly index: TargetRef
  readonly facts: RomFacts
}

export const targetRefSchema = z.object({
  path: z.string().max(1024),
  size: z.number().int().nonnegative().transform(bytes),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .transform(sha256),
})

/** A ROM as benches keep it in files of their own. */
export const publishedRomSchema = z.object({
  publisher: z.string().regex(PUBLISHER),
  name: z.string().regex(ROM_NAME),
  target: targetRefSchema,
  index: targetRefSchema,
  facts: romFactsSchema,
})

/** @throws SlotbenchError `usage`. */
export function checkPublisher(name: string): string {
  if (!PUBLISHER.test(name) || TOP_LEVEL.has(name))
    throw new SlotbenchError(
      'usage',
      `a publisher's name is made of small letters, digits and dashes, not ${JSON.stringify(name.slice(0, 80))}`,
    )
  return name
}

/** @throws SlotbenchError `usage`. */
export function checkRomName(name: string): string {
  if (!ROM_NAME.test(name) || name.endsWith(INDEX_SUFFIX))
    throw new SlotbenchError(
      'usage',
      `a ROM's name is made of letters, digits and . _ + -, not ${JSON.stringify(name.slice(0, 160))}`,
    )
  return name
}

export function romPath(publisher: string, name: string): string {
  return `${ROMS}/${publisher}/${name}`
}

export function indexPath(romPath: string): string {
  return romPath + INDEX_SUFFIX
}

/** TUF path patterns that a publisher may sign for. */
export function publisherPaths(publisher: string): string[] {
  return [`${ROMS}/${publisher}/*`]
}

/** Publisher and name of a ROM's target; undefined for every other target, chunk indexes among them. */
export function parseRomPath(
  path: string,
): { readonly publisher: string; readonly name: string } | undefined {
  const [folder, publisher = '', name = '', ...more] = path.split('/')
  if (folder !== ROMS || more.length > 0 || name.endsWith(INDEX_SUFFIX)) return undefined
  return PUBLISHER.test(publisher) && ROM_NAME.test(name) ? { publisher, name } : undefined
}

/** Where a target lies below the repository, slashes forward: consistent snapshots put the digest before the name (TUF 6.2). */
export function targetFile({ path, sha256 }: Pick<TargetRef, 'path' | 'sha256'>): string {
  const slash = path.lastIndexOf('/')
  return `${TARGETS_FOLDER}/${path.slice(0, slash + 1)}${sha256}.${path.slice(slash + 1)}`
}

export function metadataFile(name: string): string {
  return `${METADATA_FOLDER}/${name}`
}
