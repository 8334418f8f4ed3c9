// From one power-on to the next: what RAM holds while a simulated terminal runs.
import type { BootedSystem, ByteLink } from './adb-service.ts'
import { slotStore } from './boot/slot-store.ts'
import { DownloadBuffer } from './download-buffer.ts'
import type { BulkLink } from './edl/bulk-link.ts'
import type { EdlState } from './edl/edl-service.ts'
import type { Bootloader } from './fastboot/bootloader.ts'
import type { Fastbootd } from './fastboot/fastbootd.ts'
import type { FaultInjector } from './fault-injector.ts'
import type { HostLink } from './host-link.ts'
import type { TerminalProfile } from './profiles/types.ts'
import { Disk } from './storage/disk.ts'
import type { SimulatedStorage, WritePlace } from './storage/storage.ts'
import type { BatteryState } from './terminal-state.ts'

export type SessionLink = HostLink | ByteLink | BulkLink

export interface Session {
  readonly bootloader: Bootloader
  readonly links: Set<SessionLink>
  /** What the boot ROM was given; undefined as long as it waits. */
  edl: EdlState | undefined
  /** Undefined until something has booted. */
  booted: BootedSystem | undefined
  /** Userspace fastboot, once it is up. */
  fastbootd: Fastbootd | undefined
  alive: boolean
}

export interface Hardware {
  readonly profile: TerminalProfile
  readonly serial: string | undefined
  readonly storage: SimulatedStorage
  readonly battery: BatteryState
  /** The faults that are planned now. */
  injector(): FaultInjector
}

/** Power is there: the tables are read, and every write asks whether it still is. */
export async function beginSession(hardware: Hardware): Promise<Session> {
  const life = { alive: true }
  const { profile, serial, battery } = hardware
  const gate = {
    admit: (bytes: Uint8Array, sectorSize: number, place?: WritePlace) =>
      hardware.injector().write(bytes, sectorSize, () => life.alive, place),
  }
  const disk = await Disk.load(hardware.storage.gated(gate))
  const bootloader: Bootloader = {
    ...{ profile, serial, disk, battery, download: new DownloadBuffer() },
    slots: slotStore(profile.slotScheme, disk),
    get injector() {
      return hardware.injector()
    },
  }
  return Object.assign(life, {
    bootloader,
    links: new Set<SessionLink>(),
    edl: undefined,
    booted: undefined,
    fastbootd: undefined,
  })
}
