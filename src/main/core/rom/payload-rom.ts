// A payload.bin, alone or inside an OTA zip, as a ROM.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { RomImageInfo, RomInfo } from '../../../shared/rom.ts'
import {
  type OtaMetadata,
  type PayloadProperties,
  parseOtaMetadata,
  parsePayloadProperties,
} from '../formats/ota-metadata.ts'
import { describePayload, openPayload, type Payload } from '../formats/payload.ts'
import { AHEAD_BYTES, AheadBudget, payloadImage } from '../formats/payload-image.ts'
import type { ByteSource, ImageSource } from '../source.ts'
import { type PackageClaims, readPayloadClaim } from '../trust/claims.ts'
import type { Workshop } from '../workshop.ts'
import { avbInfo, readAvbFacts } from './avb-facts.ts'
import { type FileSet, readText } from './file-set.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { Rom } from './types.ts'

export interface PayloadPackage {
  readonly kind: 'ota-zip' | 'payload'
  readonly path: string
  readonly packageSize: number
  readonly payload: ByteSource
  /** The files beside the payload: `META-INF/com/android/metadata`, `payload_properties.txt`. */
  readonly metadata: Uint8Array | undefined
  readonly properties: Uint8Array | undefined
  /** Of the zip that it lies in. */
  readonly signatures?: Pick<PackageClaims, 'ota' | 'otacert'>
  readonly notes: readonly string[]
  close(): Promise<void>
}

/** The delta of an OTA zip opens too: it can be described and given to a recovery, its images cannot be read (`payload-delta`).
 * @throws SlotbenchError of the payload's reader; `digest-mismatch` when payload_properties.txt contradicts it. */
export async function openPayloadRom(
  opened: PayloadPackage,
  workshop: Workshop,
  signal: AbortSignal,
): Promise<Rom> {
  const metadata = opened.metadata && parseOtaMetadata(opened.metadata)
  if (metadata?.otaType !== undefined && metadata.otaType !== 'AB')
    throw new SlotbenchError(
      'package-unknown',
      `the package is an update of type ${metadata.otaType}, not A/B`,
    )
  // A delta outside a signed zip is of no use to anybody here, not even to a recovery.
  const read = opened.kind === 'ota-zip' ? describePayload : openPayload
  const payload = await read(opened.payload, signal)
  const properties = checkProperties(payload, opened.properties)
  const { fileSha256: fileHash, metadataSha256 } = properties ?? {}
  const claim = await readPayloadClaim(
    payload,
    { fileHash, metadataHash: metadataSha256 !== undefined },
    signal,
  )
  const images = payload.delta === undefined ? imagesOf(payload, workshop) : NO_IMAGES
  const avb = await readAvbFacts((name) => images.get(name), signal)
  const securityPatch = metadata?.securityPatch ?? payload.securityPatch ?? avb?.securityPatch
  const build = metadata?.postBuild ?? avb?.build
  const timestamp = metadata?.postTimestamp ?? payload.maxTimestamp
  const info: RomInfo = {
    kind: opened.kind,
    path: opened.path,
    packageSize: opened.packageSize,
    fingerprint: fingerprintOf([payload.metadataSha256, opened.payload.size, opened.packageSize]),
    models: [...(metadata?.preDevices ?? [])],
    ...(build === undefined ? {} : { build }),
    ...fingerprintsOf(metadata),
    ...(payload.delta === undefined ? {} : { delta: true }),
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(securityPatch === undefined ? {} : { securityPatch }),
    ...avbInfo(avb),
    full: !payload.partialUpdate && payload.delta === undefined,
    downgrade: metadata?.downgrade ?? false,
    requirements: [],
    dynamicGroups: payload.dynamicGroups.map((group) => ({ ...group, partitions: [...group.partitions] })),
    ...(payload.virtualAb ? { virtualAb: true } : {}),
    images: payload.partitions.map((partition) => imageInfo(partition, payload)),
    notes: [...opened.notes, ...notesOf(payload, metadata)],
  }
  return {
    info,
    claims: { ...opened.signatures, payload: claim },
    image({ name, slot }) {
      if (payload.delta !== undefined) throw new SlotbenchError('payload-delta', payload.delta)
      const image = slot === undefined ? images.get(name) : undefined
      if (image === undefined)
        throw new SlotbenchError('package-incomplete', `the payload has no image ${name}`)
      return image
    },
    close: () => opened.close(),
  }
}

const NO_IMAGES: ReadonlyMap<string, ImageSource> = new Map()

/** AOSP lists alternatives with `|`, for packages that serve several products. */
function fingerprintsOf(metadata: OtaMetadata | undefined): Pick<RomInfo, 'postBuild' | 'preBuild'> {
  const list = (text: string | undefined) => (text ?? '').split('|').filter((name) => name !== '')
  const [postBuild, preBuild] = [list(metadata?.postBuild), list(metadata?.preBuild)]
  return {
    ...(postBuild.length === 0 ? {} : { postBuild }),
    ...(preBuild.length === 0 ? {} : { preBuild }),
  }
}

/** The three files of an OTA zip, as far as they are there. */
export async function payloadTexts(root: FileSet, metaInf: FileSet, signal: AbortSignal) {
  return {
    metadata: await readText(metaInf, 'metadata', signal),
    properties: await readText(root, 'payload_properties.txt', signal),
  }
}

function imagesOf(payload: Payload, workshop: Workshop): ReadonlyMap<string, ImageSource> {
  const budget = new AheadBudget(AHEAD_BYTES)
  return new Map(
    payload.partitions.map((partition) => [
      partition.name,
      payloadImage(payload, partition, workshop, budget),
    ]),
  )
}

/** A payload is for A/B terminals: all of its partitions have two slots. Which are logical, its groups say. */
function imageInfo(partition: Payload['partitions'][number], payload: Payload): RomImageInfo {
  const { name, size, sha256 } = partition
  const groups = payload.dynamicGroups
  const logical = groups.some((group) => group.partitions.includes(name))
  const placement = groups.length === 0 ? 'ask' : logical ? 'logical' : 'physical'
  return { name, slotted: 'yes', placement, size, sha256 }
}

function notesOf(payload: Payload, metadata: OtaMetadata | undefined): string[] {
  const notes: string[] = []
  if (payload.delta !== undefined)
    notes.push(
      `This is a delta (${payload.delta}): only the terminal’s own recovery can apply it, to the build it was made from.`,
    )
  if (payload.partialUpdate)
    notes.push(
      'The payload says that it updates only some of the partitions; the others keep what they have.',
    )
  const listed = metadata?.propertyFiles.find((file) => file.name === 'payload.bin')
  if (listed !== undefined && listed.size !== payload.source.size)
    notes.push(`The metadata lists payload.bin with ${listed.size} bytes; it has ${payload.source.size}.`)
  return notes
}

/** What `payload_properties.txt` says of the payload, found to be true but for its digest of the whole file.
 * @throws SlotbenchError `payload-invalid`, `source-truncated`, `digest-mismatch`. */
export function checkProperties(
  payload: Pick<Payload, 'source' | 'metadataSize' | 'metadataSha256'>,
  text: Uint8Array | undefined,
): PayloadProperties | undefined {
  if (text === undefined) return undefined
  const properties = parsePayloadProperties(text)
  if (properties.fileSize !== undefined) checkFileSize(payload.source, properties.fileSize)
  checkMetadata(payload, properties)
  return properties
}

function checkFileSize(source: ByteSource, expected: number): void {
  if (source.size === expected) return
  throw new SlotbenchError(
    source.size < expected ? 'source-truncated' : 'payload-invalid',
    `payload.bin has ${source.size} bytes, payload_properties.txt says ${expected}`,
  )
}

function checkMetadata(
  payload: Pick<Payload, 'metadataSize' | 'metadataSha256'>,
  properties: PayloadProperties,
): void {
  const { metadataSize, metadataSha256 } = properties
  if (metadataSize !== undefined && metadataSize !== payload.metadataSize)
    throw new SlotbenchError(
      'payload-invalid',
      `the payload's metadata has ${payload.metadataSize} bytes, payload_properties.txt says ${metadataSize}`,
    )
  if (metadataSha256 !== undefined && metadataSha256 !== payload.metadataSha256)
    throw new SlotbenchError(
      'digest-mismatch',
      'the payload’s metadata is not what payload_properties.txt promises',
    )
}
