// One bench fetches from another one's cache, and trusts it with nothing.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { noise, TestRepository } from '../../../test/firmware-repository.ts'
import { BenchClient } from '../../../test/repository/bench-client.ts'
import { FileServer } from '../../../test/repository/file-server.ts'
import { serveCache } from './cache-server.ts'

const MIB = 1024 * 1024
const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one()
})

it('a bench takes a ROM from its neighbour, and from the repository what the neighbour spoilt', async () => {
  const content = noise('rom', 12 * MIB)
  const repository = await TestRepository.create()
  cleanUp.push(() => repository.close())
  await repository.add('rom.zip', content)
  const server = await FileServer.start(repository.public)
  cleanUp.push(() => server.close())
  const root = join(repository.public, 'metadata', '1.root.json')
  const clients = await Promise.all([1, 2, 3].map(() => BenchClient.create(root)))
  for (const client of clients) cleanUp.push(() => client.close())
  const [first, second, third] = clients as [BenchClient, BenchClient, BenchClient]
  const [rom] = (await first.refresh(server.url)).roms
  if (rom === undefined) throw new Error('nothing listed')
  const { cached } = await first.fetch(rom, [server.url])
  const neighbour = await serveCache(first.cache, { host: '127.0.0.1', port: 0 })
  cleanUp.push(() => neighbour.stop(0))

  const before = server.asked(/rom\.zip/)
  const shared = await second.fetch(rom, [neighbour.url, server.url])
  expect((await readFile(shared.cached.path)).equals(content)).toBe(true)
  expect(server.asked(/rom\.zip/)).toBe(before)

  await writeFile(cached.path, noise('spoilt', content.length))
  const mended = await third.fetch(rom, [neighbour.url, server.url])
  expect((await readFile(mended.cached.path)).equals(content)).toBe(true)
  expect(server.asked(/rom\.zip$/)).toBeGreaterThan(0)
  expect((await fetch(new URL('targets/..%2f..%2frepository.sqlite', neighbour.url))).status).toBe(404)
})
