// The client against real servers on loopback, through a real proxy, and over folders.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, expect, it, vi } from 'vitest'
import { Deadline } from '../../../shared/io-options.ts'
import { fetchSmall, type HttpClient, PATIENCE } from '../../repository/http.ts'
import { withFolders } from './folder-client.ts'
import { httpClient } from './undici-client.ts'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const one of cleanUp.splice(0).reverse()) await one()
})

async function serve(listener: RequestListener): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUp.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server }
}

function newClient(): HttpClient {
  const client = withFolders(httpClient())
  cleanUp.push(() => client.close())
  return client
}

const options = () => ({
  signal: new AbortController().signal,
  deadline: Deadline.after(20_000),
  patience: PATIENCE,
})

it('goes through the proxy of the environment, but not to this computer', async () => {
  const { port } = await serve((_, response) => response.end('from afar'))
  const asked: string[] = []
  const proxy = await serve((request, response) => {
    asked.push(request.url ?? '')
    response.end('from afar')
  })
  proxy.server.on('connect', (request, socket) => {
    asked.push(request.url ?? '')
    socket.on('error', () => {})
    const far = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      far.pipe(socket).pipe(far)
    })
    far.on('error', () => socket.destroy())
    cleanUp.push(() => far.destroy())
  })
  vi.stubEnv('http_proxy', `http://127.0.0.1:${proxy.port}`)
  vi.stubEnv('no_proxy', 'near.test')
  const client = newClient()
  const far = await fetchSmall(client, { url: 'http://firmware.test/x', max: 100 }, options())
  expect(far?.toString()).toBe('from afar')
  expect(asked).toEqual([expect.stringContaining('firmware.test')])
  const own = await fetchSmall(client, { url: `http://127.0.0.1:${port}/x`, max: 100 }, options())
  expect(own?.toString()).toBe('from afar')
  expect(asked).toHaveLength(1)
})

it('keeps one connection for many requests', async () => {
  const { port, server } = await serve((_, response) => response.end('x'.repeat(1000)))
  let connections = 0
  server.on('connection', () => connections++)
  const client = newClient()
  for (let i = 0; i < 5; i++)
    await fetchSmall(client, { url: `http://127.0.0.1:${port}/`, max: 1000 }, options())
  // The next request may come before the connection of the last one is free.
  expect(connections).toBeLessThan(5)
})

it('stops at once when told, before and in the middle of an answer', async () => {
  const { port } = await serve((request, response) => {
    if (request.url !== '/silent') response.write('x')
  })
  const client = newClient()
  for (const path of ['silent', 'slow']) {
    const stop = new AbortController()
    const asking = fetchSmall(
      client,
      { url: `http://127.0.0.1:${port}/${path}`, max: 10 },
      { ...options(), signal: stop.signal },
    )
    setTimeout(() => stop.abort(), 50)
    await expect(asking).rejects.toMatchObject({ code: 'cancelled' })
  }
})

it('does not follow to another address', async () => {
  const { port } = await serve((_, response) =>
    response.writeHead(301, { location: 'http://127.0.0.1:9/' }).end(),
  )
  await expect(
    fetchSmall(newClient(), { url: `http://127.0.0.1:${port}/`, max: 10 }, options()),
  ).rejects.toMatchObject({ code: 'repo-web-page' })
})

it('answers for folders as a server does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slotbench folder – 夹 '))
  cleanUp.push(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'a b.bin'), '0123456789')
  writeFileSync(join(folder, 'empty'), '')
  const client = newClient()
  const at = (name: string) => pathToFileURL(join(folder, name)).href
  const get = async (name: string, headers: Record<string, string> = {}) => {
    const response = await client.get(at(name), { ...options(), headers })
    const pieces: Uint8Array[] = []
    for await (const piece of response.body) pieces.push(piece)
    return { response, status: response.status, text: Buffer.concat(pieces).toString() }
  }
  expect(await get('a b.bin')).toMatchObject({ status: 200, text: '0123456789' })
  expect(await get('empty')).toMatchObject({ status: 200, text: '' })
  expect(await get('nothing')).toMatchObject({ status: 404, text: '' })
  expect(await get('.')).toMatchObject({ status: 404 })
  const part = await get('a b.bin', { range: 'bytes=2-4' })
  expect(part).toMatchObject({ status: 206, text: '234' })
  expect(part.response.header('content-range')).toBe('bytes 2-4/10')
  const etag = part.response.header('etag') ?? ''
  expect(await get('a b.bin', { range: 'bytes=2-4', 'if-range': etag })).toMatchObject({ status: 206 })
  expect(await get('a b.bin', { range: 'bytes=2-4', 'if-range': '"other"' })).toMatchObject({ status: 200 })
  expect(await get('a b.bin', { range: 'bytes=20-30' })).toMatchObject({ status: 416 })
  await expect(fetchSmall(client, { url: at('a b.bin'), max: 9 }, options())).rejects.toMatchObject({
    code: 'repo-too-long',
  })
})
