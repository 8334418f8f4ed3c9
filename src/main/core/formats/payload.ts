// payload.bin (CrAU version 2): header and manifest, checked so that nobody behind it has to.
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Bytes, bytes, partitionName, type Sha256, sha256 } from '../../../shared/units.ts'
import type { ByteSource } from '../source.ts'
import {
  decodeManifest,
  type Manifest,
  type ManifestPartition,
  PAYLOAD_MAGIC,
  PAYLOAD_PREFIX_SIZE,
  PAYLOAD_VERSION,
} from './payload-manifest.ts'
import { type BlobArea, deltaReason, operationsOf, type PayloadOperation } from './payload-operations.ts'

import type { ByteRange } from './stream-digests.ts'

export type { OperationKind, PayloadOperation } from './payload-operations.ts'

export interface PayloadPartition {
  readonly name: string
  readonly size: Bytes
  readonly sha256: Sha256
  /** Cover every byte of the partition exactly once, in the manifest's order; none in a delta. */
  readonly operations: readonly PayloadOperation[]
}

export interface DynamicGroup {
  readonly name: string
  readonly size: number
  readonly partitions: readonly string[]
}

/** Where the payload's two signatures lie (AOSP update_engine, payload_metadata.cc); offsets from its first byte. */
export interface PayloadSignaturePlaces {
  /** Of prefix and manifest; empty when there is none. */
  readonly metadata: ByteRange
  /** Of everything but the two signatures; undefined when the manifest names none. */
  readonly payload: ByteRange | undefined
}

/** A payload whose manifest is sound; its data is still unread. */
export interface Payload {
  /** What makes it a delta, of which nothing but its description can be read; undefined for a full payload. */
  readonly delta: string | undefined
  readonly source: ByteSource
  readonly partitions: readonly PayloadPartition[]
  readonly dynamicGroups: readonly DynamicGroup[]
  /** `snapshot_enabled`: updates go through snapshots in super (Virtual A/B). */
  readonly virtualAb: boolean
  /** Bytes of prefix and manifest: what METADATA_HASH of payload_properties.txt covers. */
  readonly metadataSize: Bytes
  readonly metadataSha256: Sha256
  readonly signatures: PayloadSignaturePlaces
  readonly partialUpdate: boolean
  /** Seconds since 1970. */
  readonly maxTimestamp: number | undefined
  readonly securityPatch: string | undefined
}

/** 8 GiB of 2 MiB operations need half a megabyte; larger ones are no manifest. */
const MAX_MANIFEST = 64 * 1024 * 1024
const MAX_METADATA_SIGNATURE = 1024 * 1024

export function isPayload(start: Uint8Array): boolean {
  return start.length >= 4 && new TextDecoder('latin1').decode(start.subarray(0, 4)) === PAYLOAD_MAGIC
}

/** Reads header and manifest of a full payload.
 * @throws SlotbenchError `payload-delta`, and what `describePayload` throws. */
export async function openPayload(source: ByteSource, signal?: AbortSignal): Promise<Payload> {
  const payload = await describePayload(source, signal)
  if (payload.delta !== undefined) throw new SlotbenchError('payload-delta', payload.delta)
  return payload
}

/** Reads header and manifest of any payload, also of a delta.
 * @throws SlotbenchError `payload-invalid`, `payload-unsupported` or `source-truncated`. */
export async function describePayload(source: ByteSource, signal?: AbortSignal): Promise<Payload> {
  const { manifest, blockSize, area, ...payload } = await readPayloadHead(source, signal)
  const partitions = manifest.partitions.map((partition) => {
    const described = describePartition(partition, blockSize)
    const operations =
      payload.delta === undefined ? operationsOf(partition, { ...described, blockSize, area }) : []
    return { ...described, operations }
  })
  refuseTwice(partitions)
  return { ...payload, partitions }
}

/** A payload before its partitions are looked at. */
export interface PayloadHead extends Omit<Payload, 'partitions'> {
  readonly manifest: Manifest
  readonly blockSize: number
  readonly area: BlobArea
}

/** @throws SlotbenchError `payload-invalid`, `payload-unsupported` or `source-truncated`. */
export async function readPayloadHead(source: ByteSource, signal?: AbortSignal): Promise<PayloadHead> {
  const header = await readHeader(source, signal)
  const metadata = await source.read(0, header.metadataSize, signal)
  const manifest = decodeManifest(metadata.subarray(PAYLOAD_PREFIX_SIZE))
  return {
    manifest,
    blockSize: checkBlockSize(manifest.blockSize ?? 4096),
    area: blobArea(manifest, header.blobOffset, source),
    delta: deltaReason(manifest),
    source,
    dynamicGroups: dynamicGroups(manifest),
    virtualAb: manifest.dynamic?.snapshotEnabled ?? false,
    metadataSize: bytes(header.metadataSize),
    metadataSha256: sha256(createHash('sha256').update(metadata).digest('hex')),
    signatures: signaturePlaces(header, manifest),
    partialUpdate: manifest.partialUpdate ?? false,
    maxTimestamp: manifest.maxTimestamp,
    securityPatch: manifest.securityPatch,
  }
}

/** @throws SlotbenchError `payload-invalid` when two partitions have one name. */
export function refuseTwice(partitions: readonly { readonly name: string }[]): void {
  refuseDuplicates(
    'partition',
    partitions.map((partition) => partition.name),
  )
}

interface Header {
  readonly metadataSize: number
  readonly blobOffset: number
}

async function readHeader(source: ByteSource, signal: AbortSignal | undefined): Promise<Header> {
  const prefix = await source.read(0, Math.min(PAYLOAD_PREFIX_SIZE, source.size), signal)
  if (!isPayload(prefix)) throw invalid('the file does not begin with CrAU')
  if (prefix.length < PAYLOAD_PREFIX_SIZE) throw truncated(source, PAYLOAD_PREFIX_SIZE)
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.length)
  const version = view.getBigUint64(4)
  if (version !== BigInt(PAYLOAD_VERSION))
    throw new SlotbenchError('payload-unsupported', `the payload has format version ${version}`)
  const manifestSize = view.getBigUint64(12)
  const signatureSize = view.getUint32(20)
  if (manifestSize === 0n || manifestSize > BigInt(MAX_MANIFEST))
    throw invalid(`the manifest claims to be ${manifestSize} bytes long`)
  if (signatureSize > MAX_METADATA_SIGNATURE)
    throw invalid(`the metadata signature claims to be ${signatureSize} bytes long`)
  const metadataSize = PAYLOAD_PREFIX_SIZE + Number(manifestSize)
  const blobOffset = metadataSize + signatureSize
  if (blobOffset > source.size) throw truncated(source, blobOffset)
  return { metadataSize, blobOffset }
}

function checkBlockSize(blockSize: number): number {
  const log = Math.log2(blockSize)
  if (!Number.isInteger(log) || log < 9 || log > 20) throw invalid(`the block size is ${blockSize}`)
  return blockSize
}

function signaturePlaces(header: Header, manifest: Manifest): PayloadSignaturePlaces {
  const { metadataSize, blobOffset } = header
  const { signaturesOffset = 0, signaturesSize = 0 } = manifest
  const start = blobOffset + signaturesOffset
  return {
    metadata: { start: metadataSize, end: blobOffset },
    payload: signaturesSize === 0 ? undefined : { start, end: start + signaturesSize },
  }
}

/** The signature of the payload ends the blobs; when the manifest places it, data must lie before it. */
function blobArea(manifest: Manifest, start: number, source: ByteSource): BlobArea {
  const signatures = manifest.signaturesOffset
  if (signatures === undefined || signatures === 0) return { start, end: source.size, source }
  const end = start + signatures
  const whole = end + (manifest.signaturesSize ?? 0)
  if (whole > source.size) throw truncated(source, whole)
  return { start, end, source }
}

/** Name, size and digest of the new partition.
 * @throws SlotbenchError `payload-invalid`. */
export function describePartition(
  partition: ManifestPartition,
  blockSize: number,
): Omit<PayloadPartition, 'operations'> {
  const name = checkName(partition.name)
  const size = partition.newInfo?.size
  const hash = partition.newInfo?.hash
  if (size === undefined || hash === undefined || hash.length !== 32)
    throw invalid(`partition ${name} lacks its size or its SHA-256`)
  // AOSP's generator pads every image to whole blocks (PayloadGenerationConfig::Validate).
  if (size % blockSize !== 0)
    throw invalid(`partition ${name} is ${size} bytes, not a multiple of the block size`)
  return { name, size: bytes(size), sha256: sha256(Buffer.from(hash).toString('hex')) }
}

function checkName(name: string | undefined): string {
  try {
    return partitionName(name ?? '')
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : 'a partition has no name', error)
  }
}

function dynamicGroups(manifest: Manifest): readonly DynamicGroup[] {
  const groups = (manifest.dynamic?.groups ?? []).map((group) => ({
    name: checkName(group.name),
    size: group.size ?? 0,
    partitions: group.partitionNames.map(checkName),
  }))
  refuseDuplicates(
    'group',
    groups.map((group) => group.name),
  )
  refuseDuplicates(
    'group member',
    groups.flatMap((group) => group.partitions),
  )
  return groups
}

function refuseDuplicates(what: string, names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) throw invalid(`${what} ${name} is listed twice`)
    seen.add(name)
  }
}

function invalid(detail: string, cause?: unknown): SlotbenchError {
  return new SlotbenchError('payload-invalid', detail, { cause })
}

function truncated(source: ByteSource, needed: number): SlotbenchError {
  return new SlotbenchError(
    'source-truncated',
    `${source.name} has ${source.size} bytes, but its payload needs at least ${needed}`,
    { context: { file: source.name, offset: source.size } },
  )
}
