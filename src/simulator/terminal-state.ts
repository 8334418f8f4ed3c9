// What a simulated terminal runs, how it is told to run something else, and what it tells of itself.
import type { BootRecord } from './boot/record.ts'

/** `booting` also while it restarts for ever; `bricked`: stays in the bootloader because nothing boots;
 * `rom`: not even a bootloader, only the boot ROM's download mode; `programmer`: a loader that it was given runs;
 * `crashdump`: the boot chain crashed and gives its memory out. */
export type TerminalState =
  | 'off'
  | 'booting'
  | 'bootloader'
  | 'fastbootd'
  | 'system'
  | 'recovery'
  | 'sideload'
  | 'rescue'
  | 'charging'
  | 'bricked'
  | 'rom'
  | 'programmer'
  | 'crashdump'

export type TerminalEvent =
  /** `sameDevice`: nothing of it shows on a bus. */
  | { readonly kind: 'state'; readonly state: TerminalState; readonly sameDevice?: boolean }
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'reply'; readonly reply: string }
  | { readonly kind: 'boot'; readonly record: BootRecord }

/** What hands hold while the terminal starts (zte-domain §2.2). */
export type HeldKeys = 'bootloader' | 'recovery' | 'edl'

/** Why a start is not an ordinary one: held keys, the reset reason that the chip keeps, a charger on a terminal that is off, or a crash
 * of the boot chain. */
export type StartReason = HeldKeys | 'charging' | 'crash'

/** Where a terminal can be told to go; `sideload-auto-reboot` leaves recovery by itself when it is done. */
export type RebootTarget =
  | 'system'
  | 'bootloader'
  | 'fastbootd'
  | 'recovery'
  | 'sideload'
  | 'sideload-auto-reboot'
  | 'rescue'
  | 'edl'
  | 'off'

/** Where it goes when a host is done with it; `continue` goes on past the keys that brought it to its bootloader. */
export type Departure = RebootTarget | 'continue'

/** Modes between which recovery changes without a restart (AOSP recovery_main.cpp). */
export type RecoveryMode = 'recovery' | 'sideload' | 'rescue' | 'fastbootd'

export interface BatteryState {
  readonly millivolts: number
  readonly percent: number
  readonly ok: boolean
}
