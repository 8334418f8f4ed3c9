// What a ROM package says of itself, as data: the plan, the journal and every host see this, never the open package.
import { z } from 'zod'
import { superTablesSchema } from './terminal.ts'
import { trustVerdictSchema } from './trust.ts'

export const packageKindSchema = z.enum([
  'ota-zip',
  'payload',
  'fastboot-folder',
  'fastboot-zip',
  'factory-zip',
  'edl-folder',
  'edl-zip',
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

/** A sector counted from the first one of the disk (`fromDisk` 0), or from behind the last one (1, with `plus` below 0). */
const diskPlaceSchema = z.object({ fromDisk: z.union([z.literal(0), z.literal(1)]), plus: z.number().int() })
export type DiskPlace = z.infer<typeof diskPlaceSchema>

/** The partition table that an EDL package gives one LUN, for a disk of any size. */
export const packageTableSchema = z.object({
  lun: z.number().int().nonnegative(),
  sectorSize: z.union([z.literal(512), z.literal(4096)]),
  diskGuid: z.string(),
  entryCount: z.number().int().positive(),
  firstUsable: diskPlaceSchema,
  lastUsable: diskPlaceSchema,
  entries: z.array(
    z.object({
      index: z.number().int().nonnegative(),
      name: z.string(),
      typeGuid: z.string(),
      uniqueGuid: z.string(),
      first: diskPlaceSchema,
      last: diskPlaceSchema,
      /** A u64, in hexadecimal digits. */
      attributes: z.string(),
    }),
  ),
})
export type PackageTable = z.infer<typeof packageTableSchema>

/** Sectors of a LUN as an EDL package writes them down: where they begin (a number, or counted from the end of the disk), and how
 * many; 0 up to the end of the disk. */
const edlSectorsSchema = z.object({
  lun: z.number().int().nonnegative(),
  start: z.string(),
  sectors: z.number().int().nonnegative(),
})

/** What only an EDL package (rawprogram, patch, programmers) has. */
export const edlPackageSchema = z.object({
  /** The one that was chosen where it has several, and all of them. */
  flavour: z.string().exactOptional(),
  flavours: z.array(z.string()),
  /** `ufs`, `emmc` …, where it says so. */
  memory: z.string().exactOptional(),
  sectorSize: z.union([z.literal(512), z.literal(4096)]),
  luns: z.array(z.number().int().nonnegative()),
  /** Firehose programmers that lie in it, by their paths. */
  loaders: z.array(z.object({ name: z.string(), size: z.number().int().nonnegative(), sha256: z.string() })),
  /** Names that may be those of a terminal, each with where it was found. */
  names: z.array(z.object({ value: z.string(), source: z.string() })),
  /** Where it would put its files, by the labels of its partitions. */
  programs: z.array(edlSectorsSchema.extend({ label: z.string(), file: z.string() })),
  /** What else it asks for, which Slotbench does not do. */
  skipped: z.array(edlSectorsSchema.extend({ kind: z.enum(['erase', 'zeroout', 'read']) })),
})
export type EdlPackageInfo = z.infer<typeof edlPackageSchema>

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
  edl: edlPackageSchema.exactOptional(),
  /** The partition tables of an EDL package, one for each LUN that it has one for. */
  tables: z.array(packageTableSchema).exactOptional(),
  /** SHA-256 of the key that signs the package's vbmeta, as terminals tell theirs. */
  avbKey: z.string().exactOptional(),
  /** Whether it is genuine; absent until it was verified on a bench that knows whom to trust. */
  trust: trustVerdictSchema.exactOptional(),
  /** Things a technician should know, in words. */
  notes: z.array(z.string()),
})
export type RomInfo = z.infer<typeof romInfoSchema>
