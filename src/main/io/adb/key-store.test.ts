import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { requireTool } from '../../../../test/tools.ts'
import { adbKeyStore } from './key-store.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slotbench-keys-'))
})
afterEach(() => rm(folder, { recursive: true }))

const store = (googleKey = join(folder, 'none')) =>
  adbKeyStore({ dataFolder: join(folder, 'data'), googleKey })
const own = () => join(folder, 'data', 'adb', 'adbkey')

it('makes a key once, for this user only, and keeps it', async () => {
  const [first, ...more] = await store().keys()
  expect(more).toEqual([])
  expect((await stat(own())).mode & 0o777).toBe(0o600)
  expect(await readFile(`${own()}.pub`, 'utf8')).toBe(first.publicKey)
  expect(first.publicKey).toMatch(/^[A-Za-z0-9+/]{699}= \S+@\S+$/)
  const [again] = await store().keys()
  expect(again.publicKey).toBe(first.publicKey)
})

it('makes one key when two programs start at once', async () => {
  const [one, other] = await Promise.all([store().keys(), store().keys()])
  expect(one[0].publicKey).toBe(other[0].publicKey)
})

it.each([
  '',
  'not a key',
  '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
  'x'.repeat(100_000),
])('names a broken key file and leaves it alone (%#)', async (content) => {
  await mkdir(join(folder, 'data', 'adb'), { recursive: true })
  await writeFile(own(), content)
  const keys = store()
  await expect(keys.keys()).rejects.toMatchObject({
    code: 'adb-key-invalid',
    message: expect.stringContaining(own()),
    context: { file: own() },
  })
  expect(await readFile(own(), 'utf8')).toBe(content)
  await rm(own())
  expect(await keys.keys()).toHaveLength(1)
})

it('names a key file that cannot be read at all', async () => {
  await mkdir(own(), { recursive: true })
  await expect(store().keys()).rejects.toMatchObject({ code: 'adb-key-invalid' })
})

it('tries the key of Google’s adb second, and makes the same public key of it', async (test) => {
  const adb = requireTool('adb', test)
  const google = join(folder, 'adbkey')
  execFileSync(adb, ['keygen', google], { env: { ...process.env, HOME: folder }, stdio: 'ignore' })
  const [, second] = await store(google).keys()
  const expected = (await readFile(`${google}.pub`, 'utf8')).split(' ')[0]
  expect(second?.publicKey.split(' ')[0]).toBe(expected)
  await writeFile(google, 'broken')
  expect(await store(google).keys()).toHaveLength(1)
})
