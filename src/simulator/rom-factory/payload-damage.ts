// Precise corruptions of a payload.bin, by name: what tests and demonstrations of bad input start from.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import {
  decodeManifest,
  encodeManifest,
  type Manifest,
  OPERATION_TYPE,
  PAYLOAD_PREFIX_SIZE,
} from '../../main/core/formats/payload-manifest.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { bitFlipped, type Damage, patched, truncated } from './damage.ts'

type Editable<T> = T extends Uint8Array
  ? T
  : T extends object
    ? { -readonly [K in keyof T]: Editable<T[K]> }
    : T
type EditableManifest = Editable<Manifest>
type EditablePartition = Manifest['partitions'][number] extends infer P ? Editable<P> : never
type EditableOperation = Editable<Manifest['partitions'][number]['operations'][number]>

interface Parts {
  readonly manifest: EditableManifest
  readonly manifestBytes: Uint8Array
  /** Metadata signature, data, signature. */
  readonly rest: Uint8Array
}

function take(payload: Uint8Array): Parts {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  const end = PAYLOAD_PREFIX_SIZE + Number(view.getBigUint64(12))
  const manifestBytes = payload.subarray(PAYLOAD_PREFIX_SIZE, end)
  // A fresh decoding belongs to nobody else.
  const manifest = decodeManifest(manifestBytes) as EditableManifest
  return { manifest, manifestBytes, rest: payload.subarray(end) }
}

function withManifest(payload: Uint8Array, manifest: Uint8Array, rest: Uint8Array): Uint8Array {
  const prefix = new Uint8Array(payload.subarray(0, PAYLOAD_PREFIX_SIZE))
  new DataView(prefix.buffer).setBigUint64(12, BigInt(manifest.length))
  return Buffer.concat([prefix, manifest, rest])
}

/** The manifest changed and written anew; sizes are right again, signatures and METADATA_HASH are not. */
export function manifestEdited(edit: (manifest: EditableManifest) => void): Damage {
  return (payload) => {
    const { manifest, rest } = take(payload)
    edit(manifest)
    return withManifest(payload, encodeManifest(manifest), rest)
  }
}

/** One more partition, whose only operation has these numbers: for those that are beyond what the encoder writes. */
function partitionAdded(numbers: { readonly dataLength: bigint; readonly numBlocks: bigint }): Damage {
  return (payload) => {
    const { manifestBytes, rest } = take(payload)
    const writer = new BinaryWriter().raw(manifestBytes)
    writer.tag(13, WireType.LengthDelimited).fork()
    writer.tag(1, WireType.LengthDelimited).string('added')
    writer.tag(7, WireType.LengthDelimited).fork()
    writer.tag(1, WireType.Varint).uint64(4096n)
    writer.tag(2, WireType.LengthDelimited).bytes(new Uint8Array(32)).join()
    writer.tag(8, WireType.LengthDelimited).fork()
    writer.tag(1, WireType.Varint).uint32(OPERATION_TYPE.replace)
    writer.tag(2, WireType.Varint).uint64(0n)
    writer.tag(3, WireType.Varint).uint64(numbers.dataLength)
    writer.tag(6, WireType.LengthDelimited).fork()
    writer.tag(1, WireType.Varint).uint64(0n)
    writer.tag(2, WireType.Varint).uint64(numbers.numBlocks).join().join().join()
    return withManifest(payload, writer.finish(), rest)
  }
}

function firstPartition(manifest: EditableManifest): EditablePartition {
  const partition = manifest.partitions[0]
  if (partition === undefined) throw new SlotbenchError('internal', 'a payload without partitions')
  return partition
}

function firstDataOperation(manifest: EditableManifest): EditableOperation {
  const all = manifest.partitions.flatMap((partition) => partition.operations)
  const found = all.find((operation) => (operation.dataLength ?? 0) > 0)
  if (found === undefined) throw new SlotbenchError('internal', 'a payload without data')
  return found
}

function onOperation(edit: (operation: EditableOperation) => void): Damage {
  return manifestEdited((manifest) => edit(firstDataOperation(manifest)))
}

function onPartition(edit: (partition: EditablePartition) => void): Damage {
  return manifestEdited((manifest) => edit(firstPartition(manifest)))
}

/** A bit in the middle of the data of the first operation that has any. */
function dataBitFlipped(payload: Uint8Array): Uint8Array {
  const { manifest, rest } = take(payload)
  const { dataOffset = 0, dataLength = 0 } = firstDataOperation(manifest)
  const signature = new DataView(payload.buffer, payload.byteOffset).getUint32(20)
  const data = payload.length - rest.length + signature + dataOffset
  return bitFlipped(data + Math.floor(dataLength / 2), 3)(payload)
}

function flipped(digest: Uint8Array | undefined): Uint8Array {
  return bitFlipped(0)(digest ?? new Uint8Array(32))
}

const BEYOND = Number.MAX_SAFE_INTEGER

export const PAYLOAD_DAMAGES = {
  'other magic': bitFlipped(0),
  'other version': patched((view) => view.setBigUint64(4, 3n)),
  'manifest of 2^63 bytes': patched((view) => view.setBigUint64(12, 2n ** 63n)),
  'manifest as long as the file': patched((view) => view.setBigUint64(12, BigInt(view.byteLength))),
  'metadata signature of 4 GiB': patched((view) => view.setUint32(20, 0xffffffff)),
  'manifest cut short': patched((view) => view.setBigUint64(12, view.getBigUint64(12) - 5n)),
  'bit in the first tag of the manifest': bitFlipped(PAYLOAD_PREFIX_SIZE),
  'truncated in the prefix': truncated(10),
  'truncated in the manifest': truncated(100),
  'truncated in the data': (payload) => truncated(Math.floor(payload.length / 2))(payload),
  'last byte missing': truncated(-1),
  'bit in the data of an operation': dataBitFlipped,
  'other digest of an operation': onOperation((operation) => {
    operation.dataSha256 = flipped(operation.dataSha256)
  }),
  'other digest of a partition': onPartition((partition) => {
    if (partition.newInfo) partition.newInfo.hash = flipped(partition.newInfo.hash)
  }),
  'digest of 31 bytes': onPartition((partition) => {
    if (partition.newInfo) partition.newInfo.hash = new Uint8Array(31)
  }),
  'data beyond the end': onOperation((operation) => {
    operation.dataOffset = 2 ** 32
  }),
  'data at 2^53': onOperation((operation) => {
    operation.dataOffset = BEYOND
  }),
  'data of 2^63 bytes': partitionAdded({ dataLength: 2n ** 63n, numBlocks: 1n }),
  'extent of 2^63 blocks': partitionAdded({ dataLength: 4096n, numBlocks: 2n ** 63n }),
  'extent beyond the partition': onOperation((operation) => {
    for (const extent of operation.dstExtents) extent.startBlock = 2 ** 32
  }),
  'empty extent': onOperation((operation) => {
    for (const extent of operation.dstExtents) extent.numBlocks = 0
  }),
  'overlapping extents': onPartition((partition) => {
    partition.operations = [...partition.operations, ...partition.operations.slice(0, 1)]
  }),
  'gap between operations': onPartition((partition) => {
    partition.operations = partition.operations.slice(1)
  }),
  'partition listed twice': manifestEdited((manifest) => {
    manifest.partitions = [...manifest.partitions, firstPartition(manifest)]
  }),
  'partition named as a path': onPartition((partition) => {
    partition.name = '../boot'
  }),
  'partition of 4 PiB': onPartition((partition) => {
    if (partition.newInfo) partition.newInfo.size = 2 ** 52
  }),
  'blocks of 0 bytes': manifestEdited((manifest) => {
    manifest.blockSize = 0
  }),
  'signature in front of the data': manifestEdited((manifest) => {
    manifest.signaturesOffset = 1
  }),
  'unknown operation': onOperation((operation) => {
    operation.type = 99
  }),
  'operation of another encoding': onOperation((operation) => {
    operation.type =
      operation.type === OPERATION_TYPE.replaceXz ? OPERATION_TYPE.replaceBz : OPERATION_TYPE.replaceXz
  }),
  'operation of a delta': onOperation((operation) => {
    operation.type = OPERATION_TYPE.sourceBsdiff
  }),
  'digest of an old image': onPartition((partition) => {
    partition.oldInfo = { size: 4096, hash: new Uint8Array(32) }
  }),
  'minor version of a delta': manifestEdited((manifest) => {
    manifest.minorVersion = 8
  }),
} as const satisfies Record<string, Damage>
