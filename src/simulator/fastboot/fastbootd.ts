// Userspace fastboot (AOSP fastboot/device): what it knows of the terminal, and which commands it has.

import { SlotbenchError } from '../../shared/errors.ts'
import type { Slot } from '../../shared/units.ts'
import type { BootedSystem } from '../adb-service.ts'
import type { SlotStore } from '../boot/slot-store.ts'
import type { DownloadBuffer } from '../download-buffer.ts'
import type { FaultInjector } from '../fault-injector.ts'
import type { FastbootdProfile, TerminalProfile } from '../profiles/types.ts'
import type { Disk, Partition } from '../storage/disk.ts'
import { type MergeStatus, readMergeStatus } from '../super/merge-status.ts'
import { type LogicalPartitions, mapTable } from '../super/mount.ts'
import { metadataSlot, readTables, type Tables } from '../super/tables.ts'
import type { BatteryState } from '../terminal-state.ts'
import { type Bootloader, type Conversing, type FastbootMachine, Refused } from './bootloader.ts'
import { COMMANDS } from './fastbootd-commands.ts'

export class Fastbootd implements FastbootMachine {
  readonly profile: TerminalProfile
  readonly settings: FastbootdProfile
  readonly serial: string | undefined
  readonly battery: BatteryState
  readonly disk: Disk
  readonly slots: SlotStore | undefined
  readonly download: DownloadBuffer
  readonly booted: BootedSystem
  readonly replyBytes = 256
  /** The slot that counts as current: `set_active` changes it without a restart. */
  currentSlot: Slot | undefined
  readonly #bootloader: Bootloader

  constructor(bootloader: Bootloader, booted: BootedSystem) {
    const { profile, serial, battery, disk, slots, download } = bootloader
    if (!profile.dynamic) throw new SlotbenchError('internal', `${profile.id} has no fastbootd`)
    this.#bootloader = bootloader
    this.profile = profile
    this.settings = profile.dynamic.fastbootd
    this.serial = serial
    this.battery = battery
    this.disk = disk
    this.slots = slots
    this.download = download
    this.booted = booted
    this.currentSlot = booted.slot
  }

  get injector(): FaultInjector {
    return this.#bootloader.injector
  }

  get locked(): boolean {
    return !this.disk.storage.state.unlocked
  }

  async execute(conversing: Conversing, line: string): Promise<string> {
    const [name = '', ...args] = line.startsWith('oem ') ? [line.slice(0, 3), line] : line.split(':')
    const command = COMMANDS.get(name)
    if (!command) throw new Refused(`Unrecognized command ${name}`)
    return command({ ...conversing, device: this }, args)
  }

  /** The tables of the current slot. */
  tables(): Promise<Tables | undefined> {
    return readTables(this.disk, metadataSlot(this.currentSlot))
  }

  async logical(): Promise<LogicalPartitions> {
    return (await mapTable(this.disk, metadataSlot(this.currentSlot))) ?? new Map()
  }

  async isLogical(name: string): Promise<boolean> {
    return (await this.tables())?.metadata.partitions.some((partition) => partition.name === name) ?? false
  }

  /** Logical before physical, by its full name; one without a size cannot be opened. */
  async open(name: string): Promise<Partition | undefined> {
    return (await this.isLogical(name)) ? (await this.logical()).get(name) : this.disk.find(name)
  }

  /** What boot control says, so that it is the same as in the bootloader. */
  mergeStatus(): Promise<MergeStatus> {
    return readMergeStatus(this.disk, this.booted.slot)
  }

  /** Physical ones first, then those of super (utility.cpp, ListPartitions). */
  async partitionNames(): Promise<readonly string[]> {
    const physical = Array.from(this.disk.partitions, ({ name }) => name)
    const logical = (await this.tables())?.metadata.partitions.map(({ name }) => name) ?? []
    return [...new Set([...physical, ...logical])]
  }
}
