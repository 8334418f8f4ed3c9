// The repository as windows use it, over the contract's own messages: what is offered to whom, downloads, the cache, sticks, trust.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EngineBench, TestWindow } from '../../../../../test/engine-bench.ts'
import { noise, TestRepository } from '../../../../../test/firmware-repository.ts'
import { FileServer } from '../../../../../test/repository/file-server.ts'
import { romRepository, rootOf } from '../../../../../test/rom-repository.ts'
import type { BenchState, TransferView } from '../../../../shared/contract.ts'

let bench: EngineBench
let window: TestWindow
let repository: TestRepository | undefined
let server: FileServer | undefined
beforeEach(async () => {
  bench = new EngineBench()
  window = new TestWindow(bench)
  await window.until(() => true)
})
afterEach(async () => {
  window.client.close()
  await bench.close()
  await server?.close()
  await repository?.close()
  server = undefined
  repository = undefined
})

const MIB = 1024 * 1024
const call: TestWindow['client']['call'] = (command, params) => window.client.call(command, params)
const everything = { only: 'all', limit: 100, offset: 0 } as const
const transferOf = (state: BenchState): TransferView | undefined => state.firmware.transfers[0]

async function trust(url: string, wanted: TestRepository): Promise<void> {
  await call('trust.add-repository', { name: 'acme-fw', url, mirrors: [], root: rootOf(wanted) })
  await window.until((s) => s.firmware.repositories.length === 1)
}

/** A repository of noise behind a server: what it holds is no package, but it is fetched all the same. */
async function noisy(roms: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): Promise<void> {
  repository = await TestRepository.create()
  for (const [name, content] of Object.entries(roms)) await repository.stage(name, content)
  await repository.publish()
  server = await FileServer.start(repository.public)
  await trust(server.url, repository)
}

async function idOf(name: string): Promise<string> {
  const { offers } = await call('firmware.search', { ...everything, text: name })
  return offers[0]?.id ?? ''
}

async function fetched(id: string): Promise<void> {
  await call('download.start', { rom: id })
  const cached = async () => (await call('cache.list', {})).cache.roms.map(({ offer }) => offer.id)
  await expect.poll(cached, { timeout: 20_000 }).toContain(id)
  await window.until((s) => s.firmware.transfers.length === 0)
}

describe('a repository', () => {
  it('offers each terminal what the rules allow, with reasons, and its ROM goes into a session', async () => {
    const [rom, other] = [await bench.rom('nx679j'), await bench.rom('unisoc-ab')]
    repository = await romRepository([
      { path: rom, name: 'full.zip', build: 'NX679J-V2.11', models: ['NX679J'] },
      { path: other, name: 'other.zip', build: 'other', models: ['SOMEBODY'], withdrawn: 'It overheats' },
    ])
    await bench.plug({ serial: 'NX0001', port: 2 })
    await window.until((s) => s.bays[0]?.facts !== undefined)
    await trust(repository.public, repository)
    expect(window.state?.firmware.repositories).toMatchObject([{ name: 'acme-fw', roms: 2 }])

    const found = await call('firmware.search', { ...everything, bay: 'usb:1-2' })
    expect(found.offers.map(({ name }) => name)).toEqual(['full.zip', 'other.zip'])
    expect(found.offers[0]).toMatchObject({
      ...{ repository: 'acme-fw', channels: ['stable'], full: true, build: 'NX679J-V2.11' },
      terminals: [{ bay: 'usb:1-2', verdict: 'eligible', installed: false }],
    })
    expect(found.offers[1]).toMatchObject({ withdrawn: 'It overheats', terminals: [] })
    const fitting = await call('firmware.search', { ...everything, only: 'fitting' })
    expect(fitting.total).toBe(1)
    const { terminals } = await call('firmware.best', { limit: 1 })
    expect(terminals).toMatchObject([
      { bay: 'usb:1-2', offers: [{ offer: { name: 'full.zip' }, own: { verdict: 'eligible' } }] },
    ])

    const id = found.offers[0]?.id ?? ''
    const { need } = await call('firmware.need', { rom: id })
    expect(need).toMatchObject({ there: 0, total: found.offers[0]?.size, removed: [] })
    expect(need.missing + need.held).toBe(need.total)
    await fetched(id)
    const after = await window.until((s) => s.roms[0]?.state === 'verified')
    expect(after.roms[0]).toMatchObject({ name: 'full.zip', summary: { trust: { verdict: 'intact' } } })
    const package_ = after.roms[0]?.id ?? ''
    expect((await call('cache.use', { rom: id })).rom).toBe(package_)

    await call('session.start', {
      ...{ rom: package_, countdown: 1, choice: { policy: 'seamless', wipe: false } },
    })
    await window.until((s) => s.jobs[0]?.state === 'running')
    await expect(call('cache.remove', { rom: id })).rejects.toMatchObject({ code: 'repo-busy' })
    await window.until((s) => s.jobs[0]?.state === 'done')
    await call('session.stop', {})
    expect((await bench.terminals.get('NX0001')?.wouldBoot())?.build).toBe('NX679J-V2.11')
  }, 60_000)

  it('that is out of reach still shows its last list, says how old it is, and offers what is in the cache', async () => {
    await noisy({ 'one.zip': noise('one', 2 * MIB) })
    await fetched(await idOf('one'))
    await server?.close()
    server = undefined
    await bench.restart()
    window.client.close()
    window = new TestWindow(bench)
    const state = await window.until((s) => s.firmware.repositories[0]?.problem !== undefined)
    expect(state.firmware.repositories[0]).toMatchObject({
      ...{ roms: 1, problem: { code: 'repo-unreachable' } },
      ...{ listedAt: expect.any(String), expires: expect.any(String) },
    })
    const { offers } = await call('firmware.search', { ...everything, only: 'cached' })
    expect(offers).toMatchObject([{ name: 'one.zip', cached: { pinned: false } }])
  }, 60_000)

  it('with another root, or a name that is taken, changes nothing', async () => {
    await noisy({ 'one.zip': noise('one', MIB) })
    const stranger = await TestRepository.create()
    try {
      const add = (name: string) =>
        call('trust.add-repository', { name, url: server?.url ?? '', mirrors: [], root: rootOf(stranger) })
      await expect(add('acme-fw')).rejects.toMatchObject({ code: 'usage' })
      await expect(add('another')).rejects.toMatchObject({ code: 'repo-signature' })
      await call('firmware.refresh', {})
      const state = await window.until((s) => !s.firmware.refreshing)
      expect(state.firmware.repositories.map(({ name }) => name)).toEqual(['acme-fw'])
    } finally {
      await stranger.close()
    }
  })
})

describe('a download', () => {
  /** Half of the package comes; the rest waits until the gate opens. */
  function gated() {
    const { promise, resolve } = Promise.withResolvers<void>()
    let served = 0
    if (server !== undefined)
      server.trick = async ({ path }) => {
        if (/[0-9a-f]{64}\.one\.zip$/.test(path) && ++served > 1) await promise
        return false
      }
    return { open: resolve }
  }

  it('is stopped and gone on with, and what was there is not fetched again', async () => {
    await noisy({ 'one.zip': noise('one', 24 * MIB) })
    const id = await idOf('one')
    const gate = gated()
    const { transfer } = await call('download.start', { rom: id })
    await window.until((s) => (transferOf(s)?.done ?? 0) > 4 * MIB)
    await call('transfer.stop', { transfer })
    const stopped = await window.until((s) => transferOf(s)?.state === 'stopped')
    gate.open()
    const there = transferOf(stopped)?.done ?? 0
    const { need } = await call('firmware.need', { rom: id })
    expect(need.there).toBe(there)
    expect(need.missing).toBe(24 * MIB - there)
    await call('download.start', { rom: id })
    await window.until((s) => s.firmware.transfers.length === 0)
    expect((await call('firmware.search', { ...everything, only: 'cached' })).total).toBe(1)
  }, 60_000)

  it('that the end of the bench cut off goes on by itself, one that was stopped waits', async () => {
    await noisy({ 'one.zip': noise('one', 24 * MIB), 'two.zip': noise('two', 24 * MIB) })
    const [one, two] = [await idOf('one'), await idOf('two')]
    const gate = gated()
    await call('download.start', { rom: one })
    await window.until((s) => (transferOf(s)?.done ?? 0) > 4 * MIB)
    if (server !== undefined) server.trick = ({ path }) => /two\.zip$/.test(path)
    const { transfer } = await call('download.start', { rom: two })
    await call('transfer.stop', { transfer })
    await bench.restart()
    gate.open()
    if (server !== undefined) server.trick = undefined
    window.client.close()
    window = new TestWindow(bench)
    const state = await window.until(
      (s) => s.firmware.transfers.length === 1 && s.firmware.revision > 1 && !s.firmware.refreshing,
    )
    expect(transferOf(state)).toMatchObject({ rom: two, state: 'stopped' })
    expect((await call('firmware.search', { ...everything, only: 'cached' })).offers).toMatchObject([
      { id: one },
    ])
    await call('transfer.drop', { transfer })
    await window.until((s) => s.firmware.transfers.length === 0)
    expect(readdirSync(join(bench.folder, 'data', 'cache', 'partial'))).toEqual([])
  }, 60_000)

  it('of the next build costs what changed, and the cache tells what is shared and makes room', async () => {
    const old = noise('old', 12 * MIB)
    const next = old.slice()
    next.set(noise('change', MIB), 5 * MIB)
    await noisy({ 'old.zip': old, 'next.zip': next })
    await fetched(await idOf('old'))
    const id = await idOf('next')
    const { need } = await call('firmware.need', { rom: id })
    expect(need.held).toBeGreaterThan(8 * MIB)
    expect(need.missing).toBeLessThan(4 * MIB)
    expect(need.missing + need.held).toBe(12 * MIB)
    await fetched(id)
    const { cache } = await call('cache.list', {})
    expect(cache.roms.map(({ shared }) => shared)).toEqual([need.held, need.held])

    await call('cache.pin', { rom: id, pinned: true })
    bench.engine.firmware.settingsChanged(13 * MIB)
    const { need: again } = await call('firmware.need', { rom: id })
    expect(again.removed.map(({ name }) => name)).toEqual(['old.zip'])
    await call('cache.remove', { rom: id })
    expect((await call('cache.list', {})).cache.roms.map(({ offer }) => offer.name)).toEqual(['old.zip'])
  }, 60_000)
})

describe('a stick', () => {
  it('carries ROMs to a bench that trusts their owner, and to no other', async () => {
    await noisy({ 'one.zip': noise('one', 2 * MIB), 'two.zip': noise('two', MIB) })
    const stick = join(bench.folder, 'stick – 固件')
    mkdirSync(stick)
    await call('stick.export', { roms: [await idOf('one')], folder: stick })
    const out = await window.until((s) => transferOf(s)?.state === 'done')
    expect(transferOf(out)).toMatchObject({ kind: 'export', done: 2 * MIB, roms: ['one.zip'] })

    const far = new EngineBench()
    const there = new TestWindow(far)
    try {
      await there.until(() => true)
      await there.client.call('stick.import', { folder: stick })
      const refused = await there.until((s) => transferOf(s)?.state === 'failed')
      expect(transferOf(refused)?.problem?.code).toBe('repo-unknown')
      await there.client.call('transfer.drop', { transfer: transferOf(refused)?.id ?? '' })
      await there.client.call('trust.add-repository', {
        ...{ name: 'acme-fw', mirrors: [], root: repository === undefined ? '' : rootOf(repository) },
      })
      await there.client.call('stick.import', { folder: stick })
      const taken = await there.until((s) => transferOf(s)?.state === 'done')
      expect(transferOf(taken)).toMatchObject({ kind: 'import', roms: ['one.zip'] })
      const { cache } = await there.client.call('cache.list', {})
      expect(cache.roms.map(({ offer }) => offer.name)).toEqual(['one.zip'])
      const known = await there.until((s) => s.firmware.repositories[0]?.roms === 2)
      expect(known.firmware.repositories[0]?.problem).toBeUndefined()
    } finally {
      there.client.close()
      await far.close()
    }
  }, 60_000)
})

it('keys of publishers are listed, added from a file, and removed', async () => {
  const { generateKeyPairSync } = await import('node:crypto')
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const file = join(bench.folder, 'maker.pem')
  writeFileSync(file, publicKey.export({ type: 'spki', format: 'pem' }))
  const { anchor } = await call('trust.add-key', { path: file, name: 'Maker' })
  expect(anchor).toMatchObject({ name: 'Maker', kind: 'public-key' })
  expect((await call('trust.list', {})).anchors).toMatchObject([{ name: 'Maker' }])
  await expect(call('trust.add-key', { path: file })).rejects.toMatchObject({ code: 'anchor-invalid' })
  const { entries } = await call('files.list', { folder: bench.folder, kind: 'key' })
  expect(entries.map(({ name }) => name)).toContain('maker.pem')
  expect(existsSync(file)).toBe(true)
  await call('trust.remove-key', { name: 'Maker' })
  expect((await call('trust.list', {})).anchors).toEqual([])
})
