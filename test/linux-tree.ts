// A Linux host as a folder: sysfs, procfs, udev's records and device files, made of a compact description, for the doctor's readers.
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface TreeDevice {
  /** `1-2.3`. */
  readonly sysfs: string
  /** `19d2:ffcf`. */
  readonly usb: string
  readonly address?: number
  /** Megabits per second, as sysfs writes it. */
  readonly speed?: string
  readonly version?: string
  /** bDeviceClass, hexadecimal. */
  readonly deviceClass?: string
  readonly product?: string
  readonly serial?: string
  /** `ff/42/03` with the driver and the device file that it made: `ff/ff/ff qcserial ttyUSB0`. */
  readonly interfaces?: readonly string[]
  readonly power?: string
  readonly bos?: readonly number[]
  readonly superPort?: boolean
  /** Lines of its udev record. */
  readonly udev?: readonly string[]
  /** Without its file in /dev. */
  readonly noFile?: boolean
}

export interface TreeProcess {
  readonly pid: number
  readonly name: string
  readonly cmdline?: string
  readonly open?: readonly string[]
}

export interface TreeHost {
  readonly devices?: readonly TreeDevice[]
  readonly processes?: readonly TreeProcess[]
  /** Path → text; `null` makes a link to /dev/null. */
  readonly files?: Readonly<Record<string, string | null>>
  readonly noUsb?: boolean
}

/** @returns the root of the tree, in the system's folder for temporary files; whoever asked removes it. */
export function linuxTree(host: TreeHost): string {
  const root = mkdtempSync(join(tmpdir(), 'slotbench-linux-'))
  const put = (path: string, data: string | Uint8Array) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), data)
  }
  const link = (path: string, target: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    symlinkSync(target, join(root, path))
  }
  if (host.noUsb !== true) mkdirSync(join(root, 'sys/bus/usb/devices'), { recursive: true })
  for (const device of host.devices ?? []) addDevice(device, put, link)
  for (const { pid, name, cmdline = name, open = [] } of host.processes ?? []) {
    put(`proc/${pid}/comm`, `${name}\n`)
    put(`proc/${pid}/cmdline`, cmdline.replaceAll(' ', '\0'))
    mkdirSync(join(root, `proc/${pid}/fd`))
    for (const [fd, file] of open.entries()) link(`proc/${pid}/fd/${fd}`, file)
  }
  for (const [path, text] of Object.entries(host.files ?? {})) {
    if (text === null) link(path, '/dev/null')
    else put(path, text)
  }
  return root
}

function addDevice(
  device: TreeDevice,
  put: (path: string, data: string | Uint8Array) => void,
  link: (path: string, target: string) => void,
): void {
  const { sysfs, usb, address = 5 } = device
  const folder = `sys/bus/usb/devices/${sysfs}`
  const bus = Number.parseInt(sysfs, 10)
  const [vendor, product] = usb.split(':')
  const attributes = {
    idVendor: vendor,
    idProduct: product,
    busnum: String(bus),
    devnum: String(address),
    bDeviceClass: device.deviceClass ?? '00',
    speed: device.speed ?? '480',
    // Right-aligned, as the kernel writes it.
    version: ` ${device.version ?? '2.00'}`,
    product: device.product,
    serial: device.serial,
    'power/control': device.power ?? 'on',
  }
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) put(`${folder}/${name}`, `${value}\n`)
  if (device.bos !== undefined) put(`${folder}/bos_descriptors`, Uint8Array.from(device.bos))
  if (device.superPort === true) put(`${folder}/port/peer/location`, '')
  for (const [number, text] of (device.interfaces ?? ['ff/42/03']).entries()) {
    const [classes = '', driver, file] = text.split(' ')
    const [cls, subclass, protocol] = classes.split('/')
    const own = `${folder}/${sysfs}:1.${number}`
    put(`${own}/bInterfaceNumber`, `${number.toString(16).padStart(2, '0')}\n`)
    put(`${own}/bInterfaceClass`, `${cls}\n`)
    put(`${own}/bInterfaceSubClass`, `${subclass}\n`)
    put(`${own}/bInterfaceProtocol`, `${protocol}\n`)
    if (driver !== undefined) link(`${own}/driver`, `../../../../../../bus/usb/drivers/${driver}`)
    if (file?.startsWith('ttyUSB')) put(`${own}/${file}/uevent`, '')
    else if (file?.startsWith('tty')) put(`${own}/tty/${file}/uevent`, '')
    else if (file !== undefined) put(`${own}/usbmisc/${file}/uevent`, '')
  }
  const three = (n: number) => String(n).padStart(3, '0')
  if (device.noFile !== true) put(`dev/bus/usb/${three(bus)}/${three(address)}`, '')
  if (device.udev !== undefined)
    put(`run/udev/data/c189:${(bus - 1) * 128 + address - 1}`, `${device.udev.join('\n')}\n`)
}
