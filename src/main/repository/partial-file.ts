// The unfinished file of a download, handed in by `io/repository`: bytes, and the journal of what in them is proven.
import type { Bytes } from '../../shared/units.ts'
import type { ByteSource } from '../core/source.ts'
import type { ChunkIndex } from './chunk-index.ts'
import type { ChunkSet } from './chunk-set.ts'

export interface PartialFile {
  /** Chunks that an earlier run proved; of a file that nobody's journal knows, those that are found in it. */
  readonly proven: ChunkSet
  /** @throws SlotbenchError `host-space` or `host-io`. */
  write(offset: number, content: Uint8Array): Promise<void>
  /** @throws SlotbenchError `source-truncated` or `host-io`. */
  read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  /** Fills `target` as `read` would. */
  readInto(target: Uint8Array<ArrayBuffer>, offset: number, signal: AbortSignal): Promise<void>
  /** Brings everything written to the disk, and then notes `proven` in the journal: never the other way round. */
  save(proven: ChunkSet): Promise<void>
  /** Room that is left where it lies. */
  freeBytes(): Promise<Bytes>
}

/** A file at hand that may have chunks in common with the wanted one. */
export interface Seed {
  readonly index: ChunkIndex
  readonly source: ByteSource
}
