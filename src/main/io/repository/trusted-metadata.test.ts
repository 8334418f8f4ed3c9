// Whatever a repository sends for metadata: a listing or one of our errors, and what was trusted stays usable.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { noise, TestRepository } from '../../../../test/firmware-repository.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { MetadataSource } from '../../repository/listing.ts'
import { refreshTrusted, trustRoot } from './trusted-metadata.ts'

let repository: TestRepository
let folder: string
let files: readonly string[]
const content = new Map<string, Buffer>()
const honest: MetadataSource = async (name) => {
  const file = content.get(name)
  return file && Buffer.from(file)
}

beforeAll(async () => {
  repository = await TestRepository.create()
  await repository.add('one.zip', noise('one', 100_000))
  const metadata = join(repository.public, 'metadata')
  files = await readdir(metadata)
  for (const name of files) content.set(name, await readFile(join(metadata, name)))
  folder = await mkdtemp(join(tmpdir(), 'slotbench-trusted-'))
})
afterAll(async () => {
  await repository.close()
  await rm(folder, { recursive: true })
})

const needed = ['timestamp.json', '3.snapshot.json', '2.targets.json', '2.acme.json', '2.root.json']

async function survives(source: MetadataSource): Promise<void> {
  const trusted = join(folder, 'trusted')
  await trustRoot(trusted, content.get('1.root.json') ?? Buffer.alloc(0))
  const listing = await refreshTrusted(trusted, source).catch((error) => {
    expect(error).toBeInstanceOf(SlotbenchError)
    expect(error.code).not.toBe('internal')
    return undefined
  })
  for (const { error } of listing?.problems ?? []) expect(error.code).not.toBe('internal')
  // Nothing that was refused is in the way of what is right.
  const after = await refreshTrusted(trusted, honest)
  expect(after.roms.map(({ name }) => name)).toEqual(['one.zip'])
}

it('takes arbitrary bytes for what they are', async () => {
  const anything = fc.record({ name: fc.constantFrom(...needed), bytes: fc.uint8Array({ maxLength: 200 }) })
  await fc.assert(
    fc.asyncProperty(anything, ({ name, bytes }) =>
      survives(async (asked) => (asked === name ? Buffer.from(bytes) : honest(asked, 0))),
    ),
    { numRuns: 25 },
  )
})

it('takes arbitrary JSON for what it is', async () => {
  const anything = fc.record({ name: fc.constantFrom(...needed), json: fc.json() })
  await fc.assert(
    fc.asyncProperty(anything, ({ name, json }) =>
      survives(async (asked) => (asked === name ? Buffer.from(json) : honest(asked, 0))),
    ),
    { numRuns: 25 },
  )
})

it('takes a changed file for what it is', async () => {
  const change = fc.record({ name: fc.constantFrom(...needed.slice(0, 4)), at: fc.nat(), to: fc.nat(255) })
  await fc.assert(
    fc.asyncProperty(change, async ({ name, at, to }) => {
      const changed = Buffer.from(content.get(name) ?? '')
      changed[at % changed.length] = to
      await survives(async (asked) => (asked === name ? changed : honest(asked, 0)))
    }),
    { numRuns: 40 },
  )
})

it('comes back from any file of its own that a power cut spoilt, but for the root', async () => {
  const trusted = join(folder, 'spoilt')
  await trustRoot(trusted, content.get('1.root.json') ?? Buffer.alloc(0))
  await refreshTrusted(trusted, honest)
  const own = (await readdir(trusted)).filter((name) => name.endsWith('.json') && name !== 'root.json')
  expect(own.sort()).toEqual(['acme.json', 'snapshot.json', 'targets.json', 'timestamp.json'])
  for (const name of own) {
    for (const spoilt of ['', '{', '{"signed":{}}']) {
      await writeFile(join(trusted, name), spoilt)
      expect((await refreshTrusted(trusted, honest)).roms).toHaveLength(1)
    }
  }
})

it('says so when there is no trust to begin with', async () => {
  await expect(trustRoot(join(folder, 'none'), Buffer.from('{}'))).rejects.toMatchObject({
    code: 'repo-invalid',
  })
  const stripped = JSON.parse(String(content.get('1.root.json')))
  stripped.signatures = []
  const root = Buffer.from(JSON.stringify(stripped))
  await expect(trustRoot(join(folder, 'none'), root)).rejects.toMatchObject({ code: 'repo-signature' })
})
