// A fastboot, ADB or EDL interface as a real USB device: configfs gadget, FunctionFS descriptors, plug and unplug.
// Layouts: linux/usb/functionfs.h, Documentation/usb/functionfs.rst and gadget_configfs.rst of the kernel.
import { execFileSync } from 'node:child_process'
import { mkdirSync, openSync, readdirSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const CONFIGFS = '/sys/kernel/config'
const DESCRIPTORS_MAGIC_V2 = 3
const STRINGS_MAGIC = 2
/** Which speeds the descriptors below are given for: full, high, super. */
const FLAGS = 1 | 2 | 4
const ENGLISH = 0x0409

const DESCRIPTOR = { interface: 4, endpoint: 5, superSpeedCompanion: 48 } as const
const BULK = 2
const OUT_ENDPOINT = 0x01
const IN_ENDPOINT = 0x82
/** Class, subclass and protocol of the interface (AOSP; EDL: qdl usb.c). */
export const INTERFACE = {
  adb: [0xff, 0x42, 0x01],
  fastboot: [0xff, 0x42, 0x03],
  edl: [0xff, 0xff, 0x10],
} as const

export interface GadgetIdentity {
  readonly kind: keyof typeof INTERFACE
  readonly vendorId: number
  readonly productId: number
  /** Without one the device has no serial string. */
  readonly serial: string | undefined
  readonly product: string
}

/** A gadget whose function is set up; the endpoint files exist, and it is not plugged in yet. */
export interface Gadget {
  readonly outEndpoint: string
  readonly inEndpoint: string
  plug(): void
  unplug(): void
}

/** Makes the gadget in configfs and hands the kernel its descriptors. Each process has gadgets of its own. */
export function makeGadget(role: string, identity: GadgetIdentity): Gadget {
  const name = `${role}-${process.pid}`
  const folder = `/run/functionfs-${name}`
  mountConfigfs()
  const gadget = join(CONFIGFS, 'usb_gadget', name)
  const hex = (n: number): string => `0x${n.toString(16)}`
  const set = (path: string, value: string): void => writeFileSync(join(gadget, path), value)
  for (const part of [
    '',
    'strings/0x409',
    'configs/c.1',
    'configs/c.1/strings/0x409',
    `functions/ffs.${name}`,
  ])
    mkdirSync(join(gadget, part), { recursive: true })
  set('idVendor', hex(identity.vendorId))
  set('idProduct', hex(identity.productId))
  set('bcdUSB', '0x0320')
  if (identity.serial !== undefined) set('strings/0x409/serialnumber', identity.serial)
  set('strings/0x409/manufacturer', 'ZTE')
  set('strings/0x409/product', identity.product)
  set('configs/c.1/strings/0x409/configuration', identity.kind)
  symlinkSync(join(gadget, `functions/ffs.${name}`), join(gadget, `configs/c.1/ffs.${name}`))

  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'functionfs', name, folder])
  // The function lives as long as this file is open; the process that made the gadget keeps it to its end.
  const control = openSync(join(folder, 'ep0'), 'r+')
  writeSync(control, descriptors(INTERFACE[identity.kind]))
  writeSync(control, strings(identity.kind))

  const controller = readdirSync('/sys/class/udc')[0]
  if (controller === undefined) throw new Error('no USB device controller; load dummy_hcd first')
  return {
    outEndpoint: join(folder, 'ep1'),
    inEndpoint: join(folder, 'ep2'),
    plug: () => set('UDC', controller),
    unplug: () => set('UDC', '\n'),
  }
}

function mountConfigfs(): void {
  try {
    readdirSync(join(CONFIGFS, 'usb_gadget'))
  } catch {
    execFileSync('mount', ['-t', 'configfs', 'config', CONFIGFS])
  }
}

/** One interface with two bulk endpoints, for each speed with its own packet size. */
function descriptors(triple: readonly number[]): Buffer {
  const interfaceDescriptor = Buffer.from([9, DESCRIPTOR.interface, 0, 0, 2, ...triple, 1])
  const endpoint = (address: number, packet: number): Buffer =>
    Buffer.from([7, DESCRIPTOR.endpoint, address, BULK, packet & 0xff, packet >> 8, 0])
  const companion = Buffer.from([6, DESCRIPTOR.superSpeedCompanion, 0, 0, 0, 0])
  const atSpeed = (packet: number): Buffer[] => [
    interfaceDescriptor,
    endpoint(OUT_ENDPOINT, packet),
    endpoint(IN_ENDPOINT, packet),
  ]
  const superSpeed = [
    interfaceDescriptor,
    endpoint(OUT_ENDPOINT, 1024),
    companion,
    endpoint(IN_ENDPOINT, 1024),
    companion,
  ]
  const bySpeed = [atSpeed(64), atSpeed(512), superSpeed]
  const body = Buffer.concat(bySpeed.flat())
  const head = words([DESCRIPTORS_MAGIC_V2, 24 + body.length, FLAGS, ...bySpeed.map((list) => list.length)])
  return Buffer.concat([head, body])
}

function strings(interfaceName: string): Buffer {
  const body = Buffer.concat([Buffer.from([ENGLISH & 0xff, ENGLISH >> 8]), Buffer.from(`${interfaceName}\0`)])
  return Buffer.concat([words([STRINGS_MAGIC, 16 + body.length, 1, 1]), body])
}

function words(values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => {
    buffer.writeUInt32LE(value, index * 4)
  })
  return buffer
}
