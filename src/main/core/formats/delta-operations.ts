// The operations of a delta: what they read of the old image, what they write, and that every block is written once.

import { SlotbenchError } from '../../../shared/errors.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { type Sha256, sha256 } from '../../../shared/units.ts'
import { type ManifestOperation, OPERATION_TYPE } from './payload-manifest.ts'
import {
  checkData,
  checkOperation,
  checkTarget,
  type PayloadOperation,
  type Place,
  typeName,
} from './payload-operations.ts'

export interface ByteRange {
  readonly offset: number
  readonly length: number
}

interface ReadsOld {
  readonly index: number
  /** Where it reads, in bytes, in this order; may overlap. */
  readonly sources: readonly ByteRange[]
  /** Of all sources together, which may be less than their blocks. */
  readonly sourceBytes: number
  readonly sourceSha256: Sha256 | undefined
  readonly targets: readonly ByteRange[]
  readonly outputBytes: number
}

export type DeltaOperation =
  | PayloadOperation
  | (ReadsOld & { readonly kind: 'copy' })
  | (ReadsOld & {
      readonly kind: 'patch'
      readonly dataOffset: number
      readonly dataLength: number
      readonly dataSha256: Sha256 | undefined
    })

export interface DeltaPlace extends Place {
  /** Bytes of the old image; undefined for a partition that the old build did not have. */
  readonly oldSize: number | undefined
  /** Minor version 1: operations work on one image, in their order, and read what earlier ones have written. */
  readonly inPlace: boolean
}

/** What each type is here. `unsupported`: other compressors' reconstruction (puffin, zucchini, LZ4 of EROFS). */
const KINDS: ReadonlyMap<number, 'copy' | 'patch' | 'unsupported'> = new Map([
  [OPERATION_TYPE.move, 'copy'],
  [OPERATION_TYPE.sourceCopy, 'copy'],
  [OPERATION_TYPE.bsdiff, 'patch'],
  [OPERATION_TYPE.sourceBsdiff, 'patch'],
  [OPERATION_TYPE.brotliBsdiff, 'patch'],
  [OPERATION_TYPE.puffdiff, 'unsupported'],
  [OPERATION_TYPE.zucchini, 'unsupported'],
  [OPERATION_TYPE.lz4diffBsdiff, 'unsupported'],
  [OPERATION_TYPE.lz4diffPuffdiff, 'unsupported'],
])
const IN_PLACE_TYPES: ReadonlySet<number> = new Set([OPERATION_TYPE.move, OPERATION_TYPE.bsdiff])
/** Files that share blocks are read several times over; more than this is no file. */
const MAX_REREAD = 4

/** @throws SlotbenchError `payload-invalid`, `payload-unsupported` naming the operation, or `source-truncated`. */
export function checkDeltaOperation(
  operation: ManifestOperation,
  index: number,
  place: DeltaPlace,
): DeltaOperation {
  const { type } = operation
  const kind = type === undefined ? undefined : KINDS.get(type)
  const where = `operation ${index} (${typeName(type)}) of partition ${place.name}`
  switch (kind) {
    case undefined:
      return checkOperation(operation, index, place)
    case 'unsupported':
      throw new SlotbenchError(
        'payload-unsupported',
        `${where} is of a kind that only the terminal’s updater can apply`,
      )
    case 'copy':
    case 'patch':
      break
    default:
      return missingCase(kind)
  }
  if (type !== undefined && IN_PLACE_TYPES.has(type) !== place.inPlace)
    throw new SlotbenchError(
      'payload-unsupported',
      `${where} does not belong into a payload that ${place.inPlace ? 'is applied in place' : 'reads an old image'}`,
    )
  const targets = operation.dstExtents.map((e) =>
    checkTarget(e.startBlock ?? 0, e.numBlocks ?? 0, place, where),
  )
  const reads = { index, ...checkSources(operation, place, where), targets, outputBytes: total(targets) }
  if (targets.length === 0) throw invalid(`${where} writes nothing`)
  if (reads.outputBytes > place.size) throw invalid(`${where} writes more than the partition holds`)
  if (kind === 'patch') return { kind, ...reads, ...checkData(operation, place.area, where) }
  if (reads.sourceBytes !== reads.outputBytes)
    throw invalid(`${where} copies ${reads.sourceBytes} bytes to ${reads.outputBytes}`)
  return { kind, ...reads }
}

function checkSources(
  operation: ManifestOperation,
  place: DeltaPlace,
  where: string,
): Pick<ReadsOld, 'sources' | 'sourceBytes' | 'sourceSha256'> {
  const { oldSize } = place
  if (oldSize === undefined) throw invalid(`${where} reads an old image, of which the manifest says nothing`)
  // In place, an operation may read what an earlier one has written behind the end of the old image.
  const size = place.inPlace ? Math.max(oldSize, place.size) : oldSize
  const sources = operation.srcExtents.map((e) =>
    checkTarget(e.startBlock ?? 0, e.numBlocks ?? 0, { ...place, size }, `${where}, source:`),
  )
  const blocks = total(sources)
  if (blocks > size * MAX_REREAD) throw invalid(`${where} reads ${blocks} bytes of an image of ${size}`)
  const sourceBytes = operation.srcLength ?? blocks
  if (sourceBytes > blocks || sourceBytes <= blocks - place.blockSize)
    throw invalid(`${where} reads ${sourceBytes} bytes of ${blocks}`)
  const hash = operation.srcSha256
  if (hash !== undefined && hash.length !== 0 && hash.length !== 32)
    throw invalid(`${where} has a source digest of ${hash.length} bytes`)
  const sourceSha256 = hash?.length === 32 ? sha256(Buffer.from(hash).toString('hex')) : undefined
  return { sources, sourceBytes, sourceSha256 }
}

/** @param computed blocks that the updater computes when all operations are done.
 * @throws SlotbenchError `payload-invalid` where a block is written twice or never. */
export function checkDeltaCoverage(
  operations: readonly DeltaOperation[],
  computed: readonly ByteRange[],
  { name, size }: Pick<Place, 'name' | 'size'>,
): void {
  const ranges = [...operations.flatMap((operation) => operation.targets), ...computed]
  let reached = 0
  for (const range of ranges.sort((a, b) => a.offset - b.offset)) {
    if (range.offset !== reached)
      throw invalid(
        range.offset < reached
          ? `partition ${name} gets its block at byte ${range.offset} twice`
          : `bytes ${reached} to ${range.offset} of partition ${name} are written by no operation`,
      )
    reached = range.offset + range.length
  }
  if (reached !== size)
    throw invalid(`bytes ${reached} to ${size} of partition ${name} are written by no operation`)
}

function total(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { length }) => sum + length, 0)
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('payload-invalid', detail)
}
