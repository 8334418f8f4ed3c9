import { describe, expect, it } from 'vitest'
import { counting } from '../../../../test/scripted-transport.ts'
import { type DoubleOptions, UsbDeviceDouble } from '../../../../test/usb-double.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { openUsb } from './usb-transport.ts'

const io = (ms = 1_000): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(ms) })
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const packet = (words: string) => new Uint8Array(Buffer.from(words))

async function open(options: DoubleOptions = {}) {
  const device = new UsbDeviceDouble(options)
  return { device, transport: await openUsb(device, 'fastboot', io()) }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  return thrown instanceof SlotbenchError ? thrown.code : `not ours: ${String(thrown)}`
}

describe('opening', () => {
  it('opens, detaches the kernel driver, claims the fastboot interface, and gives all of it back in that order', async () => {
    const { device, transport } = await open({
      interfaces: [
        [0xff, 0x42, 0x01],
        [0xff, 0x42, 0x03],
      ],
      detachError: 'detachKernelDriver error: no kernel driver attached (errno 61)',
    })
    expect(device.calls).toEqual(['open', 'detach 1', 'claim 1'])
    await transport.close()
    await transport.close()
    expect(device.calls.slice(3)).toEqual(['release 1', 'close'])
    expect(device.claims).toBe(0)
    const again = await openUsb(device, 'fastboot', io())
    await again.close()
  })

  it.each([
    [{ openError: 'open error: failed to open device (errno 13)' }, 'usb-permission'],
    [{ openError: 'open error: failed to open device (errno 2)' }, 'terminal-gone'],
    [{ openError: 'open error: device disconnected (errno 19)' }, 'terminal-gone'],
    [{ openError: 'open error: something new' }, 'usb-failed'],
    [{ claimError: 'claimInterface error: interface is busy (errno 16)' }, 'usb-busy'],
    [{ interfaces: [[3, 1, 1]] as const }, 'terminal-wrong-mode'],
  ])('on %j leaves nothing open and says %s', async (options, code) => {
    const device = new UsbDeviceDouble(options)
    expect(await codeOf(openUsb(device, 'fastboot', io()))).toBe(code)
    expect(device.opened).toBe(false)
    expect(device.claims).toBe(0)
  })

  it('undoes an opening that ends after its deadline', async () => {
    const device = new UsbDeviceDouble()
    const { promise: gate, resolve } = Promise.withResolvers<void>()
    device.detachKernelDriver = () => gate
    expect(await codeOf(openUsb(device, 'fastboot', io(20)))).toBe('terminal-silent')
    resolve()
    await new Promise((done) => setTimeout(done, 10))
    expect(device.opened).toBe(false)
    expect(device.claims).toBe(0)
  })

  it('refuses a device that is open here already', async () => {
    const { device, transport } = await open()
    expect(await codeOf(openUsb(device, 'fastboot', io()))).toBe('usb-busy')
    await transport.close()
  })
})

describe('reading', () => {
  it('asks for whole packets and keeps the surplus for the next receive', async () => {
    const { device, transport } = await open()
    device.sendIn(packet('OKAYvalue'))
    device.sendIn(new Uint8Array(Buffer.concat([counting(300), packet('OKAY')])))
    expect(text(await transport.receive(257, io()))).toBe('OKAYvalue')
    expect(device.calls.at(-1)).toBe('in 512')
    expect(await transport.receive(300, io())).toEqual(counting(300))
    expect(text(await transport.receive(257, io()))).toBe('OKAY')
    expect(device.calls.filter((call) => call.startsWith('in '))).toHaveLength(2)
    await transport.close()
  })

  it('asks for the packet size of the link', async () => {
    const { device, transport } = await open({ packetSize: 64 })
    device.sendIn(packet('OKAY'))
    await transport.receive(257, io())
    expect(device.calls.at(-1)).toBe('in 320')
    await transport.close()
  })

  it('ignores zero-length packets, but not nothing else for ever', async () => {
    const { device, transport } = await open()
    device.sendIn(new Uint8Array(0))
    device.sendIn(new Uint8Array(0))
    device.sendIn(packet('OKAY'))
    expect(text(await transport.receive(257, io()))).toBe('OKAY')
    for (let i = 0; i < 2_000; i++) device.sendIn(new Uint8Array(0))
    expect(await codeOf(transport.receive(257, io(5_000)))).toBe('terminal-garbled')
    await transport.close()
  })

  it('waits longer than the package would by itself, with one read', async () => {
    const { device, transport } = await open()
    setTimeout(() => device.sendIn(packet('OKAY')), 1_200)
    expect(text(await transport.receive(257, io(5_000)))).toBe('OKAY')
    expect(device.calls.filter((call) => call.startsWith('in '))).toHaveLength(1)
    await transport.close()
  })

  it('is silent at its deadline and usable after it', async () => {
    const { device, transport } = await open()
    expect(await codeOf(transport.receive(257, io(20)))).toBe('terminal-silent')
    setTimeout(() => device.sendIn(packet('OKAY')), 30)
    expect(text(await transport.receive(257, io()))).toBe('OKAY')
    await transport.close()
  })

  it('gives what an aborted read brings to the next one', async () => {
    const { device, transport } = await open()
    const stop = new AbortController()
    const reading = transport.receive(257, { signal: stop.signal, deadline: Deadline.after(5_000) })
    stop.abort()
    expect(await codeOf(reading)).toBe('cancelled')
    device.sendIn(packet('OKAYlate'))
    expect(text(await transport.receive(257, io()))).toBe('OKAYlate')
    await transport.close()
  })

  it('hands out what a read that was under way brings, even after a write has failed', async () => {
    const { device, transport } = await open()
    const reading = transport.receive(4096, io(5_000))
    device.stuck = true
    expect(await codeOf(transport.send(packet('data'), io(30)))).toBe('terminal-silent')
    device.sendIn(packet('last words'))
    expect(text(await reading)).toBe('last words')
    await transport.close()
  })

  it.each([
    ['Disconnected', 'terminal-gone'],
    ['Stall', 'usb-failed'],
    ['Fault', 'usb-failed'],
    ['Unknown(71)', 'usb-failed'],
  ])('ends on %s with %s, for good', async (failure, code) => {
    let gone = 0
    const device = new UsbDeviceDouble()
    const transport = await openUsb(device, 'fastboot', { ...io(), onGone: () => (gone += 1) })
    const reading = transport.receive(257, io())
    setTimeout(() => device.fail(failure), 5)
    expect(await codeOf(reading)).toBe(code)
    expect(await codeOf(transport.receive(257, io()))).toBe(code)
    expect(await codeOf(transport.send(packet('x'), io()))).toBe(code)
    expect(gone > 0).toBe(code === 'terminal-gone')
    await transport.close()
    expect(device.claims).toBe(0)
  })
})

describe('writing', () => {
  it('writes at most 1 MiB at a time, one transfer after the other, and never a zero-length packet', async () => {
    const got: Uint8Array[] = []
    const { device, transport } = await open({
      onOut: (data) => {
        got.push(data)
        return []
      },
    })
    const whole = counting(2 * 1024 * 1024 + 512)
    await Promise.all([transport.send(whole, io(5_000)), transport.send(packet('after'), io(5_000))])
    await transport.send(new Uint8Array(0), io())
    expect(device.calls.filter((call) => call.startsWith('out '))).not.toContain('out 0')
    expect(Math.max(...got.map((data) => data.length))).toBe(1024 * 1024)
    const large = got.filter((data) => text(data) !== 'after')
    expect(Buffer.concat(large).equals(Buffer.from(whole))).toBe(true)
    await transport.close()
  })

  it('writes 4 MiB at a time at SuperSpeed, to two devices at once, and 1 MiB to a third', async () => {
    const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
    const devices = gates.map(() => new UsbDeviceDouble({ speed: 'super' }))
    const transports = await Promise.all(devices.map((device) => openUsb(device, 'fastboot', io())))
    devices.forEach((device, i) => {
      const transferOut = device.transferOut.bind(device)
      device.transferOut = async (...transfer) => {
        await gates[i]?.promise
        return await transferOut(...transfer)
      }
    })
    const whole = new Uint8Array(4 * 1024 * 1024 + 512)
    const outs = (i: number) => devices[i]?.calls.filter((call) => call.startsWith('out '))
    const sending = transports.map((transport) => transport.send(whole, io(60_000)))
    gates[2]?.resolve()
    await sending[2]
    expect(outs(2)).toEqual([...Array.from({ length: 4 }, () => 'out 1048576'), 'out 512'])
    for (const gate of gates) gate.resolve()
    await Promise.all(sending)
    for (const i of [0, 1]) expect(outs(i)).toEqual(['out 4194304', 'out 512'])
    // Both have ended, so there is room again.
    await transports[2]?.send(whole, io(60_000))
    expect(outs(2)?.slice(5)).toEqual(['out 4194304', 'out 512'])
    for (const transport of transports) await transport.close()
  }, 60_000)

  it('ends full packets of ADB with an empty one, before whatever is sent next', async () => {
    const device = new UsbDeviceDouble({
      interfaces: [
        [0xff, 0x42, 0x03],
        [0xff, 0x42, 0x01],
      ],
    })
    const transport = await openUsb(device, 'adb', io())
    expect(device.calls).toContain('claim 1')
    await Promise.all([24, 1024, 24, 700].map((length) => transport.send(new Uint8Array(length), io())))
    expect(device.calls.slice(3)).toEqual(['out 24', 'out 1024', 'out 0', 'out 24', 'out 700'])
    await transport.close()
  })

  it('frees the interface of EDL from its kernel driver, and sends an empty packet only when told to, in turn', async () => {
    const device = new UsbDeviceDouble({
      vendorId: 0x05c6,
      productId: 0x9008,
      interfaces: [[0xff, 0xff, 0x11]],
      packetSize: 1024,
    })
    const transport = await openUsb(device, 'edl', io())
    expect(device.calls).toEqual(['open', 'detach 0', 'claim 0'])
    expect(transport.packets?.size).toBe(1024)
    await Promise.all([
      transport.send(new Uint8Array(2048), io()),
      transport.packets?.sendEmpty(io()),
      transport.send(new Uint8Array(1024), io()),
    ])
    expect(device.calls.slice(3)).toEqual(['out 2048', 'out 0', 'out 1024'])
    await transport.close()
  })

  it('breaks when the terminal does not take the data: nothing may follow half a transfer', async () => {
    const { device, transport } = await open()
    device.stuck = true
    expect(await codeOf(transport.send(packet('x'), io(30)))).toBe('terminal-silent')
    device.stuck = false
    expect(await codeOf(transport.send(packet('y'), io()))).toBe('terminal-silent')
    await transport.close()
    expect(device.claims).toBe(0)
  })

  it('notices a transfer that was cut short', async () => {
    const { device, transport } = await open()
    device.transferOut = async () => ({ bytesWritten: 3, status: 'ok' })
    expect(await codeOf(transport.send(packet('12345'), io()))).toBe('usb-failed')
    await transport.close()
  })

  it('releases as soon as a read that is under way ends; until then nobody else opens the device', async () => {
    const { device, transport } = await open()
    const reading = codeOf(transport.receive(257, io(600)))
    await transport.close()
    expect(await codeOf(openUsb(device, 'fastboot', io(50)))).toBe('usb-busy')
    const again = openUsb(device, 'fastboot', io())
    expect(await reading).toMatch(/^terminal-(silent|gone)$/)
    await (await again).close()
    expect(device.claims).toBe(0)
    expect(device.opened).toBe(false)
  })
})
