// The place of ADB in a simulated terminal: what its daemon is given, and when hosts reach it.

import type { Slot } from '../shared/units.ts'
import type { SlotStore } from './boot/slot-store.ts'
import type { FaultInjector } from './fault-injector.ts'
import type { TerminalProfile } from './profiles/types.ts'
import type { Disk } from './storage/disk.ts'
import type { BatteryState, RebootTarget, RecoveryMode, TerminalState } from './terminal-state.ts'

export const ADB_MODES = ['system', 'recovery', 'sideload', 'rescue', 'charging'] as const
export type AdbMode = (typeof ADB_MODES)[number]

export function isAdbMode(state: TerminalState): state is AdbMode {
  return ADB_MODES.some((mode) => mode === state)
}

/** What came up at the last boot. */
export interface BootedSystem {
  /** Undefined on terminals without slots. */
  readonly slot: Slot | undefined
  /** What the slot's vbmeta calls its build: the fingerprint. */
  readonly build: string | undefined
  /** Every property of the slot's vbmeta images, e.g. `com.android.build.system.security_patch`. */
  readonly properties: ReadonlyMap<string, string>
  /** When the mode came up, milliseconds since 1970. */
  readonly at: number
}

/** A stream of bytes between a host and the daemon. */
export interface ByteLink {
  /** Some bytes, never none. @throws any error once the host is gone or the link is closed. */
  read(): Promise<Uint8Array<ArrayBuffer>>
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>
  /** Pending reads and writes reject. What was written before an orderly end still reaches the host. */
  close(how: 'orderly' | 'abrupt'): void
}

/** The terminal around a running daemon. Valid until the mode ends. */
export interface AdbMachine {
  readonly mode: AdbMode
  readonly profile: TerminalProfile
  readonly serial: string | undefined
  readonly battery: BatteryState
  /** Written through a gate that knows whether there is power: any write may throw PowerLost, which goes up uncaught. */
  readonly disk: Disk
  readonly slots: SlotStore | undefined
  readonly unlocked: boolean
  readonly booted: BootedSystem
  /** Faults that are planned now; ask anew each time. */
  readonly injector: FaultInjector
  /** Leaves word in misc where the target needs it, then restarts. All links are closed; the daemon ends with them.
   * @throws PowerLost. */
  reboot(to: RebootTarget): Promise<void>
  /** Changes the mode without a restart, as the menu of recovery does; the bus sees another device.
   * Only in `recovery`, `sideload` and `rescue`. */
  switchTo(mode: RecoveryMode): void
  /** Tells listeners of the terminal what a host asked for, e.g. `shell:getprop`. */
  note(command: string): void
}

/** Serves one host until its link ends. Several hosts may be served at the same time. */
export type AdbDaemon = (machine: AdbMachine, link: ByteLink) => Promise<void>

/** The ADB side of one terminal. */
export interface AdbDevice {
  /** Serves the host until the link ends or the mode does, then closes the link; a host that comes in a mode without ADB is
   * turned away. */
  serve(link: ByteLink): Promise<void>
}

/** A terminal whose ADB shows on the bus and says nothing, until a daemon is handed in. */
export const silentDaemon: AdbDaemon = async (_machine, link) => {
  try {
    for (;;) await link.read()
  } catch {
    // The host or the mode is gone.
  }
}
