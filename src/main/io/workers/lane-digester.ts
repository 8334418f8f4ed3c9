// One pass over a stream with several threads at it: each piece visits one lane of digests after the other, while the pieces
// behind it follow. The buffer belongs to one thread at a time, so nothing is copied.
import { SlotbenchError } from '../../../shared/errors.ts'
import { coveredBytes, type DigestResult, type DigestSpec } from '../../core/formats/stream-digests.ts'
import type { Extent } from '../../core/source.ts'
import type { StreamDigester } from '../../core/workshop.ts'
import type { ThreadDigests } from './stream-hasher.ts'

/** A digest with its place among the specs. */
interface Placed {
  readonly spec: DigestSpec
  readonly index: number
}

/** Below this a thread of its own costs more than it gains. */
const SMALL_STREAM = 8 * 1024 * 1024
/** Digests that cover less of the stream than this share go along with another one. */
const SMALL_SHARE = 1 / 4

/** Which digests of a stream of `size` bytes are computed together. */
export function lanesOf(specs: readonly DigestSpec[], size: number): readonly (readonly Placed[])[] {
  const placed = specs.map((spec, index) => ({ spec, index }))
  const heavy =
    size < SMALL_STREAM ? [] : placed.filter(({ spec }) => coveredBytes(spec, size) >= size * SMALL_SHARE)
  const [first, ...others] = heavy
  const light = placed.filter((one) => !heavy.includes(one))
  return [[...(first === undefined ? [] : [first]), ...light], ...others.map((one) => [one])]
}

export class LaneDigester implements StreamDigester {
  readonly ahead: number
  readonly #lanes: readonly { readonly part: readonly Placed[]; readonly digests: ThreadDigests }[]

  /** @param begin starts digests on a thread. */
  constructor(parts: readonly (readonly Placed[])[], begin: (specs: readonly DigestSpec[]) => ThreadDigests) {
    this.#lanes = parts.map((part) => ({ part, digests: begin(part.map(({ spec }) => spec)) }))
    this.ahead = parts.length + 1
  }

  /** Every piece visits all lanes in the same order, and threads answer in order: so each lane gets the pieces in theirs. */
  async push(extent: Extent): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (extent.kind !== 'data') {
      const word = extent.kind === 'fill' ? extent.word : 0
      for (const { digests } of this.#lanes) await digests.fill(word, extent.length)
      return undefined
    }
    let { bytes } = extent
    for (const { digests } of this.#lanes) bytes = await digests.update(bytes)
    return bytes
  }

  async finish(): Promise<readonly DigestResult[]> {
    const found: DigestResult[] = []
    await Promise.all(
      this.#lanes.map(async ({ part, digests }) => {
        const results = await digests.results()
        for (const [i, { index }] of part.entries()) {
          const result = results[i]
          if (result === undefined) throw new SlotbenchError('internal', 'a hash thread gave no digest')
          found[index] = result
        }
      }),
    )
    return found
  }

  close(): void {
    for (const { digests } of this.#lanes) digests.close()
  }
}
