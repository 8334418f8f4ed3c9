// In which order the operations of a partition have to be expanded so that its bytes come out from first to last.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { PayloadPartition } from './payload.ts'
import type { PayloadOperation } from './payload-operations.ts'

/** A run of the partition that comes from one stretch of one operation's output. */
export interface Segment {
  readonly operation: PayloadOperation
  /** Where the run begins in the operation's output. */
  readonly from: number
  /** Where it goes in the partition. */
  readonly offset: number
  readonly length: number
  /** The operation's whole output is this one run, so it can stream; otherwise it is kept until its last run. */
  readonly whole: boolean
}

/** Generators give every operation of a full payload one run of blocks (AOSP full_update_generator.cc), so operations
 * whose output is strewn about are rare and small; this is how much of such output may wait at the same time. */
const MAX_KEPT = 64 * 1024 * 1024

/** Runs in order of their place in the partition, without gaps.
 * @throws SlotbenchError `payload-unsupported` when too much strewn output would have to be kept. */
export function segmentsOf(partition: PayloadPartition): readonly Segment[] {
  const runs = partition.operations.flatMap((operation) => {
    let from = 0
    return operation.targets.map(({ offset, length }) => {
      const run = { operation, from, offset, length }
      from += length
      return run
    })
  })
  runs.sort((a, b) => a.offset - b.offset)
  const segments: Segment[] = []
  for (const run of runs) {
    const last = segments.at(-1)
    const continues = last?.operation === run.operation && last.from + last.length === run.from
    const from = continues ? last.from : run.from
    const offset = continues ? last.offset : run.offset
    const length = run.offset + run.length - offset
    if (continues) segments.pop()
    segments.push({
      operation: run.operation,
      from,
      offset,
      length,
      whole: length === run.operation.outputBytes,
    })
  }
  checkKept(segments, partition.name)
  return segments
}

function checkKept(segments: readonly Segment[], name: string): void {
  const left = new Map<PayloadOperation, number>()
  let kept = 0
  for (const { operation, length, whole } of segments) {
    if (whole || operation.kind === 'zero') continue
    const known = left.get(operation)
    if (known === undefined) kept += operation.outputBytes
    if (kept > MAX_KEPT)
      throw new SlotbenchError(
        'payload-unsupported',
        `operation ${operation.index} of partition ${name} strews more than ${MAX_KEPT} bytes over the partition`,
      )
    const rest = (known ?? operation.outputBytes) - length
    left.set(operation, rest)
    if (rest === 0) kept -= operation.outputBytes
  }
}
