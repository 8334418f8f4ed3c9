// The same interface in a browser of this computer: pages, one WebSocket per window, and files that are dropped on it. Loopback only.
import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import rateLimit from '@fastify/rate-limit'
import serveStatic from '@fastify/static'
import webSocket from '@fastify/websocket'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { MESSAGE_LIMIT } from '../../../shared/contract.ts'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { BenchEngine } from '../bench-engine/bench-engine.ts'
import { serveWindow } from '../bench-engine/serve-window.ts'
import { noticeOf } from '../bench-view.ts'
import { contentPolicy } from '../content-policy.ts'
import { Doors, isOurHost, isOurOrigin } from './doors.ts'
import { receiveFile } from './receive-file.ts'
import { webSocketPort } from './web-socket-port.ts'

const ADDRESS = '127.0.0.1'
/** Guesses at the token in a minute; it has 256 bits, so this is only to keep noise down. */
const MOST_GUESSES = 20

export interface StationOptions {
  readonly engine: BenchEngine
  /** The built interface (`out/renderer`). */
  readonly pages: string
  /** 0 picks a free one. */
  readonly port: number
}

export interface Station {
  /** With the token; whoever has it works at the bench. */
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** @throws SlotbenchError `host-io` when the interface is not built or the port is taken. */
export async function openStation({ engine, pages, port }: StationOptions): Promise<Station> {
  if (!existsSync(join(pages, 'index.html')))
    throw new SlotbenchError('host-io', `${pages} holds no interface; build it with \`npm run build\``)
  const server = fastify({ logger: false, bodyLimit: MESSAGE_LIMIT.toHost, forceCloseConnections: true })
  const sockets = new Set<Socket>()
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const doors = new Doors()
  const ownPort = () => {
    const at = server.server.address()
    return typeof at === 'object' && at !== null ? at.port : port
  }
  guard(server, doors, ownPort)
  await server.register(rateLimit, { global: false })
  await server.register(webSocket, {
    options: { maxPayload: MESSAGE_LIMIT.toHost, perMessageDeflate: false },
  })
  enterRoute(server, doors)
  windowRoute(server, engine)
  fileRoute(server, engine)
  await server.register(serveStatic, { root: pages, index: ['index.html'], cacheControl: false })
  try {
    await server.listen({ host: ADDRESS, port })
  } catch (cause) {
    throw new SlotbenchError('host-io', `port ${port} cannot be listened on`, { cause })
  }
  return {
    url: `http://${ADDRESS}:${ownPort()}/enter?token=${doors.token}`,
    port: ownPort(),
    async close() {
      // Also those that were refused an upgrade and hold on: the server no longer counts them among its own.
      for (const socket of sockets) socket.destroy()
      await server.close()
    },
  }
}

/** Every request passes here first, those for a WebSocket too. */
function guard(server: FastifyInstance, doors: Doors, port: () => number): void {
  server.addHook('onRequest', async (request, reply) => {
    secure(reply, port())
    const { headers } = request
    const entering = request.url.startsWith('/enter?')
    if (!isOurHost(headers, port())) return refuse(reply, 421, 'This is not a name of this computer.')
    const active = request.method !== 'GET' || headers.upgrade !== undefined
    // A link in a message or a terminal leads here from anywhere; all that it carries is the token.
    if (!entering && !isOurOrigin(headers, port(), active))
      return refuse(reply, 403, 'Only pages of Slotbench come in.')
    if (!entering && !doors.hasCookie(headers))
      return refuse(reply, 401, 'Open the address that `slotbench station` has printed.')
    return undefined
  })
}

function secure(reply: FastifyReply, port: number): void {
  const sockets = [`ws://${ADDRESS}:${port}`, `ws://localhost:${port}`]
  reply.headers({
    'content-security-policy': contentPolicy(sockets),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  })
}

function refuse(reply: FastifyReply, status: number, words: string): FastifyReply {
  return reply.code(status).type('text/plain; charset=utf-8').send(`${words}\n`)
}

/** The token goes out of the address bar at once, and a cookie stays that no script can read. */
function enterRoute(server: FastifyInstance, doors: Doors): void {
  const rateLimited = { config: { rateLimit: { max: MOST_GUESSES, timeWindow: 60_000 } } }
  server.get('/enter', rateLimited, async (request, reply) => {
    const { token } = request.query as { readonly token?: unknown }
    const cookie = typeof token === 'string' ? doors.enter(token) : undefined
    if (cookie === undefined) return refuse(reply, 401, 'That is not the token of this bench.')
    return reply.header('set-cookie', cookie).redirect('/', 303)
  })
}

function windowRoute(server: FastifyInstance, engine: BenchEngine): void {
  server.get('/window', { websocket: true }, (socket) => {
    serveWindow(engine, webSocketPort(socket))
  })
}

function fileRoute(server: FastifyInstance, engine: BenchEngine): void {
  // The body stays a stream: packages have gigabytes.
  server.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
  server.put('/packages/:name', async (request: FastifyRequest, reply) => {
    const { name } = request.params as { readonly name: string }
    const length = Number(request.headers['content-length'])
    if (!Number.isSafeInteger(length) || length <= 0) return refuse(reply, 411, 'How long is it?')
    try {
      const content = request.body as Readable
      const path = await receiveFile(join(engine.bench.data, 'packages'), { name, length, content })
      return { rom: await engine.library.add(path) }
    } catch (thrown) {
      return reply.code(422).send({ error: noticeOf(asSlotbenchError(thrown)) })
    }
  })
}
