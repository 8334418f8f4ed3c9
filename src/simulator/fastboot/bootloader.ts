// What the fastboot commands need of the terminal around them.
import type { SlotStore } from '../boot/slot-store.ts'
import type { DownloadBuffer } from '../download-buffer.ts'
import type { FaultInjector } from '../fault-injector.ts'
import type { PartitionProfile, TerminalProfile } from '../profiles/types.ts'
import type { Disk, Partition } from '../storage/disk.ts'
import type { BatteryState, Departure } from '../terminal-state.ts'

/** A running bootloader. Lives from one power-on to the next. */
export interface Bootloader {
  readonly profile: TerminalProfile
  readonly serial: string | undefined
  readonly disk: Disk
  readonly slots: SlotStore | undefined
  readonly battery: BatteryState
  readonly download: DownloadBuffer
  readonly injector: FaultInjector
}

/** What one command can do while it is executed. */
export interface Conversing {
  info(words: string): Promise<void>
  /** Announces `bytes` and takes them into the download buffer. */
  receive(bytes: number): Promise<void>
  /** Announces and sends them, as `fetch` does. */
  sendData(bytes: number, pieces: AsyncIterable<Uint8Array<ArrayBuffer>>): Promise<void>
  /** After the reply. */
  leave(to: Departure): void
}

export interface CommandContext extends Conversing {
  readonly bootloader: Bootloader
}

/** Whatever speaks fastboot: the bootloader, or fastbootd. */
export interface FastbootMachine {
  readonly injector: FaultInjector
  readonly download: DownloadBuffer
  /** Longest reply, prefix included. */
  readonly replyBytes: number
  /** @returns the words of the OKAY. @throws Refused with those of the FAIL. */
  execute(conversing: Conversing, line: string): Promise<string>
}

/** The words of a FAIL. Anything a command throws otherwise is a fault of the simulator. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

/** The partition that a host means: its full name, or the base name of a slotted one, which stands for the active slot.
 * @throws Refused when there is none. */
export async function targetPartition(bootloader: Bootloader, name: string): Promise<Partition> {
  const { disk, slots } = bootloader
  const direct = disk.find(name)
  if (direct) return direct
  const inSlot = slots && disk.find(`${name}_${(await slots.read()).active}`)
  if (!inSlot) throw new Refused(`partition ${name} does not exist`)
  return inSlot
}

export function partitionProfile(bootloader: Bootloader, fullName: string): PartitionProfile | undefined {
  return bootloader.profile.partitions.find(
    ({ name, slotted }) =>
      fullName === name || (slotted && (fullName === `${name}_a` || fullName === `${name}_b`)),
  )
}
