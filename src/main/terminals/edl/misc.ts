// The misc partition of a terminal in EDL: what boots next, slots where they are kept there, and whether an update is staged.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import {
  BOOTLOADER_CONTROL_OFFSET,
  BOOTLOADER_CONTROL_SIZE,
  BOOTLOADER_MESSAGE_SIZE,
  type BootloaderControl,
  encodeBootloaderControl,
  parseBootloaderControl,
  withBootCommand,
} from '../../core/formats/bootctl.ts'
import {
  parseVirtualAbMessage,
  VIRTUAL_AB_OFFSET,
  VIRTUAL_AB_SIZE,
  type VirtualAbMessage,
  withMergeStatus,
} from '../../core/formats/virtual-ab-message.ts'
import { findPartition, type PlacedPartition } from '../../core/storage/partitions.ts'
import type { EdlDisk, RebootTarget } from '../types.ts'
import { tablesOf } from './read-storage.ts'
import { type Lun, offsetIn, type SectorIo } from './sector-io.ts'

/** What misc says; each part may be missing. */
export interface MiscContent {
  readonly control: BootloaderControl | undefined
  readonly update: VirtualAbMessage | undefined
}

/** What the next boot is asked for (AOSP bootloader_message.h, init reboot.cpp; zte-domain §4.5). */
export interface BootWish {
  readonly command: 'bootonce-bootloader' | 'boot-fastboot' | 'boot-recovery'
  readonly recovery?: string
}

/** The misc partition of the tables, as a place on its LUN. */
export class Misc {
  readonly #io: SectorIo
  readonly #lun: Lun
  readonly #place: PlacedPartition

  private constructor(io: SectorIo, lun: Lun, place: PlacedPartition) {
    this.#io = io
    this.#lun = lun
    this.#place = place
  }

  /** Undefined when no table names it, or it is too small to hold a message.
   * @throws SlotbenchError `gpt-invalid` when it stands in two tables. */
  static in(disks: readonly EdlDisk[], io: SectorIo): Misc | undefined {
    const place = findPartition(tablesOf(disks), 'misc')
    const lun = disks.find((disk) => disk.lun === place?.range.lun)
    if (
      place === undefined ||
      lun === undefined ||
      place.size < BOOTLOADER_MESSAGE_SIZE + BOOTLOADER_CONTROL_SIZE
    )
      return undefined
    return new Misc(io, lun, place)
  }

  async read(o: IoOptions): Promise<MiscContent> {
    const control = await this.#bytes(BOOTLOADER_CONTROL_OFFSET, BOOTLOADER_CONTROL_SIZE, o)
    const hasUpdate = this.#place.size >= VIRTUAL_AB_OFFSET + VIRTUAL_AB_SIZE
    const update = hasUpdate ? await this.#bytes(VIRTUAL_AB_OFFSET, VIRTUAL_AB_SIZE, o) : undefined
    return { control: parsed(control), update: update && parseVirtualAbMessage(update) }
  }

  async writeControl(control: BootloaderControl, o: IoOptions): Promise<void> {
    await this.#write(BOOTLOADER_CONTROL_OFFSET, encodeBootloaderControl(control), o)
  }

  /** Tells the next boot of the system that the staged update is to be dropped; nothing of it is touched here. */
  async cancelUpdate(o: IoOptions): Promise<void> {
    const present = await this.#bytes(VIRTUAL_AB_OFFSET, VIRTUAL_AB_SIZE, o)
    await this.#write(VIRTUAL_AB_OFFSET, withMergeStatus(present, 'cancelled'), o)
  }

  async askFor({ command, recovery = '' }: BootWish, o: IoOptions): Promise<void> {
    const present = await this.#bytes(0, BOOTLOADER_MESSAGE_SIZE, o)
    await this.#write(0, withBootCommand(present, { command, recovery }), o)
  }

  async #bytes(offset: number, length: number, o: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#io.read(this.#lun, { offset: offsetIn(this.#place, offset), length }, o)
  }

  async #write(offset: number, bytes: Uint8Array, o: IoOptions): Promise<void> {
    await this.#io.write(this.#lun, offsetIn(this.#place, offset), bytes, o)
  }
}

/** Damaged or never written: most Qualcomm terminals have none (zte-domain §4.5). */
function parsed(bytes: Uint8Array): BootloaderControl | undefined {
  try {
    return parseBootloaderControl(bytes)
  } catch (thrown) {
    if (thrown instanceof SlotbenchError && thrown.code === 'bootctl-invalid') return undefined
    throw thrown
  }
}

/** Undefined where no message is needed. */
export function bootWish(to: RebootTarget): BootWish | undefined {
  switch (to) {
    case 'system':
    case 'edl':
      return undefined
    case 'bootloader':
      return { command: 'bootonce-bootloader' }
    case 'fastbootd':
      return { command: 'boot-fastboot' }
    case 'recovery':
      return { command: 'boot-recovery', recovery: 'recovery\n' }
    case 'sideload':
      return { command: 'boot-recovery', recovery: 'recovery\n--sideload\n' }
    default:
      return missingCase(to)
  }
}
