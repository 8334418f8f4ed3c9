// The words a technician reads for modes and link speeds.
import type { BayView } from '../shared/contract.ts'
import type { Mode } from '../shared/terminal.ts'

export const MODE_WORDS: Readonly<Record<Mode, string>> = {
  system: 'System',
  recovery: 'Recovery',
  sideload: 'Sideload',
  rescue: 'Rescue',
  charging: 'Charging, switched off',
  bootloader: 'Fastboot',
  fastbootd: 'Fastbootd',
  edl: 'EDL',
  unisoc: 'Unisoc download',
  mediatek: 'MediaTek download',
  zxic: 'ZXIC download',
  crashdump: 'Crash dump',
  modem: 'Modem',
  unknown: 'Unknown mode',
}

export const PROTOCOL_WORDS: Readonly<Record<NonNullable<BayView['protocol']>, string>> = {
  fastboot: 'fastboot',
  adb: 'ADB',
  edl: 'EDL',
}

const SPEED_WORDS: Readonly<Record<string, string>> = {
  low: 'USB 1 (1.5 Mbit/s)',
  full: 'USB 1 (12 Mbit/s)',
  high: 'USB 2 (480 Mbit/s)',
  super: 'USB 3 (5 Gbit/s)',
  superPlus: 'USB 3 (10 Gbit/s)',
}

export function speedWords(speed: string | undefined): string {
  return speed === undefined ? 'unknown speed' : (SPEED_WORDS[speed] ?? speed)
}

/** `18d1:d00d`, as every other tool writes it. */
export function usbId(vendorId: number, productId: number): string {
  const hex = (id: number): string => id.toString(16).padStart(4, '0')
  return `${hex(vendorId)}:${hex(productId)}`
}
