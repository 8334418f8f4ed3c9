// What the core needs of worker threads. `io/workers` implements it; tests may use it as it is.
import type { Sha256 } from '../../shared/units.ts'
import type { DigestResult, DigestSpec } from './formats/stream-digests.ts'
import type { Extent } from './source.ts'

export type Codec = 'xz' | 'bzip2' | 'zstd' | 'brotli'

export interface DecodeJob {
  readonly codec: Codec
  /** Compressed bytes; whole, or in pieces when they are many. Buffers are handed over to the worker and must not be used again. */
  readonly input: Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array<ArrayBuffer>>
  readonly inputBytes: number
  /** What must come out, to the byte. More or less is `decode-failed`; output is never buffered beyond it (zip bombs). */
  readonly outputBytes: number
  /** Less than `outputBytes` may come out: for who is not told how much it is. */
  readonly orLess?: boolean
  /** Of the compressed input. A mismatch is `digest-mismatch`, raised before the last output is given out. */
  readonly inputSha256?: Sha256
}

/** SHA-256 of a stream, computed in a worker while the caller goes on. */
export interface StreamHasher {
  /** Hands `bytes` to the worker and gives the same bytes back once they are counted. The caller must not touch them meanwhile. */
  update(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>
  /** Counts `length` bytes made of the repeated little-endian u32 `word`. */
  fill(word: number, length: number): Promise<void>
  digest(): Promise<Sha256>
  /** Frees the worker's state; safe to call more than once, also after `digest`. */
  close(): void
}

/** Several digests of one stream in one pass, each on a thread of its own where it is worth one. */
export interface StreamDigester {
  /** Counts the next extent, whose buffer is the workshop's meanwhile. Extents may follow one another without waiting; whoever
   * waits for none of them holds as much memory as they have.
   * @returns the buffer of a data extent, given back for another use. */
  push(extent: Extent): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** In the order of the specs. */
  finish(): Promise<readonly DigestResult[]>
  /** How many extents may be on their way before more of them gain nothing. */
  readonly ahead: number
  /** Frees what the threads keep; safe to call more than once, also after `finish`. */
  close(): void
}

export interface Workshop {
  /** How many jobs run at the same time. */
  readonly width: number
  /** Output in order, in pieces of at most 4 MiB, with back-pressure: memory stays bounded however large the job. */
  decode(job: DecodeJob, signal: AbortSignal): AsyncIterable<Uint8Array<ArrayBuffer>>
  /** SHA-256 of one buffer; the buffer is handed back with it. */
  sha256(
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly sha256: Sha256 }>
  hasher(): StreamHasher
  /** @param size bytes of the whole stream.
   * Specs that cannot be computed fail `push` and `finish` with `vbmeta-invalid`. */
  digester(specs: readonly DigestSpec[], size: number): StreamDigester
  close(): Promise<void>
}
