// A repository from its first key to a terminal's ROM, with the programs that owner and technician type.
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DeploymentSet } from '../../src/shared/deployment.ts'
import { CliPlace, document, type Finished, lines, plain, QUICK, type Running } from './slotbench.ts'

const SECRET = { SLOTBENCH_REPO_PASSPHRASE: 'a sentence that nobody guesses' }
let place: CliPlace
let rom: string
let repository: string
let server: Running
let url: string

const owner = (...args: string[]): Promise<Finished> => place.startOwner(SECRET, ...args).finished
const root = () => join(repository, 'public', 'metadata', '1.root.json')

async function good(finished: Promise<Finished>): Promise<Finished> {
  const done = await finished
  expect(done.code, plain(done)).toBe(0)
  return done
}

const RULES: DeploymentSet = {
  version: 1,
  roms: [{ id: 'v2', target: 'roms/acme/full.zip', build: 'NX679J-V2.11', securityPatch: '2026-10-01' }],
  deployments: [
    { id: 'all', rom: 'v2', channel: 'stable', models: ['NX679J'], waive: ['rollback', 'build'] },
  ],
}

beforeAll(async () => {
  place = new CliPlace()
  rom = await place.rom()
  repository = join(place.folder, 'fw – 固件')
  await good(owner('init', repository))
  await good(owner('keys', 'publisher', repository, 'acme'))
  await good(
    owner('add', repository, rom, '--publisher', 'acme', '--name', 'full.zip', '--notes', 'Good build'),
  )
  const rules = join(place.folder, 'rules.json')
  writeFileSync(rules, JSON.stringify(RULES))
  await good(owner('deploy', repository, rules))
  // The root's key is needed no more.
  renameSync(join(repository, 'root-keys'), join(place.folder, 'stick in a safe'))
  await good(owner('publish', repository))
  server = place.startOwner(SECRET, 'serve', repository, '--port', '0', '--uploads', '--json')
  url = (await server.saw(/"url":"([^"]+)"/))[1] ?? ''
}, 120_000)
afterAll(() => place.close())

async function newBench(): Promise<string> {
  const data = place.newData()
  await good(place.run(data, 'repo', 'add', url, '--root', root(), '--name', 'acme-fw'))
  return data
}

describe('the owner', () => {
  it('sees what is public, and that everything holds', async () => {
    const shown = plain(await good(owner('status', repository)))
    expect(shown).toContain('roms/acme/full.zip')
    expect(plain(await good(owner('verify', repository)))).toContain(
      'Every signature, every file and every chunk index holds.',
    )
    const keys = plain(await good(owner('keys', 'list', repository)))
    expect(keys).toMatch(/root +1 of 1 sign; expires .*\n +[0-9a-f]{16} +not at hand/)
  })

  it('is told of a package that is none, and of a publisher that is none', async () => {
    const nothing = join(place.folder, 'nothing.zip')
    writeFileSync(nothing, 'this is no package')
    expect(document(await owner('--json', 'add', repository, nothing, '--publisher', 'acme'))).toMatchObject({
      error: { code: 'package-unknown' },
    })
    const damaged = join(place.folder, 'damaged.zip')
    const content = readFileSync(rom)
    const middle = content.length >> 1
    content.fill(0, middle, middle + 5000)
    writeFileSync(damaged, content)
    const refused = await owner('add', repository, damaged, '--publisher', 'acme')
    expect(refused.code).toBe(3)
    expect(document(await owner('--json', 'add', repository, rom, '--publisher', 'nobody'))).toMatchObject({
      error: { code: 'usage' },
    })
    expect(plain(await good(owner('status', repository)))).not.toContain('Staged')
  })

  it('is told of rules that are not understood or offer what is not there', async () => {
    const rules = join(place.folder, 'bad rules.json')
    writeFileSync(rules, JSON.stringify({ ...RULES, surprise: 1 }))
    expect(document(await owner('--json', 'deploy', repository, rules))).toMatchObject({
      error: { code: 'deployments-invalid' },
    })
    writeFileSync(
      rules,
      JSON.stringify({ ...RULES, roms: [{ ...RULES.roms[0], target: 'roms/acme/other.zip' }] }),
    )
    expect(document(await owner('--json', 'deploy', repository, rules))).toMatchObject({
      error: { code: 'usage' },
    })
  })

  it('cannot publish with another passphrase, and nothing changes', async () => {
    const failed = await place.startOwner(
      { SLOTBENCH_REPO_PASSPHRASE: 'another sentence' },
      'publish',
      repository,
    ).finished
    expect(failed.code).toBe(2)
    expect(plain(failed)).toContain('[repo-key-locked]')
    await good(owner('verify', repository))
  })

  it('needs the root’s key to hand a role to new keys', async () => {
    const failed = await owner('rotate', repository, 'timestamp')
    expect(plain(failed)).toContain('[repo-keys]')
    const safe = join(place.folder, 'stick in a safe')
    const bench = await newBench()
    await good(owner('rotate', repository, 'timestamp', '--keys', join(repository, 'keys'), safe))
    expect(plain(await good(place.run(bench, 'roms')))).toContain('full.zip')
  }, 120_000)
})

describe('a bench', () => {
  it('lists, fetches, pins and flashes a ROM', async () => {
    const data = await newBench()
    const listed = plain(await good(place.run(data, 'roms')))
    expect(listed).toContain('acme-fw/acme/full.zip  NX679J-V2.11  for NX679J')
    expect(listed).toContain('Good build')
    const { fetched } = document(await good(place.run(data, '--json', 'fetch', 'acme/full.zip'))) as {
      fetched: { path: string }
    }
    expect(readFileSync(fetched.path).equals(readFileSync(rom))).toBe(true)
    expect(plain(await good(place.run(data, 'fetch', 'NX679J-V2.11')))).toContain('in the cache already')
    await good(place.run(data, 'cache', 'pin', 'full.zip'))
    expect(plain(await good(place.run(data, 'cache', 'prune', '--limit', '1')))).toContain(
      'Nothing had to go.',
    )
    await good(place.run(data, 'cache', 'unpin', 'full.zip'))
    expect(plain(await good(place.run(data, 'cache', 'list')))).toContain('1 ROMs')
    const { endpoint } = await place.simulate(...QUICK)
    const flashed = await place.run(data, 'flash', fetched.path, '-t', endpoint, '-y')
    expect(flashed.code, plain(flashed)).toBe(0)
    expect(plain(await good(place.run(data, 'cache', 'prune', '--limit', '1')))).toContain('1 ROMs removed.')
  })

  it('flashes a ROM by its name, and keeps it while it is used, also by a job that is gone on with', async () => {
    const data = await newBench()
    const pruned = async () => plain(await good(place.run(data, 'cache', 'prune', '--limit', '1')))
    const inspected = plain(await good(place.run(data, 'inspect', 'NX679J-V2.11')))
    expect(inspected).toContain('NX679J-V2.11')
    const { endpoint } = await place.simulate(...QUICK, '--link-speed', '100kB')
    const flashing = place.start(data, 'flash', 'acme-fw/acme/full.zip', '-t', endpoint, '-y')
    const [, job = ''] = await flashing.saw(/Job (\S+)/)
    expect(await pruned()).toContain('Nothing had to go.')
    flashing.kill('SIGINT')
    expect((await flashing.finished).code).not.toBe(0)
    const going = place.start(data, 'resume', job)
    await going.saw(/goes on/)
    expect(await pruned()).toContain('Nothing had to go.')
    going.kill('SIGINT')
    await going.finished
    expect(await pruned()).toContain('1 ROMs removed.')
    expect(document(await place.run(data, '--json', 'plan', 'nobody/nothing', '-t', endpoint))).toMatchObject(
      {
        error: { code: 'rom-unknown' },
      },
    )
  })

  it('lists what a terminal may have', async () => {
    const data = await newBench()
    const { endpoint } = await place.simulate(...QUICK)
    const { roms } = document(await good(place.run(data, '--json', 'roms', '--for', endpoint))) as {
      roms: { name: string; verdict: string; reasons: string[] }[]
    }
    expect(roms.map(({ name }) => name)).toEqual(['full.zip'])
    expect(['eligible', 'undecided']).toContain(roms[0]?.verdict)
    const other = await place.simulate('--profile', 'nx769j', '--boot-ms', '200')
    const none = document(await good(place.run(data, '--json', 'roms', '--for', other.endpoint)))
    expect(none).toEqual({ roms: [] })
  })

  it('is told what it does not know', async () => {
    const data = place.newData()
    expect(plain(await good(place.run(data, 'repo', 'list')))).toContain('No repositories')
    expect(document(await place.run(data, '--json', 'fetch', 'full.zip'))).toMatchObject({
      error: { code: 'rom-unknown' },
    })
    const stranger = join(place.folder, 'stranger.json')
    writeFileSync(stranger, '{"signed":{}}')
    expect(document(await place.run(data, '--json', 'repo', 'add', url, '--root', stranger))).toMatchObject({
      error: { code: 'repo-invalid' },
    })
    expect(document(await place.run(data, '--json', 'repo', 'remove', 'nothing'))).toMatchObject({
      error: { code: 'repo-unknown' },
    })
    expect(
      document(await place.run(data, '--json', 'repo', 'add', 'gopher://x', '--root', root())),
    ).toMatchObject({
      error: { code: 'usage' },
    })
  })

  it('takes ROMs to a bench without a network, and refuses a stick that was tampered with', async () => {
    const online = await newBench()
    const stick = join(place.folder, 'stick – 盘')
    await good(place.run(online, 'export', 'full.zip', stick))
    const offline = place.newData()
    expect(document(await place.run(offline, '--json', 'import', stick))).toMatchObject({
      error: { code: 'repo-unknown' },
    })
    const imported = plain(
      await good(place.run(offline, 'import', stick, '--root', root(), '--name', 'acme-fw')),
    )
    expect(imported).toContain('every signature and byte checked')
    expect(plain(await good(place.run(offline, 'roms')))).toContain('in the cache')
    // Once more: what is there is not copied again.
    await good(place.run(offline, 'import', stick))

    const folder = join(stick, 'targets', 'roms', 'acme')
    const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('full.zip'))
    const content = readFileSync(join(folder, name))
    content[1000] = (content[1000] ?? 0) ^ 1
    writeFileSync(join(folder, name), content)
    const other = place.newData()
    const spoilt = await place.run(other, '--json', 'import', stick, '--root', root(), '--name', 'acme-fw')
    expect(lines(spoilt).at(-1)).toMatchObject({ error: { code: 'repo-wrong-data' } })
    const metadata = join(stick, 'metadata')
    const timestamp = readFileSync(join(metadata, 'timestamp.json'), 'utf8')
    writeFileSync(join(metadata, 'timestamp.json'), timestamp.replace(/"version": (\d+)/, '"version": 999'))
    const forged = await place.run(
      place.newData(),
      '--json',
      'import',
      stick,
      '--root',
      root(),
      '--name',
      'acme-fw',
    )
    expect(document(forged)).toMatchObject({ error: { code: 'repo-signature' } })
  })

  it('uses a repository that is a folder', async () => {
    const data = place.newData()
    await good(
      place.run(data, 'repo', 'add', join(repository, 'public'), '--root', root(), '--name', 'share'),
    )
    const { fetched } = document(await good(place.run(data, '--json', 'fetch', 'full.zip'))) as {
      fetched: { path: string }
    }
    expect(existsSync(fetched.path)).toBe(true)
  })
})

describe('the server', () => {
  const post = (body: unknown) =>
    fetch(new URL('v1/check', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const facts = (product: string) => ({
    ...{ mode: 'bootloader', bay: 'usb:1-2', product: { value: product, source: 'getvar product' } },
    ...{ slots: {}, partitions: {}, hasSlot: {}, variables: {} },
  })

  it('answers which ROMs a terminal may have', async () => {
    const answer = await post({ facts: facts('NX679J') })
    expect(answer.status).toBe(200)
    const { eligibility } = (await answer.json()) as { eligibility: Record<string, unknown[]> }
    expect([...(eligibility['eligible'] ?? []), ...(eligibility['undecided'] ?? [])]).toHaveLength(1)
    const none = (await (await post({ facts: facts('NX000X') })).json()) as typeof eligibility
    expect(none).toMatchObject({ eligibility: { eligible: [], undecided: [] } })
    expect((await post({ facts: 1 })).status).toBe(400)
    expect((await post('{')).status).toBe(400)
  })

  it('shows what is public and nothing else', async () => {
    const get = async (path: string) => (await fetch(new URL(path, url))).status
    expect(await get('metadata/timestamp.json')).toBe(200)
    for (const path of [
      '',
      'tokens.json',
      '../tokens.json',
      '..%2ftokens.json',
      'keys/',
      'metadata/',
      'staging.json',
      'metadata/x.part',
    ])
      expect(await get(path), path).toBeGreaterThanOrEqual(400)
  })

  it('takes packages from publishers with a token, for their owner to publish', async () => {
    const token = (
      await good(owner('token', 'create', repository, 'laptop', '--publisher', 'acme'))
    ).stdout.trim()
    const send = (secret: string, name: string, path = rom, publisher = 'acme') =>
      place.startOwner(
        { SLOTBENCH_REPO_TOKEN: secret },
        'upload',
        url,
        path,
        '--publisher',
        publisher,
        '--name',
        name,
      ).finished
    expect(plain(await send('x'.repeat(43), 'sent.zip'))).toContain('[repo-refused]')
    expect(plain(await send(token, 'sent.zip', rom, 'other'))).toContain('[repo-refused]')
    const nothing = join(place.folder, 'no package.zip')
    writeFileSync(nothing, 'this is no package')
    expect(plain(await send(token, 'sent.zip', nothing))).toContain('package-unknown')
    await good(send(token, 'sent.zip'))
    expect(plain(await good(owner('status', repository)))).toContain('Staged: add roms/acme/sent.zip')
    const data = await newBench()
    expect(plain(await good(place.run(data, 'roms')))).not.toContain('sent.zip')
    await good(owner('publish', repository))
    expect(plain(await good(place.run(data, 'roms')))).toContain('sent.zip')
    await good(owner('token', 'remove', repository, 'laptop'))
    expect(plain(await send(token, 'again.zip'))).toContain('[repo-refused]')
    expect(readdirSync(join(repository, 'incoming'))).toEqual([])
    await good(owner('withdraw', repository, 'acme/sent.zip'))
    await good(owner('publish', repository))
    expect(plain(await good(place.run(data, 'roms')))).not.toContain('sent.zip')
  }, 180_000)

  it('ends in order on Ctrl-C', async () => {
    const another = place.startOwner(SECRET, 'serve', repository, '--port', '0')
    await another.saw(/Serving/)
    another.kill('SIGINT')
    expect((await another.finished).code).toBe(0)
  })
})
