// One call makes a ROM package of any kind for a simulated terminal; the same input gives the same bytes.

import { missingCase } from '../../shared/missing-case.ts'
import type { PackageKind } from '../../shared/rom.ts'
import { type Build, type BuildOptions, makeBuild } from '../make-images.ts'
import type { TerminalProfile } from '../profiles/types.ts'
import { emptySuper } from '../super/factory-super.ts'
import { SUPER } from '../super/tables.ts'
import { type EdlOptions, edlZipBytes, writeEdlFolder } from './edl-package.ts'
import {
  type FactoryOptions,
  type FastbootSet,
  factoryZipBytes,
  setZipBytes,
  writeSetFolder,
} from './fastboot-set.ts'
import type { OtaSigner } from './ota-signature.ts'
import { OTA_TEST_CERTIFICATE, otaTestKey } from './ota-test-key.ts'
import { type OtaOptions, otaZipBytes } from './ota-zip.ts'
import type { OperationOptions } from './payload-operations.ts'
import { type NamedImage, type PayloadOptions, type SpooledPayload, spoolPayload } from './payload-writer.ts'
import { superEmptyImage, wholeSuperImage } from './super-image.ts'
import { writeError, writeFileWhole } from './write-file.ts'

export interface RomOptions {
  /** Path of the file to write; of the folder for `fastboot-folder` and `edl-folder`. */
  readonly out: string
  readonly kind: PackageKind
  readonly build: string
  /** `YYYY-MM-DD`. */
  readonly securityPatch?: string
  /** Seconds since 1970; midnight of the security patch level, or of 2026-01-01, when left out. */
  readonly timestamp?: number
  /** Names of the terminals it is for; the profile's product when left out. */
  readonly models?: readonly string[]
  readonly operations?: Partial<OperationOptions>
  readonly dynamicGroups?: PayloadOptions['dynamicGroups']
  readonly ota?: Pick<OtaOptions, 'deflatePayload' | 'downgrade' | 'certificate'>
  readonly set?: Pick<FastbootSet, 'format' | 'sparseZeros' | 'requirements'>
  /** How a set holds logical partitions: one image for each beside `super_empty.img` (the default), or all in one `super.img`. */
  readonly logicalAs?: 'images' | 'super'
  readonly factory?: FactoryOptions
  readonly edl?: EdlOptions
  /** Makes a delta of an `ota-zip` or `payload`: what it starts from. */
  readonly from?: { readonly build: string; readonly images: Build }
  /** Default: signed with the simulator's test key: payload and whole OTA zip, which then carries its certificate. */
  readonly signed?: boolean
  /** Signs with another key. */
  readonly signer?: OtaSigner
  readonly signal?: AbortSignal
}

/** Makes the images of a build and writes them as a package. @returns the images. */
export async function makeRom(profile: TerminalProfile, options: RomOptions & BuildOptions): Promise<Build> {
  const build = await makeBuild(profile, options)
  await writeRom(profile, build, options)
  return build
}

/** Writes images that are there already (by base name) as a package.
 * @throws SlotbenchError `host-io`, `host-space` or `cancelled`; what the images throw passes through. */
export async function writeRom(profile: TerminalProfile, build: Build, options: RomOptions): Promise<void> {
  const signal = options.signal ?? new AbortController().signal
  const images = [...build].map(([name, { image }]) => {
    const old = options.from?.images.get(name)?.image
    return { name, image, old }
  })
  try {
    await writeKind(profile, images, { ...options, signal })
  } catch (error) {
    throw writeError(error, options.out, signal)
  }
}

async function writeKind(
  profile: TerminalProfile,
  images: readonly NamedImage[],
  options: Settled,
): Promise<void> {
  const { kind, out, signal, factory } = options
  switch (kind) {
    case 'ota-zip':
    case 'payload':
      return writePayloadKind(profile, images, options)
    case 'fastboot-folder':
      return writeSetFolder(out, fastbootSet(profile, images, options))
    case 'fastboot-zip':
      return writeFileWhole(out, setZipBytes(fastbootSet(profile, images, options)), signal)
    case 'factory-zip':
      return writeFileWhole(out, factoryZipBytes(fastbootSet(profile, images, options), factory), signal)
    case 'edl-folder':
      return writeEdlFolder(out, { profile, images, signal, ...options.edl })
    case 'edl-zip':
      return writeFileWhole(out, await edlZipBytes({ profile, images, signal, ...options.edl }), signal)
    default:
      return missingCase(kind)
  }
}

const TEST_SIGNER: OtaSigner = { key: otaTestKey(), certificate: OTA_TEST_CERTIFICATE }

type Settled = RomOptions & { readonly signal: AbortSignal }

async function writePayloadKind(profile: TerminalProfile, images: readonly NamedImage[], options: Settled) {
  const { operations, securityPatch, signed = true, signal } = options
  const dynamicGroups = options.dynamicGroups ?? groupsOf(profile)
  const payload = await spoolPayload({
    images,
    maxTimestamp: timestampOf(options),
    signal,
    ...(options.from && { minorVersion: operations?.patches ? BROTLI_VERSION : DELTA_VERSION }),
    ...(operations && { operations }),
    ...(securityPatch && { securityPatch }),
    ...(dynamicGroups && { dynamicGroups }),
    ...(signed && { sign: (options.signer ?? TEST_SIGNER).key }),
  })
  try {
    const bytes = options.kind === 'payload' ? payload.bytes() : otaBytes(profile, payload, options)
    await writeFileWhole(options.out, bytes, signal)
  } finally {
    await payload.close()
  }
}

function otaBytes(profile: TerminalProfile, payload: SpooledPayload, options: Settled) {
  return otaZipBytes({
    payload,
    devices: options.models ?? [profile.product],
    build: options.build,
    timestamp: timestampOf(options),
    ...(options.from && { preBuild: options.from.build }),
    ...(options.securityPatch && { securityPatch: options.securityPatch }),
    ...((options.signed ?? true) && { sign: options.signer ?? TEST_SIGNER }),
    ...options.ota,
  })
}

/** As the payload of an update says which partitions are logical; sizes as of the groups in super. */
function groupsOf(profile: TerminalProfile): PayloadOptions['dynamicGroups'] {
  const { dynamic } = profile
  if (!dynamic) return undefined
  const group = emptySuper(profile)
    .build()
    .groups.find(({ name }) => name === `${dynamic.group}_a`)
  const partitions = [...logicalNames(profile)]
  return [{ name: dynamic.group, size: group?.maximumSize ?? 0, partitions }]
}

function logicalNames(profile: TerminalProfile): ReadonlySet<string> {
  return new Set(profile.partitions.filter(({ logical }) => logical).map(({ name }) => name))
}

/** What a set says of logical partitions, and its images: those of a slot may all be in one super. */
function logicalParts(profile: TerminalProfile, images: readonly NamedImage[], as: 'images' | 'super') {
  if (!profile.dynamic) return { images }
  const names = logicalNames(profile)
  if (as === 'images') return { images, logical: { superEmpty: superEmptyImage(profile), names } }
  const physical = images.filter(({ name }) => !names.has(name))
  return { images: [...physical, { name: SUPER, image: wholeSuperImage(profile, images) }] }
}

function fastbootSet(profile: TerminalProfile, images: readonly NamedImage[], options: Settled): FastbootSet {
  const bootloader = profile.fastboot.constants['version-bootloader']
  return {
    ...logicalParts(profile, images, options.logicalAs ?? 'images'),
    products: options.models ?? [profile.product],
    build: options.build,
    requirements: bootloader ? [`require version-bootloader=${bootloader}`] : [],
    userData: profile.partitions
      .map((partition) => partition.name)
      .filter((name) => name === 'userdata' || name === 'metadata'),
    signal: options.signal,
    ...options.set,
  }
}

/** The minor version with SOURCE_COPY and the digests of sources (AOSP payload_constants.cc: kSourceMinorPayloadVersion). */
const DELTA_VERSION = 2
/** The one from which on patches may be compressed with brotli (kBrotliBsdiffMinorPayloadVersion). */
const BROTLI_VERSION = 4

const DEFAULT_PATCH = '2026-01-01'

function timestampOf({ timestamp, securityPatch = DEFAULT_PATCH }: RomOptions): number {
  return timestamp ?? Date.parse(`${securityPatch}T00:00:00Z`) / 1000
}
