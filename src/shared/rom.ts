// What a ROM package says of itself, as data: the plan, the journal and every host see this, never the open package.
import { z } from 'zod'
import { superTablesSchema } from './terminal.ts'

export const packageKindSchema = z.enum([
  'ota-zip',
  'payload',
  'fastboot-folder',
  'fastboot-zip',
  'factory-zip',
])
export type PackageKind = z.infer<typeof packageKindSchema>
/** A backup of a terminal, and a single file for one partition, are sources of bytes and no packages. */
const sourceKindSchema = z.enum([...packageKindSchema.options, 'backup', 'image'])

export const romImageSchema = z.object({
  /** Base name without slot suffix (`boot`). */
  name: z.string(),
  /** Set when the package itself names a slot (`system_b.img`, `system_other.img` counts as `b` of `system` when `a` is primary). */
  slot: z.enum(['a', 'b']).optional(),
  /** `ask`: the package does not tell; the terminal's `has-slot` decides. */
  slotted: z.enum(['yes', 'no', 'ask']),
  placement: z.enum(['physical', 'logical', 'ask']),
  /** Bytes of the expanded image. */
  size: z.number().int().nonnegative(),
  /** Of the expanded image (holes as zeros); absent until computed where the package carries none. */
  sha256: z.string().optional(),
})
export type RomImageInfo = z.infer<typeof romImageSchema>

/** One `require` line of android-info.txt: `product`, `board`, `version-*` or `partition-exists` with its alternatives. */
export const requirementSchema = z.object({
  variable: z.string(),
  anyOf: z.array(z.string()).min(1),
  /** `require-for-product:NAME`: the line only counts for that product. */
  forProduct: z.string().optional(),
  /** `reject`: none of the values may match. */
  reject: z.boolean(),
})
export type Requirement = z.infer<typeof requirementSchema>

export const romInfoSchema = z.object({
  kind: sourceKindSchema,
  /** Path it was opened from. */
  path: z.string(),
  /** Bytes of the package file (0 for folders). */
  packageSize: z.number().int().nonnegative(),
  /** Identifies this very package: SHA-256 over what names and fixes its content (manifest digests, names, sizes). */
  fingerprint: z.string(),
  /** Names of the terminals it is for (pre-device, require product …). */
  models: z.array(z.string()),
  build: z.string().optional(),
  /** Fingerprints (`ro.build.fingerprint`) that the installed package will have, one of them. */
  postBuild: z.array(z.string()).exactOptional(),
  /** Fingerprints that a delta package starts from, one of them. */
  preBuild: z.array(z.string()).exactOptional(),
  /** Holds differences to an installed build only: no image of it can be read, the terminal's own updater alone can use it. */
  delta: z.boolean().exactOptional(),
  /** Seconds since 1970 (UTC). */
  timestamp: z.number().optional(),
  securityPatch: z.string().optional(),
  /** Rollback index by location, from the package's vbmeta. */
  rollback: z.record(z.string(), z.number()).optional(),
  full: z.boolean(),
  /** Set when the makers allow going back (`ota-downgrade`). */
  downgrade: z.boolean(),
  requirements: z.array(requirementSchema),
  /** Groups of logical partitions, sizes in bytes. */
  dynamicGroups: z.array(z.object({ name: z.string(), size: z.number(), partitions: z.array(z.string()) })),
  /** Updates of this build go through snapshots in super (Virtual A/B), says the package. */
  virtualAb: z.boolean().exactOptional(),
  images: z.array(romImageSchema),
  /** The tables that the package brings for super (`super_empty.img`), where `update-super` could take them: an image of this name,
   * for no partition. */
  superEmpty: z.object({ name: z.string(), sha256: z.string(), tables: superTablesSchema }).exactOptional(),
  /** Partitions (base names) that the package's own vbmeta vouches for; each must be written with it. */
  avbPartitions: z.array(z.string()).optional(),
  /** Things a technician should know, in words. */
  notes: z.array(z.string()),
})
export type RomInfo = z.infer<typeof romInfoSchema>
