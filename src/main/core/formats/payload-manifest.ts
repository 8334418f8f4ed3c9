// The manifest of a payload.bin: field numbers as in AOSP update_engine's update_metadata.proto.
import { decodeMessage, encodeMessage, type Message, type MessageInput } from './payload-wire.ts'

const EXTENT = { startBlock: { no: 1, type: 'u64' }, numBlocks: { no: 2, type: 'u64' } } as const

const PARTITION_INFO = { size: { no: 1, type: 'u64' }, hash: { no: 2, type: 'bytes' } } as const

const OPERATION = {
  type: { no: 1, type: 'u32' },
  dataOffset: { no: 2, type: 'u64' },
  dataLength: { no: 3, type: 'u64' },
  srcExtents: { no: 4, type: EXTENT, repeated: true },
  srcLength: { no: 5, type: 'u64' },
  dstExtents: { no: 6, type: EXTENT, repeated: true },
  dstLength: { no: 7, type: 'u64' },
  dataSha256: { no: 8, type: 'bytes' },
  srcSha256: { no: 9, type: 'bytes' },
} as const

const PARTITION_UPDATE = {
  name: { no: 1, type: 'text' },
  runPostinstall: { no: 2, type: 'bool' },
  oldInfo: { no: 6, type: PARTITION_INFO },
  newInfo: { no: 7, type: PARTITION_INFO },
  operations: { no: 8, type: OPERATION, repeated: true },
  hashTreeDataExtent: { no: 10, type: EXTENT },
  hashTreeExtent: { no: 11, type: EXTENT },
  hashTreeAlgorithm: { no: 12, type: 'text' },
  hashTreeSalt: { no: 13, type: 'bytes' },
  fecDataExtent: { no: 14, type: EXTENT },
  fecExtent: { no: 15, type: EXTENT },
  fecRoots: { no: 16, type: 'u32' },
  version: { no: 17, type: 'text' },
} as const

const GROUP = {
  name: { no: 1, type: 'text' },
  size: { no: 2, type: 'u64' },
  partitionNames: { no: 3, type: 'text', repeated: true },
} as const

const DYNAMIC = {
  groups: { no: 1, type: GROUP, repeated: true },
  snapshotEnabled: { no: 2, type: 'bool' },
  vabcEnabled: { no: 3, type: 'bool' },
} as const

const MANIFEST = {
  blockSize: { no: 3, type: 'u32' },
  signaturesOffset: { no: 4, type: 'u64' },
  signaturesSize: { no: 5, type: 'u64' },
  minorVersion: { no: 12, type: 'u32' },
  partitions: { no: 13, type: PARTITION_UPDATE, repeated: true },
  maxTimestamp: { no: 14, type: 'u64' },
  dynamic: { no: 15, type: DYNAMIC },
  partialUpdate: { no: 16, type: 'bool' },
  securityPatch: { no: 18, type: 'text' },
} as const

export type Manifest = Message<typeof MANIFEST>
export type ManifestInput = MessageInput<typeof MANIFEST>
export type ManifestPartition = Message<typeof PARTITION_UPDATE>
export type ManifestOperation = Message<typeof OPERATION>

/** InstallOperation.Type: 0–13 in AOSP's update_metadata.proto; REPLACE_ZSTD = 14 came with Android 17
 * (update_engine's payload_constants.cc names it; dumpers by other people agree on the number). */
export const OPERATION_TYPE = {
  replace: 0,
  replaceBz: 1,
  move: 2,
  bsdiff: 3,
  sourceCopy: 4,
  sourceBsdiff: 5,
  zero: 6,
  discard: 7,
  replaceXz: 8,
  puffdiff: 9,
  brotliBsdiff: 10,
  zucchini: 11,
  lz4diffBsdiff: 12,
  lz4diffPuffdiff: 13,
  replaceZstd: 14,
} as const

/** @throws SlotbenchError `payload-invalid` for anything that is not a manifest. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  return decodeMessage(MANIFEST, bytes)
}

export function encodeManifest(manifest: ManifestInput): Uint8Array<ArrayBuffer> {
  return encodeMessage(MANIFEST, manifest)
}

export const PAYLOAD_PREFIX_SIZE = 24
export const PAYLOAD_MAGIC = 'CrAU'
export const PAYLOAD_VERSION = 2

/** Everything of a payload.bin before its data blobs: the prefix and the manifest, without a metadata signature.
 * The data offsets of the manifest count from its end. */
export function encodePayloadHead(manifest: ManifestInput): Uint8Array<ArrayBuffer> {
  const body = encodeManifest(manifest)
  const head = new Uint8Array(PAYLOAD_PREFIX_SIZE + body.length)
  const view = new DataView(head.buffer)
  head.set(new TextEncoder().encode(PAYLOAD_MAGIC))
  view.setBigUint64(4, BigInt(PAYLOAD_VERSION))
  view.setBigUint64(12, BigInt(body.length))
  view.setUint32(20, 0)
  head.set(body, PAYLOAD_PREFIX_SIZE)
  return head
}
