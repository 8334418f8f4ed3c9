// What ends a download or a publishing in the middle: a full disk at any byte, kill -9 at any moment, two processes on one cache.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import type { ChunkIndex } from '../../src/main/repository/chunk-index.ts'
import type { PublishedRom } from '../../src/main/repository/format.ts'
import type { Begun, RomStore, Waiting } from '../../src/main/repository/rom-store.ts'
import { SlotbenchError } from '../../src/shared/errors.ts'
import { bytes } from '../../src/shared/units.ts'
import { noise, TestRepository } from '../firmware-repository.ts'
import { BenchClient } from './bench-client.ts'
import { FileServer } from './file-server.ts'

const MIB = 1024 * 1024
const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one()
})

async function place(content: Uint8Array<ArrayBuffer>) {
  const repository = await TestRepository.create()
  cleanUp.push(() => repository.close())
  await repository.add('rom.zip', content)
  const server = await FileServer.start(repository.public)
  cleanUp.push(() => server.close())
  return { repository, server, root: join(repository.public, 'metadata', '1.root.json') }
}

/** A cache on a disk that is full after `room` bytes; the write that does not fit is torn. */
function fullAfter(store: RomStore, room: { left: number; honest: boolean }): RomStore {
  return {
    find: (sha256) => store.find(sha256),
    seeds: (wanted) => store.seeds(wanted),
    makeRoom: (size) => store.makeRoom(size),
    proven: (rom, index) => store.proven(rom, index),
    async begin(rom: PublishedRom, index: ChunkIndex, waiting: Waiting): Promise<Begun> {
      const begun = await store.begin(rom, index, waiting)
      if (begun.kind === 'finished') return begun
      const { unfinished } = begun
      const { file } = unfinished
      const full = {
        proven: file.proven,
        read: file.read.bind(file),
        readInto: file.readInto.bind(file),
        save: file.save.bind(file),
        freeBytes: async () => (room.honest ? bytes(room.left) : file.freeBytes()),
        async write(offset: number, content: Uint8Array) {
          const fits = Math.min(room.left, content.length)
          room.left -= fits
          if (fits > 0) await file.write(offset, content.subarray(0, fits))
          if (fits < content.length) throw new SlotbenchError('host-space', 'no space left on device')
        },
      }
      return { kind: 'open', unfinished: { ...unfinished, file: full } }
    },
  }
}

it('a disk that is full at any byte: what fits is kept, and the rest comes when there is room', async () => {
  const content = noise('rom', 6 * MIB)
  const { server, root } = await place(content)
  for (const room of [0, 1, 31_000, 500_000, 2 * MIB + 17, 4 * MIB, 6 * MIB - 1]) {
    const client = await BenchClient.create(root)
    const { roms } = await client.refresh(server.url)
    const [rom] = roms
    if (rom === undefined) throw new Error('nothing listed')
    const store = fullAfter(client.cache, { left: room, honest: false })
    await expect(client.fetch(rom, [server.url], { store })).rejects.toMatchObject({ code: 'host-space' })
    expect(await client.cache.list()).toEqual([])
    const { cached, result } = await client.fetch(rom, [server.url])
    expect((await readFile(cached.path)).equals(content)).toBe(true)
    // Chunks that were written whole are there; one is torn for each connection at most.
    expect(result?.resumed ?? 0).toBeGreaterThanOrEqual(Math.max(0, room - 4 * 512 * 1024))
    await client.close()
  }
})

it('looks for room before it fetches anything', async () => {
  const { server, root } = await place(noise('rom', 6 * MIB))
  const client = await BenchClient.create(root)
  cleanUp.push(() => client.close())
  const [rom] = (await client.refresh(server.url)).roms
  if (rom === undefined) throw new Error('nothing listed')
  const store = fullAfter(client.cache, { left: 3 * MIB, honest: true })
  await expect(client.fetch(rom, [server.url], { store })).rejects.toMatchObject({ code: 'host-space' })
  expect(server.asked(/rom\.zip$/)).toBe(0)
})

const CLI = join(import.meta.dirname, '../../src/main/hosts/cli/index.ts')
const COMPILED = { NODE_COMPILE_CACHE: join(tmpdir(), 'slotbench-test-compile-cache') }

function slotbench(data: string, env: Readonly<Record<string, string>>, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [CLI, '--data', data, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...COMPILED, ...env },
  })
}

async function ended(child: ChildProcess): Promise<{ readonly code: number | null; readonly words: string }> {
  let words = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      words += text
    })
  const [code] = await once(child, 'close')
  return { code, words }
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slotbench interrupted – 中断 '))
  cleanUp.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

it('kill -9 in the middle of a download, again and again: it goes on, and ends with the right bytes', async () => {
  const content = noise('rom', 48 * MIB)
  const { server, root } = await place(content)
  const data = await newFolder()
  expect(
    (await ended(slotbench(data, {}, 'repo', 'add', server.url, '--root', root, '--name', 'fw'))).code,
  ).toBe(0)
  // A slow server, so that there is a middle.
  let bytesServed = 0
  server.trick = async ({ path, request, content: file = Buffer.alloc(0), response }) => {
    if (!path.endsWith('rom.zip')) return false
    const [, from = '0', to = '0'] = /(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
    response.writeHead(206, { etag: '"x"', 'content-range': `bytes ${from}-${to}/${file.length}` })
    for (let at = Number(from); at <= Number(to) && !response.destroyed; at += 256 * 1024) {
      const piece = file.subarray(at, Math.min(at + 256 * 1024, Number(to) + 1))
      bytesServed += piece.length
      response.write(piece)
      await sleep(10)
    }
    response.end()
    return true
  }
  for (const share of [0.02, 0.2, 0.4, 0.6, 0.8]) {
    const child = slotbench(data, {}, 'fetch', 'rom.zip')
    const end = ended(child)
    const before = bytesServed
    while (bytesServed - before < share * 12 * MIB && child.exitCode === null) await sleep(5)
    child.kill('SIGKILL')
    await end
  }
  const last = await ended(slotbench(data, {}, 'fetch', 'rom.zip', '--json'))
  expect(last.code, last.words).toBe(0)
  const { fetched } = JSON.parse(last.words.split('\n').find((line) => line.startsWith('{"fetched"')) ?? '{}')
  const sha256 = createHash('sha256')
    .update(await readFile(fetched.path))
    .digest('hex')
  expect(sha256).toBe(createHash('sha256').update(content).digest('hex'))
  expect(fetched.result.resumed).toBeGreaterThan(0)
  expect(fetched.result.resumed + fetched.result.received).toBeGreaterThanOrEqual(content.length)
  expect(await readdir(join(data, 'cache', 'partial'))).toEqual([])
}, 120_000)

it('two processes with one cache, one of them killed: the other takes over and ends it', async () => {
  const content = noise('rom', 24 * MIB)
  const { server, root } = await place(content)
  const shared = await newFolder()
  const env = { SLOTBENCH_CACHE: join(shared, 'cache') }
  const [one, two] = [await newFolder(), await newFolder()]
  for (const data of [one, two])
    expect(
      (await ended(slotbench(data, env, 'repo', 'add', server.url, '--root', root, '--name', 'fw'))).code,
    ).toBe(0)
  let stalled: () => void = () => {}
  const stalling = new Promise<void>((resolve) => {
    stalled = resolve
  })
  let slow = true
  server.trick = ({ path, request, content: file = Buffer.alloc(0), response }) => {
    if (!slow || !path.endsWith('rom.zip')) return false
    const [, from = '0', to = '0'] = /(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
    response.writeHead(206, { etag: '"honest"', 'content-range': `bytes ${from}-${to}/${file.length}` })
    response.write(file.subarray(Number(from), Number(from) + 3 * MIB), () => stalled())
    return true
  }
  const first = slotbench(one, env, 'fetch', 'rom.zip')
  const firstEnd = ended(first)
  await stalling
  const second = slotbench(two, env, 'fetch', 'rom.zip')
  const secondEnd = ended(second)
  await new Promise<void>((resolve) => {
    second.stderr?.on('data', (text: string) => String(text).includes('Waiting: process') && resolve())
  })
  slow = false
  first.kill('SIGKILL')
  await firstEnd
  const { code, words } = await secondEnd
  expect(code, words).toBe(0)
  const [entry = ''] = await readdir(join(env.SLOTBENCH_CACHE, 'roms'))
  expect((await readFile(join(env.SLOTBENCH_CACHE, 'roms', entry, 'rom.zip'))).equals(content)).toBe(true)
  expect(await readdir(join(env.SLOTBENCH_CACHE, 'locks'))).toEqual([])
}, 120_000)

it('kill -9 at sampled moments of publishing: benches see the edition before or the new one', async () => {
  const repository = await TestRepository.create()
  cleanUp.push(() => repository.close())
  await repository.add('old.zip', noise('old', MIB))
  const root = join(repository.public, 'metadata', '1.root.json')
  const server = await FileServer.start(repository.public)
  cleanUp.push(() => server.close())
  const client = await BenchClient.create(root)
  cleanUp.push(() => client.close())
  const publisher = join(import.meta.dirname, 'publish-process.ts')
  const keys = JSON.stringify(repository.keys.secrets())
  for (let turn = 0; turn < 6; turn++) {
    await repository.stage(`new-${turn}.zip`, noise(`new ${turn}`, MIB))
    const child = spawn(process.execPath, [publisher, repository.folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...COMPILED },
    })
    child.stdin.end(keys)
    await once(child.stdout, 'data')
    await sleep(turn * 4)
    child.kill('SIGKILL')
    await once(child, 'close')
    const { roms } = await client.refresh(server.url)
    expect(roms.length).toBeGreaterThanOrEqual(turn + 1)
    for (const rom of roms) await client.fetch(rom, [server.url])
    await repository.publish()
    const names = (await client.refresh(server.url)).roms.map(({ name }) => name)
    expect(names).toContain(`new-${turn}.zip`)
    expect(names).toHaveLength(turn + 2)
  }
}, 120_000)
