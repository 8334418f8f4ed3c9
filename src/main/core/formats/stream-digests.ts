// Several digests over one stream in one pass: plain ones over parts of it, and dm-verity hash trees.
import { createHash, type Hash } from 'node:crypto'
import { missingCase } from '../../../shared/missing-case.ts'
import { type Hashtree, HashtreeBuilder, type HashtreeShape } from './avb-hashtree.ts'
import { rotateWord } from './extents.ts'

export interface ByteRange {
  readonly start: number
  /** The offset after its last byte. */
  readonly end: number
}

export type HashAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** One digest to compute. Offsets count from the first byte of the stream. */
export type DigestSpec =
  /** H(prefix ‖ the bytes of the ranges); the ranges are in order and do not overlap. */
  | {
      readonly kind: 'hash'
      readonly algorithm: HashAlgorithm
      readonly prefix?: Uint8Array
      readonly ranges: readonly ByteRange[]
    }
  /** Of the first `imageSize` bytes. */
  | { readonly kind: 'hashtree'; readonly shape: HashtreeShape }

export type DigestResult =
  /** `digest` in hex; `bytes`: how many of the ranges were really there. */
  | { readonly kind: 'hash'; readonly digest: string; readonly bytes: number }
  | ({ readonly kind: 'hashtree'; readonly bytes: number } & Hashtree)

/** Bytes of a stream of `size` bytes that a digest covers: what it costs. */
export function coveredBytes(spec: DigestSpec, size: number): number {
  const ranges = spec.kind === 'hashtree' ? [{ start: 0, end: spec.shape.imageSize }] : spec.ranges
  return ranges.reduce((sum, { start, end }) => sum + Math.max(0, Math.min(end, size) - start), 0)
}

export const WHOLE: ByteRange = { start: 0, end: Number.MAX_SAFE_INTEGER }

export class StreamDigests {
  readonly #sinks: readonly Sink[]
  #position = 0

  /** @throws SlotbenchError `vbmeta-invalid` for a hash tree that cannot be. */
  constructor(specs: readonly DigestSpec[]) {
    this.#sinks = specs.map((spec) => new Sink(spec))
  }

  update(bytes: Uint8Array): void {
    for (const sink of this.#sinks) sink.update(this.#position, bytes)
    this.#position += bytes.byteLength
  }

  /** `length` bytes of the repeated little-endian u32 `word`. */
  fill(word: number, length: number): void {
    for (const sink of this.#sinks) sink.fill(this.#position, { word, length })
    this.#position += length
  }

  /** In the order of the specs; nothing can be added afterwards. */
  results(): readonly DigestResult[] {
    return this.#sinks.map((sink) => sink.result())
  }
}

type Target =
  | { readonly kind: 'hash'; readonly hash: Hash }
  | { readonly kind: 'hashtree'; readonly tree: HashtreeBuilder }

class Sink {
  readonly #ranges: readonly ByteRange[]
  readonly #target: Target
  /** Ranges before this one are behind the stream. */
  #next = 0
  #bytes = 0

  constructor(spec: DigestSpec) {
    if (spec.kind === 'hashtree') {
      this.#ranges = [{ start: 0, end: spec.shape.imageSize }]
      this.#target = { kind: 'hashtree', tree: new HashtreeBuilder(spec.shape) }
    } else {
      this.#ranges = spec.ranges
      const hash = createHash(spec.algorithm)
      this.#target = { kind: 'hash', hash: spec.prefix === undefined ? hash : hash.update(spec.prefix) }
    }
  }

  update(position: number, bytes: Uint8Array): void {
    const { kind } = this.#target
    for (const { start, end } of this.#parts(position, bytes.byteLength)) {
      const part = bytes.subarray(start - position, end - position)
      this.#bytes += part.byteLength
      if (kind === 'hash') this.#target.hash.update(part)
      else this.#target.tree.update(part)
    }
  }

  fill(position: number, { word, length }: { readonly word: number; readonly length: number }): void {
    for (const { start, end } of this.#parts(position, length)) {
      const turned = rotateWord(word, start - position)
      this.#bytes += end - start
      if (this.#target.kind === 'hash') hashFill(this.#target.hash, turned, end - start)
      else this.#target.tree.fill(turned, end - start)
    }
  }

  result(): DigestResult {
    const target = this.#target
    const bytes = this.#bytes
    switch (target.kind) {
      case 'hash':
        return { kind: 'hash', bytes, digest: target.hash.digest('hex') }
      case 'hashtree':
        return { kind: 'hashtree', bytes, ...target.tree.finish() }
      default:
        return missingCase(target)
    }
  }

  *#parts(position: number, length: number): Generator<ByteRange> {
    const end = position + length
    for (let range = this.#ranges[this.#next]; range !== undefined; range = this.#ranges[this.#next]) {
      const from = Math.max(position, range.start)
      const to = Math.min(end, range.end)
      if (from < to) yield { start: from, end: to }
      if (range.end > end) return
      this.#next += 1
    }
  }
}

const FILL_BLOCK = 1024 * 1024
const fillBlock = { word: 0, bytes: new Uint8Array(FILL_BLOCK) }

function hashFill(hash: Hash, word: number, length: number): void {
  if (fillBlock.word !== word) {
    fillBlock.word = word
    const view = new DataView(fillBlock.bytes.buffer)
    for (let at = 0; at < FILL_BLOCK; at += 4) view.setUint32(at, word, true)
  }
  for (let done = 0; done < length; done += FILL_BLOCK)
    hash.update(fillBlock.bytes.subarray(0, Math.min(FILL_BLOCK, length - done)))
}
