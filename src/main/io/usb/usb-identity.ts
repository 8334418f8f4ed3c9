// What a USB device speaks, told by its interface classes, and where it stands.
import type { BayId } from '../../../shared/units.ts'
import type { UsbDeviceLike, UsbEndpointInfo, UsbInterfaceInfo } from './backend.ts'

const VENDOR_CLASS = 0xff
const ANDROID_SUBCLASS = 0x42
const PROTOCOLS = { adb: 0x01, fastboot: 0x03 } as const

export type AndroidProtocol = keyof typeof PROTOCOLS

/** The interface and the two pipes on which fastboot or ADB runs. */
export interface AndroidPipes {
  readonly protocol: AndroidProtocol
  readonly interfaceNumber: number
  readonly input: UsbEndpointInfo
  readonly output: UsbEndpointInfo
}

/** What the device speaks; fastboot where it offers both, for only one can be open and fastboot can write. */
export function protocolOf(interfaces: readonly UsbInterfaceInfo[]): AndroidProtocol | undefined {
  if (hasProtocol(interfaces, PROTOCOLS.fastboot)) return 'fastboot'
  return hasProtocol(interfaces, PROTOCOLS.adb) ? 'adb' : undefined
}

/** Undefined when no interface of that protocol has a bulk endpoint each way. */
export function androidPipes(
  interfaces: readonly UsbInterfaceInfo[],
  protocol: AndroidProtocol,
): AndroidPipes | undefined {
  for (const { interfaceNumber, alternates } of interfaces) {
    for (const alternate of alternates) {
      if (!isAndroid(alternate, PROTOCOLS[protocol])) continue
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

function hasProtocol(interfaces: readonly UsbInterfaceInfo[], protocol: number): boolean {
  return interfaces.some(({ alternates }) => alternates.some((alternate) => isAndroid(alternate, protocol)))
}

function isAndroid(alternate: UsbInterfaceInfo['alternates'][number], protocol: number): boolean {
  return (
    alternate.interfaceClass === VENDOR_CLASS &&
    alternate.interfaceSubclass === ANDROID_SUBCLASS &&
    alternate.interfaceProtocol === protocol
  )
}
