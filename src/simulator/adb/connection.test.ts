import { constants, generateKeyPairSync, type KeyObject, privateEncrypt } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { SimulatedTerminal } from '../terminal.ts'
import { testTerminal } from '../test-terminal.ts'
import { SimulatedBench } from '../usb.ts'
import { type AdbDaemonOptions, adbDaemon } from './daemon.ts'
import { MIB, TestAdbHost } from './test-host.ts'
import { COMMAND } from './wire.ts'

async function running(options: AdbDaemonOptions = {}): Promise<SimulatedTerminal> {
  const terminal = await testTerminal('nx679j', { adb: adbDaemon(options) })
  await terminal.powerOn()
  return terminal
}

describe('greeting', () => {
  it('says what it is, and agrees on the lesser version and size', async () => {
    const host = TestAdbHost.to(await running())
    expect(await host.connect()).toBe(
      'device::ro.product.name=NX679J;ro.product.model=NX679J;ro.product.device=NX679J;features=shell_v2,cmd',
    )
    expect(host.transfers.map(({ length }) => length)[0]).toBe(24)
  })

  it('sends header and payload as transfers of their own, and no longer payload than agreed', async () => {
    const long = 'x'.repeat(10_000)
    const host = TestAdbHost.to(await running({ behaviour: { properties: { replaced: { long } } } }))
    await host.connect(0x01000001, 4096)
    host.transfers.length = 0
    expect((await host.ask('shell:getprop long'))?.toString()).toBe(`${long}\n`)
    const sizes = host.transfers.map(({ length }) => length).filter((length) => length !== 24)
    expect(sizes).toEqual([4096, 4096, 10_001 - 8192])
  })

  it('adds up the bytes where either side is old, and drops who adds up wrong', async () => {
    const host = TestAdbHost.to(await running({ behaviour: { version: 0x01000000, maxData: 4096 } }))
    await host.connect()
    const [header, banner] = host.transfers
    expect(header?.readUInt32LE(16)).toBe(banner?.reduce((sum, byte) => sum + byte, 0))
    const open = Buffer.alloc(24)
    for (const [i, word] of [COMMAND.open, 1, 0, 2, 999, (COMMAND.open ^ 0xffffffff) >>> 0].entries())
      open.writeUInt32LE(word >>> 0, i * 4)
    host.raw(open)
    host.raw(Buffer.from('x\0'))
    await host.served
    expect(host.closed).toBe(true)
  })

  it('starts over with a host that starts over', async () => {
    const host = TestAdbHost.to(await running())
    await host.connect()
    host.send(COMMAND.open, 3, 0, 'shell:\0')
    expect((await host.packet()).command).toBe(COMMAND.okay)
    expect((await host.packet()).payload.toString()).toBe('$ ')
    expect(await host.connect()).toMatch(/^device::/)
    expect((await host.ask('shell:echo anew'))?.toString()).toBe('anew\n')
  })

  it('takes any pieces that the link gives, zero-length packets included', async () => {
    const host = TestAdbHost.to(await running())
    const header = Buffer.alloc(24)
    const payload = Buffer.from('host::\0')
    const words = [COMMAND.cnxn, 0x01000001, MIB, payload.length, 0, (COMMAND.cnxn ^ 0xffffffff) >>> 0]
    for (const [i, word] of words.entries()) header.writeUInt32LE(word >>> 0, i * 4)
    for (const byte of Buffer.concat([header, payload])) {
      host.raw(new Uint8Array(0))
      host.raw(Uint8Array.of(byte))
    }
    expect((await host.packet()).command).toBe(COMMAND.cnxn)
  })

  it('survives arbitrary bytes', { timeout: 20_000 }, async () => {
    const terminal = await running()
    const packet = fc.record({
      command: fc.constantFrom(...Object.values(COMMAND), 0x434e5953, 1),
      args: fc.tuple(fc.nat(4), fc.nat(4)),
      payload: fc.uint8Array({ maxLength: 40 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(packet, { maxLength: 12 }),
        fc.uint8Array({ maxLength: 60 }),
        async (packets, tail) => {
          const host = TestAdbHost.to(terminal)
          await host.connect()
          for (const { command, args, payload } of packets) host.send(command, ...args, payload)
          host.raw(tail)
          await new Promise((done) => setImmediate(done))
          host.hangUp()
          await host.served
        },
      ),
      { numRuns: 60 },
    )
    expect(await TestAdbHost.to(terminal).connect()).toMatch(/^device::/)
  })
})

describe('streams', () => {
  it('serves several at once, each with one unanswered WRTE', async () => {
    const host = TestAdbHost.to(await running())
    await host.connect()
    host.send(COMMAND.open, 1, 0, 'shell:\0')
    host.send(COMMAND.open, 2, 0, 'shell:\0')
    const ids = new Map<number, number>()
    for (let i = 0; i < 4; i++) {
      const { command, arg0, arg1 } = await host.packet()
      if (command === COMMAND.okay) ids.set(arg1, arg0)
    }
    const [first = 0, second = 0] = [ids.get(1), ids.get(2)]
    // The prompt of the first is not acknowledged yet, so its answer waits; the second goes on.
    host.send(COMMAND.wrte, 1, first, 'echo one\n')
    host.send(COMMAND.okay, 2, second)
    host.send(COMMAND.wrte, 2, second, 'echo two\n')
    const seen: string[] = []
    for (let i = 0; i < 3; i++) {
      const { command, arg1, payload } = await host.packet()
      seen.push(`${command === COMMAND.okay ? 'OKAY' : 'WRTE'} ${arg1} ${payload}`)
    }
    expect(seen.sort()).toEqual(['OKAY 1 ', 'OKAY 2 ', 'WRTE 2 two\n$ '])
    host.send(COMMAND.okay, 1, first)
    const { arg1, payload } = await host.packet()
    expect([arg1, payload.toString()]).toEqual([1, 'one\n$ '])
  })

  it('refuses services that it does not have', async () => {
    const host = TestAdbHost.to(await running())
    await host.connect()
    for (const name of [
      'sync:',
      'jdwp',
      'track-jdwp',
      'root:',
      'sideload-host:5:65536',
      '',
      'rescue-getprop:x',
    ])
      expect(await host.ask(name)).toBeUndefined()
  })

  it('answers shell v2 with its exit code', async () => {
    const host = TestAdbHost.to(await running())
    await host.connect()
    const answer = await host.ask('shell,v2,TERM=xterm,raw:echo "a  b" && nonsense')
    const out = '\x01\x05\0\0\0a  b\n'
    const err = '/system/bin/sh: nonsense: inaccessible or not found\n'
    expect(answer?.toString('latin1')).toBe(
      `${out}\x02${String.fromCharCode(err.length)}\0\0\0${err}\x03\x01\0\0\0\x7f`,
    )
  })
})

describe('properties', () => {
  const shell = async (terminal: SimulatedTerminal, line: string) => {
    const host = TestAdbHost.to(terminal)
    await host.connect()
    return (await host.ask(`shell:${line}`))?.toString()
  }

  it('come from the build of the slot that was booted', async () => {
    const terminal = await running()
    const all = (await shell(terminal, 'getprop')) ?? ''
    for (const line of [
      '[ro.build.fingerprint]: [BUILD-1]',
      '[ro.build.version.security_patch]: [2026-01-01]',
      '[ro.boot.slot_suffix]: [_a]',
      '[ro.boot.verifiedbootstate]: [orange]',
      '[ro.serialno]: [SIM0123456789]',
      '[sys.boot_completed]: [1]',
    ])
      expect(all).toContain(line)
  })

  it('say that the boot is complete only when it is', async () => {
    const slow = await running({ behaviour: { boot: { ms: 150 } } })
    expect(await shell(slow, 'getprop sys.boot_completed')).toBe('\n')
    await vi.waitFor(async () => expect(await shell(slow, 'getprop sys.boot_completed')).toBe('1\n'))
    for (const fails of ['zygote-loop', 'never-completes'] as const) {
      const terminal = await running({ behaviour: { boot: { ms: 0, fails } } })
      expect(await shell(terminal, 'getprop sys.boot_completed')).toBe('\n')
    }
  })

  it('can be missing or absurd', async () => {
    const replaced = { 'ro.product.model': '', 'ro.build.fingerprint': `\x1b[2J\n]: [${'x'.repeat(2 * MIB)}` }
    const terminal = await running({ behaviour: { properties: { missing: ['ro.serialno'], replaced } } })
    const all = (await shell(terminal, 'getprop')) ?? ''
    expect(all).not.toContain('[ro.serialno]')
    expect(all).toContain('[ro.product.model]: []')
    expect(all.length).toBeGreaterThan(2 * MIB)
  })
})

describe('authorisation', () => {
  const auth = { behaviour: { auth: 'system' } } as const

  it('lets the owner of a trusted key in, and nobody who cannot sign', async () => {
    const { key, base64 } = makeKey()
    const terminal = await running({ ...auth, trustedKeys: new Set([base64]) })
    const stranger = makeKey()
    const host = TestAdbHost.to(terminal)
    host.send(COMMAND.cnxn, 0x01000001, MIB, 'host::\0')
    const first = await host.packet()
    expect([first.command, first.arg0, first.payload.length]).toEqual([COMMAND.auth, 1, 20])
    host.send(COMMAND.open, 1, 0, 'shell:id\0')
    host.send(COMMAND.auth, 2, 0, signed(first.payload, stranger.key))
    const second = await host.packet()
    expect(second.command).toBe(COMMAND.auth)
    expect(second.payload.equals(first.payload)).toBe(false)
    // What was signed for the first token does not hold for the second.
    host.send(COMMAND.auth, 2, 0, signed(first.payload, key))
    const third = await host.packet()
    host.send(COMMAND.auth, 2, 0, signed(third.payload, key))
    expect((await host.packet()).command).toBe(COMMAND.cnxn)
  })

  const ask = async (terminal: SimulatedTerminal, base64: string) => {
    const host = TestAdbHost.to(terminal)
    host.send(COMMAND.cnxn, 0x01000001, MIB, 'host::\0')
    await host.packet()
    host.send(COMMAND.auth, 3, 0, `${base64} bench@host\0`)
    return host
  }

  it('asks on the screen for an unknown key, and remembers the answer', async () => {
    const { key, base64 } = makeKey()
    const screen: string[] = []
    const terminal = await running({
      behaviour: { ...auth.behaviour, prompt: { answer: 'always-allow', ms: 5 } },
      onScreen: (text) => screen.push(text),
    })
    const host = await ask(terminal, base64)
    expect((await host.packet()).command).toBe(COMMAND.cnxn)
    expect(screen).toEqual(['Allow USB debugging? bench@host', 'USB debugging allowed'])
    const again = TestAdbHost.to(terminal)
    again.send(COMMAND.cnxn, 0x01000001, MIB, 'host::\0')
    again.send(COMMAND.auth, 2, 0, signed((await again.packet()).payload, key))
    expect((await again.packet()).command).toBe(COMMAND.cnxn)
  })

  it.each(['refuse', 'never-answers'] as const)('keeps a host out when the hands %s', async (answer) => {
    const screen: string[] = []
    const terminal = await running({
      behaviour: { ...auth.behaviour, prompt: { answer, ms: 1 } },
      onScreen: (text) => screen.push(text),
    })
    const host = await ask(terminal, makeKey().base64)
    const last = answer === 'refuse' ? 'USB debugging refused' : 'Allow USB debugging? bench@host'
    await vi.waitFor(() => expect(screen.at(-1)).toBe(last))
    const before = host.transfers.length
    host.send(COMMAND.open, 1, 0, 'shell:id\0')
    await new Promise((done) => setTimeout(done, 20))
    expect(host.transfers.length).toBe(before)
  })
})

describe('leaving', () => {
  it.each([
    ['bootloader', 'bootloader'],
    ['recovery', 'recovery'],
    ['sideload', 'sideload'],
    ['edl', 'rom'],
    ['', 'system'],
  ])('reboots to %s', async (wish, state) => {
    const terminal = await running()
    const host = TestAdbHost.to(terminal)
    await host.connect()
    host.send(COMMAND.open, 1, 0, `reboot:${wish}\0`)
    await host.served
    await vi.waitFor(() => expect(terminal.state).toBe(state))
  })

  it('is reached over the simulated USB too', async () => {
    const terminal = await running()
    const bench = new SimulatedBench()
    bench.plug(terminal, { bus: '1', ports: [1] })
    const [device] = await bench.getDevices()
    if (device === undefined) throw new Error('nothing is attached')
    await device.open()
    await device.claimInterface(0)
    const header = new Uint8Array(24)
    const view = new DataView(header.buffer)
    const words = [COMMAND.cnxn, 0x01000001, MIB, 1024, 0, (COMMAND.cnxn ^ 0xffffffff) >>> 0]
    for (const [i, word] of words.entries()) view.setUint32(i * 4, word >>> 0, true)
    await device.transferOut(1, header, 1000)
    // A payload of exactly one packet, with the zero-length packet that some hosts send after it.
    await device.transferOut(1, new Uint8Array(1024), 1000)
    await device.transferOut(1, new Uint8Array(0), 1000)
    const answer = await device.transferIn(1, 1024, 1000)
    expect(answer.data?.byteLength).toBe(24)
    const banner = await device.transferIn(1, 1024, 1000)
    expect(banner.data?.byteLength).toBe(answer.data?.getUint32(12, true))
    terminal.cutPower()
    await expect(device.transferIn(1, 1024, 1000)).rejects.toThrow()
  })
})

function makeKey(): { readonly key: KeyObject; readonly base64: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url')
  const struct = Buffer.alloc(524)
  struct.writeUInt32LE(64, 0)
  Buffer.from(modulus).reverse().copy(struct, 8)
  struct.writeUInt32LE(65537, 520)
  return { key: privateKey, base64: struct.toString('base64') }
}

/** As adb does: the token stands where the SHA-1 of a message would. */
function signed(token: Buffer, key: KeyObject): Buffer {
  const info = Buffer.concat([Buffer.from('3021300906052b0e03021a05000414', 'hex'), token])
  return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, info)
}
