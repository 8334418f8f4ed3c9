// OTA packages: a zip with payload.bin and what describes it (AOSP releasetools, ota_utils.py).

import { storedOffsets, type ZipMember, zipBytes } from '../../main/core/formats/zip-writer.ts'
import { type OtaSigner, signedZipBytes } from './ota-signature.ts'
import type { SpooledPayload } from './payload-writer.ts'

export interface OtaOptions {
  readonly payload: SpooledPayload
  /** Names of the terminals it is for. */
  readonly devices: readonly string[]
  readonly build: string
  /** The build that a delta starts from. */
  readonly preBuild?: string
  /** Seconds since 1970. */
  readonly timestamp: number
  /** `YYYY-MM-DD`. */
  readonly securityPatch?: string
  /** The makers allow going back to it. */
  readonly downgrade?: boolean
  /** PEM of the signer that META-INF/com/android/otacert names; the one of `sign` when left out. */
  readonly certificate?: string
  /** Signs the whole zip. */
  readonly sign?: OtaSigner
  /** Genuine packages store the payload, so that it can be read in place; some repacked ones do not. */
  readonly deflatePayload?: boolean
}

const METADATA = 'META-INF/com/android/metadata'
const CERTIFICATE = 'META-INF/com/android/otacert'
const PROPERTIES = 'payload_properties.txt'
const PAYLOAD = 'payload.bin'

/** The package, from its first byte to its last. */
export function otaZipBytes(options: OtaOptions): AsyncGenerator<Uint8Array> {
  const { payload, deflatePayload = false } = options
  const properties = Buffer.from(payloadProperties(payload))
  const named = options.certificate ?? options.sign?.certificate
  const certificate = named === undefined ? undefined : Buffer.from(named)
  const metadata = Buffer.from(metadataText(options, { properties, certificate }))
  const members: ZipMember[] = [
    { name: METADATA, content: metadata, compress: false },
    ...(certificate === undefined ? [] : [{ name: CERTIFICATE, content: certificate, compress: false }]),
    { name: PROPERTIES, content: properties, compress: false },
    { name: PAYLOAD, content: () => payload.bytes(), compress: deflatePayload },
  ]
  return options.sign === undefined ? zipBytes(members) : signedZipBytes(zipBytes(members), options.sign)
}

/** Digests in base64 (AOSP payload_properties.cc). */
export function payloadProperties(payload: SpooledPayload): string {
  return [
    `FILE_HASH=${payload.sha256.toString('base64')}`,
    `FILE_SIZE=${payload.size}`,
    `METADATA_HASH=${payload.metadataSha256.toString('base64')}`,
    `METADATA_SIZE=${payload.metadataSize}`,
    '',
  ].join('\n')
}

/** More than the metadata ever has, with as many digits as AOSP reserves for its size. */
const MAX_METADATA = 9999

interface OtherMembers {
  readonly properties: Uint8Array
  readonly certificate: Uint8Array | undefined
}

/** `ota-property-files` names places in the archive, its own among them; it is padded so that it never moves them. */
function metadataText(options: OtaOptions, others: OtherMembers): string {
  const text = (propertyFiles: string) =>
    Object.entries(metadataOf(options, propertyFiles))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}=${value}\n`)
      .join('')
  if (options.deflatePayload) return text('')
  const reserved = propertyFiles(options.payload, others, MAX_METADATA).length
  const size = Buffer.byteLength(text(' '.repeat(reserved)))
  return text(propertyFiles(options.payload, others, size).padEnd(reserved))
}

function metadataOf(options: OtaOptions, propertyFiles: string): Record<string, string> {
  return {
    ...(options.downgrade ? { 'ota-downgrade': 'yes' } : {}),
    ...(propertyFiles === '' ? {} : { 'ota-property-files': propertyFiles }),
    'ota-required-cache': '0',
    'ota-type': 'AB',
    ...(options.preBuild === undefined
      ? {}
      : { 'pre-build': options.preBuild, 'pre-build-incremental': incremental(options.preBuild) }),
    'post-build': options.build,
    'post-build-incremental': incremental(options.build),
    ...(options.securityPatch === undefined ? {} : { 'post-security-patch-level': options.securityPatch }),
    'post-timestamp': String(options.timestamp),
    'pre-device': options.devices.join('|'),
  }
}

function incremental(build: string): string {
  return build.replace(/[^A-Za-z0-9.]/g, '')
}

function propertyFiles(payload: SpooledPayload, others: OtherMembers, metadataSize: number): string {
  const { properties, certificate } = others
  const places = storedOffsets([
    { name: METADATA, size: metadataSize },
    ...(certificate === undefined ? [] : [{ name: CERTIFICATE, size: certificate.length }]),
    { name: PROPERTIES, size: properties.length },
    { name: PAYLOAD, size: payload.size },
  ])
  const token = (name: string, path: string, size = places.get(path)?.size) =>
    `${name}:${places.get(path)?.offset}:${size}`
  return [
    token('payload_metadata.bin', PAYLOAD, payload.metadataSize + payload.metadataSignatureSize),
    token('payload.bin', PAYLOAD),
    token('payload_properties.txt', PROPERTIES),
    token('metadata', METADATA),
  ].join(',')
}
