// Sahara as the simulated boot ROM speaks it, by a raw host over the simulated bus.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { simulatorRootOfTrust } from '../make-images.ts'
import type { EdlProfile } from '../profiles/edl-types.ts'
import type { ProfileId } from '../profiles/index.ts'
import { SimulatedTerminal } from '../terminal.ts'
import { testProfile, testTerminal } from '../test-terminal.ts'
import { vendorChain } from './loader-keys.ts'
import { loaderFor, makeLoader, spoiltLoader } from './make-loader.ts'
import { plugIn } from './test-edl-host.ts'

async function inEdl(id: ProfileId = 'nx679j') {
  const terminal = await testTerminal(id)
  const plugged = plugIn(terminal)
  await terminal.powerOn({ keys: 'edl' })
  return { ...plugged, host: await plugged.host() }
}

/** A terminal whose EDL differs from that of the profile. */
async function withEdl(id: ProfileId, change: (edl: EdlProfile) => EdlProfile) {
  const base = testProfile(id)
  if (!base.edl) throw new Error(`${id} has no EDL`)
  const profile = { ...base, edl: change(base.edl) }
  const terminal = await SimulatedTerminal.create({ profile, keys: await simulatorRootOfTrust() })
  const plugged = plugIn(terminal)
  await terminal.powerOn({ keys: 'edl' })
  return { ...plugged, profile, host: await plugged.host() }
}

const until = async (ready: () => boolean) => {
  while (!ready()) await new Promise((resolve) => setTimeout(resolve, 1))
}

describe('the boot ROM', () => {
  it('shows itself as 05c6:9008 with the chip’s serial number, and no serial string', async () => {
    const { terminal, host } = await inEdl()
    const { device } = host
    const serial = terminal.chipSerial.toString(16).toUpperCase().padStart(8, '0')
    expect([device.vendorId, device.productId, device.productName]).toEqual([
      ...[0x05c6, 0x9008],
      `QUSB_BULK_CID:0404_SN:${serial}`,
    ])
    expect(device.serialNumber).toBeNull()
    expect(device.configuration?.interfaces[0]?.alternates[0]).toMatchObject({
      ...{ interfaceClass: 0xff, interfaceSubclass: 0xff, interfaceProtocol: 0x10 },
    })
  })

  it('tells serial number, hardware id and the hash of its root certificate', async () => {
    const { terminal, host, commands } = await inEdl()
    expect(await host.packet()).toEqual([1, 0x30, 2, 1, 0x400, 0, 1, 2, 3, 4, 5, 6])
    await host.answerHello(3)
    expect(await host.packet()).toEqual([0x0b, 8])
    expect(Buffer.from(await host.execute(1)).readUInt32LE()).toBe(terminal.chipSerial)
    expect(
      Buffer.from(await host.execute(2))
        .readBigUInt64LE()
        .toString(16),
    ).toBe('1ca0e100040000')
    const [, root] = vendorChain('ztemt').certificates
    expect(Buffer.from(await host.execute(3)).toString('hex')).toBe(
      createHash('sha384').update(root).digest('hex'),
    )
    expect(await host.execute(0x0a)).toEqual([4, 16, 0, 0x1f])
    await host.words(0x0c, 12, 2)
    expect(await host.packet()).toEqual([4, 16, 0, 0x1c])
    await host.words(0x0c, 12, 3)
    expect((await host.packet())[5]).toBe(3)
    await host.answerHello(3)
    await host.packet()
    await host.words(0x0c, 12, 0)
    expect((await host.packet())[5]).toBe(0)
    expect(commands).toContain('sahara:execute 2')
  })

  it('of protocol 3 tells its chip by 0xA and refuses 2 and 3', async () => {
    const { host } = await inEdl('nx789j')
    expect((await host.packet())[2]).toBe(3)
    await host.answerHello(3)
    await host.packet()
    expect(await host.execute(2)).toEqual([4, 16, 0, 0x1f])
    expect(await host.execute(3)).toEqual([4, 16, 0, 0x1f])
    const chip = Buffer.from(await host.execute(0x0a))
    expect([chip.readUInt32LE(36), chip.readUInt16LE(40)]).toEqual([0x0028c0e1, 4])
  })

  it.each<[ProfileId, number, number]>([
    ['nx679j', 0x12, 1],
    ['emmc-ab', 3, 0],
    ['a-only', 0x12, 1],
  ])('of %s takes its loader and starts it', async (id, read, done) => {
    const { terminal, host } = await inEdl(id)
    const loader = loaderFor(terminal.profile)
    await host.packet()
    await host.answerHello(0)
    const first = await host.packet()
    expect(first.slice(0, 3)).toEqual([read, read === 3 ? 0x14 : 0x20, 0x0d])
    await host.send(loader.subarray(0, 64))
    expect(await host.serve(loader, true)).toEqual([4, 16, 0x0d, 0])
    await host.words(5, 8)
    expect(await host.packet()).toEqual([6, 12, done])
    await until(() => terminal.state === 'programmer')
    expect((await host.receive()).toString()).toContain('INFO: ')
  })

  it('asks for a second image and says that more are to come', async () => {
    const { terminal, host, profile } = await withEdl('nx679j', (edl) => ({
      ...edl,
      sahara: { ...edl.sahara, images: [0x25, 0x0d] },
    }))
    const first = makeLoader({ vendor: 'ztemt', bits: 64, traits: undefined, codeBytes: 8192 })
    expect(await host.load(first)).toEqual([6, 12, 0])
    await host.packet()
    await host.answerHello(0)
    expect((await host.packet()).slice(0, 3)).toEqual([0x12, 0x20, 0x0d])
    const loader = loaderFor(profile)
    await host.send(loader.subarray(0, 64))
    await host.serve(loader)
    await host.words(5, 8)
    expect(await host.packet()).toEqual([6, 12, 1])
    await until(() => terminal.state === 'programmer')
  })

  it('waits silently when its HELLO was taken by another, and goes on at an answer nobody asked for', async () => {
    const terminal = await testTerminal('nx679j', { faults: { faults: [{ kind: 'hello-eaten' }] } })
    const plugged = plugIn(terminal)
    await terminal.powerOn({ keys: 'edl' })
    const host = await plugged.host()
    await expect(host.packet(50)).rejects.toThrow('Cancelled')
    await host.answerHello(3)
    expect(await host.packet()).toEqual([0x0b, 8])
  })

  it('answers RESET_STATE_MACHINE with HELLO, where it knows it, and RESET with a restart', async () => {
    const { terminal, host } = await inEdl()
    await host.packet()
    await host.answerHello(3)
    await host.packet()
    await host.words(0x13, 8)
    expect((await host.packet())[0]).toBe(1)
    await host.words(7, 8)
    expect(await host.packet()).toEqual([8, 8])
    await until(() => terminal.state === 'system')
    const old = await inEdl('emmc-ab')
    await old.host.packet()
    await old.host.words(0x13, 8)
    expect(await old.host.packet()).toEqual([4, 16, 0, 1])
  })

  it('goes on with a host of a newer protocol that can do with its own, and refuses one that cannot', async () => {
    const { host } = await inEdl()
    await host.packet()
    await host.words(2, 0x30, 3, 3, 0, 3, 0, 0, 0, 0, 0, 0)
    expect(await host.packet()).toEqual([4, 16, 0, 4])
    await host.words(2, 0x30, 3, 1, 0, 3, 0, 0, 0, 0, 0, 0)
    expect(await host.packet()).toEqual([0x0b, 8])
  })

  it('does not answer a greeting whose reserved words are set, in the newest generation', async () => {
    const { host } = await inEdl('nx789j')
    await host.packet()
    await host.answerHello(0, 1)
    await expect(host.packet(50)).rejects.toThrow('Cancelled')
  })
})

describe('a loader that is not for this terminal', () => {
  it('is read whole, and then nothing answers any more until the power is gone', async () => {
    const { terminal, host, bench } = await inEdl()
    const loader = loaderFor(terminal.profile, { vendor: 'zte' })
    await host.packet()
    await host.answerHello(0)
    await expect(host.serve(loader)).rejects.toThrow('Cancelled')
    expect(terminal.state).toBe('rom')
    // The one packet that the hardware takes while nobody reads.
    await host.send(new Uint8Array(8))
    await expect(host.send(new Uint8Array(8), 50)).rejects.toThrow('Cancelled')
    bench.unplug(terminal)
    const again = plugIn(terminal)
    await expect((await again.host()).packet(50)).rejects.toThrow('Cancelled')
    terminal.cutPower()
    await terminal.powerOn({ keys: 'edl' })
    expect((await (await again.host()).packet())[0]).toBe(1)
  })

  it('makes the newest generation leave the bus', async () => {
    const { terminal, host, bench } = await inEdl('nx789j')
    await host.packet()
    await host.answerHello(0)
    await expect(host.serve(loaderFor(terminal.profile, { vendor: 'other' }))).rejects.toThrow('Disconnected')
    expect(await bench.getDevices()).toEqual([])
  })

  it.each([
    ['of another maker', 0x25, (_right: Uint8Array, other: Uint8Array) => other],
    ['with a changed segment', 0x22, (right: Uint8Array) => spoiltLoader(right, 'tampered')],
    ['with another signature', 0x21, (right: Uint8Array) => spoiltLoader(right, 'wrong-signature')],
    ['without hashes', 0x23, (right: Uint8Array) => spoiltLoader(right, 'no-hash-segment')],
    ['that is no ELF', 0x14, (right: Uint8Array) => right.map((byte) => byte ^ 0xff)],
  ] as const)('%s gets status %i from a boot ROM that says it', async (_what, status, spoil) => {
    const { terminal, host } = await inEdl('a-only')
    const loader = spoil(loaderFor(terminal.profile), loaderFor(terminal.profile, { vendor: 'other' }))
    await host.packet()
    await host.answerHello(0)
    expect(await host.serve(loader)).toEqual([4, 16, 0x0d, status])
    await host.words(7, 8)
    expect(await host.packet()).toEqual([8, 8])
  })

  it('is told from the right one by all that is checked: 32 bits too', async () => {
    const { terminal, host } = await withEdl('emmc-ab', (edl) => ({
      ...edl,
      sahara: { ...edl.sahara, badLoader: 'status' },
    }))
    await host.packet()
    await host.answerHello(0)
    expect(await host.serve(spoiltLoader(loaderFor(terminal.profile), 'tampered'))).toEqual([
      4, 16, 0x0d, 0x22,
    ])
  })
})

describe('after a crash', () => {
  it('offers memory with 32-bit words on old chips, and restarts when it is told to', async () => {
    const terminal = await testTerminal('emmc-ab')
    const plugged = plugIn(terminal)
    await terminal.powerOn({ keys: 'crash' })
    const host = await plugged.host()
    expect([host.device.vendorId, host.device.productId]).toEqual([0x05c6, 0x900e])
    await host.packet()
    await host.answerHello(2)
    const [command, , address = 0, length = 0] = await host.packet()
    expect([command, length % 52]).toEqual([9, 0])
    await host.words(0x0a, 16, address, length)
    expect((await host.receive()).toString('latin1', 32, 42)).toBe('OCIMEM.BIN')
    await host.words(7, 8)
    expect(await host.packet()).toEqual([8, 8])
    await until(() => terminal.state === 'system')
  })

  it('offers memory, and stops answering when it is asked for anything else', async () => {
    const terminal = await testTerminal('nx679j')
    const plugged = plugIn(terminal)
    await terminal.powerOn({ keys: 'crash' })
    expect(terminal.state).toBe('crashdump')
    const host = await plugged.host()
    expect([host.device.vendorId, host.device.productId]).toEqual([0x19d2, 0x0112])
    expect((await host.packet())[5]).toBe(2)
    await host.answerHello(2)
    const [command, , address = 0, , length = 0] = await host.packet()
    expect(command).toBe(0x10)
    await host.words(0x11, 24, address, 0, length, 0)
    const table = await host.receive()
    expect(table.length).toBe(length)
    expect(table.toString('latin1', 44, 54)).toBe('OCIMEM.BIN')
    await host.words(0x11, 24, table.readUInt32LE(8), 0, 4096, 0)
    expect((await host.receive(8192)).length).toBe(4096)
    await host.words(0x11, 24, 0x1000, 0, 4096, 0)
    expect(await host.packet()).toEqual([4, 16, 0, 0x19])
    await host.words(0x0c, 12, 0)
    await expect(host.packet(50)).rejects.toThrow('Cancelled')
  })
})
