// The buffers that downloads are made of, freed as they are sent: left to the garbage collector, those of a gigabyte cost it
// half a second, and the piece in the making finds no memory to use again.
import { release } from '../../core/release.ts'
import type { Extent } from '../../core/source.ts'

export interface SentPiece {
  readonly parts: readonly Uint8Array[]
  /** Offset in the image at which the next piece begins. */
  readonly end: number
}

export class UsedMemory {
  #buffers: { readonly end: number; readonly bytes: Uint8Array<ArrayBuffer> }[] = []

  /** In the order of the image. The bytes must be nobody else's. */
  note(extent: Extent): void {
    if (extent.kind === 'data')
      this.#buffers.push({ end: extent.offset + extent.bytes.length, bytes: extent.bytes })
  }

  /** The parts of the piece that is sent now; each buffer is freed after its last part, for the piece in the making. What
   * lies wholly before the end of the piece is in no later one, because pieces follow each other. */
  *freedWhenSent(piece: SentPiece): Generator<Uint8Array, void, void> {
    const kept = this.#buffers.findIndex(({ end }) => end > piece.end)
    const done = this.#buffers.splice(0, kept < 0 ? this.#buffers.length : kept)
    const owned = new Map(done.map(({ bytes }) => [bytes.buffer as ArrayBufferLike, bytes]))
    const lastUse = new Map(piece.parts.map((part, index) => [part.buffer, index]))
    for (const [buffer, bytes] of owned) if (!lastUse.has(buffer)) release(bytes)
    for (const [index, part] of piece.parts.entries()) {
      yield part
      const bytes = owned.get(part.buffer)
      if (bytes !== undefined && lastUse.get(part.buffer) === index) release(bytes)
    }
  }
}
