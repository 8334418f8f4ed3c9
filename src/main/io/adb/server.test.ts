import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, type TestContext } from 'vitest'
import { requireTool } from '../../../../test/tools.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import type { BayId } from '../../../shared/units.ts'
import { adbDaemon } from '../../../simulator/adb/daemon.ts'
import { serveAdbTcp } from '../../../simulator/adb-tcp-server.ts'
import { testTerminal } from '../../../simulator/test-terminal.ts'
import { openAdbSession } from '../../terminals/adb/session.ts'
import type { Sighting } from '../../terminals/types.ts'
import { adbServer, parseTerminals } from './server.ts'

const io = (ms = 10_000): IoOptions => ({
  signal: new AbortController().signal,
  deadline: Deadline.after(ms),
})
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

/** A real server with a simulated terminal connected to it. */
async function withServer(test: TestContext) {
  const program = requireTool('adb', test)
  const home = await mkdtemp(join(tmpdir(), 'slotbench-adb-server-'))
  const port = await freePort()
  const env = { ...process.env, HOME: home, ANDROID_ADB_SERVER_PORT: String(port) }
  const adb = (...args: string[]) =>
    promisify(execFile)(program, ['-P', String(port), ...args], { env, timeout: 20_000 })
  cleanups.push(() => rm(home, { recursive: true, force: true }))
  cleanups.push(() => adb('kill-server'))
  const terminal = await testTerminal('nx679j', { adb: adbDaemon() })
  await terminal.powerOn()
  const link = await serveAdbTcp(terminal, { port: 0, host: '127.0.0.1' })
  cleanups.push(() => link.close())
  const serial = `127.0.0.1:${link.port}`
  await adb('connect', serial)
  return { terminal, server: adbServer({ port }), serial, adb }
}

/** What USB shows of a terminal that another program holds. */
function busy(serial: string): Sighting {
  return {
    bay: 'usb:1-9' as BayId,
    mode: 'system',
    protocol: 'adb',
    serial,
    product: undefined,
    usb: { vendorId: 0x19d2, productId: 0xffc1, address: 3, speed: 'high' },
    problem: undefined,
    open: async () => {
      throw new SlotbenchError('usb-busy', 'another program holds the interface')
    },
  }
}

const credentials = { keys: () => Promise.reject(new Error('the server has keys of its own')) }

describe('a running adb server', () => {
  it('says what it holds, and is named when it stands in the way', async (test) => {
    const { server, serial } = await withServer(test)
    expect(await server.terminals(io())).toMatchObject([
      { serial, state: 'device', names: { device: 'NX679J' } },
    ])
    await expect(openAdbSession(busy(serial), { ...io(), credentials, server })).rejects.toMatchObject({
      code: 'adb-server',
      message: expect.stringContaining(`${server.address} holds the terminal as ${serial}`),
    })
    await expect(openAdbSession(busy('OTHER'), { ...io(), credentials, server })).rejects.toMatchObject({
      code: 'usb-busy',
    })
  })

  it('carries a session where that is preferred', async (test) => {
    const { server, serial, terminal, adb } = await withServer(test)
    const open = () => openAdbSession(busy(serial), { ...io(), credentials, server, throughServer: true })
    const session = await open()
    expect(session.facts).toMatchObject({
      mode: 'system',
      serial: { value: 'SIM0123456789', source: 'getprop ro.serialno' },
      batteryPercent: { value: 83 },
    })
    await session.close()
    await (await open()).reboot('bootloader', io())
    await expect.poll(() => terminal.state).toBe('bootloader')
    await adb('disconnect')
    // The server answers before it has let go of the connection.
    await expect.poll(() => server.terminals(io())).toEqual([])
    await expect(open()).rejects.toMatchObject({ code: 'usb-busy' })
  })
})

describe('no adb server', () => {
  it('is nothing to speak of', async () => {
    const server = adbServer({ port: await freePort() })
    expect(await server.terminals(io())).toBeUndefined()
    expect(await server.holding('X', io())).toBeUndefined()
  })

  it('nor is something else that listens there', async () => {
    for (const words of ['HTTP/1.1 400 Bad Request\r\n\r\n', 'OKAYzzzz', 'FAIL0004nope', '']) {
      const other = createServer(
        (socket) =>
          void socket
            .on('error', () => {})
            .resume()
            .end(words),
      )
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
      const address = other.address()
      const port = typeof address === 'object' && address ? address.port : 0
      expect(await adbServer({ port }).terminals(io(300))).toBeUndefined()
      await new Promise((resolve) => other.close(resolve))
    }
  })
})

it('reads lists of terminals as far as they are lists', () => {
  const text = `NX1            device usb:1-2 product:NX679J model:NX679J device:NX679J transport_id:3
NX2            unauthorized usb:1-3 transport_id:4
NX3            no permissions (user in plugdev group; are your udev rules wrong?); see [http://x] usb:1-4 transport_id:5

garbage
`
  expect(parseTerminals(text).map(({ serial, transportId }) => [serial, transportId])).toEqual([
    ['NX1', 3],
    ['NX2', 4],
    ['NX3', 5],
  ])
})
