// A repository is whole whatever kills its owner's program: each step of publishing is cut off, and a client looks.
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { noise, TestRepository } from '../../../../test/firmware-repository.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { refreshTrusted, trustRoot } from '../../io/repository/trusted-metadata.ts'
import { targetFile } from '../format.ts'
import type { Listing } from '../listing.ts'
import { addPublisher, prune, publish, renewRoot, rotate } from './repository.ts'
import { stage } from './staging.ts'
import type { RepositoryStore } from './store.ts'

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const one of cleanUp.splice(0)) await one()
})

async function newRepository(...args: Parameters<typeof TestRepository.create>): Promise<TestRepository> {
  const repository = await TestRepository.create(...args)
  cleanUp.push(() => repository.close())
  return repository
}

/** A bench that has trusted the repository's first root since the day it was made. */
async function newClient(repository: TestRepository): Promise<() => Promise<Listing>> {
  const folder = await mkdtemp(join(tmpdir(), 'slotbench-client-'))
  cleanUp.push(() => rm(folder, { recursive: true }))
  const metadata = join(repository.public, 'metadata')
  await trustRoot(folder, await readFile(join(metadata, '1.root.json')))
  return () => refreshTrusted(folder, (name) => readFile(join(metadata, name)).catch(() => undefined))
}

/** What is promised is there, to the byte. */
async function expectWhole(repository: TestRepository, listing: Listing): Promise<void> {
  for (const target of listing.roms.flatMap((rom) => [rom.target, rom.index])) {
    const content = await readFile(join(repository.public, ...targetFile(target).split('/')))
    expect(content.length).toBe(target.size)
    expect(createHash('sha256').update(content).digest('hex')).toBe(target.sha256)
  }
}

class Killed extends Error {}

/** Fails at the step `at` of all that change something: before it happens, or just after it. */
function killedAt(
  store: RepositoryStore,
  at: number,
  when: 'before' | 'after',
): RepositoryStore & { steps: number } {
  const mortal = {
    steps: 0,
    read: store.read.bind(store),
    list: store.list.bind(store),
    open: store.open.bind(store),
    sweep: store.sweep.bind(store),
    write: (...args: Parameters<RepositoryStore['write']>) => step(() => store.write(...args)),
    copyIn: (...args: Parameters<RepositoryStore['copyIn']>) => step(() => store.copyIn(...args)),
    move: (...args: Parameters<RepositoryStore['move']>) => step(() => store.move(...args)),
    remove: (...args: Parameters<RepositoryStore['remove']>) => step(() => store.remove(...args)),
  }
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    const killed = ++mortal.steps === at
    if (killed && when === 'before') throw new Killed()
    const result = await work()
    if (killed) throw new Killed()
    return result
  }
  return mortal
}

const KIB = 1024

it('shows a client what was published, and nothing that only waits', async () => {
  const repository = await newRepository()
  const refresh = await newClient(repository)
  expect((await refresh()).roms).toEqual([])
  await repository.stage('one.zip', noise('one', 300 * KIB))
  expect((await refresh()).roms).toEqual([])
  await repository.publish()
  const listing = await refresh()
  expect(listing.roms.map(({ publisher, name }) => [publisher, name])).toEqual([['acme', 'one.zip']])
  expect(listing.roms[0]?.facts).toMatchObject({ models: ['NX769J'], build: 'one.zip', full: true })
  expect(listing.problems).toEqual([])
  await expectWhole(repository, listing)
  await stage(repository.store, { kind: 'withdraw', publisher: 'acme', name: 'one.zip' })
  await repository.publish()
  expect((await refresh()).roms).toEqual([])
})

it('is whole wherever publishing was killed, and publishing once more ends it', async () => {
  const measure = await newRepository()
  await measure.add('old.zip', noise('old', 200 * KIB))
  await measure.stage('new.zip', noise('new', 200 * KIB))
  const counting = killedAt(measure.store, 0, 'before')
  await publish(counting, measure.seal)
  expect(counting.steps).toBeGreaterThanOrEqual(6)

  for (const when of ['before', 'after'] as const) {
    for (let at = 1; at <= counting.steps; at++) {
      const repository = await newRepository()
      await repository.add('old.zip', noise('old', 200 * KIB))
      const refresh = await newClient(repository)
      await refresh()
      await repository.stage('new.zip', noise('new', 200 * KIB))
      await expect(publish(killedAt(repository.store, at, when), repository.seal)).rejects.toThrow(Killed)
      const after = await refresh()
      const names = after.roms.map(({ name }) => name)
      expect([['old.zip'], ['old.zip', 'new.zip']]).toContainEqual(names)
      await expectWhole(repository, after)
      await repository.publish()
      const whole = await refresh()
      expect(whole.roms.map(({ name }) => name)).toEqual(['old.zip', 'new.zip'])
      await expectWhole(repository, whole)
    }
  }
}, 120_000)

it.each(['root', 'targets', 'snapshot', 'timestamp', 'acme'])(
  'is whole wherever a change of the keys of %s was killed',
  async (role) => {
    const measure = await newRepository()
    const counting = killedAt(measure.store, 0, 'before')
    await rotate(counting, { role, keys: measure.keys.role(2) }, measure.seal)
    for (let at = 1; at <= counting.steps; at++) {
      const repository = await newRepository()
      await repository.add('old.zip', noise('old', 100 * KIB))
      const [known, stranger] = [await newClient(repository), await newClient(repository)]
      await known()
      const keys = repository.keys.role(2)
      await expect(
        rotate(killedAt(repository.store, at, 'before'), { role, keys }, repository.seal),
      ).rejects.toThrow(Killed)
      expect((await known()).roms).toHaveLength(1)
      await rotate(repository.store, { role, keys }, repository.seal)
      for (const refresh of [known, stranger]) {
        const listing = await refresh()
        expect(listing.roms).toHaveLength(1)
        expect(listing.problems).toEqual([])
      }
    }
  },
  60_000,
)

it('signs with the new keys alone from the next edition on', async () => {
  const repository = await newRepository()
  await repository.add('one.zip', noise('one', 50 * KIB))
  const refresh = await newClient(repository)
  const old = repository.keys.all().map(({ keyId }) => keyId)
  for (const role of ['targets', 'snapshot', 'timestamp', 'acme'])
    await rotate(repository.store, { role, keys: repository.keys.role() }, repository.seal)
  for (const keyId of old) repository.keys.lose(keyId)
  await repository.add('two.zip', noise('two', 50 * KIB))
  expect((await refresh()).roms).toHaveLength(2)
  await expect(
    rotate(repository.store, { role: 'timestamp', keys: repository.keys.role() }, repository.seal),
  ).rejects.toMatchObject({ code: 'repo-keys' })
})

it('needs as many keys as the threshold says, and names what is missing', async () => {
  const repository = await newRepository({ targets: 2 })
  const refresh = await newClient(repository)
  await refresh()
  const [, , oneOfTargets] = repository.keys.all()
  repository.keys.lose(oneOfTargets?.keyId ?? '')
  const more = { name: 'other', keys: repository.keys.role() }
  const failed = await addPublisher(repository.store, more, repository.seal).catch(
    (error: SlotbenchError) => error,
  )
  expect(failed).toBeInstanceOf(SlotbenchError)
  expect(failed).toMatchObject({ code: 'repo-keys' })
  expect(String(failed)).toContain(oneOfTargets?.keyId.slice(0, 12))
})

it('prolongs the root without other keys', async () => {
  const repository = await newRepository()
  repository.now = new Date(Date.now() + 86_400_000 * 30)
  await renewRoot(repository.store, repository.seal)
  const roots = (await readdir(join(repository.public, 'metadata'))).filter((name) => name.includes('root'))
  expect(roots.sort()).toEqual(['1.root.json', '2.root.json'])
})

it('tidies up what no edition names', async () => {
  const repository = await newRepository()
  await repository.add('one.zip', noise('one', 50 * KIB))
  await repository.add('one.zip', noise('one, mended', 50 * KIB))
  const refresh = await newClient(repository)
  const removed = await prune(repository.store)
  expect(removed.filter((path) => path.includes('targets/roms'))).toHaveLength(2)
  const listing = await refresh()
  await expectWhole(repository, listing)
  expect((await stat(join(repository.public, 'metadata', '1.root.json'))).isFile()).toBe(true)
  expect(await prune(repository.store)).toEqual([])
})

it('refuses to promise what is not there', async () => {
  const repository = await newRepository()
  await repository.stage('one.zip', noise('one', 50 * KIB))
  await rm(join(repository.folder, 'staged'), { recursive: true })
  await expect(repository.publish()).rejects.toMatchObject({ code: 'repo-damaged' })
})
