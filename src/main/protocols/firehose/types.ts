// What a Firehose programmer does for whoever writes a terminal in EDL (zte-domain §4.2).
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Sha256 } from '../../../shared/units.ts'
import type { SectorRange } from '../../core/storage/sectors.ts'

export type MemoryName = 'ufs' | 'emmc' | 'nand' | 'spinor' | 'nvme'

/** What `configure` negotiated. */
export interface FirehoseLimits {
  readonly memory: MemoryName
  /** Bytes of one payload to the terminal. */
  readonly payloadToTarget: number
  /** A "peek" loader reads and identifies and refuses to write (zte-domain §4.2.2). */
  readonly readOnly: boolean
  readonly targetName: string | undefined
}

export interface StorageInfo {
  readonly lun: number
  /** Bytes. */
  readonly sectorSize: number
  readonly sectors: number
  /** How many LUNs there are, where the programmer tells. */
  readonly luns: number | undefined
  readonly memory: string | undefined
  readonly product: string | undefined
  readonly serial: string | undefined
}

/** Sectors to work on, with the size that they have on this storage. */
export interface SectorTarget extends SectorRange {
  readonly sectorSize: number
}

export interface Patch {
  readonly lun: number
  /** A number, or an expression that the programmer evaluates (`NUM_DISK_SECTORS-1.`). */
  readonly startSector: number | string
  readonly sectorSize: number
  readonly byteOffset: number
  readonly sizeInBytes: 1 | 2 | 4 | 8
  readonly value: string
}

export interface ProgramOptions extends IoOptions {
  /** @param bytes of the content that the terminal has taken so far; their memory is not looked at again. */
  readonly onSent?: (bytes: number) => void
}

/** A programmer that runs and is configured. One command at a time; after an error in mid-command it is poisoned: everything after it
 * throws `terminal-garbled`, and the terminal has to be opened anew. */
export interface Firehose {
  readonly limits: FirehoseLimits
  nop(options: IoOptions): Promise<void>
  /** Undefined where the programmer does not tell, or there is no such LUN. */
  storageInfo(lun: number, options: IoOptions): Promise<StorageInfo | undefined>
  /** @param content exactly `count * sectorSize` bytes, in pieces of any length. While one goes out the next is asked for, so the memory of
   * a piece must stay as it is until `onSent` has counted it, or `program` ends.
   * @throws SlotbenchError `terminal-refused` with the programmer's own words (its last log line), `terminal-*`. */
  program(
    target: SectorTarget,
    content: AsyncIterable<Uint8Array<ArrayBuffer>>,
    options: ProgramOptions,
  ): Promise<void>
  read(target: SectorTarget, options: IoOptions): AsyncIterable<Uint8Array<ArrayBuffer>>
  /** SHA-256 of the sectors as the terminal computes it; undefined where the programmer cannot. The caller keeps ranges at or below
   * 512 MiB (zte-domain §0.10). */
  digest(target: SectorTarget, options: IoOptions): Promise<Sha256 | undefined>
  erase(target: SectorTarget, options: IoOptions): Promise<void>
  patch(patch: Patch, options: IoOptions): Promise<void>
  /** UFS boot LUN: 1 for slot a, 2 for slot b. */
  setBootableDrive(lun: number, options: IoOptions): Promise<void>
  /** Consumes the programmer. */
  power(to: 'reset' | 'off' | 'reset_to_edl', options: IoOptions): Promise<void>
  close(): Promise<void>
}
