// The server's manners: parts of exactly the file that was asked for, limits, tokens, and an end in order.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { noise, TestRepository } from '../../../../test/firmware-repository.ts'
import { FolderStore } from '../../io/repository/folder-store.ts'
import { createToken } from '../../io/repository/upload-tokens.ts'
import { listRepository } from '../../io/repository/verify-repository.ts'
import { targetFile } from '../../repository/format.ts'
import type { RunningServer } from '../listen.ts'
import { type ServerEvent, serveRepository } from './server.ts'

const MIB = 1024 * 1024
const CONTENT = noise('served', 8 * MIB)
let repository: TestRepository
let store: FolderStore
let server: RunningServer
let file: string
let events: ServerEvent[]

beforeEach(async () => {
  repository = await TestRepository.create()
  await repository.add('rom.zip', CONTENT)
  store = new FolderStore(repository.folder)
  const [rom] = (await listRepository(store)).roms
  file = rom === undefined ? '' : targetFile(rom.target)
  events = []
  server = await serveRepository(store, {
    ...{ host: '127.0.0.1', port: 0, uploads: true, maxUpload: MIB },
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
  })
})
afterEach(async () => {
  await server.stop(0)
  await repository.close()
})

const ask = (path: string, init: RequestInit = {}) => fetch(new URL(path, server.url), init)

it('gives parts of exactly the file that was asked for', async () => {
  const whole = await ask(file)
  const digest = createHash('sha256').update(CONTENT).digest('hex')
  expect(whole.headers.get('etag')).toBe(`"${digest}"`)
  expect(Buffer.from(await whole.arrayBuffer()).equals(CONTENT)).toBe(true)
  const part = (condition?: string) =>
    ask(file, { headers: { range: 'bytes=1000-1999', ...(condition && { 'if-range': condition }) } })
  for (const condition of [undefined, `"${digest}"`]) {
    const answer = await part(condition)
    expect(answer.status).toBe(206)
    expect(answer.headers.get('content-range')).toBe(`bytes 1000-1999/${CONTENT.length}`)
    expect(Buffer.from(await answer.arrayBuffer()).equals(CONTENT.subarray(1000, 2000))).toBe(true)
  }
  for (const condition of ['"another"', `W/"${digest}"`, 'Wed, 25 Nov 2026 00:00:00 GMT'])
    expect((await part(condition)).status).toBe(200)
  expect((await ask(file, { headers: { range: `bytes=${CONTENT.length}-` } })).status).toBe(416)
  expect((await ask('metadata/timestamp.json')).headers.get('cache-control')).toBe('no-cache')
  expect((await ask('metadata/1.root.json')).headers.get('cache-control')).toContain('immutable')
})

it('takes nothing without a token of that publisher, and nothing too large', async () => {
  const put = (token: string | undefined, body: Uint8Array<ArrayBuffer>, publisher = 'acme') =>
    ask(`v1/roms/${publisher}/new.zip`, {
      method: 'PUT',
      body,
      headers: {
        'content-type': 'application/octet-stream',
        ...(token && { authorization: `Bearer ${token}` }),
      },
    })
  const token = await createToken(store, { name: 'laptop', publisher: 'acme' })
  const small = noise('small', 1000)
  expect((await put(undefined, small)).status).toBe(401)
  expect((await put('x'.repeat(43), small)).status).toBe(401)
  expect((await put(token, small, 'other')).status).toBe(401)
  expect((await put(token, noise('large', MIB + 1))).status).toBe(413)
  const nonsense = await put(token, small)
  expect(nonsense.status).toBe(422)
  expect(await nonsense.json()).toMatchObject({ error: { code: 'package-unknown' } })
  expect((await put(token, small, '..')).status).toBeGreaterThanOrEqual(400)
  expect(events.filter(({ kind }) => kind === 'uploaded')).toEqual([])
  expect(await store.list('incoming')).toEqual([])
  expect(await store.list('staged')).toEqual([])
})

it('does not take a body without an announced length for longer than it may be', async () => {
  const token = await createToken(store, { name: 'laptop', publisher: 'acme' })
  const pieces = async function* () {
    for (let sent = 0; sent < 4 * MIB; sent += 64 * 1024) yield new Uint8Array(64 * 1024)
  }
  const failed = await ask('v1/roms/acme/new.zip', {
    ...{ method: 'PUT', body: ReadableStream.from(pieces()), duplex: 'half' as const },
    headers: { 'content-type': 'application/octet-stream', authorization: `Bearer ${token}` },
  }).catch((error) => error)
  if (failed instanceof Response) expect(failed.status).toBe(413)
  expect(events).toContainEqual(expect.objectContaining({ kind: 'failed', code: 'repo-too-long' }))
  expect(await store.list('incoming')).toEqual([])
})

it('lets whoever asks too often wait', async () => {
  const statuses = new Set<number>()
  for (let i = 0; i < 40; i++) statuses.add((await ask('v1/roms/acme/new.zip', { method: 'PUT' })).status)
  expect(statuses).toContain(429)
  expect((await ask('metadata/timestamp.json')).status).toBe(200)
})

/** An answer of which nothing was read yet. */
async function begun(): Promise<IncomingMessage> {
  const request = get(new URL(file, server.url))
  request.on('error', () => {})
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  answer.pause()
  return answer
}

it('lets a download end before it stops, and takes no new ones', async () => {
  const answer = await begun()
  const stopped = server.stop(60_000)
  // Until it has closed the door.
  while (
    await ask('metadata/timestamp.json').then(
      ({ status }) => status === 200,
      () => false,
    )
  );
  const pieces: Uint8Array[] = []
  for await (const piece of answer) pieces.push(piece)
  expect(Buffer.concat(pieces).equals(CONTENT)).toBe(true)
  await stopped
})

it('hangs up on who does not take what he asked for', async () => {
  const answer = await begun()
  answer.on('error', () => {})
  const broken = new Promise((resolve) => answer.on('close', resolve))
  await server.stop(50)
  answer.resume()
  await broken
  expect(answer.complete).toBe(false)
})
