// Whoever is not the technician at this bench: other pages, other names, guesses, broken and oversized messages, hostile packages.
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { openStation, type Station } from '../../src/main/hosts/station/station.ts'
import { COMMANDS, type HostMessage, hostMessageSchema, MESSAGE_LIMIT } from '../../src/shared/contract.ts'
import { EngineBench } from '../engine-bench.ts'

let bench: EngineBench
let station: Station
let cookie: string
beforeEach(async () => {
  bench = new EngineBench()
  const pages = join(bench.folder, 'pages')
  mkdirSync(pages, { recursive: true })
  writeFileSync(join(pages, 'index.html'), '<!doctype html><title>bench</title>')
  station = await openStation({ engine: bench.engine, pages, port: 0 })
  const entered = await ask('/enter', { query: new URL(station.url).search })
  cookie = String(entered.headers['set-cookie']?.[0]).split(';')[0] ?? ''
})
afterEach(async () => {
  await station.close()
  await bench.close()
})

interface Asking {
  readonly query?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** With every header as given: `fetch` would not send a foreign Host. */
async function ask(path: string, o: Asking = {}) {
  const call = request({
    ...{ host: '127.0.0.1', port: station.port, path: `${path}${o.query ?? ''}`, method: o.method ?? 'GET' },
    headers: { host: `127.0.0.1:${station.port}`, ...o.headers },
  })
  call.end(o.body)
  const [response] = await once(call, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return {
    status: Number(response.statusCode),
    headers: response.headers,
    text: Buffer.concat(chunks).toString(),
  }
}

/** What comes of a WebSocket: open, or the status that refused it. */
async function knock(headers: Readonly<Record<string, string>>): Promise<'open' | number> {
  const socket = new WebSocket(`ws://127.0.0.1:${station.port}/window`, { headers })
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.terminate()
      resolve('open')
    })
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.once('error', () => resolve(0))
  })
}

const ours = () => ({ cookie, origin: `http://127.0.0.1:${station.port}` })

describe('the doors', () => {
  it('open to the token, and to nothing like it; the token does not stay in the address', async () => {
    const token = new URL(station.url).searchParams.get('token') ?? ''
    expect(token.length).toBeGreaterThanOrEqual(40)
    for (const guess of ['', 'x', token.slice(1), `${token}x`, token.toLowerCase()].filter(
      (g) => g !== token,
    ))
      expect((await ask('/enter', { query: `?token=${encodeURIComponent(guess)}` })).status).toBe(401)
    const entered = await ask('/enter', { query: `?token=${token}` })
    expect(entered).toMatchObject({
      status: 303,
      headers: { location: '/', 'referrer-policy': 'no-referrer' },
    })
    expect(entered.headers['set-cookie']?.[0]).toMatch(/HttpOnly; SameSite=Strict/)
    expect((await ask('/', { headers: { cookie } })).status).toBe(200)
    expect((await ask('/')).status).toBe(401)
    expect((await ask('/', { headers: { cookie: 'slotbench=guess' } })).status).toBe(401)
  })

  it('close to those who guess on', async () => {
    const statuses: number[] = []
    for (let guess = 0; guess < 40; guess++)
      statuses.push((await ask('/enter', { query: `?token=${guess}` })).status)
    expect(statuses).toContain(429)
    expect(statuses.every((status) => status === 401 || status === 429)).toBe(true)
  })

  it('are for the names of this computer only: DNS rebinding is refused before anything else', async () => {
    for (const host of ['evil.example', `evil.example:${station.port}`, '127.0.0.1', '127.0.0.1:1', '[::1]'])
      expect((await ask('/', { headers: { cookie, host } })).status).toBe(421)
    const token = new URL(station.url).search
    expect((await ask('/enter', { query: token, headers: { host: 'evil.example' } })).status).toBe(421)
  })

  it('are shut to pages of others, even with the cookie', async () => {
    for (const origin of [
      'http://evil.example',
      'null',
      `http://127.0.0.1:${station.port + 1}`,
      'http://localhost',
    ]) {
      expect((await ask('/', { headers: { cookie, origin } })).status).toBe(403)
      expect(await knock({ cookie, origin })).toBe(403)
      const put = {
        method: 'PUT',
        headers: { cookie, origin, 'content-type': 'application/octet-stream' },
        body: Buffer.from('x'),
      }
      expect((await ask('/packages/x.zip', put)).status).toBe(403)
    }
    for (const site of ['cross-site', 'same-site'])
      expect((await ask('/', { headers: { cookie, 'sec-fetch-site': site } })).status).toBe(403)
    expect(await knock({ cookie })).toBe(403)
    expect(await knock({ origin: ours().origin })).toBe(401)
    expect(await knock({ ...ours(), host: 'evil.example' })).toBe(421)
    expect(await knock(ours())).toBe('open')
  })

  it('serve nothing outside of the pages, and everything with a strict policy', async () => {
    for (const path of [
      '/../data/bench.sqlite',
      '/%2e%2e/data/bench.sqlite',
      '/..%2fdata%2fbench.sqlite',
      '/nothing',
    ]) {
      const answer = await ask(path, { headers: ours() })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.text).not.toContain('SQLite')
    }
    const { headers } = await ask('/', { headers: ours() })
    expect(headers['content-security-policy']).toMatch(
      /default-src 'none'.*script-src 'self';.*frame-ancestors 'none'/,
    )
    expect(headers['content-security-policy']).not.toMatch(/unsafe/)
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' })
  })
})

/** A window that says whatever it wants. */
class RudeWindow {
  readonly #socket: WebSocket
  readonly #messages: HostMessage[] = []
  #wake = () => {}
  closed: Promise<number>

  private constructor(socket: WebSocket) {
    this.#socket = socket
    this.closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('message', (data) => {
      this.#messages.push(hostMessageSchema.parse(JSON.parse(String(data))))
      this.#wake()
    })
    socket.on('error', () => {})
  }

  static async open(): Promise<RudeWindow> {
    const window = new RudeWindow(new WebSocket(`ws://127.0.0.1:${station.port}/window`, { headers: ours() }))
    await window.next(({ type }) => type === 'snapshot')
    return window
  }

  say(text: string | Buffer): void {
    this.#socket.send(text)
  }

  async next(matches: (message: HostMessage) => boolean): Promise<HostMessage> {
    for (;;) {
      const found = this.#messages.find(matches)
      if (found) {
        this.#messages.splice(this.#messages.indexOf(found), 1)
        return found
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** The answer to one message, as its code, or `reply`. */
  async answer(text: string, id: number): Promise<string> {
    this.say(text)
    const message = await this.next((m) => (m.type === 'reply' || m.type === 'failure') && m.id === id)
    return message.type === 'failure' ? message.error.code : message.type
  }

  close(): void {
    this.#socket.terminate()
  }
}

describe('messages', () => {
  it('that are no requests are answered with an error, and the bench goes on', async () => {
    const window = await RudeWindow.open()
    const broken = [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{"id":-1,"command":"x","params":{}}',
      '{"id":1e400}',
      '{"__proto__":1}',
    ]
    for (const text of broken) expect(await window.answer(text, 0)).toBe('message-invalid')
    expect(await window.answer('{"id":1,"command":"no.such","params":{}}', 1)).toBe('message-invalid')
    expect(await window.answer('{"id":2,"command":"constructor","params":{}}', 2)).toBe('message-invalid')
    expect(await window.answer('{"id":3,"command":"log.read","params":{"limit":5}}', 3)).toBe('reply')
    window.close()
  })

  it('with parameters that a command does not take are refused, for every command', async () => {
    const window = await RudeWindow.open()
    let id = 0
    for (const command of Object.keys(COMMANDS))
      for (const params of [
        undefined,
        null,
        7,
        [],
        'x',
        { surplus: 1 },
        { bay: { $gt: '' } },
        { job: '../../etc/passwd' },
      ]) {
        id += 1
        expect(await window.answer(JSON.stringify({ id, command, params }), id)).toBe('message-invalid')
      }
    window.close()
  })

  it('of any shape never end the bench', async () => {
    const window = await RudeWindow.open()
    let id = 1_000
    const command = fc.constantFrom(
      ...Object.keys(COMMANDS).filter((name) => name !== 'simulation.add'),
      'resync',
    )
    await fc.assert(
      fc.asyncProperty(command, fc.jsonValue(), async (name, params) => {
        id += 1
        window.say(JSON.stringify({ id, command: name, params }))
        id += 1
        expect(
          await window.answer(JSON.stringify({ id, command: 'log.read', params: { limit: 1 } }), id),
        ).toBe('reply')
      }),
      { numRuns: 200 },
    )
    window.close()
  })

  it('that are too long close the window that sent them, and no other', async () => {
    const [rude, polite] = [await RudeWindow.open(), await RudeWindow.open()]
    rude.say('x'.repeat(MESSAGE_LIMIT.toHost + 1))
    expect(await rude.closed).toBe(1009)
    const binary = await RudeWindow.open()
    binary.say(Buffer.from([1, 2, 3]))
    expect(await binary.closed).toBe(1003)
    expect(await polite.answer('{"id":1,"command":"log.read","params":{"limit":1}}', 1)).toBe('reply')
    polite.close()
  })
})

describe('files that are sent', () => {
  const put = (name: string, body: Uint8Array, more: Readonly<Record<string, string>> = {}) =>
    ask(`/packages/${name}`, {
      method: 'PUT',
      headers: {
        ...ours(),
        'content-type': 'application/octet-stream',
        'content-length': String(body.length),
        ...more,
      },
      body,
    })

  it('stay in their folder whatever they are called, and none takes the place of another', async () => {
    const names = [
      '..%2F..%2Fbench.sqlite',
      '%2Fetc%2Fpasswd',
      'C:%5Cwindows%5Cx.zip',
      'a%00b.zip',
      'same.zip',
      'same.zip',
    ]
    for (const name of names) expect((await put(name, Buffer.from('no package'))).status).toBe(200)
    const folder = join(bench.engine.bench.data, 'packages')
    const paths = names.length
    const listed = bench.engine.model.state.roms.map(({ path }) => path)
    expect(listed.length).toBe(paths)
    for (const path of listed) expect(path.startsWith(folder)).toBe(true)
    expect(new Set(listed).size).toBe(paths)
  })

  it('are not begun when the disk has no room for them', async () => {
    const huge = request({
      ...{ host: '127.0.0.1', port: station.port, path: '/packages/huge.zip', method: 'PUT' },
      headers: {
        ...{ ...ours(), host: `127.0.0.1:${station.port}`, 'content-type': 'application/octet-stream' },
        'content-length': String(2 ** 52),
      },
    })
    huge.on('error', () => {})
    huge.write('x')
    const [response] = await once(huge, 'response')
    expect(response.statusCode).toBe(422)
    huge.destroy()
  })
})
