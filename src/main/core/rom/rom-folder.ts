// A folder in which a ROM is being made. Declared here, implemented over the file system by `io/files`.
import type { ByteSource } from '../source.ts'

/** A file of fixed size that is read and written anywhere. */
export interface WorkFile extends ByteSource {
  /** Made by this opening: it is all zeros where nothing was written since. */
  readonly fresh: boolean
  /** @throws SlotbenchError `host-space`, `host-io`, `cancelled`. */
  write(offset: number, bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** What was written is on the disk when this comes back. */
  sync(): Promise<void>
}

export interface RomFolder {
  readonly path: string
  /** Bytes that may still be written to its disk. */
  freeBytes(): Promise<number>
  /** Bytes that the unfinished file of this name takes up on the disk; 0 where there is none. */
  workBytes(name: string): Promise<number>
  /** The unfinished file of this name, made where it is missing or has another size. */
  work(name: string, size: number): Promise<WorkFile>
  /** Gives a closed work file its name: it is there whole from then on. */
  publish(name: string): Promise<void>
  /** The finished file of this name is there. */
  has(name: string): Promise<boolean>
  /** @returns undefined where there is none, or one that is too large to be text. */
  readText(name: string): Promise<string | undefined>
  /** Whole or not at all. */
  saveText(name: string, text: string): Promise<void>
  /** Removes an unfinished file. */
  discard(name: string): Promise<void>
}
