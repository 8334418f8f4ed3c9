// Whether another program holds an interface. On Linux detaching "the kernel driver" would take it away from that program.
import { readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { UsbDeviceLike } from './backend.ts'

const SYSFS_DEVICES = '/sys/bus/usb/devices'
/** The driver that stands for programs: whoever claimed the interface through /dev/bus/usb (Linux drivers/usb/core/devio.c). */
const PROGRAM_DRIVER = 'usbfs'

/** @param root where sysfs shows USB devices. False on systems without it, and when nothing holds the interface. */
export async function heldByProgram(
  { bus, ports, configuration }: UsbDeviceLike,
  interfaceNumber: number,
  root = SYSFS_DEVICES,
): Promise<boolean> {
  const number = Number(bus)
  if (!Number.isInteger(number) || ports.length === 0) return false
  const device = `${number}-${ports.join('.')}`
  const name = `${device}:${configuration?.configurationValue ?? 1}.${interfaceNumber}`
  try {
    return basename(await readlink(join(root, name, 'driver'))) === PROGRAM_DRIVER
  } catch {
    return false
  }
}
