// A bench of USB ports with simulated terminals in them: they appear, go and come back as on a real bus.
import type { UsbBackend, UsbConnectionEventLike, UsbDeviceLike } from '../main/io/usb/backend.ts'
import { SlotbenchError } from '../shared/errors.ts'
import type { ByteLink } from './adb-service.ts'
import { type BulkLink, PostedReads } from './edl/bulk-link.ts'
import type { HostLink } from './host-link.ts'
import type { UsbIdentity } from './profiles/types.ts'
import type { SimulatedTerminal } from './terminal.ts'
import { PACKET_BYTES, SimulatedUsbDevice, type UsbLinkQuality } from './usb-device.ts'
import { PacketPipe, TransferFailure } from './usb-pipes.ts'

export { USB2, type UsbLinkQuality } from './usb-device.ts'

export interface SimulatedPort {
  readonly bus: string
  readonly ports: readonly number[]
  readonly link?: UsbLinkQuality
}

type Listener = (event: UsbConnectionEventLike) => void
type EventType = 'connect' | 'disconnect'

/** A cable between a terminal and a port. */
interface Cable {
  readonly port: SimulatedPort
  readonly stopListening: () => void
  device: SimulatedUsbDevice | undefined
}

export class SimulatedBench implements UsbBackend {
  readonly #cables = new Map<SimulatedTerminal, Cable>()
  readonly #listeners: Readonly<Record<EventType, Set<Listener>>> = {
    connect: new Set(),
    disconnect: new Set(),
  }
  #addresses = 0

  /** @throws SlotbenchError `internal` when the terminal is plugged in already or the port is taken. */
  plug(terminal: SimulatedTerminal, port: SimulatedPort): void {
    if (this.#cables.has(terminal)) throw new SlotbenchError('internal', 'the terminal is plugged in already')
    const key = portKey(port)
    if ([...this.#cables.values()].some((cable) => portKey(cable.port) === key))
      throw new SlotbenchError('internal', `port ${key} is taken`)
    const stopListening = terminal.on((event) => {
      if (event.kind === 'state' && !event.sameDevice) this.#enumerate(terminal)
    })
    this.#cables.set(terminal, { port, stopListening, device: undefined })
    this.#enumerate(terminal)
  }

  /** Pulls the cable; does nothing when there is none. */
  unplug(terminal: SimulatedTerminal): void {
    const cable = this.#cables.get(terminal)
    if (!cable) return
    this.#cables.delete(terminal)
    cable.stopListening()
    this.#vanish(cable)
  }

  /** A stranger takes the place of a terminal: same port, same cable. */
  swap(terminal: SimulatedTerminal, stranger: SimulatedTerminal): void {
    const port = this.#cables.get(terminal)?.port
    if (!port) throw new SlotbenchError('internal', 'the terminal is not plugged in')
    this.unplug(terminal)
    this.plug(stranger, port)
  }

  async getDevices(): Promise<readonly UsbDeviceLike[]> {
    return [...this.#cables.values()].flatMap(({ device }) => device ?? [])
  }

  addEventListener(type: EventType, listener: Listener): void {
    this.#listeners[type].add(listener)
  }

  removeEventListener(type: EventType, listener: Listener): void {
    this.#listeners[type].delete(listener)
  }

  /** The terminal appears as what it is now, under an address of its own each time. */
  #enumerate(terminal: SimulatedTerminal): void {
    const cable = this.#cables.get(terminal)
    if (!cable) return
    this.#vanish(cable)
    const shown = shownAs(terminal)
    if (!shown) return
    const { port } = cable
    const { link: quality = {} } = port
    const packetSize = PACKET_BYTES[quality.speed ?? 'super']
    const pipes = { out: new PacketPipe(packetSize), in: new PacketPipe(packetSize) }
    this.#addresses = (this.#addresses % 127) + 1
    const device = new SimulatedUsbDevice({
      ...{ ...shown, ...pipes, link: quality, bus: port.bus, ports: port.ports, address: this.#addresses },
      serial: shown.speaks === 'edl' ? undefined : terminal.enumerate(),
      kernelDriver: terminal.profile.usb.kernelDriver,
    })
    cable.device = device
    this.#emit('connect', device)
    const link = this.#link(terminal, device, pipes)
    if (shown.speaks === 'fastboot') void terminal.fastboot.serve(link)
    if (shown.speaks === 'adb') void terminal.adb.serve(link)
    if (shown.speaks === 'edl') void terminal.edl.serve(bulkLink(link, pipes, packetSize))
  }

  /** The link ends with the appearance; a terminal that stays in its mode appears anew. */
  #link(
    terminal: SimulatedTerminal,
    device: SimulatedUsbDevice,
    { out, in: back }: Pipes,
  ): HostLink & ByteLink {
    return {
      read: (expected: number = ADB_READ) => out.some(expected > 0 ? expected : MAX_COMMAND),
      write: (reply) => back.put(reply, Number.POSITIVE_INFINITY),
      close: () => {
        if (this.#cables.get(terminal)?.device === device) this.#enumerate(terminal)
      },
    }
  }

  #vanish(cable: Cable): void {
    const { device } = cable
    cable.device = undefined
    if (!device) return
    device.vanish()
    this.#emit('disconnect', device)
  }

  #emit(type: EventType, device: UsbDeviceLike): void {
    // The package tells its listeners from a callback of its own, never from within a call.
    queueMicrotask(() => {
      for (const listener of this.#listeners[type]) listener({ device })
    })
  }
}

/** What a bootloader reads for a command; surplus of a longer transfer is the next one. */
const MAX_COMMAND = 4096
/** Most that one read of the ADB daemon gives. */
const ADB_READ = 1024 * 1024

interface Pipes {
  readonly out: PacketPipe
  readonly in: PacketPipe
}

interface Shown {
  readonly identity: UsbIdentity
  readonly triple: readonly [number, number, number]
  readonly speaks: 'fastboot' | 'adb' | 'edl' | undefined
}

const fastboot = (identity: UsbIdentity): Shown => ({
  ...{ identity, triple: [0xff, 0x42, 0x03], speaks: 'fastboot' },
})
const adb = (identity: UsbIdentity): Shown => ({ identity, triple: [0xff, 0x42, 0x01], speaks: 'adb' })

/** Interface classes as AOSP has them: ADB ff/42/01, fastboot ff/42/03 (zte-domain §2.1). */
function shownAs(terminal: SimulatedTerminal): Shown | undefined {
  const { usb } = terminal.profile
  switch (terminal.state) {
    case 'bootloader':
    case 'bricked':
      return fastboot(usb.bootloader)
    case 'fastbootd':
      return fastboot(usb.fastbootd ?? usb.recovery)
    case 'system':
      return adb(usb.system)
    case 'charging':
      return adb(usb.charging ?? usb.system)
    case 'recovery':
    case 'sideload':
    case 'rescue':
      return adb(usb.recovery)
    case 'rom':
    case 'programmer':
      return inEdl(terminal, usb.rom)
    case 'crashdump':
      return inEdl(terminal, terminal.profile.edl?.crashdump ?? usb.rom)
    case 'off':
    case 'booting':
      return undefined
  }
}

/** The product string tells the chip's serial number; a serial string there is none (zte-domain §2.1). */
export function inEdl({ profile, chipSerial }: SimulatedTerminal, identity: UsbIdentity): Shown {
  const { edl } = profile
  const chip = `SN:${chipSerial.toString(16).toUpperCase().padStart(8, '0')}`
  const productName = edl ? identity.productName.replace(/SN:[0-9A-F]{8}/, chip) : identity.productName
  const triple = [0xff, 0xff, edl?.interfaceProtocol ?? 0xff] as const
  return { identity: { ...identity, productName }, triple, speaks: edl ? 'edl' : undefined }
}

/** Reads as they are posted; what the host sends meanwhile waits on the wire. */
function bulkLink(link: HostLink, { out }: Pipes, packetBytes: number): BulkLink {
  const reads = new PostedReads((bytes) => out.take(bytes, Number.POSITIVE_INFINITY), packetBytes)
  // While it is busy, or silent for good, no read of its own would tell it.
  void out.ended.then(() => reads.end(new TransferFailure('Disconnected')))
  return {
    packetBytes,
    read: (bytes, into) => reads.read(bytes, into),
    write: (bytes) => link.write(bytes),
    close: (how) => link.close(how),
    gone: reads.gone,
  }
}

function portKey({ bus, ports }: SimulatedPort): string {
  return `${bus}-${ports.join('.')}`
}
