// Google's adb drives the simulated terminal, over a server of its own.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, type TestContext, vi } from 'vitest'
import { requireTool } from '../../../test/tools.ts'
import { serveAdbTcp } from '../adb-tcp-server.ts'
import type { TcpPort } from '../listen-tcp.ts'
import { makeRom } from '../rom-factory/make-rom.ts'
import { BUILD_2, testProfile, testTerminal } from '../test-terminal.ts'
import { type AdbDaemonOptions, adbDaemon } from './daemon.ts'

interface Answer {
  readonly exit: number
  readonly out: string
  readonly err: string
}

/** Its own server, its own keys: whatever else runs on this machine is not touched. */
class GoogleAdb {
  readonly #program: string
  readonly #home: string
  readonly #port: number
  target = ''

  constructor(program: string, home: string, port: number) {
    this.#program = program
    this.#home = home
    this.#port = port
  }

  run(...args: readonly string[]): Promise<Answer> {
    const selected = this.target === '' ? [] : ['-s', this.target]
    return this.#run([...selected, ...args])
  }

  async connect(server: TcpPort): Promise<Answer> {
    this.target = ''
    const target = `127.0.0.1:${server.port}`
    const answer = await this.#run(['connect', target])
    this.target = target
    return answer
  }

  async end(): Promise<void> {
    this.target = ''
    await this.#run(['kill-server'])
  }

  #run(args: readonly string[]): Promise<Answer> {
    const env = { ...process.env, HOME: this.#home, ANDROID_ADB_SERVER_PORT: String(this.#port) }
    return new Promise((resolve) => {
      const options = { env, timeout: 20_000 }
      const child = execFile(
        this.#program,
        ['-P', String(this.#port), ...args],
        options,
        (error, out, err) => {
          const exit = typeof error?.code === 'number' ? error.code : error ? -1 : 0
          resolve({ exit, out, err })
        },
      )
      child.stdin?.end()
    })
  }
}

let home: string
let adb: GoogleAdb | undefined
let server: TcpPort | undefined

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slotbench-adb-'))
})

afterEach(async () => {
  await adb?.end()
  await server?.close()
  adb = undefined
  server = undefined
  await rm(home, { recursive: true, force: true })
})

async function bench(context: TestContext, options: AdbDaemonOptions = {}) {
  const google = new GoogleAdb(requireTool('adb', context), home, await freePort())
  adb = google
  const terminal = await testTerminal('nx679j', { adb: adbDaemon(options) })
  await terminal.powerOn()
  const tcp = await serveAdbTcp(terminal, { port: 0, host: '127.0.0.1' })
  server = tcp
  return { google, terminal, tcp }
}

/** The server tries again by itself, but only now and then; asking anew is quicker. */
async function backIn(state: string, google: GoogleAdb, tcp: TcpPort): Promise<void> {
  await vi.waitFor(
    async () => {
      await google.run('disconnect')
      await google.connect(tcp)
      expect((await google.run('get-state')).out.trim()).toBe(state)
    },
    { timeout: 20_000, interval: 100 },
  )
}

describe('Google’s adb', { timeout: 60_000 }, () => {
  it('connects, lists, runs commands and takes their exit codes', async (context) => {
    const { google, tcp } = await bench(context)
    expect((await google.connect(tcp)).out).toContain(`connected to 127.0.0.1:${tcp.port}`)
    const list = (await google.run('devices', '-l')).out
    expect(list).toMatch(/device product:NX679J model:NX679J device:NX679J/)
    expect(await google.run('shell', 'getprop', 'ro.product.model')).toMatchObject({
      exit: 0,
      out: 'NX679J\n',
    })
    expect((await google.run('shell', 'getprop')).out).toContain('[ro.boot.slot_suffix]: [_a]')
    expect(await google.run('shell', 'echo hello; exit 42')).toMatchObject({ exit: 42, out: 'hello\n' })
    const unknown = await google.run('shell', 'nonsense')
    expect(unknown.exit).toBe(127)
    expect(unknown.err).toContain('not found')
    expect((await google.run('push', import.meta.filename, '/data/x')).exit).not.toBe(0)
    expect((await google.run('get-state')).out).toBe('device\n')
  })

  it.for([
    ['old, with checksums', { version: 0x01000000, maxData: 4096, features: [] }],
    ['with 256 KiB', { version: 0x01000001, maxData: 262144, features: ['cmd'] }],
  ] as const)('speaks to a daemon that is %s', async ([, behaviour], context) => {
    const replaced = { long: 'x'.repeat(70_000) }
    const { google, tcp } = await bench(context, { behaviour: { ...behaviour, properties: { replaced } } })
    await google.connect(tcp)
    expect((await google.run('shell', 'getprop long')).out).toBe(`${replaced.long}\n`)
  })

  it('reboots to the bootloader', async (context) => {
    const { google, terminal, tcp } = await bench(context)
    await google.connect(tcp)
    expect((await google.run('reboot', 'bootloader')).exit).toBe(0)
    await vi.waitFor(() => expect(terminal.state).toBe('bootloader'))
  })

  it('is refused until the hands allow it', async (context) => {
    const screen: string[] = []
    const { google, tcp } = await bench(context, {
      behaviour: { auth: 'system', prompt: { answer: 'always-allow', ms: 1500 } },
      onScreen: (text) => screen.push(text),
    })
    await google.connect(tcp)
    expect((await google.run('get-state')).err).toContain('unauthorized')
    await vi.waitFor(async () => expect((await google.run('get-state')).out).toBe('device\n'), {
      timeout: 15_000,
      interval: 200,
    })
    expect(screen[0]).toMatch(/^Allow USB debugging\? .*@/)
    await google.run('disconnect')
    await google.connect(tcp)
    expect((await google.run('shell', 'id')).out).toContain('uid=2000')
    expect(screen.filter((line) => line.startsWith('Allow'))).toHaveLength(1)
  })

  it('sideloads a package, and hears of one that is refused', async (context) => {
    const { google, terminal, tcp } = await bench(context)
    const [good, foreign] = [join(home, 'good package.zip'), join(home, 'foreign.zip')]
    const rom = { ...BUILD_2, kind: 'ota-zip', securityPatch: '2026-02-01' } as const
    await makeRom(testProfile('nx679j'), { ...rom, out: good })
    await makeRom(testProfile('nx679j'), { ...rom, out: foreign, models: ['NX789J'] })
    await google.connect(tcp)
    await google.run('reboot', 'sideload')
    await backIn('sideload', google, tcp)
    expect((await google.run('sideload', foreign)).exit).toBe(1)
    await backIn('recovery', google, tcp)
    expect((await terminal.wouldBoot()).build).toBe('BUILD-1')
    await google.run('reboot', 'sideload-auto-reboot')
    await backIn('sideload', google, tcp)
    const whole = await google.run('sideload', good)
    expect(whole.exit, whole.out + whole.err).toBe(0)
    expect(whole.out).toContain('Total xfer: ')
    await backIn('device', google, tcp)
    expect((await google.run('shell', 'getprop', 'ro.build.fingerprint')).out).toBe('BUILD-2\n')
    expect((await google.run('shell', 'getprop', 'ro.boot.slot_suffix')).out).toBe('_b\n')
  })

  it('asks rescue for its properties', async (context) => {
    const { google, tcp } = await bench(context)
    await google.connect(tcp)
    await google.run('reboot', 'rescue')
    await backIn('rescue', google, tcp)
    expect((await google.run('rescue', 'getprop', 'rescue.battery_level')).out).toContain('83')
    expect((await google.run('rescue', 'wipe', 'userdata')).exit).toBe(0)
  })
})

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
