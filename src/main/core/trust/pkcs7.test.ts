// Signatures that AOSP's SignApk and openssl made, and everything that only looks like one.
import { execFileSync } from 'node:child_process'
import { createHash, hash, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it, type TestContext } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { damaged, outcome } from '../../../../test/images.ts'
import { requireTool } from '../../../../test/tools.ts'
import { opensslSigner, rsaSigner, type TestSigner, writeSigner } from '../../../../test/trust/keys.ts'
import { parseOtaFooter } from '../formats/ota-footer.ts'
import { signedBy } from './digest-signature.ts'
import { parseCertificate, parseSignedData } from './pkcs7.ts'

const folder = mkdtempSync(join(tmpdir(), 'slotbench-pkcs7-'))
afterAll(() => rmSync(folder, { recursive: true }))

const invalid = expect.objectContaining({ code: 'signature-invalid' })
const fixtureBytes = (name: string) => new Uint8Array(readFileSync(fixture(`ota-signed/${name}`)))

function footerOf(name: string) {
  const file = fixtureBytes(name)
  const footer = parseOtaFooter(file, file.length)
  if (footer === undefined) throw new Error(`${name} is not signed`)
  return { file, ...footer }
}

const V3 = footerOf('otasigned_v3.zip').signature

describe('the signature of AOSP’s', () => {
  it.each([
    ['otasigned_v1.zip', 'testkey_v1.x509.pem', 'sha1'],
    ['otasigned_v2.zip', 'testkey_v2.x509.pem', 'sha1'],
    ['otasigned_v3.zip', 'testkey_v3.x509.pem', 'sha256'],
  ] as const)('%s is by %s', (name, certificate, algorithm) => {
    const { file, signedEnd, signature } = footerOf(name)
    const data = parseSignedData(signature)
    const expected = new X509Certificate(fixtureBytes(certificate))
    expect(data).toMatchObject({ algorithm, attributes: undefined, otherCertificates: [] })
    expect(Buffer.from(data.certificate)).toEqual(expected.raw)
    const digest = createHash(algorithm).update(file.subarray(0, signedEnd)).digest()
    expect(signedBy(expected.publicKey, { ...data, digest })).toBe(true)
    const other = createHash(algorithm)
      .update(file.subarray(0, signedEnd + 1))
      .digest()
    expect(signedBy(expected.publicKey, { ...data, digest: other })).toBe(false)
  })
})

const CONTENT = Buffer.from('everything in the package')
const DETACHED = ['-binary', '-outform', 'DER']

function openssl(test: TestContext, signer: TestSigner, command: 'cms' | 'smime', args: readonly string[]) {
  const content = join(folder, 'content')
  writeFileSync(content, CONTENT)
  const { pem, certificate } = writeSigner(folder, 'signer', signer)
  const by = ['-signer', certificate, '-inkey', pem]
  const program = requireTool('openssl', test)
  return new Uint8Array(
    execFileSync(program, [command, '-sign', '-in', content, ...by, ...args], { stdio: 'pipe' }),
  )
}

describe('a signature by openssl', () => {
  const rsa = rsaSigner({ subject: 'openssl RSA' })

  it.for(['sha1', 'sha256', 'sha384', 'sha512'] as const)('over %s is read', (algorithm, test) => {
    const data = parseSignedData(openssl(test, rsa, 'cms', [...DETACHED, '-noattr', '-md', algorithm]))
    expect(data.algorithm).toBe(algorithm)
    const digest = hash(algorithm, CONTENT, 'buffer')
    expect(signedBy(parseCertificate(data.certificate).publicKey, { ...data, digest })).toBe(true)
  })

  it.for(['P-256', 'P-384'])('with %s is read', (curve, test) => {
    const program = requireTool('openssl', test)
    const signer = opensslSigner(
      program,
      ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`],
      'openssl EC',
    )
    const data = parseSignedData(openssl(test, signer, 'cms', [...DETACHED, '-noattr', '-md', 'sha256']))
    const digest = hash('sha256', CONTENT, 'buffer')
    expect(signedBy(parseCertificate(data.certificate).publicKey, { ...data, digest })).toBe(true)
  })

  it('with signed attributes is over them, and they are over the content', (test) => {
    const data = parseSignedData(openssl(test, rsa, 'smime', [...DETACHED, '-md', 'sha256']))
    const { contentDigest, signed = new Uint8Array(0) } = data.attributes ?? {}
    expect(Buffer.from(contentDigest ?? [])).toEqual(hash('sha256', CONTENT, 'buffer'))
    const { publicKey } = parseCertificate(data.certificate)
    expect(signedBy(publicKey, { ...data, digest: hash('sha256', signed, 'buffer') })).toBe(true)
    expect(signedBy(publicKey, { ...data, digest: hash('sha256', CONTENT, 'buffer') })).toBe(false)
  })

  it.for([
    ['with the content inside', ['-binary', '-outform', 'DER', '-nodetach', '-noattr']],
    ['without the certificate', [...DETACHED, '-noattr', '-nocerts']],
    ['that names the signer by its key', [...DETACHED, '-noattr', '-keyid']],
    ['by PSS', [...DETACHED, '-noattr', '-keyopt', 'rsa_padding_mode:pss']],
    ['in indefinite lengths', ['-binary', '-outform', 'DER', '-noattr', '-stream', '-nodetach']],
    ['as PEM', ['-binary', '-outform', 'PEM', '-noattr']],
  ] as const)('%s is refused', ([, args], test) => {
    const bytes = openssl(test, rsa, 'cms', [...args])
    expect(() => parseSignedData(bytes)).toThrow(invalid)
  })
})

describe('whatever else', () => {
  it('has any bit of it changed is refused, or is no signature of its signer', () => {
    const { file, signedEnd } = footerOf('otasigned_v3.zip')
    const digest = createHash('sha256').update(file.subarray(0, signedEnd)).digest()
    const own = new X509Certificate(fixtureBytes('testkey_v3.x509.pem'))
    for (let at = 0; at < V3.length; at++) {
      const copy = new Uint8Array(V3)
      copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8))
      let taken = false
      try {
        const data = parseSignedData(copy)
        // A changed certificate may still hold the same key; the package names its certificate a second time.
        taken =
          signedBy(parseCertificate(data.certificate).publicKey, { ...data, digest }) &&
          own.raw.equals(data.certificate)
      } catch (thrown) {
        expect(thrown).toEqual(invalid)
      }
      expect(taken, `byte ${at}`).toBe(false)
    }
  })

  it('gives a result or one error for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(damaged(V3), async (bytes) => {
        await outcome(() => parseSignedData(bytes))
        await outcome(() => parseCertificate(bytes))
      }),
      { numRuns: 300 },
    )
  })

  it('is nested deeply is refused, not recursed into', () => {
    const deep = Buffer.concat(Array.from({ length: 4000 }, () => Buffer.from([0x30, 0x80])))
    expect(() => parseSignedData(deep)).toThrow(invalid)
  })
})
