// Applies a binary patch: old bytes by random access, output as a stream, in bounded memory.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { ByteSource } from '../source.ts'
import type { Workshop } from '../workshop.ts'
import {
  maxControlBytes,
  PATCH_HEADER_SIZE,
  type PatchControl,
  type PatchHeader,
  type PatchStream,
  parseControl,
  parsePatchHeader,
} from './bsdiff.ts'
import { joinBytes } from './join-bytes.ts'
import { readPieces } from './raw-image.ts'
import { sliceSource } from './slice-source.ts'

type Piece = Uint8Array<ArrayBuffer>

export interface PatchTools {
  readonly workshop: Workshop
  readonly signal: AbortSignal
  /** The most that may come out. */
  readonly maxOutput: number
}

const OUTPUT_PIECE = 1024 * 1024

/** What `patch` makes of `old`, in pieces of at most 1 MiB. Nothing comes out before header and control stream are found sound.
 * @throws SlotbenchError `payload-invalid`, `payload-unsupported`, `decode-failed`, and what reading throws. */
export async function* applyPatch(
  patch: ByteSource,
  old: ByteSource,
  tools: PatchTools,
): AsyncGenerator<Piece> {
  const start = await patch.read(0, Math.min(PATCH_HEADER_SIZE, patch.size), tools.signal)
  const header = parsePatchHeader(start, patch.size)
  if (header.newSize > tools.maxOutput)
    throw new SlotbenchError(
      'payload-invalid',
      `the patch makes ${header.newSize} bytes where there is room for ${tools.maxOutput}`,
    )
  const control = await readControl(patch, header, tools)
  const open = (stream: PatchStream, bytes: number) =>
    new StreamReader(expandStream(patch, stream, { bytes, tools }))
  const [diff, extra] = [open(header.diff, control.diffBytes), open(header.extra, control.extraBytes)]
  try {
    yield* new Patcher(control, { diff, extra, old: new OldBytes(old, tools.signal) }).run(header.newSize)
    // The decoders' last word: that nothing more comes, and that their data was whole.
    await diff.end()
    await extra.end()
  } finally {
    await diff.close()
    await extra.close()
  }
}

async function readControl(patch: ByteSource, header: PatchHeader, tools: PatchTools): Promise<PatchControl> {
  const parts: Piece[] = []
  const most = { bytes: maxControlBytes(header.newSize), orLess: true, tools }
  for await (const part of expandStream(patch, header.control, most)) parts.push(part)
  return parseControl(joinBytes(parts), header.newSize)
}

interface Expansion {
  readonly bytes: number
  readonly orLess?: boolean
  readonly tools: PatchTools
}

/** A stream that has to give nothing is not looked at: some writers leave it out, others compress nothing. */
async function* expandStream(
  patch: ByteSource,
  { codec, offset, length }: PatchStream,
  { bytes, orLess = false, tools: { workshop, signal } }: Expansion,
): AsyncGenerator<Piece> {
  if (bytes === 0) return
  const pieces = rawPieces(sliceSource(patch, { name: patch.name, start: offset, size: length }), signal)
  if (codec === 'none') {
    if (orLess ? length > bytes : length !== bytes)
      throw new SlotbenchError('payload-invalid', `binary patch: a stream of ${length} bytes, not ${bytes}`)
    yield* pieces
    return
  }
  const input = length <= OUTPUT_PIECE ? await patch.read(offset, length, signal) : pieces
  yield* workshop.decode({ codec, input, inputBytes: length, outputBytes: bytes, orLess }, signal)
}

async function* rawPieces(source: ByteSource, signal: AbortSignal): AsyncGenerator<Piece> {
  for await (const piece of readPieces(source, { start: 0, length: source.size, signal })) yield piece.bytes
}

interface Inputs {
  readonly diff: StreamReader
  readonly extra: StreamReader
  readonly old: OldBytes
}

class Patcher {
  readonly #control: PatchControl
  readonly #inputs: Inputs
  #piece: Piece = new Uint8Array(0)
  #used = 0

  constructor(control: PatchControl, inputs: Inputs) {
    this.#control = control
    this.#inputs = inputs
  }

  async *run(newSize: number): AsyncGenerator<Piece> {
    const { diff, extra, old } = this.#inputs
    let left = newSize
    for (let entry = 0; entry < this.#control.entries; entry++) {
      let position = this.#control.oldPosition(entry)
      for (let rest = this.#control.copy(entry); rest > 0; ) {
        const target = this.#room(rest, left)
        const length = await diff.readInto(target)
        await old.addTo(target.subarray(0, length), position)
        position += length
        rest -= length
        left -= length
        if (this.#fill(length)) yield this.#take()
      }
      for (let rest = this.#control.insert(entry); rest > 0; ) {
        const length = await extra.readInto(this.#room(rest, left))
        rest -= length
        left -= length
        if (this.#fill(length)) yield this.#take()
      }
    }
  }

  /** Where the next bytes go, at most `wanted`. */
  #room(wanted: number, left: number): Piece {
    if (this.#used === this.#piece.length) {
      this.#piece = new Uint8Array(Math.min(OUTPUT_PIECE, left))
      this.#used = 0
    }
    return this.#piece.subarray(this.#used, Math.min(this.#piece.length, this.#used + wanted))
  }

  /** @returns whether the piece is full. */
  #fill(length: number): boolean {
    this.#used += length
    return this.#used === this.#piece.length
  }

  #take(): Piece {
    const piece = this.#piece
    this.#piece = new Uint8Array(0)
    this.#used = 0
    return piece
  }
}

/** Bytes of an expanded stream in portions of any size. */
class StreamReader {
  readonly #pieces: AsyncIterator<Piece>
  #piece: Piece = new Uint8Array(0)
  #at = 0

  constructor(pieces: AsyncIterable<Piece>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** Fills the beginning of `target`. @returns how many bytes, at least one. */
  async readInto(target: Piece): Promise<number> {
    while (this.#at === this.#piece.length) {
      const next = await this.#pieces.next()
      if (next.done === true) throw new SlotbenchError('decode-failed', 'a stream of the patch is too short')
      this.#piece = next.value
      this.#at = 0
    }
    const length = Math.min(target.length, this.#piece.length - this.#at)
    target.set(this.#piece.subarray(this.#at, this.#at + length))
    this.#at += length
    return length
  }

  async end(): Promise<void> {
    const next = await this.#pieces.next()
    if (next.done !== true || this.#at !== this.#piece.length)
      throw new SlotbenchError('decode-failed', 'a stream of the patch is too long')
  }

  async close(): Promise<void> {
    await this.#pieces.return?.()
  }
}

/** Patches jump about in small steps, so what is read is kept in windows. */
const WINDOW = 256 * 1024
const WINDOWS = 32

class OldBytes {
  readonly #source: ByteSource
  readonly #signal: AbortSignal
  /** By number, the one used last at the end. */
  readonly #windows = new Map<number, Piece>()

  constructor(source: ByteSource, signal: AbortSignal) {
    this.#source = source
    this.#signal = signal
  }

  /** Adds the old bytes from `position` on to `target`, byte by byte; outside the old image there is nothing to add. */
  async addTo(target: Uint8Array, position: number): Promise<void> {
    const end = Math.min(this.#source.size, position + target.length)
    for (let at = Math.max(0, position); at < end; ) {
      const number = Math.floor(at / WINDOW)
      const window = await this.#window(number)
      const from = at - number * WINDOW
      const length = Math.min(window.length - from, end - at)
      const to = at - position
      // Uint8Array wraps around by itself, as the format wants.
      for (let i = 0; i < length; i++) target[to + i] = (target[to + i] ?? 0) + (window[from + i] ?? 0)
      at += length
    }
  }

  async #window(number: number): Promise<Piece> {
    const known = this.#windows.get(number)
    if (known !== undefined) {
      this.#windows.delete(number)
      this.#windows.set(number, known)
      return known
    }
    const start = number * WINDOW
    const bytes = await this.#source.read(start, Math.min(WINDOW, this.#source.size - start), this.#signal)
    this.#windows.set(number, bytes)
    const [oldest] = this.#windows.keys()
    if (this.#windows.size > WINDOWS && oldest !== undefined) this.#windows.delete(oldest)
    return bytes
  }
}
