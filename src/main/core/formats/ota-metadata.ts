// What an OTA zip says of itself: META-INF/com/android/metadata and payload_properties.txt (AOSP ota_from_target_files).
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Sha256, sha256 } from '../../../shared/units.ts'
import { textLines } from './text-lines.ts'

export interface OtaMetadata {
  /** Products that may take the package; empty when it does not say. */
  readonly preDevices: readonly string[]
  readonly postBuild: string | undefined
  /** Seconds since 1970. */
  readonly postTimestamp: number | undefined
  readonly securityPatch: string | undefined
  /** `AB`, `BLOCK` or whatever is written there. */
  readonly otaType: string | undefined
  readonly downgrade: boolean
  /** Build that an incremental package starts from. */
  readonly preBuild: string | undefined
  /** Members with the place of their data in the zip, from `ota-property-files`. */
  readonly propertyFiles: readonly { readonly name: string; readonly offset: number; readonly size: number }[]
}

/** @throws SlotbenchError `package-incomplete` when the file is not lines of `key=value`. */
export function parseOtaMetadata(bytes: Uint8Array): OtaMetadata {
  const values = parseProperties(bytes, 'metadata')
  return {
    preDevices: list(values.get('pre-device')),
    postBuild: values.get('post-build'),
    postTimestamp: integer(values.get('post-timestamp')),
    securityPatch: values.get('post-security-patch-level'),
    otaType: values.get('ota-type'),
    downgrade: values.get('ota-downgrade') === 'yes',
    preBuild: values.get('pre-build'),
    propertyFiles: propertyFiles(values.get('ota-property-files')),
  }
}

export interface PayloadProperties {
  readonly fileSha256: Sha256 | undefined
  readonly fileSize: number | undefined
  /** Of prefix and manifest. */
  readonly metadataSha256: Sha256 | undefined
  readonly metadataSize: number | undefined
}

/** @throws SlotbenchError `payload-invalid` when a digest or size is not one. */
export function parsePayloadProperties(bytes: Uint8Array): PayloadProperties {
  const values = parseProperties(bytes, 'payload_properties.txt')
  return {
    fileSha256: digest(values.get('FILE_HASH')),
    fileSize: size(values.get('FILE_SIZE')),
    metadataSha256: digest(values.get('METADATA_HASH')),
    metadataSize: size(values.get('METADATA_SIZE')),
  }
}

function parseProperties(bytes: Uint8Array, file: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const { number, text } of textLines(bytes, 'package-incomplete')) {
    const split = text.indexOf('=')
    if (split <= 0)
      throw new SlotbenchError('package-incomplete', `line ${number} of ${file} is not key=value`)
    values.set(text.slice(0, split).trim(), text.slice(split + 1).trim())
  }
  return values
}

/** `pre-device` lists alternatives with `,` (AOSP) or `|` (some makers). */
function list(value: string | undefined): readonly string[] {
  return (value ?? '')
    .split(/[,|]/)
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

function integer(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

function size(value: string | undefined): number | undefined {
  const number = integer(value)
  if (value !== undefined && number === undefined)
    throw new SlotbenchError('payload-invalid', `payload_properties.txt gives the size ${value.slice(0, 40)}`)
  return number
}

function digest(base64: string | undefined): Sha256 | undefined {
  if (base64 === undefined) return undefined
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length !== 32 || bytes.toString('base64') !== base64)
    throw new SlotbenchError('payload-invalid', 'payload_properties.txt holds something that is no SHA-256')
  return sha256(bytes.toString('hex'))
}

/** `payload.bin:1066:123,metadata:69:379  ` — entries that do not look so are for newer readers. */
function propertyFiles(value: string | undefined): OtaMetadata['propertyFiles'] {
  return (value ?? '').split(',').flatMap((entry) => {
    const match = /^([^:]+):(\d{1,15}):(\d{1,15})$/.exec(entry.trim())
    return match ? [{ name: match[1] ?? '', offset: Number(match[2]), size: Number(match[3]) }] : []
  })
}
