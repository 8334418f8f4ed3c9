// A delta payload with its operations: checked so that whoever applies it need not ask what the manifest could lie about.
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Bytes, bytes, type Sha256, sha256 } from '../../../shared/units.ts'
import type { ByteSource } from '../source.ts'
import {
  type ByteRange,
  checkDeltaCoverage,
  checkDeltaOperation,
  type DeltaOperation,
} from './delta-operations.ts'
import { describePartition, type Payload, readPayloadHead, refuseTwice } from './payload.ts'
import type { ManifestPartition } from './payload-manifest.ts'
import { checkTarget } from './payload-operations.ts'

export type { ByteRange, DeltaOperation } from './delta-operations.ts'

/** What dm-verity needs at the end of a partition, which the updater computes instead of carrying it. */
export interface Verity {
  readonly algorithm: string
  readonly salt: Uint8Array
  readonly blockSize: number
  readonly treeData: ByteRange
  readonly tree: ByteRange
  readonly fec: { readonly data: ByteRange; readonly parity: ByteRange; readonly roots: number } | undefined
}

export interface DeltaPartition {
  readonly name: string
  readonly size: Bytes
  readonly sha256: Sha256
  /** What it is made from; undefined where the old build does not have it. */
  readonly old: { readonly size: Bytes; readonly sha256: Sha256 } | undefined
  /** Operations work on one image in their order; otherwise they read the old image only, and their order does not matter. */
  readonly inPlace: boolean
  readonly operations: readonly DeltaOperation[]
  readonly verity: Verity | undefined
}

export interface DeltaPayload extends Omit<Payload, 'partitions' | 'delta'> {
  readonly blockSize: number
  readonly partitions: readonly DeltaPartition[]
}

/** @throws SlotbenchError `usage` for a full payload; `payload-invalid`, `payload-unsupported` naming the operation, `source-truncated`. */
export async function openDelta(source: ByteSource, signal?: AbortSignal): Promise<DeltaPayload> {
  const { manifest, area, delta, ...payload } = await readPayloadHead(source, signal)
  if (delta === undefined)
    throw new SlotbenchError('usage', `${source.name} is a full payload: there is nothing to apply it to`)
  const { blockSize } = payload
  const partitions = manifest.partitions.map((partition): DeltaPartition => {
    const described = describePartition(partition, blockSize)
    const old = oldInfo(partition, described.name, blockSize)
    const inPlace = manifest.minorVersion === 1
    const place = { ...described, blockSize, area, oldSize: old?.size, inPlace }
    const operations = partition.operations.map((one, index) => checkDeltaOperation(one, index, place))
    const verity = verityOf(partition, place)
    const computed = verity === undefined ? [] : [verity.tree, ...(verity.fec ? [verity.fec.parity] : [])]
    // In place, blocks that stay as they are have no operation, and blocks used meanwhile have two.
    if (!inPlace) checkDeltaCoverage(operations, computed, described)
    return { ...described, old, inPlace, operations, verity }
  })
  refuseTwice(partitions)
  return { ...payload, partitions }
}

function oldInfo(partition: ManifestPartition, name: string, blockSize: number): DeltaPartition['old'] {
  if (partition.oldInfo === undefined) return undefined
  const { size, hash } = partition.oldInfo
  if (size === undefined || size === 0 || size % blockSize !== 0 || hash?.length !== 32)
    throw invalid(`partition ${name} says nothing sensible of the image it starts from`)
  return { size: bytes(size), sha256: sha256(Buffer.from(hash).toString('hex')) }
}

/** FEC of two roots is what AOSP makes when nothing is said (update_metadata.proto). */
const DEFAULT_ROOTS = 2
const MAX_ROOTS = 24

function verityOf(
  partition: ManifestPartition,
  place: { readonly name: string; readonly size: number; readonly blockSize: number },
): Verity | undefined {
  const { name, blockSize } = place
  const range = (extent: ManifestPartition['fecExtent'], what: string): ByteRange | undefined =>
    extent &&
    checkTarget(extent.startBlock ?? 0, extent.numBlocks ?? 0, place, `the ${what} of partition ${name}`)
  const tree = range(partition.hashTreeExtent, 'hash tree')
  const treeData = range(partition.hashTreeDataExtent, 'data of the hash tree')
  const parity = range(partition.fecExtent, 'error correction')
  const data = range(partition.fecDataExtent, 'data of the error correction')
  if (tree === undefined && parity === undefined) return undefined
  if (tree === undefined || treeData === undefined || (parity === undefined) !== (data === undefined))
    throw invalid(`partition ${name} has a hash tree or error correction of unsaid extent`)
  const roots = partition.fecRoots ?? DEFAULT_ROOTS
  if (roots < 2 || roots > MAX_ROOTS)
    throw invalid(`partition ${name} has error correction of ${roots} roots`)
  return {
    algorithm: partition.hashTreeAlgorithm ?? 'sha256',
    salt: partition.hashTreeSalt ?? new Uint8Array(0),
    blockSize,
    treeData,
    tree,
    fec: data && parity && { data, parity, roots },
  }
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('payload-invalid', detail)
}
