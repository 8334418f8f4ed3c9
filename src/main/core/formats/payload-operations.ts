// The operations of one partition: which kinds a full payload may hold, and that they write every block exactly once.
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Sha256, sha256 } from '../../../shared/units.ts'
import type { ByteSource } from '../source.ts'
import {
  type Manifest,
  type ManifestOperation,
  type ManifestPartition,
  OPERATION_TYPE,
} from './payload-manifest.ts'

export type OperationKind = 'replace' | 'bzip2' | 'xz' | 'zstd' | 'zero'

export interface PayloadOperation {
  /** Place in the manifest's list, for messages. */
  readonly index: number
  readonly kind: OperationKind
  /** Where its data lies in the file; 0 and 0 for `zero`. */
  readonly dataOffset: number
  readonly dataLength: number
  /** Of the data as it lies in the file. */
  readonly dataSha256: Sha256 | undefined
  /** Where the output goes, in bytes, in the order in which it is produced. */
  readonly targets: readonly { readonly offset: number; readonly length: number }[]
  readonly outputBytes: number
}

/** Where data may lie in the file: absolute offsets. */
export interface BlobArea {
  readonly start: number
  readonly end: number
  readonly source: ByteSource
}

/** The partition whose operations are checked. */
export interface Place {
  readonly name: string
  readonly size: number
  readonly blockSize: number
  readonly area: BlobArea
}

// DISCARD leaves blocks undefined; update_engine's own verification reads them as zeros, so zeros they are.
const FULL_KINDS: ReadonlyMap<number, OperationKind> = new Map([
  [OPERATION_TYPE.replace, 'replace'],
  [OPERATION_TYPE.replaceBz, 'bzip2'],
  [OPERATION_TYPE.replaceXz, 'xz'],
  [OPERATION_TYPE.replaceZstd, 'zstd'],
  [OPERATION_TYPE.zero, 'zero'],
  [OPERATION_TYPE.discard, 'zero'],
])

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(OPERATION_TYPE).map(([name, number]) => [number, name]),
)

/** What in the manifest needs the old image; undefined for a payload that can be expanded by itself.
 * `partial_update` alone does not: such a payload holds some partitions whole, and its minor version is not 0 either
 * (update_engine PayloadVersion::IsDeltaOrPartial). */
export function deltaReason(manifest: Manifest): string | undefined {
  for (const partition of manifest.partitions) {
    const name = partition.name ?? '(unnamed)'
    const index = partition.operations.findIndex(needsOldImage)
    const operation = partition.operations[index]
    if (operation !== undefined)
      return `operation ${index} (${typeName(operation.type)}) of partition ${name} needs the old image`
    if (partition.oldInfo !== undefined)
      return `partition ${name} names the digest of the old image it starts from`
  }
  const minor = manifest.minorVersion ?? 0
  if (minor !== 0 && manifest.partialUpdate !== true)
    return `the manifest has minor version ${minor}; a full payload has 0`
  return undefined
}

function needsOldImage(operation: ManifestOperation): boolean {
  if (operation.srcExtents.length > 0 || (operation.srcLength ?? 0) > 0 || operation.srcSha256 !== undefined)
    return true
  const type = operation.type
  return type !== undefined && TYPE_NAMES.has(type) && !FULL_KINDS.has(type)
}

/** @throws SlotbenchError `payload-invalid`, `payload-unsupported` or `source-truncated`. */
export function operationsOf(partition: ManifestPartition, place: Place): readonly PayloadOperation[] {
  const operations = partition.operations.map((operation, index) => checkOperation(operation, index, place))
  const treeOnTerminal = partition.hashTreeExtent !== undefined || partition.fecExtent !== undefined
  checkCoverage(operations, place, treeOnTerminal)
  return operations
}

export function checkOperation(operation: ManifestOperation, index: number, place: Place): PayloadOperation {
  const where = `operation ${index} of partition ${place.name}`
  const kind = FULL_KINDS.get(operation.type ?? OPERATION_TYPE.replace)
  if (operation.type === undefined) throw invalid(`${where} has no type`)
  if (kind === undefined)
    throw new SlotbenchError('payload-unsupported', `${where} has the unknown type ${operation.type}`)
  const targets = operation.dstExtents.map((extent) =>
    checkTarget(extent.startBlock ?? 0, extent.numBlocks ?? 0, place, where),
  )
  if (targets.length === 0) throw invalid(`${where} writes nothing`)
  const outputBytes = targets.reduce((sum, target) => sum + target.length, 0)
  if (outputBytes > place.size) throw invalid(`${where} writes more than the partition holds`)
  if (kind === 'zero')
    return { index, kind, dataOffset: 0, dataLength: 0, dataSha256: undefined, targets, outputBytes }
  const data = checkData(operation, place.area, where)
  if (
    kind === 'replace' &&
    (data.dataLength > outputBytes || data.dataLength <= outputBytes - place.blockSize)
  )
    throw invalid(`${where} has ${data.dataLength} bytes of data for ${outputBytes} bytes of blocks`)
  return { index, kind, ...data, targets, outputBytes }
}

/** A run of blocks of a partition, in bytes. */
export function checkTarget(
  startBlock: number,
  numBlocks: number,
  place: Pick<Place, 'size' | 'blockSize'>,
  where: string,
) {
  const blocks = place.size / place.blockSize
  if (numBlocks === 0) throw invalid(`${where} has an empty extent`)
  if (startBlock >= blocks || numBlocks > blocks - startBlock)
    throw invalid(`${where}: blocks ${startBlock}+${numBlocks}, but there are only ${blocks}`)
  return { offset: startBlock * place.blockSize, length: numBlocks * place.blockSize }
}

/** Where the operation's data lies in the file. */
export function checkData(operation: ManifestOperation, area: BlobArea, where: string) {
  const { dataOffset, dataLength = 0, dataSha256: hash } = operation
  if (dataLength === 0) throw invalid(`${where} has no data`)
  const offset = area.start + (dataOffset ?? 0)
  const end = offset + dataLength
  if (end > area.source.size)
    throw new SlotbenchError(
      'source-truncated',
      `${area.source.name} has ${area.source.size} bytes, but the data of ${where} ends at ${end}`,
      { context: { file: area.source.name, offset } },
    )
  if (end > area.end) throw invalid(`the data of ${where} runs into the payload's signature`)
  if (hash !== undefined && hash.length !== 0 && hash.length !== 32)
    throw invalid(`${where} has a digest of ${hash.length} bytes`)
  const dataSha256 = hash?.length === 32 ? sha256(Buffer.from(hash).toString('hex')) : undefined
  return { dataOffset: offset, dataLength, dataSha256 }
}

function checkCoverage(operations: readonly PayloadOperation[], place: Place, treeOnTerminal: boolean): void {
  const targets = operations.flatMap((operation) => operation.targets).sort((a, b) => a.offset - b.offset)
  let reached = 0
  for (const target of targets) {
    if (target.offset < reached)
      throw invalid(`two operations of partition ${place.name} write the block at byte ${target.offset}`)
    if (target.offset > reached) throw gap(place, reached, target.offset, treeOnTerminal)
    reached = target.offset + target.length
  }
  if (reached < place.size) throw gap(place, reached, place.size, treeOnTerminal)
}

function gap(place: Place, from: number, to: number, treeOnTerminal: boolean): SlotbenchError {
  const what = `bytes ${from} to ${to} of partition ${place.name}`
  if (treeOnTerminal)
    return new SlotbenchError(
      'payload-unsupported',
      `${what} are a hash tree or error correction that the terminal's own updater would compute`,
    )
  return invalid(`${what} are written by no operation`)
}

export function typeName(type: number | undefined): string {
  return (type !== undefined && TYPE_NAMES.get(type)) || `type ${type}`
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('payload-invalid', detail)
}
