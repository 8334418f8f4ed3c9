// USB devices as sysfs shows them (Documentation/ABI/testing/sysfs-bus-usb), with the file, the access and the udev record of each.
import { access, constants, readdir, readFile, readlink, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { HostInterface, LinuxUsbDevice } from '../../core/doctor/inspection.ts'
import { parseUdevRecord } from '../../core/doctor/udev-rule.ts'
import { fastestLink } from '../../core/doctor/usb-object-store.ts'
import { hexFile, numberFile, textFile } from './small-files.ts'

const DEVICE = /^\d+-\d+(\.\d+)*$/
/** bDeviceClass of a hub. */
const HUB = 0x09
/** Character devices below /dev/bus/usb (Documentation/admin-guide/devices.txt). */
const USB_MAJOR = 189

/** @param root `/`, or a folder that holds a tree of sys, dev and run.
 * @returns undefined where the kernel shows no USB. Hubs are left out. */
export async function readUsbDevices(root: string): Promise<readonly LinuxUsbDevice[] | undefined> {
  const folder = join(root, 'sys/bus/usb/devices')
  const names = await readdir(folder).catch(() => undefined)
  if (names === undefined) return undefined
  const devices = await Promise.all(
    names
      .filter((name) => DEVICE.test(name))
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .map((name) => readDevice(root, name)),
  )
  return devices.filter((device) => device !== undefined)
}

/** Undefined for hubs, and for what was unplugged meanwhile. */
async function readDevice(root: string, sysfs: string): Promise<LinuxUsbDevice | undefined> {
  const folder = join(root, 'sys/bus/usb/devices', sysfs)
  const [vendorId, productId, busNumber, deviceNumber, deviceClass] = await Promise.all([
    hexFile(folder, 'idVendor'),
    hexFile(folder, 'idProduct'),
    numberFile(folder, 'busnum'),
    numberFile(folder, 'devnum'),
    hexFile(folder, 'bDeviceClass'),
  ])
  if (vendorId === undefined || productId === undefined || deviceClass === HUB) return undefined
  if (busNumber === undefined || deviceNumber === undefined) return undefined
  const three = (n: number) => String(n).padStart(3, '0')
  const file = `/dev/bus/usb/${three(busNumber)}/${three(deviceNumber)}`
  return {
    sysfs,
    vendorId,
    productId,
    busNumber,
    deviceNumber,
    file,
    product: (await textFile(folder, 'product')) || undefined,
    serial: (await textFile(folder, 'serial')) || undefined,
    speed: await numberFile(folder, 'speed'),
    usbVersion: versionOf(await textFile(folder, 'version')),
    deviceCan: await objectStore(folder),
    portCanSuper: await exists(join(folder, 'port', 'peer')),
    interfaces: await readInterfaces(folder, sysfs),
    powerControl: await textFile(folder, 'power', 'control'),
    access: await accessTo(join(root, file)),
    udev: await udevRecord(root, busNumber, deviceNumber),
  }
}

/** ` 2.10` → 0x0210. */
function versionOf(text: string | undefined): number | undefined {
  const [, major, minor] = /^(\d{1,2})\.(\d{2})$/.exec(text ?? '') ?? []
  return major === undefined || minor === undefined ? undefined : Number.parseInt(`${major}${minor}`, 16)
}

/** Kernels from 6.9 on show the store; without it nothing is known. */
async function objectStore(folder: string): Promise<number | undefined> {
  const store = await readFile(join(folder, 'bos_descriptors')).catch(() => undefined)
  return store === undefined ? undefined : fastestLink(store)
}

async function readInterfaces(folder: string, sysfs: string): Promise<readonly HostInterface[]> {
  const names = await readdir(folder).catch(() => [])
  const own = names.filter((name) => name.startsWith(`${sysfs}:`)).sort()
  const read = await Promise.all(own.map((name) => readInterface(join(folder, name))))
  return read.filter((one) => one !== undefined)
}

async function readInterface(folder: string): Promise<HostInterface | undefined> {
  const [number, interfaceClass, interfaceSubclass, interfaceProtocol] = await Promise.all(
    ['bInterfaceNumber', 'bInterfaceClass', 'bInterfaceSubClass', 'bInterfaceProtocol'].map((name) =>
      hexFile(folder, name),
    ),
  )
  if (number === undefined || interfaceClass === undefined) return undefined
  const driver = await readlink(join(folder, 'driver')).catch(() => undefined)
  return {
    number,
    interfaceClass,
    interfaceSubclass: interfaceSubclass ?? 0,
    interfaceProtocol: interfaceProtocol ?? 0,
    driver: driver === undefined ? undefined : basename(driver),
    files: await deviceFiles(folder),
  }
}

/** usb-serial drivers put `ttyUSB0` beside the attributes; cdc_acm and cdc_wdm have a folder for their class. */
async function deviceFiles(folder: string): Promise<readonly string[]> {
  const [beside, tty, misc] = await Promise.all(
    ['.', 'tty', 'usbmisc'].map((name) => readdir(join(folder, name)).catch((): string[] => [])),
  )
  const serial = (beside ?? []).filter((name) => /^ttyUSB\d+$/.test(name))
  return [...serial, ...(tty ?? []), ...(misc ?? [])].map((name) => `/dev/${name}`)
}

async function accessTo(file: string): Promise<LinuxUsbDevice['access']> {
  if (!(await exists(file))) return 'missing'
  return access(file, constants.R_OK | constants.W_OK).then(
    () => 'yes',
    () => 'denied',
  )
}

async function udevRecord(root: string, bus: number, device: number): Promise<LinuxUsbDevice['udev']> {
  const minor = (bus - 1) * 128 + (device - 1)
  const text = await textFile(root, 'run/udev/data', `c${USB_MAJOR}:${minor}`)
  return text === undefined ? undefined : parseUdevRecord(text)
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
