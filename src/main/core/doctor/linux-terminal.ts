// A USB device of a Linux host as the terminal that it is, or may be.
import type { DoctorDevice } from '../../../shared/doctor.ts'
import type { Recognised } from '../../../shared/recognised.ts'
import { recogniseUsb, usbId } from '../identity/recognise-usb.ts'
import type { Holder, HostInterface, LinuxInspection, LinuxUsbDevice } from './inspection.ts'

/** One device that is, or may be, a terminal, with who holds it. */
export interface LinuxTerminal {
  readonly place: string
  readonly device: LinuxUsbDevice
  readonly personality: Recognised
  readonly holders: readonly Holder[]
}

/** Empty for what is no terminal. */
export function asTerminal(device: LinuxUsbDevice, host: LinuxInspection): readonly LinuxTerminal[] {
  const { vendorId, productId, interfaces } = device
  const personality = recogniseUsb({
    vendorId,
    productId,
    // A device that was not configured has no interfaces in sysfs; what it would offer is not known.
    interfaces: interfaces.length === 0 ? undefined : interfaces,
  })
  if (personality === undefined) return []
  const files = new Set([device.file, ...interfaces.flatMap((i) => i.files)])
  return [
    {
      place: `usb:${device.sysfs}`,
      device,
      personality,
      holders: host.holders.filter((holder) => files.has(holder.file)),
    },
  ]
}

export function asDevice({ place, device, personality, holders }: LinuxTerminal): DoctorDevice {
  const couldDo = device.deviceCan ?? (device.portCanSuper ? 5000 : undefined)
  return {
    place,
    usb: usbId(device),
    ...(device.product !== undefined && { product: device.product }),
    ...(device.serial !== undefined && { serial: device.serial }),
    personality,
    ...(device.speed !== undefined && { speed: device.speed }),
    ...(couldDo !== undefined && couldDo > (device.speed ?? 0) && { couldDo }),
    hubs: hubsOf(device),
    interfaces: device.interfaces.map((i) => ({
      number: i.number,
      classes: classesOf(i),
      ...(i.driver !== undefined && { driver: i.driver }),
    })),
    ...(device.access !== 'missing' && { mayOpen: device.access === 'yes' }),
    holders: holders.map(({ pid, name }) => ({ pid, name })),
  }
}

/** `1-2.3`: one number is a port of the computer, each further one a hub. */
export function hubsOf({ sysfs }: Pick<LinuxUsbDevice, 'sysfs'>): number {
  return sysfs.split('.').length - 1
}

function classesOf(i: HostInterface): string {
  const hex2 = (n: number) => n.toString(16).padStart(2, '0')
  return [i.interfaceClass, i.interfaceSubclass, i.interfaceProtocol].map(hex2).join('/')
}
