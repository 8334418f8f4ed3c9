// Hostile repositories: each attack that TUF names, and servers that lie. One clear code each; what was good before stays good.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Metadata, type MetadataKind, Signature } from '@tufjs/models'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { PublishedRom } from '../../src/main/repository/format.ts'
import type { Listing } from '../../src/main/repository/listing.ts'
import { rotate } from '../../src/main/repository/publishing/repository.ts'
import { newSigner, type Signer } from '../../src/main/repository/publishing/signing-key.ts'
import type { ErrorCode } from '../../src/shared/errors.ts'
import { noise, TestRepository } from '../firmware-repository.ts'
import { BenchClient, IMPATIENT, PATIENT } from './bench-client.ts'
import { type Exchange, FileServer, type Trick } from './file-server.ts'

const MIB = 1024 * 1024
const DAY_MS = 86_400_000
const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const one of cleanUp.splice(0).reverse()) await one()
})

class Scene {
  readonly repository: TestRepository
  readonly server: FileServer
  readonly client: BenchClient

  private constructor(repository: TestRepository, server: FileServer, client: BenchClient) {
    this.repository = repository
    this.server = server
    this.client = client
  }

  /** A repository with `old.zip`, which the bench has seen and fetched. */
  static async create(thresholds: Parameters<typeof TestRepository.create>[0] = {}): Promise<Scene> {
    const repository = await TestRepository.create(thresholds)
    cleanUp.push(() => repository.close())
    await repository.add('old.zip', noise('old', MIB))
    const server = await FileServer.start(repository.public)
    cleanUp.push(() => server.close())
    const client = await BenchClient.create(join(repository.public, 'metadata', '1.root.json'))
    cleanUp.push(() => client.close())
    const scene = new Scene(repository, server, client)
    await client.fetch(rom(await scene.refresh(), 'old.zip'), [server.url])
    return scene
  }

  refresh(): Promise<Listing> {
    return this.client.refresh(this.server.url)
  }

  metadata(name: string): string {
    return join(this.repository.public, 'metadata', name)
  }

  /** The attack fails with `code`; afterwards an honest server is believed, and what the cache has is still good. */
  async expectRefused(code: ErrorCode, patience?: typeof IMPATIENT): Promise<void> {
    await expect(this.client.refresh(this.server.url, patience)).rejects.toMatchObject({ code })
    await this.expectGoodStays()
  }

  async expectGoodStays(): Promise<void> {
    const [cached] = await this.client.cache.list()
    expect(cached?.rom.name).toBe('old.zip')
    if (cached !== undefined) await (await this.client.cache.use(cached, new AbortController().signal))()
  }
}

function rom({ roms }: Listing, name: string): PublishedRom {
  const found = roms.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

const answers =
  (pattern: RegExp, content: (exchange: Exchange) => Buffer | string | undefined): Trick =>
  (exchange) => {
    if (!pattern.test(exchange.path)) return false
    const answer = content(exchange)
    if (answer === undefined) exchange.response.writeHead(404).end()
    else exchange.answer(Buffer.from(answer))
    return true
  }

/** Changes a signed document and signs it with `signers` instead. */
async function forge(
  path: string,
  signers: readonly Signer[],
  change: (signed: Record<string, unknown>) => void,
): Promise<Buffer> {
  const { signed } = JSON.parse(await readFile(path, 'utf8'))
  change(signed)
  const document = Metadata.fromJSON(signed._type as MetadataKind.Timestamp, { signed, signatures: [] })
  for (const { keyId, sign } of signers) {
    document.sign((data) => new Signature({ keyID: keyId, sig: sign(data) }))
  }
  return Buffer.from(JSON.stringify(document.toJSON()))
}

/** The keys that TestRepository.create made, in its order. */
function keysOf(scene: Scene) {
  const [root, targets, snapshot, timestamp, acme] = scene.repository.keys.all()
  const all = { root, targets, snapshot, timestamp, acme }
  return all as Record<keyof typeof all, Signer>
}

describe('metadata', () => {
  it('arbitrary installation: a timestamp signed by a stranger', async () => {
    const scene = await Scene.create()
    const forged = await forge(scene.metadata('timestamp.json'), [newSigner()], (signed) => {
      signed['version'] = 99
    })
    scene.server.trick = answers(/timestamp\.json$/, () => forged)
    await scene.expectRefused('repo-signature')
    scene.server.trick = undefined
    expect((await scene.refresh()).roms).toHaveLength(1)
  })

  it('arbitrary installation: a new root signed by a stranger', async () => {
    const scene = await Scene.create()
    const stranger = newSigner()
    const forged = await forge(scene.metadata('1.root.json'), [stranger], (signed) => {
      signed['version'] = 2
    })
    scene.server.trick = answers(/2\.root\.json$/, () => forged)
    await scene.expectRefused('repo-signature')
  })

  it('endless data: metadata that never end', async () => {
    const scene = await Scene.create()
    scene.server.trick = ({ path, response }) => {
      if (!path.endsWith('timestamp.json')) return false
      const pour = () => {
        while (response.write(Buffer.alloc(64 * 1024, ' '))) {}
      }
      response.on('drain', pour)
      pour()
      return true
    }
    await scene.expectRefused('repo-too-long')
  })

  it('fast-forward: versions beyond every later one, mended by new keys', async () => {
    const scene = await Scene.create()
    const honest = await readFile(scene.metadata('timestamp.json'))
    const { timestamp } = keysOf(scene)
    const forged = await forge(scene.metadata('timestamp.json'), [timestamp], (signed) => {
      signed['version'] = 2 ** 31 - 1
    })
    scene.server.trick = answers(/timestamp\.json$/, () => forged)
    await scene.refresh()
    // The thief is gone, and his version is ahead of all honest ones.
    scene.server.trick = undefined
    expect(honest.equals(await readFile(scene.metadata('timestamp.json')))).toBe(true)
    await scene.expectRefused('repo-rollback')
    const keys = scene.repository.keys.role()
    await rotate(scene.repository.store, { role: 'timestamp', keys }, scene.repository.seal)
    expect((await scene.refresh()).roms).toHaveLength(1)
    await scene.repository.add('new.zip', noise('new', MIB))
    expect((await scene.refresh()).roms).toHaveLength(2)
  })

  it('freeze: the same old state for ever', async () => {
    const scene = await Scene.create()
    const frozen = await readFile(scene.metadata('timestamp.json'))
    await scene.repository.add('new.zip', noise('new', MIB))
    scene.server.trick = answers(/timestamp\.json$/, () => frozen)
    expect((await scene.refresh()).roms).toHaveLength(1)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * DAY_MS })
    await scene.expectRefused('repo-expired')
  })

  it('rollback: an older timestamp than was seen', async () => {
    const scene = await Scene.create()
    const older = await readFile(scene.metadata('timestamp.json'))
    await scene.repository.add('new.zip', noise('new', MIB))
    expect((await scene.refresh()).roms).toHaveLength(2)
    scene.server.trick = answers(/timestamp\.json$/, () => older)
    await scene.expectRefused('repo-rollback')
    scene.server.trick = undefined
    expect((await scene.refresh()).roms).toHaveLength(2)
  })

  it('rollback: a snapshot that takes a publisher back, signed with stolen keys', async () => {
    const scene = await Scene.create()
    await scene.repository.add('new.zip', noise('new', MIB))
    await scene.refresh()
    const { snapshot, timestamp } = keysOf(scene)
    const { signed } = JSON.parse(await readFile(scene.metadata('timestamp.json'), 'utf8'))
    const version = signed.meta['snapshot.json'].version + 1
    const forgedSnapshot = await forge(scene.metadata(`${version - 1}.snapshot.json`), [snapshot], (s) => {
      s['version'] = version
      const meta = s['meta'] as Record<string, { version: number; length?: number; hashes?: object }>
      meta['acme.json'] = { version: 1 }
    })
    const forgedTimestamp = await forge(scene.metadata('timestamp.json'), [timestamp], (s) => {
      s['version'] = signed.version + 1
      s['meta'] = { 'snapshot.json': { version } }
    })
    scene.server.trick = ({ path, answer }) => {
      if (path.endsWith('timestamp.json')) answer(forgedTimestamp)
      else if (path.endsWith(`${version}.snapshot.json`)) answer(forgedSnapshot)
      else return false
      return true
    }
    await scene.expectRefused('repo-rollback')
  })

  it('mix-and-match: a snapshot of another edition', async () => {
    const scene = await Scene.create()
    const older = await readFile(scene.metadata('3.snapshot.json'))
    await scene.repository.add('new.zip', noise('new', MIB))
    scene.server.trick = answers(/snapshot\.json$/, () => older)
    await scene.expectRefused('repo-mixed')
  })

  it('mix-and-match: a publisher of another edition', async () => {
    const scene = await Scene.create()
    const older = await readFile(scene.metadata('2.acme.json'))
    await scene.repository.add('new.zip', noise('new', MIB))
    scene.server.trick = answers(/\d\.acme\.json$/, () => older)
    const { problems, roms } = await scene.refresh()
    expect(problems).toMatchObject([{ publisher: 'acme', error: { code: 'repo-mixed' } }])
    expect(roms).toEqual([])
    await scene.expectGoodStays()
  })

  it('key compromise below the threshold: one of two keys is not enough', async () => {
    const scene = await Scene.create({ targets: 2 })
    await scene.repository.publish()
    await scene.refresh()
    const [, one, , snapshot, timestamp] = scene.repository.keys.all() as Signer[]
    const { signed } = JSON.parse(await readFile(scene.metadata('timestamp.json'), 'utf8'))
    const targets = await forge(scene.metadata('2.targets.json'), [one as Signer], (s) => {
      s['version'] = 3
    })
    const version = signed.meta['snapshot.json'].version + 1
    const forgedSnapshot = await forge(
      scene.metadata(`${version - 1}.snapshot.json`),
      [snapshot as Signer],
      (s) => {
        s['version'] = version
        ;(s['meta'] as Record<string, object>)['targets.json'] = { version: 3 }
      },
    )
    const forgedTimestamp = await forge(scene.metadata('timestamp.json'), [timestamp as Signer], (s) => {
      s['version'] = signed.version + 1
      s['meta'] = { 'snapshot.json': { version } }
    })
    scene.server.trick = ({ path, answer }) => {
      if (path.endsWith('timestamp.json')) answer(forgedTimestamp)
      else if (path.endsWith('.snapshot.json')) answer(forgedSnapshot)
      else if (path.endsWith('3.targets.json')) answer(targets)
      else return false
      return true
    }
    await scene.expectRefused('repo-signature')
  })

  it('a publisher that signs for the folder of another one', async () => {
    const scene = await Scene.create()
    const { acme } = keysOf(scene)
    const forged = await forge(scene.metadata('2.acme.json'), [acme], (signed) => {
      const targets = signed['targets'] as Record<string, unknown>
      targets['roms/other/evil.zip'] = targets['roms/acme/old.zip']
      targets['deployment.json'] = targets['roms/acme/old.zip']
    })
    await writeFile(scene.metadata('2.acme.json'), forged)
    // Signed by enough keys all the way down, for the thief has those of the day-to-day roles too.
    const { snapshot, timestamp } = keysOf(scene)
    const again = await forge(scene.metadata('timestamp.json'), [timestamp], (signed) => {
      signed['version'] = 50
      signed['meta'] = { 'snapshot.json': { version: 4 } }
    })
    const numbered = await forge(scene.metadata('3.snapshot.json'), [snapshot], (signed) => {
      signed['version'] = 4
      ;(signed['meta'] as Record<string, object>)['acme.json'] = { version: 2 }
    })
    scene.server.trick = ({ path, answer }) => {
      if (path.endsWith('timestamp.json')) answer(again)
      else if (path.endsWith('4.snapshot.json')) answer(numbered)
      else return false
      return true
    }
    const listing = await scene.refresh()
    expect(listing.roms.map(({ target }) => target.path)).toEqual(['roms/acme/old.zip'])
    expect(listing.deployment).toBeUndefined()
  })

  it('expired metadata: nobody published for too long', async () => {
    const scene = await Scene.create()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 400 * DAY_MS })
    await scene.expectRefused('repo-expired')
    vi.useRealTimers()
    expect((await scene.refresh()).roms).toHaveLength(1)
  })

  it('a clock that is behind what was signed', async () => {
    const scene = await Scene.create()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 300 * DAY_MS })
    await scene.expectRefused('host-clock')
  })

  it('a web page instead of metadata', async () => {
    const scene = await Scene.create()
    scene.server.trick = ({ response, path }) => {
      const type = path.endsWith('root.json') ? 404 : 200
      response.writeHead(type, { 'content-type': 'text/html' }).end('<!DOCTYPE html><p>Please log in')
      return true
    }
    await scene.expectRefused('repo-web-page')
    // Some say that it is JSON.
    scene.server.trick = answers(/timestamp\.json$/, () => '<html><p>Please log in')
    await scene.expectRefused('repo-web-page')
  })

  it('metadata that are no JSON', async () => {
    const scene = await Scene.create()
    scene.server.trick = answers(/timestamp\.json$/, () => '{"signed":')
    await scene.expectRefused('repo-invalid')
  })

  it('slow retrieval: silence, and single bytes for hours', async () => {
    const scene = await Scene.create()
    scene.server.trick = ({ path }) => path.endsWith('timestamp.json')
    await scene.expectRefused('repo-slow', IMPATIENT)
    scene.server.trick = ({ path, response }) => {
      if (!path.endsWith('timestamp.json')) return false
      const drip = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(drip))
      return true
    }
    await scene.expectRefused('repo-slow', IMPATIENT)
  })

  it('a server that lacks what it promises', async () => {
    const scene = await Scene.create()
    await scene.repository.add('new.zip', noise('new', MIB))
    scene.server.trick = answers(/snapshot\.json$/, () => undefined)
    await scene.expectRefused('repo-incomplete')
  })

  it('nobody there', async () => {
    const scene = await Scene.create()
    await expect(scene.client.refresh('http://127.0.0.1:9/')).rejects.toMatchObject({
      code: 'repo-unreachable',
    })
    await scene.expectGoodStays()
  })
})

describe('packages', () => {
  const NEW = noise('new', 12 * MIB)

  /** The bench has the metadata of `new.zip`; its package is what the server lies about. */
  async function beforeFetching(): Promise<Scene & { readonly rom: PublishedRom }> {
    const scene = await Scene.create()
    await scene.repository.add('new.zip', NEW)
    return Object.assign(scene, { rom: rom(await scene.refresh(), 'new.zip') })
  }

  const lies: readonly (readonly [string, ErrorCode, Trick])[] = [
    [
      'sends other data',
      'repo-wrong-data',
      ({ answer, content }) => {
        answer(Buffer.from(noise('evil', content?.length ?? 0)))
        return true
      },
    ],
    [
      'changes a single bit',
      'repo-wrong-data',
      ({ answer, content = Buffer.alloc(0) }) => {
        const changed = Buffer.from(content)
        for (let at = 0; at < changed.length; at += MIB) changed[at] = (changed[at] ?? 0) ^ 1
        answer(changed)
        return true
      },
    ],
    [
      'sends a file of another length',
      'repo-wrong-data',
      ({ answer, content }) => {
        answer(Buffer.concat([content ?? Buffer.alloc(0), Buffer.alloc(MIB)]))
        return true
      },
    ],
    [
      'sends a file that is too short',
      'repo-wrong-data',
      ({ answer, content }) => {
        answer(content?.subarray(0, 10 * MIB))
        return true
      },
    ],
    [
      'sends another part than was asked for',
      'repo-ranges',
      ({ response, content = Buffer.alloc(0) }) => {
        response
          .writeHead(206, { 'content-range': `bytes 0-99/${content.length}`, 'content-length': 100 })
          .end(content.subarray(0, 100))
        return true
      },
    ],
    [
      'does not say which part it sends',
      'repo-ranges',
      ({ response, content }) => {
        response.writeHead(206).end(content)
        return true
      },
    ],
    [
      'sends a web page',
      'repo-web-page',
      ({ response }) => {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>')
        return true
      },
    ],
    [
      'leads elsewhere',
      'repo-web-page',
      ({ response }) => {
        response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()
        return true
      },
    ],
    [
      'has lost it',
      'repo-incomplete',
      ({ response }) => {
        response.writeHead(404).end()
        return true
      },
    ],
    [
      'refuses',
      'repo-refused',
      ({ response }) => {
        response.writeHead(401).end()
        return true
      },
    ],
    [
      'hangs up every time',
      'repo-unreachable',
      ({ response }) => {
        response.destroy()
        return true
      },
    ],
    ['never answers', 'repo-slow', () => true],
    [
      'stalls in the middle',
      'repo-slow',
      ({ request, response, content }) => {
        const [, from = '', to = ''] = /(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
        response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${content?.length}` })
        response.write(content?.subarray(Number(from), Number(from) + 1000))
        return true
      },
    ],
    [
      'sends compressed data that nobody asked for',
      'repo-wrong-data',
      ({ response }) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')
        return true
      },
    ],
  ]

  it.each(lies)('a server that %s: %s', async (_, code, trick) => {
    const scene = await beforeFetching()
    scene.server.trick = (exchange) => exchange.path.endsWith('new.zip') && trick(exchange)
    // A busy machine is not to be taken for a slow server.
    const patience = code === 'repo-slow' ? IMPATIENT : PATIENT
    const failed = scene.client.fetch(scene.rom, [scene.server.url], { patience })
    await expect(failed).rejects.toMatchObject({ code })
    await scene.expectGoodStays()
    scene.server.trick = undefined
    const { cached } = await scene.client.fetch(scene.rom, [scene.server.url])
    expect((await readFile(cached.path)).equals(NEW)).toBe(true)
  })

  it('a file that changes in the middle', async () => {
    const scene = await beforeFetching()
    let served = 0
    scene.server.trick = ({ path, answer, response, content }) => {
      if (!path.endsWith('new.zip')) return false
      served++
      if (served === 1) answer()
      else response.writeHead(200, { etag: '"other"', 'content-length': content?.length ?? 0 }).end(content)
      return true
    }
    const failed = scene.client.fetch(scene.rom, [scene.server.url], { connections: 1 })
    await expect(failed).rejects.toMatchObject({ code: 'repo-changed' })
    scene.server.trick = undefined
    const { result } = await scene.client.fetch(scene.rom, [scene.server.url])
    expect(result?.resumed).toBeGreaterThan(MIB)
  })

  it('endless data: a whole file that never ends', async () => {
    const scene = await beforeFetching()
    scene.server.trick = ({ path, response, content }) => {
      if (!path.endsWith('new.zip')) return false
      response.writeHead(200)
      response.write(content)
      const pour = () => {
        while (response.write(Buffer.alloc(64 * 1024))) {}
      }
      response.on('drain', pour)
      pour()
      return true
    }
    // All that is wanted came; the rest is not waited for.
    const { result } = await scene.client.fetch(scene.rom, [scene.server.url])
    expect(result?.received).toBeLessThan(NEW.length + 2 * MIB)
  })

  it('a chunk index of other data', async () => {
    const scene = await beforeFetching()
    scene.server.trick = answers(/new\.zip\.chunks$/, ({ content }) => Buffer.alloc(content?.length ?? 0))
    await expect(scene.client.fetch(scene.rom, [scene.server.url])).rejects.toMatchObject({
      code: 'repo-wrong-data',
    })
    scene.server.trick = answers(/new\.zip\.chunks$/, ({ content }) =>
      Buffer.concat([content ?? Buffer.alloc(0), Buffer.alloc(9)]),
    )
    await expect(scene.client.fetch(scene.rom, [scene.server.url])).rejects.toMatchObject({
      code: 'repo-too-long',
    })
  })

  it('one lying server among honest ones costs nothing but time', async () => {
    const scene = await beforeFetching()
    const liar = await FileServer.start(scene.repository.public, ({ path, answer, content }) => {
      if (!path.endsWith('new.zip')) return false
      answer(Buffer.from(noise('evil', content?.length ?? 0)))
      return true
    })
    cleanUp.push(() => liar.close())
    const { cached } = await scene.client.fetch(scene.rom, [liar.url, scene.server.url])
    expect((await readFile(cached.path)).equals(NEW)).toBe(true)
  })
})
