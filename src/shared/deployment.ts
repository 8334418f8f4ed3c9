// Deployment rules as data: which ROMs there are, and which terminals may have them. Written by whoever runs a repository.
import { z } from 'zod'

/** What a rule can hang on; each can be missing on a terminal. */
export const FACT_NAMES = [
  'model',
  'hw-revision',
  'variant',
  'region',
  'build',
  'fingerprint',
  'build-date',
  'security-patch',
  'rollback',
  'oem-id',
  'pk-hash',
  'storage-type',
  'storage-size',
  'slot-layout',
  'battery',
  'serial',
] as const
export const factNameSchema = z.enum(FACT_NAMES)
export type FactName = z.infer<typeof factNameSchema>

const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/)
const word = z.string().trim().min(1).max(256)
const words = z.array(word).min(1).max(64)
const patchLevel = z.string().regex(/^\d{4}-\d{2}-\d{2}$/)
const count = z.number().int().nonnegative()
const hex = (digits: string) => z.string().regex(new RegExp(`^[0-9A-Fa-f]${digits}$`))
/** A rollback location, as vbmeta counts them. */
const location = z.string().regex(/^\d{1,10}$/)

/** One ROM on offer. What it says of itself here is compared with the terminal; the package's own words are checked again by the plan. */
export const offeredRomSchema = z.strictObject({
  id,
  /** The name under which the repository holds the package. */
  target: z.string().min(1).max(1024),
  /** As the terminal will show it (`ro.build.display.id`). */
  build: word,
  /** `ro.build.fingerprint` that the terminal will have, one of them. */
  fingerprints: words.exactOptional(),
  /** When it was built: seconds since 1970 (UTC). */
  timestamp: count.exactOptional(),
  /** A terminal with a later one does not get this ROM. */
  securityPatch: patchLevel.exactOptional(),
  /** Rollback index by location; a terminal with a higher one does not get this ROM. */
  rollback: z.record(location, count).exactOptional(),
})
export type OfferedRom = z.infer<typeof offeredRomSchema>

/** The build that a terminal comes with. A text of the form `brand/product/device:…` is a fingerprint, any other a build's display id. */
export const sourceRuleSchema = z.strictObject({
  anyOf: words.exactOptional(),
  noneOf: words.exactOptional(),
  /** Display ids, both included. They are ordered only against builds that are named alike: equal but for their numbers. */
  minimum: word.exactOptional(),
  maximum: word.exactOptional(),
  /** By the date of the build (`ro.build.date.utc`), seconds since 1970, both included. */
  builtFrom: count.exactOptional(),
  builtUntil: count.exactOptional(),
})

/** What a terminal must be like. A part that is left out says nothing. */
export const conditionsSchema = z.strictObject({
  hwRevisions: words.exactOptional(),
  variants: words.exactOptional(),
  /** No property tells every terminal's region, so the rule names those of its models; the first that is told counts. */
  region: z.strictObject({ variables: z.array(word).min(1).max(8), anyOf: words }).exactOptional(),
  source: sourceRuleSchema.exactOptional(),
  /** Of what is installed, both included. */
  securityPatch: z
    .strictObject({ minimum: patchLevel.exactOptional(), maximum: patchLevel.exactOptional() })
    .exactOptional(),
  /** Installed rollback indices by location, both ends included. */
  rollback: z
    .record(location, z.strictObject({ minimum: count.exactOptional(), maximum: count.exactOptional() }))
    .exactOptional(),
  /** Qualcomm: four hex digits (`0004` is ZTE), and how the hash of the root certificate begins. */
  chip: z
    .strictObject({
      oemIds: z.array(hex('{4}')).min(1).max(16).exactOptional(),
      pkHashes: z.array(hex('{8,128}')).min(1).max(64).exactOptional(),
    })
    .exactOptional(),
  storage: z
    .strictObject({
      types: z
        .array(z.enum(['ufs', 'emmc', 'nand']))
        .min(1)
        .exactOptional(),
      minimumBytes: count.exactOptional(),
      maximumBytes: count.exactOptional(),
    })
    .exactOptional(),
  slots: z.enum(['ab', 'a-only']).exactOptional(),
  battery: z.strictObject({ minimumPercent: z.number().min(0).max(100) }).exactOptional(),
})
export type Conditions = z.infer<typeof conditionsSchema>

/** A staged rollout: `percent` of all serial numbers, always the same ones for one `id`. Deployments that are to reach the same
 * terminals share an id. */
export const rolloutSchema = z.strictObject({ id, percent: z.number().min(0).max(100) })

/** One ROM for some terminals. Fields that this version does not know are refused: a rule that is not understood must not vanish. */
export const deploymentSchema = z.strictObject({
  id,
  /** `id` of the ROM. */
  rom: id,
  /** `stable`, `beta` … Only those who ask for the channel get it. */
  channel: id,
  /** Higher goes first; equal: the later ROM. */
  priority: z.number().int().exactOptional(),
  /** Any of the names of one product: marketing model, `ro.product.*`, the bootloader's product, board code. */
  models: words,
  when: conditionsSchema.exactOptional(),
  rollout: rolloutSchema.exactOptional(),
  /** Facts without which this deployment does where a terminal does not tell them; the model is never among them. */
  waive: z.array(factNameSchema.exclude(['model'])).exactOptional(),
})
export type Deployment = z.infer<typeof deploymentSchema>

export const withdrawalSchema = z.strictObject({
  /** `id` of the ROM that nobody gets any more. */
  rom: id,
  reason: word,
})

export const deploymentSetSchema = z.strictObject({
  version: z.literal(1),
  roms: z.array(offeredRomSchema),
  deployments: z.array(deploymentSchema),
  withdrawn: z.array(withdrawalSchema).exactOptional(),
})
export type DeploymentSet = z.infer<typeof deploymentSetSchema>
