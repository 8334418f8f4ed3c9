// Downloads as they should go: in parts, resumed, shared, and costing what is new.
import { createHash } from 'node:crypto'
import { open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { PublishedRom } from '../../src/main/repository/format.ts'
import { noise, TestRepository } from '../firmware-repository.ts'
import { BenchClient } from './bench-client.ts'
import { FileServer, type Trick } from './file-server.ts'

const MIB = 1024 * 1024
const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one()
})

async function place(roms: Readonly<Record<string, Uint8Array<ArrayBuffer>>>, trick?: Trick) {
  const repository = await TestRepository.create()
  cleanUp.push(() => repository.close())
  for (const [name, content] of Object.entries(roms)) await repository.stage(name, content)
  await repository.publish()
  const server = await FileServer.start(repository.public, trick)
  cleanUp.push(() => server.close())
  return { repository, server }
}

async function bench(repository: TestRepository, options: Parameters<typeof BenchClient.create>[1] = {}) {
  const client = await BenchClient.create(join(repository.public, 'metadata', '1.root.json'), options)
  cleanUp.push(() => client.close())
  return client
}

async function romNamed(client: BenchClient, server: FileServer, name: string): Promise<PublishedRom> {
  const { roms } = await client.refresh(server.url)
  const rom = roms.find((one) => one.name === name)
  if (rom === undefined) throw new Error(`there is no ${name}`)
  return rom
}

async function digestOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

it('fetches a ROM in parts over several connections, and not a second time', async () => {
  const content = noise('rom', 40 * MIB)
  const { repository, server } = await place({ 'rom.zip': content })
  const client = await bench(repository)
  const rom = await romNamed(client, server, 'rom.zip')
  const { cached, result } = await client.fetch(rom, [server.url])
  expect(await digestOf(cached.path)).toBe(rom.target.sha256)
  expect(result).toEqual({ copied: 0, received: content.length, resumed: 0 })
  expect(server.asked(/rom\.zip$/)).toBeGreaterThan(3)
  expect(await readdir(join(client.folder, 'cache', 'partial'))).toEqual([])
  const before = server.requests.length
  expect((await client.fetch(rom, [server.url])).result).toBeUndefined()
  expect(server.requests.length).toBe(before)
  const release = await client.cache.use(cached, new AbortController().signal)
  await release()
})

it('copies what an older ROM in the cache has, and fetches the rest alone', async () => {
  const old = noise('old', 24 * MIB)
  const fresh = new Uint8Array(
    Buffer.concat([
      old.subarray(0, 5 * MIB),
      noise('inserted', 100_000),
      old.subarray(5 * MIB),
      noise('more', MIB),
    ]),
  )
  const { repository, server } = await place({ 'old.zip': old, 'fresh.zip': fresh })
  const client = await bench(repository)
  await client.fetch(await romNamed(client, server, 'old.zip'), [server.url])
  server.bytes = 0
  const rom = await romNamed(client, server, 'fresh.zip')
  const { cached, result } = await client.fetch(rom, [server.url])
  expect(await digestOf(cached.path)).toBe(rom.target.sha256)
  expect(result?.received).toBeLessThan(3 * MIB)
  expect((result?.copied ?? 0) + (result?.received ?? 0)).toBe(fresh.length)
})

it('does not trust an older ROM that was spoilt', async () => {
  const old = noise('old', 4 * MIB)
  const fresh = new Uint8Array(Buffer.concat([old, noise('more', MIB)]))
  const { repository, server } = await place({ 'old.zip': old, 'fresh.zip': fresh })
  const client = await bench(repository)
  const { cached } = await client.fetch(await romNamed(client, server, 'old.zip'), [server.url])
  const handle = await open(cached.path, 'r+')
  await handle.write(noise('spoilt', MIB), 0, MIB, MIB)
  await handle.close()
  const rom = await romNamed(client, server, 'fresh.zip')
  const result = await client.fetch(rom, [server.url])
  expect(await digestOf(result.cached.path)).toBe(rom.target.sha256)
})

it('fetches equal chunks once', async () => {
  const { repository, server } = await place({ 'zeros.zip': new Uint8Array(30 * MIB) })
  const client = await bench(repository)
  const rom = await romNamed(client, server, 'zeros.zip')
  const { cached, result } = await client.fetch(rom, [server.url])
  expect(await digestOf(cached.path)).toBe(rom.target.sha256)
  expect(result?.received).toBeLessThan(MIB + 1)
})

it('goes on where it was stopped', async () => {
  const content = noise('rom', 30 * MIB)
  const stop = new AbortController()
  const { repository, server } = await place({ 'rom.zip': content })
  const client = await bench(repository)
  const rom = await romNamed(client, server, 'rom.zip')
  const onProgress = ({ done }: { readonly done: number }) => {
    if (done > 12 * MIB) stop.abort()
  }
  await expect(client.fetch(rom, [server.url], { signal: stop.signal, onProgress })).rejects.toMatchObject({
    code: 'cancelled',
  })
  const { cached, result } = await client.fetch(rom, [server.url])
  expect(await digestOf(cached.path)).toBe(rom.target.sha256)
  expect(result?.resumed).toBeGreaterThan(12 * MIB)
  expect((result?.resumed ?? 0) + (result?.received ?? 0)).toBe(content.length)
})

it('finds out when what the journal knows is no longer in the file, and fetches that alone', async () => {
  const content = noise('rom', 20 * MIB)
  const stop = new AbortController()
  const { repository, server } = await place({ 'rom.zip': content })
  const client = await bench(repository)
  const rom = await romNamed(client, server, 'rom.zip')
  const onProgress = ({ done }: { readonly done: number }) => {
    if (done > 15 * MIB) stop.abort()
  }
  await expect(client.fetch(rom, [server.url], { signal: stop.signal, onProgress })).rejects.toMatchObject({
    code: 'cancelled',
  })
  const [partial = ''] = await readdir(join(client.folder, 'cache', 'partial'))
  const handle = await open(join(client.folder, 'cache', 'partial', partial), 'r+')
  for (let at = 0; at < content.length; at += 5 * MIB) await handle.write(Buffer.from('spoilt'), 0, 6, at)
  await handle.close()
  const { cached } = await client.fetch(rom, [server.url])
  expect(await digestOf(cached.path)).toBe(rom.target.sha256)
  expect(server.bytes).toBeLessThan(content.length + 8 * MIB)
})

it('goes on without its journal: what lies there is looked at', async () => {
  const content = noise('rom', 20 * MIB)
  const stop = new AbortController()
  const { repository, server } = await place({ 'rom.zip': content })
  const first = await bench(repository)
  const other = await bench(repository, { cache: first.cache.folder })
  const rom = await romNamed(first, server, 'rom.zip')
  const onProgress = ({ done }: { readonly done: number }) => {
    if (done > 10 * MIB) stop.abort()
  }
  await expect(first.fetch(rom, [server.url], { signal: stop.signal, onProgress })).rejects.toMatchObject({
    code: 'cancelled',
  })
  const { cached, result } = await other.fetch(rom, [server.url])
  expect(await digestOf(cached.path)).toBe(rom.target.sha256)
  expect(result?.resumed).toBeGreaterThan(10 * MIB)
})

it('throws away what can never become what was signed, and says so', async () => {
  const { repository, server } = await place({
    'rom.zip': noise('rom', 3 * MIB),
    'other.zip': noise('other', 3 * MIB),
  })
  const client = await bench(repository)
  const rom = await romNamed(client, server, 'rom.zip')
  const other = await romNamed(client, server, 'other.zip')
  const mixed = { ...rom, index: other.index }
  await expect(client.fetch(mixed, [server.url])).rejects.toMatchObject({ code: 'repo-invalid' })
  expect(await client.cache.list()).toEqual([])
})

it('takes the whole file from a server that knows no parts', async () => {
  const content = noise('rom', 10 * MIB)
  const { repository, server } = await place({ 'rom.zip': content }, ({ path, response, content }) => {
    if (!path.endsWith('rom.zip')) return false
    response.writeHead(200, { 'content-length': content?.length ?? 0 }).end(content)
    return true
  })
  const client = await bench(repository)
  const rom = await romNamed(client, server, 'rom.zip')
  const { cached } = await client.fetch(rom, [server.url])
  expect(await digestOf(cached.path)).toBe(rom.target.sha256)
})

it('goes to another server when one fails, for whatever reason', async () => {
  const content = noise('rom', 10 * MIB)
  const { repository, server } = await place({ 'rom.zip': content })
  const broken = await FileServer.start(repository.public, ({ path, response }) => {
    if (!path.endsWith('rom.zip')) return false
    response.writeHead(500).end()
    return true
  })
  cleanUp.push(() => broken.close())
  const client = await bench(repository)
  const rom = await romNamed(client, server, 'rom.zip')
  const { cached } = await client.fetch(rom, ['http://127.0.0.1:9/', broken.url, server.url])
  expect(await digestOf(cached.path)).toBe(rom.target.sha256)
})

it('comes back to a server that was busy, and to one that hung up', async () => {
  const content = noise('rom', 10 * MIB)
  let turns = 0
  const { repository, server } = await place(
    { 'rom.zip': content },
    ({ path, request, response, content }) => {
      if (!path.endsWith('rom.zip')) return false
      turns++
      if (turns === 1) {
        response.writeHead(503, { 'retry-after': '1' }).end()
        return true
      }
      if (turns > 4) return false
      const [, from = '', to = ''] = /(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${content?.length}` })
      response.write(content?.subarray(Number(from), Number(from) + 300_000), () => response.destroy())
      return true
    },
  )
  const client = await bench(repository)
  const rom = await romNamed(client, server, 'rom.zip')
  const { cached } = await client.fetch(rom, [server.url], { connections: 1 })
  expect(await digestOf(cached.path)).toBe(rom.target.sha256)
})

it('repairs a ROM of the cache with what is damaged alone', async () => {
  const content = noise('rom', 12 * MIB)
  const { repository, server } = await place({ 'rom.zip': content })
  const client = await bench(repository)
  const rom = await romNamed(client, server, 'rom.zip')
  const { cached } = await client.fetch(rom, [server.url])
  const handle = await open(cached.path, 'r+')
  await handle.write(Buffer.from('x'), 0, 1, 7 * MIB)
  await handle.close()
  const { signal } = new AbortController()
  await expect(client.cache.use(cached, signal)).rejects.toMatchObject({ code: 'cache-damaged' })
  expect(await client.cache.find(rom.target.sha256)).toBeUndefined()
  const again = await client.fetch(rom, [server.url])
  expect(again.result?.received).toBeLessThan(MIB)
  await (await client.cache.use(again.cached, signal))()
})

it('two benches with one cache fetch a ROM once', async () => {
  const content = noise('rom', 20 * MIB)
  const { repository, server } = await place({ 'rom.zip': content })
  const first = await bench(repository)
  const second = await bench(repository, { cache: first.cache.folder })
  const rom = await romNamed(first, server, 'rom.zip')
  const waited: string[] = []
  const both = await Promise.all(
    [first, second].map((client) =>
      client.fetch(rom, [server.url], { onWait: (owner) => waited.push(owner) }),
    ),
  )
  expect(both.map(({ result }) => result?.received ?? 0).sort()).toEqual([0, content.length])
  expect(waited).toEqual([expect.stringContaining(`process ${process.pid}`)])
  for (const { cached } of both) expect(await digestOf(cached.path)).toBe(rom.target.sha256)
})

it('keeps within its limit: what is pinned or in use stays, the rest goes by the time of its last use', async () => {
  const sizes = { 'a.zip': 3 * MIB, 'b.zip': 3 * MIB, 'c.zip': 3 * MIB, 'd.zip': 3 * MIB }
  const roms = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, noise(name, size)]))
  const { repository, server } = await place(roms)
  const client = await bench(repository, { limit: 9 * MIB })
  const { signal } = new AbortController()
  const get = async (name: string) =>
    (await client.fetch(await romNamed(client, server, name), [server.url])).cached
  const [a, b] = [await get('a.zip'), await get('b.zip')]
  await client.cache.setPinned(a.rom.target.sha256, true)
  const release = await client.cache.use(b, signal)
  await get('c.zip')
  await get('d.zip')
  const names = async () => (await client.cache.list()).map(({ rom }) => rom.name).sort()
  expect(await names()).toEqual(['a.zip', 'b.zip', 'd.zip'])
  await release()
  await client.cache.prune(0)
  expect(await names()).toEqual(['a.zip'])
  await client.cache.setPinned(a.rom.target.sha256, false)
  await client.cache.prune(0)
  expect(await names()).toEqual([])
  expect((await stat(client.cache.folder)).isDirectory()).toBe(true)
  await rm(client.cache.folder, { recursive: true })
})
