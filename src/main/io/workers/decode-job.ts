// One decode job inside a thread: counts what goes in and out, and vouches for both before the last piece leaves.
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import { MAX_EXTENT_DATA } from '../../core/source.ts'
import { decoder, type Pull } from './codecs.ts'
import type { DecodeSizes, Piece } from './messages.ts'

/** Output in pieces of `pieceSize` bytes, the last one as long as what is left.
 * @throws SlotbenchError `decode-failed` when the data is damaged or the size is another; `digest-mismatch`. */
export async function* decodePieces(
  sizes: DecodeSizes,
  source: Pull,
  pieceSize: number,
): AsyncGenerator<Piece> {
  const input = new CheckedInput(sizes, source)
  const output = new PieceCutter(sizes, pieceSize)
  let held: Piece | undefined
  for await (const chunk of guarded(sizes, input)) {
    for (const piece of output.add(chunk)) {
      if (held !== undefined) yield held
      held = piece
    }
  }
  for (const piece of output.finish()) {
    if (held !== undefined) yield held
    held = piece
  }
  await input.finish()
  if (held !== undefined) yield held
}

/** Whatever a decoder throws is damaged data, unless the input itself failed. */
async function* guarded(sizes: DecodeSizes, input: CheckedInput): AsyncGenerator<Uint8Array> {
  try {
    yield* decoder(sizes.codec, input.pull, sizes)
  } catch (error) {
    if (input.failure !== undefined) throw input.failure
    const detail = error instanceof Error ? error.message : String(error)
    throw new SlotbenchError('decode-failed', `${sizes.codec} data is damaged (${detail})`, { cause: error })
  }
}

class CheckedInput {
  /** What the source threw, if it did: decoders wrap or swallow it. */
  failure: unknown
  readonly #sizes: DecodeSizes
  readonly #source: Pull
  readonly #hash = createHash('sha256')
  #bytes = 0

  constructor(sizes: DecodeSizes, source: Pull) {
    this.#sizes = sizes
    this.#source = source
  }

  readonly pull: Pull = async () => {
    try {
      const part = await this.#source()
      if (part === undefined) return undefined
      this.#bytes += part.length
      if (this.#sizes.inputSha256 !== undefined) this.#hash.update(part)
      return part
    } catch (error) {
      this.failure = error ?? new SlotbenchError('internal', 'the input failed without saying why')
      throw error
    }
  }

  /** Takes what the decoder left over (padding), then checks length and digest. */
  async finish(): Promise<void> {
    while ((await this.pull()) !== undefined);
    const { inputBytes, inputSha256 } = this.#sizes
    if (this.#bytes !== inputBytes)
      throw new SlotbenchError('decode-failed', `${this.#bytes} bytes went in, ${inputBytes} were announced`)
    if (inputSha256 === undefined) return
    const actual = this.#hash.digest('hex')
    if (actual !== inputSha256)
      throw new SlotbenchError(
        'digest-mismatch',
        `the compressed data has SHA-256 ${actual}, ${inputSha256} was promised`,
      )
  }
}

/** Puts chunks of any size together into pieces, and never holds more than was promised. */
class PieceCutter {
  readonly #expected: number
  readonly #orLess: boolean
  readonly #pieceSize: number
  #piece: Piece | undefined
  #used = 0
  #total = 0

  constructor({ outputBytes, orLess }: DecodeSizes, pieceSize: number) {
    this.#expected = outputBytes
    this.#orLess = orLess
    this.#pieceSize = Math.min(pieceSize, MAX_EXTENT_DATA)
  }

  *add(chunk: Uint8Array): Generator<Piece> {
    if (chunk.length > this.#expected - this.#total)
      throw new SlotbenchError('decode-failed', `more than the promised ${this.#expected} bytes come out`)
    for (let done = 0; done < chunk.length; ) {
      this.#piece ??= new Uint8Array(Math.min(this.#pieceSize, this.#expected - this.#total))
      const length = Math.min(chunk.length - done, this.#piece.length - this.#used)
      this.#piece.set(chunk.subarray(done, done + length), this.#used)
      done += length
      this.#used += length
      this.#total += length
      if (this.#used < this.#piece.length) continue
      yield this.#piece
      this.#piece = undefined
      this.#used = 0
    }
  }

  *finish(): Generator<Piece> {
    if (this.#orLess && this.#piece !== undefined) yield this.#piece.slice(0, this.#used)
    if (this.#total !== this.#expected && !this.#orLess)
      throw new SlotbenchError(
        'decode-failed',
        `only ${this.#total} of the promised ${this.#expected} bytes come out`,
      )
  }
}
