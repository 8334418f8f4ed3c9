// The quirks of the `usb` package 3.1 that the adapter above has to live with (zte-domain §7).
import { describe, expect, it } from 'vitest'
import type { UsbDeviceLike } from '../main/io/usb/backend.ts'
import type { AdbDaemon } from './adb-service.ts'
import type { ProfileId } from './profiles/index.ts'
import { randomBytes } from './randomness.ts'
import { testTerminal } from './test-terminal.ts'
import { SimulatedBench, type UsbLinkQuality } from './usb.ts'
import { PacketPipe } from './usb-pipes.ts'

const PORT = { bus: '1', ports: [2, 3] }
const text = (view: DataView | undefined) =>
  view ? Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString() : ''
const bytes = (words: string) => new Uint8Array(Buffer.from(words))

async function plugged(id: ProfileId = 'nx679j', link: UsbLinkQuality = {}) {
  const terminal = await testTerminal(id)
  await terminal.powerOn({ keys: 'bootloader' })
  const bench = new SimulatedBench()
  const events: string[] = []
  for (const type of ['connect', 'disconnect'] as const)
    bench.addEventListener(type, ({ device }) => events.push(`${type} ${device.handle}`))
  bench.plug(terminal, { ...PORT, link })
  const [device] = await bench.getDevices()
  if (!device) throw new Error('nothing is on the bus')
  return { terminal, bench, device, events }
}

async function claimed(device: UsbDeviceLike): Promise<UsbDeviceLike> {
  await device.open()
  await device.claimInterface(0)
  return device
}

async function ask(device: UsbDeviceLike, command: string): Promise<string> {
  await device.transferOut(1, bytes(command), 1000)
  return text((await device.transferIn(1, 4096, 1000)).data)
}

const until = async (ready: () => boolean) => {
  while (!ready()) await new Promise((resolve) => setTimeout(resolve, 1))
}

describe('a bootloader on the bench', () => {
  it('shows fastboot by its interface, with bus, ports and serial', async () => {
    const { device } = await plugged()
    expect([device.vendorId, device.productId]).toEqual([0x18d1, 0xd00d])
    expect([device.bus, device.ports, device.serialNumber]).toEqual(['1', [2, 3], 'SIM0123456789'])
    const [alternate] = device.configuration?.interfaces[0]?.alternates ?? []
    expect(alternate).toMatchObject({ interfaceClass: 0xff, interfaceSubclass: 0x42, interfaceProtocol: 3 })
    expect(alternate?.endpoints.map(({ direction, type }) => [direction, type])).toEqual([
      ['in', 'bulk'],
      ['out', 'bulk'],
    ])
  })

  it('answers commands and takes an image', async () => {
    const { terminal, device } = await plugged()
    await claimed(device)
    expect(await ask(device, 'getvar:product')).toBe('OKAYNX679J')
    const image = randomBytes('image', 150_000)
    expect(await ask(device, `download:${image.length.toString(16).padStart(8, '0')}`)).toBe('DATA000249f0')
    await device.transferOut(1, image.slice(0, 100_000), 1000)
    await device.transferOut(1, new Uint8Array(0), 1000)
    await device.transferOut(1, image.slice(100_000), 1000)
    expect(text((await device.transferIn(1, 512, 1000)).data)).toBe('OKAY')
    expect(await ask(device, 'flash:boot_b')).toBe('OKAY')
    expect(Buffer.compare((await terminal.readPartition('boot_b')).subarray(0, image.length), image)).toBe(0)
  })

  it('comes back with another address and handle, on the same port, after each restart', async () => {
    const { terminal, bench, device, events } = await plugged()
    await claimed(device)
    const { handle, address } = device
    expect(await ask(device, 'reboot-bootloader')).toBe('OKAY')
    await until(() => events.length === 3)
    const [again] = await bench.getDevices()
    expect(events).toEqual([`connect ${handle}`, `disconnect ${handle}`, `connect ${again?.handle}`])
    expect(again?.address).not.toBe(address)
    expect([again?.bus, again?.ports]).toEqual(['1', [2, 3]])
    expect(await ask(await claimed(again ?? device), 'reboot')).toBe('OKAY')
    await until(() => terminal.state === 'system')
    const [system] = await bench.getDevices()
    expect(system?.configuration?.interfaces[0]?.alternates[0]).toMatchObject({ interfaceProtocol: 1 })
    terminal.cutPower()
    expect(await bench.getDevices()).toEqual([])
  })

  it('enumerates again when a planned fault takes the link', async () => {
    const { terminal, device, events } = await plugged()
    terminal.setFaults({
      faults: [
        { kind: 'disconnect', at: { command: 1 }, when: 'before' },
        { kind: 'serial-missing', fromEnumeration: 1 },
      ],
    })
    await claimed(device)
    await expect(ask(device, 'getvar:product')).rejects.toThrow('Disconnected')
    await until(() => events.length === 3)
    expect(terminal.state).toBe('bootloader')
  })

  it('shows another device once where a mode changes without a restart', async () => {
    const bench = new SimulatedBench()
    const modes: string[] = []
    const daemon: AdbDaemon = async (machine, link) => {
      modes.push(machine.mode)
      if (machine.mode === 'recovery') machine.switchTo('sideload')
      await link.read().catch(() => undefined)
    }
    const terminal = await testTerminal('nx679j', { adb: daemon })
    bench.plug(terminal, { bus: '1', ports: [1] })
    await terminal.powerOn({ keys: 'recovery' })
    expect(modes).toEqual(['recovery', 'sideload'])
    expect(await bench.getDevices()).toHaveLength(1)
    bench.unplug(terminal)
  })

  it('can be swapped for a stranger, and unplugged', async () => {
    const { terminal, bench, device } = await plugged()
    const stranger = await testTerminal('nx679j', { serial: 'STRANGER' })
    await stranger.powerOn({ keys: 'bootloader' })
    bench.swap(terminal, stranger)
    const [other] = await bench.getDevices()
    expect([other?.serialNumber, other?.ports]).toEqual(['STRANGER', [2, 3]])
    await expect(device.open()).rejects.toThrow('failed to open device')
    bench.unplug(stranger)
    expect(await bench.getDevices()).toEqual([])
    expect(() => bench.plug(stranger, PORT)).not.toThrow()
    expect(() => bench.plug(terminal, PORT)).toThrow('taken')
  })
})

describe('quirks of the usb package', () => {
  it('cancels after 1000 ms when no time-out is given, and loses what had arrived', async () => {
    const { device } = await plugged('nx679j', { speed: 'high' })
    await claimed(device)
    const start = performance.now()
    const careless = device.transferIn as (endpoint: number, length: number) => Promise<unknown>
    await expect(careless.call(device, 1, 512)).rejects.toThrow('transferIn error: Cancelled')
    expect(performance.now() - start).toBeGreaterThan(950)
  })

  it('loses the first packets of a transfer that times out, though the device saw them taken', async () => {
    const pipe = new PacketPipe(512)
    const put = pipe.put(new Uint8Array(512), 1000)
    await expect(pipe.take(1024, 20)).rejects.toThrow('Cancelled')
    await put
    await expect(pipe.take(512, 20)).rejects.toThrow('Cancelled')
  })

  it('cuts an answer to the length asked for', async () => {
    const { device } = await plugged()
    await claimed(device)
    await device.transferOut(1, bytes('getvar:product'), 1000)
    expect(text((await device.transferIn(1, 6, 1000)).data)).toBe('OKAYNX')
    await device.transferOut(1, bytes('getvar:unlocked'), 1000)
    expect(text((await device.transferIn(1, 1024, 1000)).data)).toBe('OKAYyes')
  })

  it('lets one transfer at a time onto an endpoint', async () => {
    const { device } = await plugged()
    await claimed(device)
    const first = device.transferIn(1, 512, 40)
    await expect(device.transferIn(1, 512, 40)).rejects.toThrow('transferIn error: endpoint not found')
    await expect(first).rejects.toThrow('Cancelled')
  })

  it('holds a claimed interface over close', async () => {
    const { device } = await plugged()
    await claimed(device)
    await device.close()
    await device.open()
    await expect(device.claimInterface(0)).rejects.toThrow('busy')
    await device.releaseInterface(0)
    await device.claimInterface(0)
    await device.close()
    await expect(device.releaseInterface(0)).rejects.toThrow('invalid state')
  })

  it('does not claim past a kernel driver', async () => {
    const { device } = await plugged('unisoc-ab')
    await device.open()
    await expect(device.claimInterface(0)).rejects.toThrow('busy')
    await device.detachKernelDriver(0)
    await device.claimInterface(0)
    expect(await ask(device, 'getvar:product')).toBe('OKAYP606F02')
    const plain = await plugged('nx679j')
    await plain.device.open()
    await expect(plain.device.detachKernelDriver(0)).rejects.toThrow('no kernel driver')
  })

  it('throws from getters without permission', async () => {
    const { device } = await plugged('nx679j', { denied: true })
    expect(device.serialNumber).toBe('SIM0123456789')
    expect(() => device.configuration).toThrow('errno 13')
    await expect(device.open()).rejects.toThrow('errno 13')
  })

  it('rejects transfers under way when the cable is pulled', async () => {
    const { terminal, bench, device } = await plugged()
    await claimed(device)
    const pending = expect(device.transferIn(1, 512, 5000)).rejects.toThrow('transferIn error: Disconnected')
    bench.unplug(terminal)
    await pending
    await expect(device.transferOut(1, bytes('x'), 1000)).rejects.toThrow('Disconnected')
  })

  it('carries no more than the wire does', async () => {
    const { device } = await plugged('nx679j', { bytesPerSecond: 2_000_000, speed: 'high' })
    await claimed(device)
    await ask(device, 'download:00030d40')
    const start = performance.now()
    for (let i = 0; i < 4; i++) await device.transferOut(1, new Uint8Array(50_000), 1000)
    expect(performance.now() - start).toBeGreaterThan(90)
  })
})
