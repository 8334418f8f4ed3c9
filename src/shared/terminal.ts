// What is known of a terminal: its mode, and facts that each name their source. Any fact may be missing.
import { z } from 'zod'

export const MODES = [
  'system',
  'recovery',
  'sideload',
  'rescue',
  'charging',
  'bootloader',
  'fastbootd',
  'edl',
  'unisoc',
  'mediatek',
  'zxic',
  'crashdump',
  'modem',
  'unknown',
] as const
export const modeSchema = z.enum(MODES)
export type Mode = z.infer<typeof modeSchema>

const slotSchema = z.enum(['a', 'b'])

/** A value together with where it was read, e.g. `getvar product`. */
const fact = <T extends z.ZodType>(value: T) => z.object({ value, source: z.string() })
export interface Fact<T> {
  readonly value: T
  readonly source: string
}

export const slotStateSchema = z.object({
  successful: fact(z.boolean()).optional(),
  unbootable: fact(z.boolean()).optional(),
  retryCount: fact(z.number().int()).optional(),
})

export const partitionFactsSchema = z.object({
  /** Bytes; absent when the terminal does not tell. */
  size: z.number().int().nonnegative().optional(),
  type: z.string().optional(),
  logical: z.boolean().optional(),
})
export type PartitionFacts = z.infer<typeof partitionFactsSchema>

/** One table of a super partition (liblp), as far as planning needs it. All sizes in bytes. */
export const superTablesSchema = z.object({
  /** Of the whole super partition. */
  size: z.number().int().nonnegative(),
  /** Where the first logical partition may begin. */
  firstByte: z.number().int().nonnegative(),
  /** Each piece of a partition begins at a multiple of this. */
  alignment: z.number().int().positive(),
  /** `maximum` 0: no limit. */
  groups: z.array(z.object({ name: z.string(), maximum: z.number().int().nonnegative() })),
  partitions: z.array(
    z.object({ name: z.string(), group: z.string(), bytes: z.number().int().nonnegative() }),
  ),
})
export type SuperTables = z.infer<typeof superTablesSchema>

const count = z.number().int().nonnegative()

/** The partition table (GPT) of one LUN. Sizes and places in sectors; attributes in hex, because they have 64 bits. */
export const partitionTableSchema = z.object({
  diskGuid: z.string(),
  sectorSize: z.union([z.literal(512), z.literal(4096)]),
  diskSectors: count,
  firstUsable: count,
  lastUsable: count,
  entryCount: count,
  entries: z.array(
    z.object({
      typeGuid: z.string(),
      uniqueGuid: z.string(),
      firstLba: count,
      lastLba: count,
      attributes: z.string().regex(/^[0-9a-f]{16}$/),
      name: z.string(),
      index: count.exactOptional(),
    }),
  ),
})
export type PartitionTable = z.infer<typeof partitionTableSchema>

/** What a Qualcomm terminal tells in EDL, by its boot ROM and by the programmer that runs on it (zte-domain §4.1, §4.2). */
export const edlFactsSchema = z.object({
  /** 16 hex digits: MSM id, OEM id, model id. */
  hwId: fact(z.string()).exactOptional(),
  /** Hash of the root certificate that its loaders must chain to, in hex. */
  pkHash: fact(z.string()).exactOptional(),
  /** `ufs`, `emmc` … */
  memory: fact(z.string()).exactOptional(),
  /** Bytes. */
  sectorSize: fact(z.number().int().positive()).exactOptional(),
  luns: z.array(
    z.object({
      lun: z.number().int().nonnegative(),
      sectors: z.number().int().nonnegative(),
      /** Of the two copies of the partition table: `valid`, or what is wrong. */
      primary: z.string(),
      backup: z.string(),
      /** Absent when neither copy can be read. */
      table: partitionTableSchema.exactOptional(),
    }),
  ),
  /** False for a loader that only reads. */
  writable: z.boolean(),
  /** The programmer digests sectors by itself. */
  digests: z.boolean(),
  /** What its tables say against each other, in words; such partitions are not written. */
  contradictions: z.array(z.string()).exactOptional(),
})
export type EdlFacts = z.infer<typeof edlFactsSchema>

export const terminalFactsSchema = z.object({
  mode: modeSchema,
  /** The modes whose words these facts are, where they were put together from several; absent: only those of `mode`. */
  surveyed: z.array(modeSchema).exactOptional(),
  /** Modes in which partitions gave their bytes when they were asked; absent: those that offer a `maxFetch`. */
  readBackIn: z.array(modeSchema).exactOptional(),
  bay: z.string(),
  serial: fact(z.string()).optional(),
  product: fact(z.string()).optional(),
  variant: fact(z.string()).optional(),
  hwRevision: fact(z.string()).optional(),
  versionBootloader: fact(z.string()).optional(),
  versionBaseband: fact(z.string()).optional(),
  unlocked: fact(z.boolean()).optional(),
  secure: fact(z.boolean()).optional(),
  slotCount: fact(z.number().int()).optional(),
  currentSlot: fact(slotSchema).optional(),
  slots: z.object({ a: slotStateSchema.optional(), b: slotStateSchema.optional() }),
  /** Bytes that one `download` may carry. */
  maxDownload: fact(z.number().int().positive()).optional(),
  /** Bytes that one `fetch` may return; absent where partitions cannot be read back. */
  maxFetch: fact(z.number().int().positive()).optional(),
  batteryPercent: fact(z.number()).optional(),
  batteryOk: fact(z.boolean()).optional(),
  batteryMillivolts: fact(z.number()).optional(),
  /** Free bytes of `/data`, as the running system counts them. */
  dataFree: fact(z.number().int().nonnegative()).optional(),
  snapshotStatus: fact(z.string()).optional(),
  securityPatch: fact(z.string()).optional(),
  /** Every name that the terminal goes by (`ro.product.model`, board code …), the most telling first. */
  names: z.array(fact(z.string())).optional(),
  /** What the installed system calls its build (`ro.build.display.id`). */
  build: fact(z.string()).optional(),
  /** `ro.build.fingerprint` of the installed system. */
  fingerprint: fact(z.string()).optional(),
  /** The chip's own serial number, eight hex digits: the `SN` of the EDL product string (zte-domain §2.1). */
  chipSerial: fact(z.string()).optional(),
  /** `sys.boot_completed`: the running system has come all the way up. */
  bootCompleted: fact(z.boolean()).optional(),
  superPartition: fact(z.string()).optional(),
  /** What the tables of super say, where they can be read. */
  superTables: fact(superTablesSchema).optional(),
  /** Rollback index by location, read from the vbmeta that is installed. */
  rollback: fact(z.record(z.string(), z.number())).optional(),
  /** SHA-256 of the key that signs the installed vbmeta (`ro.boot.vbmeta.public_key_digest`). */
  avbKey: fact(z.string()).exactOptional(),
  edl: edlFactsSchema.exactOptional(),
  /** Partitions by full name (`boot_a`), as far as they were asked for or listed. */
  partitions: z.record(z.string(), partitionFactsSchema),
  /** Whether base names have slots (`has-slot:boot`). */
  hasSlot: z.record(z.string(), z.boolean()),
  /** Every variable as the terminal said it. */
  variables: z.record(z.string(), z.string()),
})
export type TerminalFacts = z.infer<typeof terminalFactsSchema>
