// slotbench trust and inspect --verify, as a technician types them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { avbPublicKeyBlob } from '../../src/main/core/formats/avb-key.ts'
import { trustVerdictSchema } from '../../src/shared/trust.ts'
import { simulatorRootKey } from '../../src/simulator/keys/test-keys.ts'
import { OTA_TEST_CERTIFICATE, otaTestKey } from '../../src/simulator/rom-factory/ota-test-key.ts'
import { CliPlace, document, plain, QUICK } from './slotbench.ts'

let place: CliPlace
let rom: string
let certificate: string

beforeAll(async () => {
  place = new CliPlace()
  rom = await place.rom()
  certificate = join(place.folder, 'maker.x509.pem')
  writeFileSync(certificate, OTA_TEST_CERTIFICATE)
})
afterAll(() => place.close())

const trustOf = (doc: Record<string, unknown>) =>
  trustVerdictSchema.parse((doc['rom'] as { trust: unknown }).trust)

describe.concurrent('slotbench trust', () => {
  it('lists, adds and removes keys of every kind', async () => {
    const data = place.newData()
    const avb = join(place.folder, 'avb.bin')
    writeFileSync(avb, avbPublicKeyBlob(simulatorRootKey()))
    expect(plain(await place.run(data, 'trust', 'list'))).toContain('No publisher is trusted yet')
    const added = await place.run(data, 'trust', 'add', certificate)
    expect(added.code).toBe(0)
    expect(plain(added)).toContain('CN=Slotbench simulated terminals')
    expect((await place.run(data, 'trust', 'add', avb, '--name', 'AVB of the maker')).code).toBe(0)
    const twice = await place.run(data, '--json', 'trust', 'add', avb)
    expect([twice.code, document(twice)]).toMatchObject([2, { error: { code: 'anchor-invalid' } }])
    const { anchors } = document(await place.run(data, 'trust', 'list', '--json'))
    expect(anchors).toMatchObject([
      { name: 'AVB of the maker', kind: 'avb-key', addedBy: expect.any(String) },
      { name: expect.stringContaining('CN=Slotbench'), kind: 'certificate' },
    ])
    const words = plain(await place.run(data, 'trust', 'list'))
    expect(words).toMatch(/sha256 [0-9a-f]{64}/)
    expect(words).toMatch(/added 20\d\d-.* by /)
    expect((await place.run(data, 'trust', 'remove', 'avb of the maker')).code).toBe(0)
    const unknown = await place.run(data, '--json', 'trust', 'remove', 'nobody')
    expect([unknown.code, document(unknown)]).toMatchObject([2, { error: { code: 'anchor-unknown' } }])
  })

  it('refuses private keys and what is no key', async () => {
    const data = place.newData()
    const path = join(place.folder, 'private.pem')
    writeFileSync(path, otaTestKey().export({ type: 'pkcs8', format: 'pem' }))
    for (const file of [path, rom]) {
      const refused = await place.run(data, '--json', 'trust', 'add', file)
      expect([refused.code, document(refused)]).toMatchObject([2, { error: { code: 'anchor-invalid' } }])
    }
    const missing = await place.run(data, '--json', 'trust', 'add', join(place.folder, 'nothing'))
    expect(document(missing)).toMatchObject({ error: { code: 'package-not-found' } })
  })

  it('decides the verdict anew each time, also on a package that was verified before', async () => {
    const data = place.newData()
    const verdict = async () => trustOf(document(await place.run(data, 'inspect', rom, '--verify', '--json')))
    expect(await verdict()).toMatchObject({ verdict: 'intact', publishers: [] })
    await place.run(data, 'trust', 'add', certificate, '--name', 'Maker')
    expect(await verdict()).toMatchObject({ verdict: 'genuine', publishers: ['Maker'] })
    const words = await place.run(data, 'inspect', rom, '--verify')
    expect(words.code).toBe(0)
    expect(plain(words)).toMatch(/^Trust +genuine$/m)
    expect(words.stdout).toMatch(
      /✓ The signature over the whole package holds\. By Maker \(trusted, sha256 [0-9a-f]{16}…\)/,
    )
    await place.run(data, 'trust', 'remove', 'Maker')
    expect(await verdict()).toMatchObject({ verdict: 'intact' })
  })

  it('shows a broken package as broken, and no plan is made with it', async () => {
    const data = place.newData()
    const broken = join(place.folder, 'broken.zip')
    const file = readFileSync(rom)
    // When its first member was last changed, which only the signature over the whole covers.
    file[10] = (file[10] ?? 0) ^ 1
    writeFileSync(broken, file)
    const words = await place.run(data, 'inspect', broken, '--verify')
    expect(words.code).toBe(3)
    expect(plain(words)).toMatch(/^Trust +broken$/m)
    expect(words.stdout).toContain('✗ The signature over the whole package does not hold')
    const { endpoint } = await place.simulate(...QUICK)
    const planned = await place.run(data, 'plan', broken, '-t', endpoint, '--json')
    const { plan } = document(planned) as { plan: { blockers: unknown[] } }
    expect(plan.blockers).toContainEqual(expect.objectContaining({ code: 'package-broken' }))
    expect(planned.code).toBe(4)
  })
})
