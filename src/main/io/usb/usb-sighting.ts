// One USB device as a sighting. Every getter of the package may open the device and throw, so each is read once and guarded.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { chipSerialOf } from '../../core/identity/chip-serial.ts'
import type { Transport } from '../../protocols/transport.ts'
import type { Sighting } from '../../terminals/types.ts'
import type { UsbDeviceLike, UsbInterfaceInfo } from './backend.ts'
import { classifyUsbError } from './usb-errors.ts'
import { protocolOf, usbBay } from './usb-identity.ts'
import { personalityOf } from './usb-modes.ts'
import { openUsb } from './usb-transport.ts'

export interface SightingOwner {
  /** Whether the device has left since. */
  readonly isStale: () => boolean
  /** A transfer showed that the device is away. */
  readonly onGone: () => void
}

/** Undefined for what is no terminal. */
export function sightingOf(device: UsbDeviceLike, owner: SightingOwner): Sighting | undefined {
  const bay = usbBay(device)
  const { interfaces, problem } = readInterfaces(device, bay)
  const personality = personalityOf(device, interfaces)
  if (personality === undefined) return undefined
  const { mode } = personality
  const product = textOf(() => device.productName)
  const chipSerial = chipSerialOf(product)
  const protocol = interfaces && protocolOf(device, interfaces)
  let opening = false
  return {
    bay,
    mode,
    protocol,
    serial: textOf(() => device.serialNumber),
    product,
    personality,
    ...(chipSerial !== undefined && { chipSerial }),
    usb: {
      vendorId: device.vendorId,
      productId: device.productId,
      address: device.address,
      speed: device.speed,
    },
    problem,
    open: async (o: IoOptions): Promise<Transport> => {
      if (owner.isStale())
        throw new SlotbenchError('terminal-gone', 'the terminal has left this port', { context: { bay } })
      if (protocol === undefined)
        throw (
          problem ??
          new SlotbenchError('terminal-wrong-mode', `the terminal is in ${mode} mode`, { context: { bay } })
        )
      // Two opens at once would both find the device closed.
      if (opening)
        throw new SlotbenchError('usb-busy', 'the device is being opened already', { context: { bay } })
      opening = true
      try {
        return await openUsb(device, protocol, { ...o, onGone: owner.onGone })
      } finally {
        opening = false
      }
    },
  }
}

function readInterfaces(
  device: UsbDeviceLike,
  bay: string,
): {
  readonly interfaces: readonly UsbInterfaceInfo[] | undefined
  readonly problem: SlotbenchError | undefined
} {
  try {
    return { interfaces: device.configuration?.interfaces ?? [], problem: undefined }
  } catch (thrown) {
    return { interfaces: undefined, problem: classifyUsbError(thrown, bay) }
  }
}

function textOf(read: () => string | null | undefined): string | undefined {
  try {
    return read()?.trim() || undefined
  } catch {
    return undefined
  }
}
