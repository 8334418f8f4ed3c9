// What the engine sees of terminals: sightings on bays, and one session interface whatever the mode.
import type { SlotbenchError } from '../../shared/errors.ts'
import type { IoOptions } from '../../shared/io-options.ts'
import type { Recognised } from '../../shared/recognised.ts'
import type { Mode, TerminalFacts } from '../../shared/terminal.ts'
import type { BayId, Bytes, PartitionName, Sha256, Slot } from '../../shared/units.ts'
import type { GptTable } from '../core/formats/gpt.ts'
import type { ByteSource, ImageSource } from '../core/source.ts'
import type { SectorRange } from '../core/storage/sectors.ts'
import type { Workshop } from '../core/workshop.ts'
import type { Transport } from '../protocols/transport.ts'

/** Something attached to a bay, as far as it can be told without opening it. */
export interface Sighting {
  readonly bay: BayId
  /** From the USB interface class; `bootloader` stands for either fastboot mode until it is asked. */
  readonly mode: Mode
  /** What it speaks; undefined for what Slotbench only recognises. ADB stands for the running system until it is asked. */
  readonly protocol: 'fastboot' | 'adb' | 'edl' | undefined
  readonly serial: string | undefined
  readonly product: string | undefined
  readonly usb: UsbLinkInfo | undefined
  /** What its USB descriptors were recognised as; absent for network endpoints. */
  readonly personality?: Recognised
  /** From the product string of a Qualcomm boot ROM (EDL): eight hex digits. */
  readonly chipSerial?: string
  /** Why it cannot be opened, when that is already known (permission, driver). */
  readonly problem: SlotbenchError | undefined
  /** @throws SlotbenchError when the sighting is stale, busy or not permitted. */
  open(options: IoOptions): Promise<Transport>
}

export interface UsbLinkInfo {
  readonly vendorId: number
  readonly productId: number
  readonly address: number
  readonly speed: string | undefined
}

export interface Discovery {
  /** What is attached now. */
  sightings(): readonly Sighting[]
  /** Things to tell the user once (e.g. `usb-unavailable`). */
  readonly notices: readonly SlotbenchError[]
  /** Calls back after each change; returns the way to stop. */
  onChange(listener: () => void): () => void
  /** The first sighting that matches, now or later.
   * @throws SlotbenchError `terminal-not-found` at the deadline. */
  waitFor(matches: (sighting: Sighting) => boolean, options: IoOptions): Promise<Sighting>
  close(): Promise<void>
}

/** A discovery that can also be asked to look now, for listing. */
export interface BenchDiscovery extends Discovery {
  /** Looks once at everything that does not announce itself (network endpoints), then gives what is attached. */
  scan(options: IoOptions): Promise<readonly Sighting[]>
}

/** One kind of link on which terminals appear; `io` implements it for USB and for network endpoints. */
export interface SightingSource {
  sightings(): readonly Sighting[]
  readonly notices: readonly SlotbenchError[]
  onChange(listener: () => void): () => void
  /** Looks once. Never throws for what is not there.
   * @throws SlotbenchError `cancelled` when the signal is aborted. */
  scan(options: IoOptions): Promise<void>
  /** Milliseconds between scans while somebody waits; undefined when changes announce themselves. */
  readonly scanEveryMs: number | undefined
  close(): Promise<void>
}

export interface Capabilities {
  /** Partitions can be read back (`fetch`). */
  readonly readBack: boolean
  readonly setActive: boolean
  readonly logicalPartitions: boolean
}

/** Of what changes sectors. */
export interface ChangeOptions extends IoOptions {
  /** The bytes are this very terminal's own backup: only then may they go where its identity, radio calibration and keys lie (design,
   * rule 7). Where partitions are found by tables of ours (EDL), everything else is refused there with `partition-protected`. */
  readonly restore?: boolean
}

export interface WriteOptions extends ChangeOptions {
  readonly workshop: Workshop
  /** `done` and `total` in image bytes (not wire bytes); monotonic. */
  readonly onProgress?: (done: number, total: number) => void
  /** The image is this terminal's own backup: only then are radio and identity partitions written (design, rule 7). */
  readonly restore?: boolean
}

export interface DigestOptions extends WriteOptions {
  /** What it should be, where that is known: a terminal that digests by itself is then asked about its pieces, and nothing comes back over
   * the wire unless one differs. */
  readonly expected?: ImageSource
}

export interface WriteReceipt {
  /** Bytes of the image. */
  readonly imageBytes: Bytes
  /** Bytes that went over the wire. */
  readonly wireBytes: Bytes
  /** Of the expanded stream as it went to the wire, holes counted as zeros. */
  readonly sha256: Sha256
  readonly pieces: number
  readonly durationMs: number
}

export type RebootTarget = 'system' | 'bootloader' | 'fastbootd' | 'recovery' | 'sideload' | 'edl'

/** A terminal opened in its mode. `reboot` consumes the session: nothing can be written to a terminal that is gone. */
export interface TerminalSession {
  readonly protocol: 'fastboot' | 'adb' | 'edl'
  readonly bay: BayId
  /** Read once at opening; `refresh` reads them again. */
  readonly facts: TerminalFacts
  refresh(options: IoOptions): Promise<TerminalFacts>
  /** @throws SlotbenchError `terminal-refused` when this mode cannot be left for that one by itself. */
  reboot(to: RebootTarget, options: IoOptions): Promise<void>
  close(): Promise<void>
}

/** A terminal whose partitions can be written: in its bootloader, in fastbootd, or by a programmer in EDL. */
export interface FlashSession extends TerminalSession {
  readonly protocol: 'fastboot' | 'edl'
  readonly can: Capabilities
  /** Facts of the named partitions, and whether the base names are slotted, added to `facts`. */
  describe(names: readonly string[], options: IoOptions): Promise<TerminalFacts>
  /** @throws SlotbenchError `image-too-large`, `terminal-*`, `digest-mismatch` when the stream is not what the image promises. */
  write(target: PartitionName, image: ImageSource, options: WriteOptions): Promise<WriteReceipt>
  /** SHA-256 of the first `size` bytes as the terminal holds them. Only where `can.readBack`. */
  digest(target: PartitionName, size: Bytes, options: DigestOptions): Promise<Sha256>
  /** Bytes of the partition as the terminal holds them, in order. Only where `can.readBack`. */
  read(target: PartitionName, size: Bytes, options: IoOptions): AsyncIterable<Uint8Array<ArrayBuffer>>
  erase(target: PartitionName, options: ChangeOptions): Promise<void>
  setActive(slot: Slot, options: IoOptions): Promise<void>
  /** Done as well when there is none of that name. Only where `can.logicalPartitions`. */
  deleteLogical(target: PartitionName, options: IoOptions): Promise<void>
  /** Makes the logical partition when it is missing. Only where `can.logicalPartitions`.
   * @throws SlotbenchError `super-space` when super has no room. */
  resizeLogical(target: PartitionName, size: Bytes, options: ResizeOptions): Promise<void>
  /** Replaces the tables of super by those of lpmake's metadata image; `wipe` keeps nothing of the old ones. */
  updateSuper(tables: ImageSource, wipe: boolean, options: WriteOptions): Promise<void>
  /** `cancel`: drops a staged update. `merge`: finishes one, however long that takes. */
  snapshotUpdate(action: 'cancel' | 'merge', options: IoOptions): Promise<void>
}

/** One LUN, and what the two copies of its partition table say. */
export interface EdlDisk {
  readonly lun: number
  /** Bytes. */
  readonly sectorSize: number
  readonly sectors: number
  /** Undefined when neither copy can be read. */
  readonly table: GptTable | undefined
  /** `valid`, or what is wrong with that copy. */
  readonly primary: string
  readonly backup: string
}

/** A terminal in EDL with a Firehose programmer running on it. Partitions are found by the tables of its LUNs. Logical partitions are
 * reached through the tables of `super`, which this session reads and writes itself. */
export interface EdlSession extends FlashSession {
  readonly protocol: 'edl'
  readonly disks: readonly EdlDisk[]
  /** @throws SlotbenchError `image-too-large`, `partition-protected` where the sectors are those of a partition table or of a partition
   * that belongs to this one terminal, and on a LUN whose table cannot be read. */
  programSectors(range: SectorRange, image: ImageSource, options: WriteOptions): Promise<WriteReceipt>
  readSectors(range: SectorRange, options: IoOptions): AsyncIterable<Uint8Array<ArrayBuffer>>
  /** Digested on the terminal where its programmer can, else read back. */
  digestSectors(range: SectorRange, options: DigestOptions): Promise<Sha256>
  eraseSectors(range: SectorRange, options: ChangeOptions): Promise<void>
  /** Backup copy, read back, then primary copy, read back: one good copy is there at every moment. `disks` and `facts` follow.
   * @throws SlotbenchError `gpt-invalid`, `partition-protected` for a table that moves what belongs to this one terminal. */
  writeTable(lun: number, table: GptTable, options: ChangeOptions): Promise<void>
}

export interface ResizeOptions extends IoOptions {
  /** What the partition holds may go: where its size is refused, it is deleted and made anew. */
  readonly orAnew?: boolean
}

export interface SideloadReceipt {
  readonly bytes: Bytes
  /** Bytes that the terminal asked for; more than `bytes` when it read some twice. */
  readonly sentBytes: Bytes
  readonly durationMs: number
}

/** A terminal that speaks ADB: the running system, recovery, sideload, rescue. Which one, `facts.mode` says. */
export interface AdbSession extends TerminalSession {
  readonly protocol: 'adb'
  /** Gives the package to the recovery that asks for it, until its verdict. Only in `sideload` (and `rescue`).
   * @throws SlotbenchError `sideload-refused` with the terminal's own words; `terminal-wrong-mode`. */
  sideload(
    file: ByteSource,
    options: IoOptions & { readonly onProgress?: (done: number, total: number) => void },
  ): Promise<SideloadReceipt>
}

export interface OpenOptions extends IoOptions {
  /** The terminal waits for somebody to allow this computer on its screen. */
  readonly onPrompt?: () => void
}
