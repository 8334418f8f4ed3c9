// Bytes on disk and images made of them, as seen by everything above the file system.
import type { Bytes, Sha256 } from '../../shared/units.ts'

/** Random access to the bytes of a package. Implemented over files by `io/files`, over zip members by `core/formats/zip`. */
export interface ByteSource {
  /** What a person would call it, for messages. */
  readonly name: string
  readonly size: Bytes
  /** Reading backwards costs a pass from the front: compressed as a whole. */
  readonly forwardOnly?: boolean
  /** Exactly `length` bytes from `offset`.
   * @throws SlotbenchError `source-truncated` when the source ends earlier, `host-io` when it cannot be read. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  /** Fills `target` as `read` would, for who reads the whole source again and again; not every source can. */
  readInto?(target: Uint8Array<ArrayBuffer>, offset: number, signal?: AbortSignal): Promise<void>
  /** Where it lies as it is, when it is a part of another source: one pass over that one can then serve both. */
  readonly part?: { readonly of: ByteSource; readonly start: number }
  close(): Promise<void>
}

/** One run of an image. `hole` means "don't care": the terminal may keep what it has there. Digests count holes as zeros.
 * Whoever takes a data run owns its bytes and may transfer them to a thread: the producer must not look at them again. */
export type Extent =
  | { readonly kind: 'data'; readonly offset: number; readonly bytes: Uint8Array<ArrayBuffer> }
  /** `word`: the u32 (little endian) repeated over `length` bytes. */
  | { readonly kind: 'fill'; readonly offset: number; readonly length: number; readonly word: number }
  | { readonly kind: 'hole'; readonly offset: number; readonly length: number }

/** An image that may never exist as a file. */
export interface ImageSource {
  /** The very bytes of the image, where they can be read anywhere; closing it closes nothing. */
  readonly raw?: ByteSource
  readonly size: Bytes
  /** Of the whole expanded image, where the package vouches for it. */
  readonly sha256: Sha256 | undefined
  /** Runs in order, without gaps or overlaps, from `from` (default 0) to `size`; no data run is longer than 4 MiB.
   * Integrity errors (digests per operation, CRC) are thrown while iterating. */
  extents(options: ExtentOptions): AsyncIterable<Extent>
}

export interface ExtentOptions {
  readonly signal: AbortSignal
  /** Byte offset to start at; the first run may be cut to begin there. */
  readonly from?: number
}

export const MAX_EXTENT_DATA = 4 * 1024 * 1024
