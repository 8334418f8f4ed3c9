// Whole packages, signed by whoever: the verdict, and the line that says why.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { avbPublicKeyBlob } from '../../src/main/core/formats/avb-key.ts'
import { openPayload } from '../../src/main/core/formats/payload.ts'
import { parsePayloadSignatures } from '../../src/main/core/formats/payload-signatures.ts'
import { memoryImage } from '../../src/main/core/formats/raw-image.ts'
import { parseVbmeta } from '../../src/main/core/formats/vbmeta.ts'
import { buildVbmeta, type VbmetaSpec } from '../../src/main/core/formats/vbmeta-writer.ts'
import { verifyRom } from '../../src/main/core/rom/verify.ts'
import { judge } from '../../src/main/core/trust/verdict.ts'
import { openFile } from '../../src/main/io/files/open-file.ts'
import { SlotbenchError } from '../../src/shared/errors.ts'
import type { TrustAnchor, TrustVerdict } from '../../src/shared/trust.ts'
import { simulatorRootKey, simulatorSystemKey } from '../../src/simulator/keys/test-keys.ts'
import type { Build } from '../../src/simulator/make-images.ts'
import { type RomOptions, writeRom } from '../../src/simulator/rom-factory/make-rom.ts'
import { signedZipBytes } from '../../src/simulator/rom-factory/ota-signature.ts'
import { OTA_TEST_CERTIFICATE, otaTestKey } from '../../src/simulator/rom-factory/ota-test-key.ts'
import { collect, expand, outcome } from '../images.ts'
import { BUILD, PROFILE, RomWorkplace } from '../rom-workplace.ts'
import { requireTool } from '../tools.ts'
import { anchor, opensslSigner, rsaSigner, spkiPem, type TestSigner, writeSigner } from './keys.ts'

const MAKER: TestSigner = { key: otaTestKey(), certificate: OTA_TEST_CERTIFICATE }
const STRANGER = rsaSigner({ subject: 'Somebody else' })

const PINNED = anchor('Maker', MAKER.certificate)
const PINNED_AVB = anchor('Maker AVB', avbPublicKeyBlob(simulatorRootKey()))

let place: RomWorkplace
beforeAll(async () => {
  place = await RomWorkplace.open()
})
afterAll(() => place.close())

async function verdictOn(path: string, trusted: readonly TrustAnchor[] = [PINNED]): Promise<TrustVerdict> {
  return judge((await place.prove(path)).evidence, trusted)
}

/** Check and result of every line; of all but those that hold when `only` is given. */
function lines({ reasons }: TrustVerdict, only?: 'not-held') {
  return reasons
    .filter(({ result }) => only === undefined || result !== 'holds')
    .map(({ check, result, partition }) =>
      [check, result, ...(partition === undefined ? [] : [partition])].join(' '),
    )
}

function broken(verdict: TrustVerdict) {
  return verdict.reasons.filter(({ result }) => result === 'broken')
}

const OTA: Omit<RomOptions, 'out' | 'build'> = { kind: 'ota-zip' }

describe('an OTA package', () => {
  it('by a trusted certificate is genuine, and every line says why', async () => {
    const verdict = await verdictOn(await place.write(OTA))
    expect(verdict).toMatchObject({ verdict: 'genuine', publishers: ['Maker'] })
    expect(lines(verdict).filter((line) => !line.startsWith('avb-hash'))).toEqual([
      ...['ota-signature holds', 'ota-certificate holds'],
      ...['payload-metadata-signature holds', 'payload-signature holds', 'payload-properties holds'],
      ...['same-signer holds', 'image-digests holds'],
      ...['avb-signature holds vbmeta', 'avb-chain holds vbmeta_system'],
      // The boot chain is checked by the chip alone.
      ...['avb-coverage not-checked', 'avb-rollback holds'],
    ])
    expect(
      lines(verdict)
        .filter((line) => line.startsWith('avb-hash'))
        .sort(),
    ).toEqual([
      ...['boot', 'dtbo', 'modem', 'vendor_boot'].map((name) => `avb-hash holds ${name}`),
      ...['product', 'system', 'vendor'].map((name) => `avb-hashtree holds ${name}`),
    ])
    const [first] = verdict.reasons
    expect(first?.signer).toMatchObject({ trusted: 'Maker', fingerprint: PINNED.fingerprint })
  })

  it('is genuine by the bare public key as well, and with the payload compressed', async () => {
    const path = await place.write({ ...OTA, ota: { deflatePayload: true } })
    expect(await verdictOn(path, [anchor('Key', spkiPem(MAKER.key))])).toMatchObject({
      verdict: 'genuine',
      publishers: ['Key'],
    })
  })

  it('by nobody who is trusted is intact', async () => {
    const path = await place.write(OTA)
    for (const trusted of [[], [anchor('Other', STRANGER.certificate)], [PINNED_AVB]]) {
      const verdict = await verdictOn(path, trusted)
      expect(verdict).toMatchObject({ verdict: 'intact', publishers: [] })
      expect(verdict.summary).toContain('not trusted on this bench')
    }
    expect(await verdictOn(await place.write({ ...OTA, signed: false }))).toMatchObject({ verdict: 'intact' })
  })

  it('by a certificate that a trusted authority issued is genuine; one that is no authority issues nothing', async () => {
    for (const ca of [true, false]) {
      const authority = rsaSigner({ subject: 'Authority', ca })
      const signer = rsaSigner({ subject: 'Signer', issuer: authority, ca: false })
      const verdict = await verdictOn(await place.write({ ...OTA, signer }), [
        anchor('Authority', authority.certificate),
      ])
      expect(verdict.verdict).toBe(ca ? 'genuine' : 'intact')
    }
  })

  it('signed with SHA-1 or a short key holds, and is marked weak', async () => {
    const short = rsaSigner({ subject: 'Short', bits: 1024 })
    for (const signer of [{ ...MAKER, algorithm: 'sha1' as const }, short]) {
      const trusted = [anchor('Signer', signer.certificate)]
      const verdict = await verdictOn(await place.write({ ...OTA, signer }), trusted)
      expect(verdict.verdict).toBe('genuine')
      expect(lines(verdict)).toContain('ota-signature weak')
    }
  })

  it('without its whole-file signature is not genuine, whatever its payload says', async () => {
    const path = await place.write(OTA)
    const verdict = await verdictOn(place.put(withoutComment(readFileSync(path)), '.zip'))
    expect(verdict.verdict).toBe('intact')
    expect(lines(verdict)).toContain('ota-signature alarming')
    expect(verdict.summary).toContain('nobody signed the whole')
  })

  it('with the payload of a trusted maker, signed by another, is broken', async () => {
    const path = await repackaged(await place.write(OTA), STRANGER)
    const verdict = await verdictOn(path)
    expect(verdict.verdict).toBe('broken')
    expect(lines(verdict)).toContain('same-signer broken')
    // To a bench that knows neither, the payload is not by the package's own signer.
    expect(lines(await verdictOn(path, []))).toContain('payload-signature broken')
  })

  it('with the payload of another, signed by a trusted maker, is broken', async () => {
    const path = await repackaged(await place.write({ ...OTA, signer: STRANGER }), MAKER)
    expect(broken(await verdictOn(path)).map(({ check }) => check)).toEqual([
      'payload-metadata-signature',
      'payload-signature',
    ])
  })

  it('of two signers who are both trusted is theirs', async () => {
    const path = await repackaged(await place.write({ ...OTA, signer: STRANGER }), MAKER)
    const verdict = await verdictOn(path, [PINNED, anchor('Second', spkiPem(STRANGER.key))])
    expect(verdict).toMatchObject({ verdict: 'genuine', publishers: ['Maker', 'Second'] })
  })

  it('that names another signer in otacert is broken', async () => {
    const path = await place.write({ ...OTA, ota: { certificate: STRANGER.certificate } })
    const verdict = await verdictOn(path, [PINNED, anchor('Second', STRANGER.certificate)])
    expect(broken(verdict).map(({ check }) => check)).toEqual(['ota-certificate'])
    const junk = await verdictOn(await place.write({ ...OTA, ota: { certificate: 'no certificate' } }))
    expect(broken(junk).map(({ check }) => check)).toEqual(['ota-certificate'])
  })

  it('changed in what only the whole-file signature covers is broken', async () => {
    const file = readFileSync(await place.write(OTA))
    const changed = Buffer.from(file)
    // When a member was last changed, in its own header: no checksum of a zip is over it.
    changed[10] = (changed[10] ?? 0) ^ 1
    const verdict = await verdictOn(place.put(changed, '.zip'))
    expect(broken(verdict).map(({ check }) => check)).toEqual(['ota-signature'])
  })

  it('with unusual words in its comment is no longer vouched for', async () => {
    const file = readFileSync(await place.write(OTA))
    file.write('S', file.lastIndexOf('signed by SignApk', undefined, 'latin1'), 'latin1')
    const verdict = await verdictOn(place.put(file, '.zip'))
    expect(verdict.verdict).toBe('intact')
    expect(lines(verdict)).toContain('ota-comment not-checked')
  })

  it('that is a delta is judged by its container', async () => {
    const from = { build: 'OLD', images: place.build }
    const verdict = await verdictOn(await place.write({ ...OTA, from }))
    expect(verdict).toMatchObject({ verdict: 'genuine', publishers: ['Maker'] })
    expect(lines(verdict)).toContain('image-digests not-checked')
  })
})

/** The whole zip signed anew, and nobody named in it: what somebody does who has a payload of another. */
async function repackaged(path: string, signer: TestSigner): Promise<string> {
  const file = readFileSync(path)
  const name = 'META-INF/com/android/otacert'
  for (let at = file.indexOf(name); at >= 0; at = file.indexOf(name, at + 1))
    file.write('x', at + name.length - 1)
  const zip = await collect(signedZipBytes(oneOf(withoutComment(file)), signer))
  return place.put(Buffer.concat(zip), '.zip')
}

function withoutComment(zip: Buffer): Buffer {
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  return Buffer.concat([zip.subarray(0, end + 20), Buffer.from([0, 0])])
}

async function* oneOf(bytes: Uint8Array) {
  yield bytes
}

describe('a bare payload', () => {
  it('is genuine by a trusted key, and unknown otherwise', async () => {
    const path = await place.write({ kind: 'payload' })
    expect(await verdictOn(path)).toMatchObject({ verdict: 'genuine', publishers: ['Maker'] })
    const unknown = await verdictOn(path, [])
    expect(unknown.verdict).toBe('intact')
    expect(lines(unknown)).toContain('payload-signature not-checked')
  })

  it('signed with an EC key, padded as AOSP pads it, is genuine by that key', async (test) => {
    const signer = opensslSigner(
      requireTool('openssl', test),
      ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      'EC',
    )
    const path = await place.write({ kind: 'payload', signer })
    expect(await verdictOn(path, [anchor('EC', spkiPem(signer.key))])).toMatchObject({ verdict: 'genuine' })
    expect(await verdictOn(path, [PINNED])).toMatchObject({ verdict: 'intact' })
  })

  it('with something behind its signature is broken', async () => {
    const file = readFileSync(await place.write({ kind: 'payload' }))
    const verdict = await verdictOn(place.put(Buffer.concat([file, Buffer.alloc(5)])))
    expect(broken(verdict).map(({ text }) => text)).toEqual([expect.stringContaining('5 bytes stand behind')])
  })

  it('of AOSP’s generator is unsigned, and intact', async () => {
    // sample_payloads of update_engine carry neither a metadata signature nor one of the payload.
    const path = place.path('')
    execFileSync('tar', [
      'xf',
      join(import.meta.dirname, '../fixtures/payload/sample_payloads.tar.xz'),
      '-C',
      place.folder,
    ])
    writeFileSync(path, readFileSync(join(place.folder, 'full_payload.bin')))
    const verdict = await verdictOn(path)
    expect(verdict.verdict).toBe('intact')
    expect(lines(verdict)).toEqual(
      expect.arrayContaining(['payload-metadata-signature absent', 'payload-signature absent']),
    )
  })
})

/** The build with some images replaced. */
async function withImages(images: Readonly<Record<string, Uint8Array>>): Promise<Build> {
  const changed = Object.entries(images).map(
    ([name, bytes]) => [name, { size: bytes.byteLength, image: memoryImage(bytes) }] as const,
  )
  return new Map([...place.build, ...changed])
}

async function imageBytes(name: string): Promise<Uint8Array> {
  const built = place.build.get(name)
  if (built === undefined) throw new Error(`no image ${name}`)
  return expand(built.image)
}

const COVERED_ONLY = new Set(['xbl', 'abl'])

/** A set of everything that verified boot speaks of. */
async function setOf(images: Readonly<Record<string, Uint8Array>> = {}): Promise<string> {
  const build = new Map([...(await withImages(images))].filter(([name]) => !COVERED_ONLY.has(name)))
  const out = place.path('')
  await writeRom(PROFILE, build, { kind: 'fastboot-folder', out, build: BUILD, logicalAs: 'super' })
  return out
}

async function resigned(name: 'vbmeta' | 'vbmeta_system', change: Partial<VbmetaSpec>): Promise<Uint8Array> {
  const bytes = await imageBytes(name)
  const { descriptors, rollbackIndex, rollbackLocation, flags } = parseVbmeta(bytes)
  const signed =
    name === 'vbmeta'
      ? ({ algorithm: 'sha256-rsa4096', privateKey: simulatorRootKey() } as const)
      : ({ algorithm: 'sha256-rsa2048', privateKey: simulatorSystemKey() } as const)
  const made = buildVbmeta({ ...signed, descriptors, rollbackIndex, rollbackLocation, flags, ...change })
  const padded = new Uint8Array(bytes.byteLength)
  padded.set(made)
  return padded
}

describe('an image set', () => {
  it('whose verified boot is by a trusted key and speaks of all of it is genuine', async () => {
    const path = await setOf()
    expect(await verdictOn(path, [PINNED_AVB])).toMatchObject({
      verdict: 'genuine',
      publishers: ['Maker AVB'],
    })
    expect(await verdictOn(path, [PINNED])).toMatchObject({ verdict: 'intact' })
    const rootKey = anchor('Root', spkiPem(simulatorRootKey()))
    expect(await verdictOn(path, [rootKey])).toMatchObject({ verdict: 'genuine', publishers: ['Root'] })
  })

  it('with images that verified boot does not speak of is intact', async () => {
    for (const kind of ['fastboot-folder', 'fastboot-zip', 'factory-zip'] as const) {
      const verdict = await verdictOn(await place.write({ kind }), [PINNED_AVB])
      expect(verdict.verdict).toBe('intact')
      expect(verdict.reasons.find(({ check }) => check === 'avb-coverage')?.text).toContain('xbl')
    }
  })

  it.each([
    ['boot', 4096, 'avb-hash'],
    ['system', 40_960, 'avb-hashtree'],
    ['vendor', 4096, 'avb-hashtree'],
  ])('with a bit turned over in %s is broken there', async (name, at, check) => {
    const bytes = await imageBytes(name)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    const verdict = await verdictOn(await setOf({ [name]: bytes }), [PINNED_AVB])
    expect(verdict.verdict).toBe('broken')
    expect(broken(verdict)).toMatchObject([{ check, partition: name }])
    expect(verdict.summary).toContain(name)
  })

  it('with a wrong hash tree over right data is broken: the terminal reads the stored one', async () => {
    const bytes = await imageBytes('system')
    const descriptor = parseVbmeta(await imageBytes('vbmeta_system')).descriptors.find(
      (one) => one.kind === 'hashtree' && one.partition === 'system',
    )
    if (descriptor?.kind !== 'hashtree') throw new Error('system has no hash tree')
    const at = descriptor.treeOffset + descriptor.treeSize - 4096
    bytes[at] = (bytes[at] ?? 0) ^ 1
    const verdict = await verdictOn(await setOf({ system: bytes }), [PINNED_AVB])
    expect(broken(verdict)).toMatchObject([
      { partition: 'system', text: expect.stringContaining('hash tree that is stored') },
    ])
  })

  it('with bytes changed that nothing on the terminal reads is not broken', async () => {
    // Between vbmeta and footer of a hashed image.
    const bytes = await imageBytes('boot')
    bytes[bytes.length - 5000] = 1
    expect((await verdictOn(await setOf({ boot: bytes }), [PINNED_AVB])).verdict).toBe('genuine')
  })

  it('with a chained vbmeta of another key is broken there', async () => {
    const own = rsaSigner({ subject: 'x' }).key
    const vbmeta_system = await resigned('vbmeta_system', { privateKey: own })
    const verdict = await verdictOn(await setOf({ vbmeta_system }), [PINNED_AVB])
    expect(broken(verdict)).toMatchObject([{ check: 'avb-chain', partition: 'vbmeta_system' }])
    const unsigned = parseVbmeta(vbmeta_system).descriptors
    const bare = new Uint8Array(65_536)
    bare.set(buildVbmeta({ algorithm: 'none', rollbackIndex: 0, flags: 0, descriptors: unsigned }))
    expect(broken(await verdictOn(await setOf({ vbmeta_system: bare })))).toMatchObject([
      { check: 'avb-chain', text: expect.stringContaining('not signed') },
    ])
  })

  it('whose vbmeta was switched off after it was signed says so', async () => {
    const vbmeta = await imageBytes('vbmeta')
    vbmeta[0x7b] = 2
    const verdict = await verdictOn(await setOf({ vbmeta }), [PINNED_AVB])
    expect(broken(verdict)).toMatchObject([
      { check: 'avb-signature', text: expect.stringContaining('switched off in it after it was signed') },
    ])
    expect(lines(verdict)).toContain('avb-flags alarming vbmeta')
    const changed = await imageBytes('vbmeta')
    changed[0x80] = 9
    expect(broken(await verdictOn(await setOf({ vbmeta: changed })))[0]?.text).toContain('was changed after')
  })

  it('whose maker switched verification off is intact at best, and says it loudly', async () => {
    for (const flags of [1, 2, 3, 4]) {
      const verdict = await verdictOn(await setOf({ vbmeta: await resigned('vbmeta', { flags }) }), [
        PINNED_AVB,
      ])
      expect(verdict.verdict).toBe('intact')
      expect(lines(verdict)).toContain('avb-flags alarming vbmeta')
      if (flags & 2)
        expect(verdict.reasons.map(({ text }) => text).join()).toContain('VERIFICATION IS SWITCHED OFF')
    }
  })

  it('with an unsigned vbmeta is intact while its images are what it says', async () => {
    const vbmeta = await resigned('vbmeta', {})
    const { descriptors } = parseVbmeta(vbmeta)
    const bare = new Uint8Array(65_536)
    bare.set(buildVbmeta({ algorithm: 'none', rollbackIndex: 3, flags: 0, descriptors }))
    const verdict = await verdictOn(await setOf({ vbmeta: bare }), [PINNED_AVB])
    expect(verdict.verdict).toBe('intact')
    expect(lines(verdict)).toContain('avb-signature absent vbmeta')
  })

  it('whose vbmeta demands what cannot be is broken, what is not known is not checked', async () => {
    const { descriptors } = parseVbmeta(await imageBytes('vbmeta'))
    const edit = (change: object) =>
      resigned('vbmeta', {
        descriptors: descriptors.map((one) =>
          one.kind === 'hash' && one.partition === 'boot' ? { ...one, ...change } : one,
        ),
      })
    const of = async (change: object) =>
      (await verdictOn(await setOf({ vbmeta: await edit(change) }), [PINNED_AVB])).reasons.find(
        ({ partition }) => partition === 'boot',
      )
    expect(await of({ imageSize: 2 ** 40 })).toMatchObject({
      result: 'broken',
      text: expect.stringContaining('only'),
    })
    expect(await of({ digest: new Uint8Array(31) })).toMatchObject({ result: 'broken' })
    expect(await of({ salt: new Uint8Array(16) })).toMatchObject({ result: 'broken' })
    expect(await of({ digest: new Uint8Array(0) })).toMatchObject({ result: 'not-checked' })
    expect(await of({ algorithm: 'blake2b-256' })).toMatchObject({ result: 'not-checked' })
    const bytes = await imageBytes('boot')
    const salted = createHash('sha512').update(Uint8Array.of(1, 2)).update(bytes.subarray(0, 8192)).digest()
    const sha512 = { algorithm: 'sha512', salt: Uint8Array.of(1, 2), imageSize: 8192, digest: salted }
    expect(await of(sha512)).toMatchObject({ result: 'holds' })
  })

  it('that lacks what vbmeta names says what the terminal has to have', async () => {
    const build = new Map([...place.build].filter(([name]) => name === 'vbmeta' || name === 'boot'))
    const { dynamic: _, ...profile } = PROFILE
    const out = place.path('')
    await writeRom(profile, build, { kind: 'fastboot-folder', out, build: BUILD })
    const verdict = await verdictOn(out, [PINNED_AVB])
    expect(lines(verdict)).toEqual(
      expect.arrayContaining(['avb-chain not-checked vbmeta_system', 'avb-hash not-checked modem']),
    )
  })
})

describe('packages by other programs', () => {
  it('signapk: RSA and EC, genuine by their certificates', async (test) => {
    const [java, signapk] = [requireTool('java', test), requireTool('signapk', test)]
    const ec = opensslSigner(
      requireTool('openssl', test),
      ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      'EC',
    )
    for (const signer of [STRANGER, ec]) {
      const { pk8, certificate } = writeSigner(place.folder, 'signapk', signer)
      const [unsigned, out] = [await place.write({ ...OTA, signed: false }), place.path('.zip')]
      // It aligns what is stored and writes otacert itself.
      execFileSync(java, ['-jar', signapk, '-w', certificate, pk8, unsigned, out], { stdio: 'pipe' })
      const verdict = await verdictOn(out, [anchor('Signer', signer.certificate)])
      expect(verdict, JSON.stringify(lines(verdict))).toMatchObject({
        verdict: 'genuine',
        publishers: ['Signer'],
      })
      expect(lines(verdict)).toEqual(expect.arrayContaining(['ota-signature holds', 'ota-certificate holds']))
    }
  })

  it('openssl: what is digested for a payload is what was signed', async (test) => {
    const openssl = requireTool('openssl', test)
    const path = await place.write({ kind: 'payload' })
    const source = await openFile(path)
    const { metadataSize, signatures } = await openPayload(source)
    await source.close()
    const file = readFileSync(path)
    const at = (name: string, content: Uint8Array | string) => {
      writeFileSync(join(place.folder, name), content)
      return join(place.folder, name)
    }
    const [head, data] = [
      file.subarray(0, metadataSize),
      file.subarray(signatures.metadata.end, signatures.payload?.start),
    ]
    const [metadata] = parsePayloadSignatures(
      file.subarray(signatures.metadata.start, signatures.metadata.end),
    )
    const [whole] = parsePayloadSignatures(file.subarray(signatures.payload?.start, signatures.payload?.end))
    const key = at('key.pem', spkiPem(MAKER.key))
    for (const [content, signature] of [
      [head, metadata],
      [Buffer.concat([head, data]), whole],
    ] as const) {
      const files = ['-signature', at('signature', signature ?? ''), at('content', content)]
      const said = execFileSync(openssl, ['dgst', '-sha256', '-verify', key, ...files], { encoding: 'utf8' })
      expect(said).toContain('Verified OK')
    }
  })
})

describe('a bit turned over anywhere in a signed package', () => {
  it('never leaves it genuine', async () => {
    const file = readFileSync(await place.write(OTA))
    expect((await verdictOn(place.put(file, '.zip'))).verdict).toBe('genuine')
    const path = place.path('.zip')
    // The ends of the file are where structure lies; the middle is data.
    const ends = fc.oneof(
      fc.nat(3000),
      fc.nat(3000).map((n) => file.length - 1 - n),
      fc.nat(file.length - 1),
    )
    await fc.assert(
      fc.asyncProperty(ends, fc.nat(7), async (at, bit) => {
        const copy = Buffer.from(file)
        copy[at] = (copy[at] ?? 0) ^ (1 << bit)
        writeFileSync(path, copy)
        const verdict = await outcome(() => verdictOn(path))
        if (verdict instanceof SlotbenchError) return
        expect(verdict.verdict, `byte ${at} of ${file.length}`).not.toBe('genuine')
      }),
      { numRuns: 150 },
    )
  })

  it('of the signature makes the package broken, not unsigned', async () => {
    const file = readFileSync(await place.write(OTA))
    const from = file.lastIndexOf('signed by SignApk', undefined, 'latin1') + 'signed by SignApk\0'.length
    for (let at = from; at < file.length - 6; at += 37) {
      const copy = Buffer.from(file)
      copy[at] = (copy[at] ?? 0) ^ 0x10
      const verdict = await verdictOn(place.put(copy, '.zip'))
      expect(verdict.verdict, `byte ${at - from} of the signature`).toBe('broken')
    }
  })
})

describe('verification', () => {
  it('stops when it is told to', async () => {
    const rom = await place.open(await place.write(OTA))
    const stop = new AbortController()
    const running = verifyRom(rom, {
      signal: stop.signal,
      workshop: place.workshop,
      onProgress: () => stop.abort(),
    })
    await expect(running).rejects.toMatchObject({ code: 'cancelled' })
    await rom.close()
  })
})
