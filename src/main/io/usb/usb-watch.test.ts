import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { UsbBackendDouble, UsbDeviceDouble } from '../../../../test/usb-double.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { createDiscovery } from '../../terminals/discovery.ts'
import { loadSystemUsb } from './system-backend.ts'
import { usbBay } from './usb-identity.ts'
import { type UsbBackendHost, watchUsb } from './usb-watch.ts'

const io = (ms = 1_000): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(ms) })

async function watching(...devices: UsbDeviceDouble[]) {
  const backend = new UsbBackendDouble(...devices)
  const watch = watchUsb(async () => backend)
  await watch.ready
  return { backend, watch }
}

describe('what is what', () => {
  it.each([
    [0x18d1, 0xd00d, [0xff, 0x42, 0x03], 'bootloader'],
    [0x19d2, 0x1234, [0xff, 0x42, 0x03], 'bootloader'],
    [0x19d2, 0x0306, [0xff, 0x42, 0x01], 'system'],
    [0x05c6, 0x9008, [0xff, 0xff, 0x10], 'edl'],
    [0x05c6, 0x900e, [0xff, 0xff, 0xff], 'crashdump'],
    [0x19d2, 0x0112, [0xff, 0xff, 0xff], 'crashdump'],
    [0x1782, 0x4d00, [0xff, 0, 0], 'unisoc'],
    [0x0e8d, 0x0003, [2, 2, 1], 'mediatek'],
    [0x0e8d, 0x2000, [2, 2, 1], 'mediatek'],
    [0x0e8d, 0x2001, [2, 2, 1], 'mediatek'],
    [0x19d2, 0x0256, [0xff, 0, 0], 'zxic'],
    [0x19d2, 0x1403, [0xe0, 1, 3], 'modem'],
  ] as const)('%s:%s %j is %s', async (vendorId, productId, triple, mode) => {
    const { watch } = await watching(new UsbDeviceDouble({ vendorId, productId, interfaces: [triple] }))
    expect(watch.sightings().map((sighting) => sighting.mode)).toEqual([mode])
  })

  it('ignores hubs, keyboards and whatever else is no terminal, also when they cannot be opened', async () => {
    const { watch } = await watching(
      new UsbDeviceDouble({ vendorId: 0x1d6b, interfaces: [[9, 0, 0]], ports: [1] }),
      new UsbDeviceDouble({
        vendorId: 0x046d,
        openError: 'open error: permission denied (errno 13)',
        ports: [2],
      }),
    )
    expect(watch.sightings()).toEqual([])
    expect(watch.notices).toEqual([])
  })

  it('names bays by bus and port path', () => {
    expect(usbBay({ bus: '001', ports: [2, 3] })).toBe('usb:1-2.3')
    expect(usbBay({ bus: 'PCI 0/ROOT', ports: [4] })).toBe('usb:PCI_0_ROOT-4')
  })
})

describe('coming and going', () => {
  it('enumerates once and then lives on events', async () => {
    const { backend, watch } = await watching()
    const before = backend.enumerations
    let changes = 0
    const stop = watch.onChange(() => (changes += 1))
    const phone = new UsbDeviceDouble({ serial: 'ZTE1', address: 7 })
    backend.plug(phone)
    expect(watch.sightings()).toMatchObject([
      { bay: 'usb:1-2.3', serial: 'ZTE1', product: 'Android', usb: { address: 7 } },
    ])
    const [sighting] = watch.sightings()
    backend.unplug(phone)
    expect(watch.sightings()).toEqual([])
    await expect(sighting?.open(io())).rejects.toMatchObject({ code: 'terminal-gone' })
    expect(changes).toBe(2)
    stop()
    backend.plug(phone)
    expect(changes).toBe(2)
    expect(backend.enumerations).toBe(before)
    await watch.close()
    expect(backend.listeners.connect.size + backend.listeners.disconnect.size).toBe(0)
    expect(watch.sightings()).toEqual([])
  })

  it('sees a terminal leave in the middle of a transfer', async () => {
    const phone = new UsbDeviceDouble()
    const { backend, watch } = await watching(phone)
    const transport = await watch.sightings()[0]?.open(io())
    const reading = expect(transport?.receive(64, io())).rejects.toMatchObject({ code: 'terminal-gone' })
    backend.unplug(phone)
    expect(watch.sightings()).toEqual([])
    phone.fail('Disconnected')
    await reading
    await transport?.close()
    await watch.close()
  })

  it('keeps one sighting a port when a terminal re-enumerates before it is seen leaving', async () => {
    const { backend, watch } = await watching(new UsbDeviceDouble({ address: 7 }))
    backend.plug(new UsbDeviceDouble({ address: 8 }))
    expect(watch.sightings().map((sighting) => sighting.usb?.address)).toEqual([8])
  })

  it('knows from a failed transfer that the terminal left, before any event', async () => {
    const device = new UsbDeviceDouble()
    const { watch } = await watching(device)
    const transport = await watch.sightings()[0]?.open(io())
    const reading = transport?.receive(257, io())
    device.fail('Disconnected')
    await expect(reading).rejects.toMatchObject({ code: 'terminal-gone' })
    expect(watch.sightings()).toEqual([])
    await transport?.close()
  })

  it('waits for a terminal that comes later, by event', async () => {
    const backend = new UsbBackendDouble()
    const discovery = createDiscovery([watchUsb(async () => backend)])
    setTimeout(() => backend.plug(new UsbDeviceDouble({ serial: 'OTHER', ports: [1] })), 10)
    setTimeout(() => backend.plug(new UsbDeviceDouble({ serial: 'MINE' })), 20)
    const sighting = await discovery.waitFor((s) => s.serial === 'MINE', io(2_000))
    expect(sighting.bay).toBe('usb:1-2.3')
    await discovery.close()
  })

  it('opens only what speaks a protocol of ours, and one at a time', async () => {
    const { watch } = await watching(
      new UsbDeviceDouble({
        vendorId: 0x05c6,
        productId: 0x900e,
        interfaces: [[0xff, 0xff, 0xff]],
        ports: [1],
      }),
      new UsbDeviceDouble({ ports: [2] }),
      new UsbDeviceDouble({ interfaces: [[0xff, 0x42, 0x01]], ports: [3] }),
      new UsbDeviceDouble({
        vendorId: 0x05c6,
        productId: 0x9008,
        interfaces: [[0xff, 0xff, 0x10]],
        ports: [4],
      }),
    )
    const [crash, bootloader, system, edl] = watch.sightings()
    expect([crash, bootloader, system, edl].map((sighting) => sighting?.protocol)).toEqual([
      undefined,
      'fastboot',
      'adb',
      'edl',
    ])
    await expect(crash?.open(io())).rejects.toMatchObject({ code: 'terminal-wrong-mode' })
    await (await system?.open(io()))?.close()
    await (await edl?.open(io()))?.close()
    const first = bootloader?.open(io())
    await expect(bootloader?.open(io())).rejects.toMatchObject({ code: 'usb-busy' })
    await (await first)?.close()
  })
})

describe('trouble', () => {
  it('shows a terminal that may not be opened, with the reason, and looks again when asked', async () => {
    const locked = new UsbDeviceDouble({ openError: 'open error: failed to open device (errno 13)' })
    const { backend, watch } = await watching(locked)
    expect(watch.sightings()).toMatchObject([
      { mode: 'unknown', problem: { code: 'usb-permission' }, serial: undefined },
    ])
    await expect(watch.sightings()[0]?.open(io())).rejects.toMatchObject({ code: 'usb-permission' })
    backend.devices.splice(0, 1, new UsbDeviceDouble())
    await watch.scan(io())
    expect(watch.sightings()).toMatchObject([{ mode: 'bootloader', problem: undefined }])
  })

  it('gives one notice on a machine without USB', async () => {
    const watch = watchUsb(async () => ({
      getDevices: () =>
        Promise.reject(new Error('getDevices error: /sys/bus/usb/devices/ not found (errno 2)')),
      addEventListener: () => {
        throw new Error('must not be listened to: the package would fail where nobody catches it')
      },
      removeEventListener: () => undefined,
    }))
    const discovery = createDiscovery([watch])
    await discovery.scan(io())
    await discovery.scan(io())
    expect(discovery.notices.map((notice) => notice.code)).toEqual(['usb-unavailable'])
    expect(discovery.sightings()).toEqual([])
    await expect(discovery.waitFor(() => true, io(30))).rejects.toMatchObject({ code: 'terminal-not-found' })
  })

  it('gives one notice when the package cannot be loaded', async () => {
    const watch = watchUsb(() =>
      Promise.reject(new SlotbenchError('usb-unavailable', 'no native part for this machine')),
    )
    await watch.ready
    expect(watch.notices.map((notice) => notice.code)).toEqual(['usb-unavailable'])
  })

  it('looks at the ports, while somebody waits, when it cannot listen to them', async () => {
    const backend = new UsbBackendDouble()
    let host: UsbBackendHost | undefined
    const watch = watchUsb(async (given) => {
      host = given
      return backend
    })
    await watch.ready
    expect(watch.scanEveryMs).toBeUndefined()
    host?.onWatchFailed(new SlotbenchError('usb-failed', 'no events'))
    const discovery = createDiscovery([watch])
    // No event: as on a machine without udevd.
    setTimeout(() => backend.devices.push(new UsbDeviceDouble({ serial: 'S' })), 50)
    expect((await discovery.waitFor((s) => s.serial === 'S', io(3_000))).mode).toBe('bootloader')
    backend.devices.length = 0
    expect(await discovery.scan(io())).toEqual([])
    expect(discovery.notices.map((notice) => notice.code)).toEqual(['usb-failed'])
    await discovery.close()
  })

  it('loads the real package and never throws, with or without a USB bus', async () => {
    const watch = watchUsb(loadSystemUsb)
    await watch.ready
    const expected = existsSync('/sys/bus/usb/devices') ? [] : ['usb-unavailable']
    if (process.platform === 'linux') expect(watch.notices.map((notice) => notice.code)).toEqual(expected)
    await watch.close()
  })
})
