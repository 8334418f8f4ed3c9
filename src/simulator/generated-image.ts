// Images made up as they are read: seeded data, text and zeros, so gigabytes cost no memory and always come out the same.

import type { Extent, ExtentOptions, ImageSource } from '../main/core/source.ts'
import { abortError } from '../shared/errors.ts'
import { type Bytes, bytes } from '../shared/units.ts'
import { randomBytesAt, seededRandom } from './randomness.ts'

export interface ImagePart {
  readonly offset: number
  readonly bytes: Uint8Array
}

export interface GeneratedContent {
  /** Whole image, bytes. */
  readonly size: number
  /** Bytes from the start that are made up; a multiple of 4096. Zeros follow. */
  readonly contentSize: number
  /** Content with the same label is the same. */
  readonly label: string
  /** Share of the content that is not zeros, 0 to 1. */
  readonly fill: number
  /** Put over the zeros behind the content, in order of offset, without overlaps. */
  readonly tail: readonly ImagePart[]
}

/** Content is of one kind for so many bytes. */
const UNIT = 64 * 1024
/** Of the units that are not zeros, so many are noise and the rest is text that compresses. */
const NOISE_SHARE = 0.6

type UnitKind = 'noise' | 'text' | 'zeros'

/** Everything before the tail stays the same when a tail is added: hash the content first, then append the result. */
export class GeneratedImage implements ImageSource {
  readonly size: Bytes
  readonly sha256 = undefined
  readonly #content: GeneratedContent

  constructor(content: GeneratedContent) {
    this.size = bytes(content.size)
    this.#content = content
  }

  async *extents({ signal, from = 0 }: ExtentOptions): AsyncGenerator<Extent> {
    const { contentSize, size, tail } = this.#content
    for (let offset = from; offset < contentSize; ) {
      if (signal.aborted) throw abortError(signal)
      const extent = this.#unitExtent(offset)
      // Before the yield: afterwards the bytes belong to the consumer.
      offset += extent.kind === 'data' ? extent.bytes.length : extent.length
      yield extent
    }
    let at = Math.max(from, contentSize)
    for (const part of tail) {
      const end = part.offset + part.bytes.length
      if (end <= at) continue
      if (at < part.offset) yield zeros(at, part.offset)
      at = Math.max(at, part.offset)
      yield { kind: 'data', offset: at, bytes: new Uint8Array(part.bytes.subarray(at - part.offset)) }
      at = end
    }
    if (at < size) yield zeros(at, size)
  }

  /** The content in order, without the tail. */
  async *content(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { contentSize } = this.#content
    for (let offset = 0; offset < contentSize; offset += UNIT) {
      const piece = new Uint8Array(Math.min(UNIT, contentSize - offset))
      this.#fillUnit(offset, piece)
      yield piece
    }
  }

  /** One run from `offset` on: neighbouring zero units make one extent. */
  #unitExtent(offset: number): Extent {
    const { contentSize } = this.#content
    const unitEnd = (at: number) => Math.min((Math.floor(at / UNIT) + 1) * UNIT, contentSize)
    let end = unitEnd(offset)
    if (this.#kind(offset) === 'zeros') {
      while (end < contentSize && this.#kind(end) === 'zeros') end = unitEnd(end)
      return zeros(offset, end)
    }
    const start = Math.floor(offset / UNIT) * UNIT
    const unit = new Uint8Array(end - start)
    this.#fillUnit(start, unit)
    return { kind: 'data', offset, bytes: offset === start ? unit : unit.slice(offset - start) }
  }

  #kind(offset: number): UnitKind {
    const { label, fill } = this.#content
    const draw = seededRandom(seedOf(label) ^ Math.imul(Math.floor(offset / UNIT) + 1, 0x9e3779b1))()
    if (draw >= fill) return 'zeros'
    return draw < fill * NOISE_SHARE ? 'noise' : 'text'
  }

  #fillUnit(start: number, target: Uint8Array): void {
    const { label } = this.#content
    const kind = this.#kind(start)
    if (kind === 'noise') randomBytesAt(label, start, target)
    if (kind !== 'text') return
    const line = new TextEncoder().encode(`${label} unit ${start / UNIT} of a simulated image; `)
    for (let at = 0; at < target.length; at += line.length)
      target.set(line.subarray(0, Math.min(line.length, target.length - at)), at)
  }
}

function zeros(start: number, end: number): Extent {
  return { kind: 'fill', offset: start, length: end - start, word: 0 }
}

/** FNV-1a. */
function seedOf(label: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
