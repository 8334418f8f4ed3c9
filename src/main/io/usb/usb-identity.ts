// What a USB device speaks, told by its interface classes (and for EDL by its ids), and where it stands.
import type { BayId } from '../../../shared/units.ts'
import { usbId } from '../../core/identity/recognise-usb.ts'
import type { UsbAlternateInfo, UsbDeviceLike, UsbEndpointInfo, UsbInterfaceInfo } from './backend.ts'
import type { UsbIds } from './usb-modes.ts'

const VENDOR_CLASS = 0xff
const ANDROID_SUBCLASS = 0x42
const EDL_SUBCLASS = 0xff
const ANDROID_PROTOCOLS = { adb: 0x01, fastboot: 0x03 } as const

/** Sahara and Firehose have no class of their own: ff/ff stands for anything of a vendor's, so these ids vouch for it (zte-domain §2.1).
 * The crash modes (05c6:900e, 19d2:0112) are left out on purpose: they speak Sahara too, and nothing can be written in them. */
const EDL_DEVICES: ReadonlySet<string> = new Set(['05c6:9008', '3801:9008', '19d2:0076'])

export type UsbProtocol = keyof typeof ANDROID_PROTOCOLS | 'edl'

/** The interface and the two pipes on which a protocol runs. */
export interface BulkPipes {
  readonly protocol: UsbProtocol
  readonly interfaceNumber: number
  readonly input: UsbEndpointInfo
  readonly output: UsbEndpointInfo
}

/** What the device speaks; fastboot where it offers ADB as well, for only one can be open and fastboot can write. */
export function protocolOf(ids: UsbIds, interfaces: readonly UsbInterfaceInfo[]): UsbProtocol | undefined {
  if (offers(interfaces, 'fastboot')) return 'fastboot'
  if (offers(interfaces, 'adb')) return 'adb'
  return EDL_DEVICES.has(usbId(ids)) && offers(interfaces, 'edl') ? 'edl' : undefined
}

/** Undefined when no interface of that protocol has a bulk endpoint each way. */
export function bulkPipes(
  interfaces: readonly UsbInterfaceInfo[],
  protocol: UsbProtocol,
): BulkPipes | undefined {
  for (const { interfaceNumber, alternates } of interfaces) {
    for (const alternate of alternates) {
      if (!speaks(alternate, protocol)) continue
      const bulk = alternate.endpoints.filter(
        (endpoint) => endpoint.type === 'bulk' && endpoint.packetSize > 0,
      )
      const input = bulk.find((endpoint) => endpoint.direction === 'in')
      const output = bulk.find((endpoint) => endpoint.direction === 'out')
      if (input && output) return { protocol, interfaceNumber, input, output }
    }
  }
  return undefined
}

/** Stable over re-enumeration. Linux names buses `001`; other systems have names of their own. */
export function usbBay(device: Pick<UsbDeviceLike, 'bus' | 'ports'>): BayId {
  const bus = /^\d+$/.test(device.bus) ? String(Number(device.bus)) : device.bus.replace(/[^\w.]+/g, '_')
  return `usb:${bus}-${device.ports.join('.')}` as BayId
}

function offers(interfaces: readonly UsbInterfaceInfo[], protocol: UsbProtocol): boolean {
  return interfaces.some(({ alternates }) => alternates.some((alternate) => speaks(alternate, protocol)))
}

/** The protocol byte of EDL differs by generation (ff, 10, 11, 13; qdl `usb.c`) and says nothing. */
function speaks(alternate: UsbAlternateInfo, protocol: UsbProtocol): boolean {
  if (alternate.interfaceClass !== VENDOR_CLASS) return false
  if (protocol === 'edl') return alternate.interfaceSubclass === EDL_SUBCLASS
  return (
    alternate.interfaceSubclass === ANDROID_SUBCLASS &&
    alternate.interfaceProtocol === ANDROID_PROTOCOLS[protocol]
  )
}
