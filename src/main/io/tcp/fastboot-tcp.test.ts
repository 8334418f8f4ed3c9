import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { requireTool } from '../../../../test/tools.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { FastbootClient } from '../../protocols/fastboot/client.ts'
import { createDiscovery } from '../../terminals/discovery.ts'
import { parseEndpoint } from './endpoint.ts'
import { connectFastbootTcp } from './fastboot-tcp.ts'
import { watchTcpEndpoints } from './tcp-source.ts'

const io = (ms = 2_000): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(ms) })

const servers: Server[] = []
const sockets = new Set<Socket>()

async function stopServers(): Promise<void> {
  for (const socket of sockets) socket.destroy()
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
}

afterEach(stopServers)

/** A server that hands each connection to `serve`. */
async function listen(serve: (socket: Socket) => void, port = 0) {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    serve(socket)
  })
  servers.push(server)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return parseEndpoint(`tcp:127.0.0.1:${address.port}`)
}

function message(content: string | Uint8Array): Buffer {
  const body = Buffer.from(content)
  const header = Buffer.alloc(8)
  header.writeBigUInt64BE(BigInt(body.length))
  return Buffer.concat([header, body])
}

/** The device side of the README's example, with a download: written from the README, not from the client. */
function fastbootDevice(socket: Socket, downloads: Buffer[] = []): void {
  let buffer = Buffer.alloc(0)
  let greeted = false
  let expected = 0
  let download: Buffer[] = []
  const answer = (command: string) => {
    if (command === 'getvar:version') return socket.write(message('OKAY0.4'))
    if (command.startsWith('download:')) {
      expected = Number.parseInt(command.slice(9), 16)
      download = []
      return socket.write(message(`DATA${command.slice(9)}`))
    }
    return socket.write(message('FAILUnknown variable'))
  }
  socket.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk])
    if (!greeted && buffer.length >= 4) {
      expect(buffer.subarray(0, 4).toString()).toBe('FB01')
      buffer = buffer.subarray(4)
      greeted = true
      socket.write('FB01')
    }
    while (greeted && buffer.length >= 8) {
      const length = Number(buffer.readBigUInt64BE())
      if (buffer.length < 8 + length) break
      const body = buffer.subarray(8, 8 + length)
      buffer = buffer.subarray(8 + length)
      if (expected === 0) {
        answer(body.toString())
        continue
      }
      download.push(body)
      expected -= body.length
      if (expected === 0) {
        downloads.push(Buffer.concat(download))
        socket.write(message('OKAY'))
      }
    }
  })
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  return thrown instanceof SlotbenchError ? thrown.code : `not ours: ${String(thrown)}`
}

describe('parseEndpoint', () => {
  it.each([
    ['tcp:192.168.1.2:5555', '192.168.1.2', 5555, undefined, 'tcp:192.168.1.2:5555'],
    ['tcp:Phone.local', 'Phone.local', 5554, undefined, 'tcp:phone.local:5554'],
    ['tcp:[fe80::1%eth0]:1', 'fe80::1%eth0', 1, undefined, 'tcp:[fe80::1%eth0]:1'],
    ['tcp:[::1]', '::1', 5554, undefined, 'tcp:[::1]:5554'],
    ['tcp:[::1]:5554,5555', '::1', 5554, 5555, 'tcp:[::1]:5554'],
    ['tcp:phone:1,65535', 'phone', 1, 65_535, 'tcp:phone:1'],
  ])('reads %s', (text, host, port, adbPort, bay) => {
    expect(parseEndpoint(text)).toEqual({ host, port, adbPort, bay })
  })

  it.each([
    '',
    'tcp:',
    'udp:a:1',
    'a:1',
    'tcp:a:0',
    'tcp:a:65536',
    'tcp:a:b',
    'tcp:::1:5',
    'tcp:a b',
    'tcp:a/b',
    'tcp:a:1,',
    'tcp:a:1,0',
    'tcp:a,5555',
    'tcp:a:1,2,3',
  ])('refuses %j', (text) => {
    expect(() => parseEndpoint(text)).toThrow(SlotbenchError)
  })
})

describe('fastboot over TCP', () => {
  it('shakes hands, frames messages, and carries a download whole', async () => {
    const downloads: Buffer[] = []
    const endpoint = await listen((socket) => fastbootDevice(socket, downloads))
    const client = new FastbootClient(await connectFastbootTcp(endpoint, io()))
    expect(await client.getvar('version', io())).toBe('0.4')
    expect(await client.getvar('none', io())).toBeUndefined()
    const content = Buffer.alloc(5_000_001, 'slotbench')
    await client.download(content.length, [content], io(10_000))
    expect(downloads[0]?.equals(content)).toBe(true)
    expect(await client.getvar('version', io())).toBe('0.4')
    await client.close()
    await client.close()
  })

  it('is tested against a device that Google’s fastboot understands too', async (test) => {
    const fastboot = requireTool('fastboot', test)
    const endpoint = await listen((socket) => fastbootDevice(socket))
    const { stderr } = await promisify(execFile)(fastboot, ['-s', endpoint.bay, 'getvar', 'version'], {
      timeout: 10_000,
    })
    expect(stderr).toContain('version: 0.4')
  })

  it.each([
    ['HTTP', 'terminal-garbled', /does not speak fastboot/],
    ['FB02', 'terminal-garbled', /version 2/],
    ['FB', 'terminal-silent', /in time/],
  ])('refuses a handshake of %j', async (greeting, code, words) => {
    const endpoint = await listen((socket) => socket.write(greeting))
    await expect(connectFastbootTcp(endpoint, io(200))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(words),
    })
  })

  it('says network-failed where nobody listens, and cancelled when told so', async () => {
    const endpoint = await listen(() => undefined)
    const stop = new AbortController()
    const waiting = connectFastbootTcp(endpoint, { signal: stop.signal, deadline: Deadline.after(5_000) })
    setTimeout(() => stop.abort(), 20)
    expect(await codeOf(waiting)).toBe('cancelled')
    await stopServers()
    expect(await codeOf(connectFastbootTcp(endpoint, io()))).toBe('network-failed')
  })

  it('gives a message out in pieces, and never past its end', async () => {
    const endpoint = await listen((socket) => {
      socket.write('FB01')
      socket.write(Buffer.concat([message('OKAYone'), message(''), message('INFOtwo')]))
    })
    const transport = await connectFastbootTcp(endpoint, io())
    const texts = []
    for (const max of [4, 100, 100]) texts.push(Buffer.from(await transport.receive(max, io())).toString())
    expect(texts).toEqual(['OKAY', 'one', 'INFOtwo'])
    await transport.close()
  })

  it('refuses a message of absurd length, and endless empty ones', async () => {
    for (const flood of [
      Buffer.from('ffffffffffffffff', 'hex'),
      Buffer.from('0000000100000000', 'hex'),
      Buffer.alloc(8 * 2_000),
    ]) {
      const endpoint = await listen((socket) => socket.write(Buffer.concat([Buffer.from('FB01'), flood])))
      const transport = await connectFastbootTcp(endpoint, io())
      expect(await codeOf(transport.receive(256, io()))).toBe('terminal-garbled')
      await transport.close()
    }
  })

  it('notices at any byte that the terminal has closed', async () => {
    const whole = Buffer.concat([Buffer.from('FB01'), message('OKAY')])
    for (let length = 0; length < whole.length; length++) {
      const endpoint = await listen((socket) => socket.end(whole.subarray(0, length)))
      const work = async () => {
        const transport = await connectFastbootTcp(endpoint, io())
        try {
          let text = ''
          while (text.length < 4) text += Buffer.from(await transport.receive(256, io())).toString()
        } finally {
          await transport.close()
        }
      }
      expect(await codeOf(work())).toBe('terminal-gone')
    }
  })

  it('says terminal-silent to a terminal that takes no more data', async () => {
    const endpoint = await listen((socket) => {
      socket.write('FB01')
      socket.pause()
    })
    const transport = await connectFastbootTcp(endpoint, io())
    const flood = async () => {
      for (;;) await transport.send(new Uint8Array(4 * 1024 * 1024), io(150))
    }
    expect(await codeOf(flood())).toBe('terminal-silent')
    await transport.close()
  })

  it('whatever bytes come, a client ends with a result or one of our errors', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.boolean(), async (noise, framed) => {
        const endpoint = await listen((socket) => {
          socket.write('FB01')
          socket.end(framed ? message(noise) : noise)
        })
        const client = new FastbootClient(await connectFastbootTcp(endpoint, io()))
        const code = await codeOf(client.flash('boot', io(300)))
        expect(code).toMatch(/^(terminal-|network-failed|not ours: undefined)/)
        await client.close()
      }),
      { numRuns: 40 },
    )
  })
})

describe('endpoints as sightings', () => {
  it('finds one that comes up while somebody waits, and opens it after hanging up the probe', async () => {
    const port = (await listen(() => undefined)).port
    await stopServers()
    const discovery = createDiscovery([watchTcpEndpoints([`tcp:127.0.0.1:${port}`])])
    expect(await discovery.scan(io())).toEqual([])
    let open = 0
    let most = 0
    setTimeout(() => {
      void listen((socket) => {
        open += 1
        most = Math.max(most, open)
        socket.on('close', () => (open -= 1))
        fastbootDevice(socket)
      }, port)
    }, 100)
    const sighting = await discovery.waitFor((s) => s.bay === `tcp:127.0.0.1:${port}`, io(5_000))
    const client = new FastbootClient(await sighting.open(io()))
    expect(await client.getvar('version', io())).toBe('0.4')
    expect(most).toBe(1)
    expect(await codeOf(sighting.open(io()))).toBe('usb-busy')
    // While it is open it is there, unprobed; afterwards only a new look can tell.
    expect((await discovery.scan(io())).map((s) => s.bay)).toEqual([sighting.bay])
    expect(most).toBe(1)
    await client.close()
    expect(discovery.sightings()).toEqual([])
    await sleep(20)
    expect(await discovery.scan(io())).toHaveLength(1)
    await discovery.close()
  })

  it('gives up at the deadline with what is there instead', async () => {
    const endpoint = await listen((socket) => fastbootDevice(socket))
    const discovery = createDiscovery([watchTcpEndpoints([endpoint.bay])])
    await expect(discovery.waitFor((s) => s.serial === 'x', io(200))).rejects.toMatchObject({
      code: 'terminal-not-found',
      message: expect.stringContaining(endpoint.bay),
    })
    const stop = new AbortController()
    const waiting = discovery.waitFor(() => false, { signal: stop.signal, deadline: Deadline.after(5_000) })
    setTimeout(() => stop.abort(), 20)
    expect(await codeOf(waiting)).toBe('cancelled')
    await discovery.close()
  })
})
