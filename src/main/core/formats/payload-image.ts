// One partition of a payload as an image: operations expanded ahead on all cores, given out in order.
import { abortError } from '../../../shared/errors.ts'
import type { ByteSource, Extent, ExtentOptions, ImageSource } from '../source.ts'
import type { Workshop } from '../workshop.ts'
import type { Payload, PayloadPartition } from './payload.ts'
import { costOf, type ExpandContext, expand, expandWhole, MAX_AHEAD, type Piece } from './payload-expand.ts'
import { type Segment, segmentsOf } from './payload-layout.ts'
import type { PayloadOperation } from './payload-operations.ts'
import { sliceSource } from './slice-source.ts'

/** What all images of one payload may hold in memory together for operations expanded ahead of their turn. */
export class AheadBudget {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  take(cost: number): boolean {
    if (cost > this.#left) return false
    this.#left -= cost
    return true
  }

  give(cost: number): void {
    this.#left += cost
  }
}

export const AHEAD_BYTES = 64 * 1024 * 1024

/** @param budget shared by all images that are read at the same time; one of 64 MiB when left out.
 * @throws SlotbenchError `payload-unsupported` when the order of its operations needs too much memory. */
export function payloadImage(
  payload: Payload,
  partition: PayloadPartition,
  workshop: Workshop,
  budget = new AheadBudget(AHEAD_BYTES),
): ImageSource {
  const segments = segmentsOf(partition)
  const raw = rawPartition(payload, partition)
  return {
    size: partition.size,
    sha256: partition.sha256,
    ...(raw === undefined ? {} : { raw }),
    extents: (options) => partitionExtents(segments, options, { payload, partition, workshop, budget }),
  }
}

/** The partition's bytes where they lie in the payload as they are, in one run: so in payloads that Slotbench makes. */
function rawPartition(
  { source }: Payload,
  { name, size, operations }: PayloadPartition,
): ByteSource | undefined {
  const [first] = operations
  if (first === undefined) return undefined
  const isOneRun = operations.every(
    ({ kind, targets, dataOffset, dataLength, outputBytes }) =>
      kind === 'replace' &&
      dataLength === outputBytes &&
      targets.length === 1 &&
      targets[0]?.offset === dataOffset - first.dataOffset,
  )
  return isOneRun && source.forwardOnly !== true
    ? sliceSource(source, { name, start: first.dataOffset, size })
    : undefined
}

interface Parts {
  readonly payload: Payload
  readonly partition: PayloadPartition
  readonly workshop: Workshop
  readonly budget: AheadBudget
}

async function* partitionExtents(all: readonly Segment[], options: ExtentOptions, parts: Parts) {
  const from = options.from ?? 0
  const segments = all.filter((segment) => segment.offset + segment.length > from)
  const stop = new AbortController()
  const context: ExpandContext = {
    source: parts.payload.source,
    workshop: parts.workshop,
    signal: AbortSignal.any([options.signal, stop.signal]),
    partition: parts.partition.name,
  }
  const ahead = new Lookahead(segments, context, parts.budget)
  try {
    for (const [index, segment] of segments.entries()) {
      if (options.signal.aborted) throw abortError(options.signal)
      ahead.fill(index)
      yield* segmentExtents(segment, Math.max(0, from - segment.offset), { ahead, context })
    }
  } finally {
    stop.abort()
    ahead.close()
  }
}

interface Tools {
  readonly ahead: Lookahead
  readonly context: ExpandContext
}

/** @param skip bytes at the beginning of the segment that the reader does not want. */
async function* segmentExtents(segment: Segment, skip: number, tools: Tools): AsyncGenerator<Extent> {
  const { operation, offset, length } = segment
  if (operation.kind === 'zero') {
    yield { kind: 'fill', offset: offset + skip, length: length - skip, word: 0 }
    return
  }
  const pieces = (await tools.ahead.take(segment)) ?? expand(operation, tools.context)
  yield* cut(pieces, { from: segment.from + skip, to: segment.from + length, offset: offset - segment.from })
  tools.ahead.done(segment)
}

/** The bytes `from` to `to` of an operation's output as extents, shifted by `offset`. */
async function* cut(
  pieces: Iterable<Piece> | AsyncIterable<Piece>,
  range: { readonly from: number; readonly to: number; readonly offset: number },
): AsyncGenerator<Extent> {
  let at = 0
  for await (const piece of pieces) {
    const start = at
    at += piece.length
    const begin = Math.max(start, range.from)
    const end = Math.min(at, range.to)
    if (begin >= end) continue
    const whole = end - begin === piece.length
    // Whoever gets an extent may hand its buffer on to another thread, so a part of a piece has to be a copy.
    const bytes = whole ? piece : piece.slice(begin - start, end - start)
    yield { kind: 'data', offset: begin + range.offset, bytes }
  }
}

/** Operations that are being expanded before their turn, and strewn ones kept until their last segment. */
class Lookahead {
  readonly #segments: readonly Segment[]
  readonly #context: ExpandContext
  readonly #budget: AheadBudget
  readonly #started = new Map<PayloadOperation, { pieces: Promise<readonly Piece[]>; cost: number }>()
  readonly #lastSegment = new Map<PayloadOperation, Segment>()
  #next = 0

  constructor(segments: readonly Segment[], context: ExpandContext, budget: AheadBudget) {
    this.#segments = segments
    this.#context = context
    this.#budget = budget
    for (const segment of segments) this.#lastSegment.set(segment.operation, segment)
  }

  /** Starts operations of the segments from `current` on, as far as cores and memory go. */
  fill(current: number): void {
    this.#next = Math.max(this.#next, current)
    while (this.#started.size < this.#context.workshop.width * 2) {
      const operation = this.#segments[this.#next]?.operation
      if (operation === undefined) return
      if (this.#wanted(operation)) {
        // The one whose turn it is needs no place in the budget, so images that share one never wait for each other.
        const cost = this.#next === current ? 0 : costOf(operation)
        if (!this.#budget.take(cost)) return
        this.#start(operation, cost)
      }
      this.#next++
    }
  }

  #wanted(operation: PayloadOperation): boolean {
    return operation.kind !== 'zero' && !this.#started.has(operation) && costOf(operation) <= MAX_AHEAD
  }

  #start(operation: PayloadOperation, cost: number): void {
    const pieces = expandWhole(operation, this.#context)
    // Whoever takes it sees the error; when reading stops before that, nobody has to.
    pieces.catch(() => {})
    this.#started.set(operation, { pieces, cost })
  }

  /** The operation's output when it is expanded whole; undefined when it has to be streamed. */
  take(segment: Segment): Promise<readonly Piece[]> | undefined {
    if (!segment.whole && !this.#started.has(segment.operation)) this.#start(segment.operation, 0)
    return this.#started.get(segment.operation)?.pieces
  }

  done(segment: Segment): void {
    if (this.#lastSegment.get(segment.operation) !== segment) return
    const started = this.#started.get(segment.operation)
    if (started === undefined) return
    this.#started.delete(segment.operation)
    this.#budget.give(started.cost)
  }

  close(): void {
    for (const { cost } of this.#started.values()) this.#budget.give(cost)
    this.#started.clear()
  }
}
