import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { damaged, outcome } from '../../../../test/images.ts'
import { anchor, rsaSigner, spkiPem } from '../../../../test/trust/keys.ts'
import { avbPublicKeyBlob } from '../formats/avb-key.ts'
import { AnchorSet, parseAnchor } from './anchors.ts'

const bytes = (name: string) => new Uint8Array(readFileSync(fixture(name)))
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')
const AVB_PEM = bytes('avb/testkey_rsa4096_pub.pem')
const AVB = avbPublicKeyBlob(createPublicKey(Buffer.from(AVB_PEM)))

describe('a key to trust', () => {
  it('is read from a certificate, PEM or DER, with the fingerprint that openssl shows', () => {
    const pem = bytes('ota-signed/testkey_v3.x509.pem')
    const { raw, fingerprint256 } = new X509Certificate(pem)
    for (const file of [pem, raw])
      expect(parseAnchor(file)).toMatchObject({
        kind: 'certificate',
        fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
        subject: expect.stringContaining('CN=Android'),
      })
  })

  it('is read from a public key, PEM or DER', () => {
    const pem = bytes('payload/update-payload-key.pub.pem')
    const der = createPublicKey(Buffer.from(pem)).export({ format: 'der', type: 'spki' })
    for (const file of [pem, der])
      expect(parseAnchor(file)).toMatchObject({ kind: 'public-key', fingerprint: sha256(der) })
  })

  it('is read from what avbtool extracts', () => {
    expect(parseAnchor(AVB)).toMatchObject({ kind: 'avb-key', fingerprint: sha256(AVB), data: AVB })
  })

  it.each([
    ['a private key', bytes('payload/unittest_key.pem'), /private key/],
    ['an EC private key', bytes('payload/unittest_key_EC.pem'), /private key/],
    ['nothing', new Uint8Array(0), /no key/],
    ['an archive', bytes('ota-signed/otasigned_v1.zip'), /no key/],
    ['something large', new Uint8Array(70_000), /70000 bytes/],
  ])('is not read from %s', (_what, file, detail) => {
    expect(() => parseAnchor(file)).toThrow(
      expect.objectContaining({ code: 'anchor-invalid', message: expect.stringMatching(detail) }),
    )
  })

  it('gives a result or one error for any bytes', async () => {
    for (const valid of [
      bytes('ota-signed/testkey_v1.x509.pem'),
      AVB.slice(),
      bytes('payload/update-payload-key.pub.pem'),
    ])
      await fc.assert(
        fc.asyncProperty(damaged(valid), async (file) => {
          await outcome(() => parseAnchor(file))
        }),
        { numRuns: 60 },
      )
  })
})

describe('trusted keys', () => {
  const root = rsaSigner({ subject: 'Root' })
  const middle = rsaSigner({ subject: 'Middle', issuer: root })
  const leaf = rsaSigner({ subject: 'Leaf', issuer: middle, ca: false })
  const impostor = rsaSigner({ subject: 'Root' })
  const parsed = ({ certificate }: { certificate: string }) => new X509Certificate(certificate)

  it('are found by certificate, by key, and over the certificates that came along', () => {
    const set = new AnchorSet([anchor('root', root.certificate)])
    expect(set.ofCertificate(parsed(root))).toBe('root')
    expect(set.ofCertificate(parsed(middle))).toBe('root')
    expect(set.ofCertificate(parsed(leaf))).toBeUndefined()
    expect(set.ofCertificate(parsed(leaf), [parsed(middle)])).toBe('root')
    expect(set.ofCertificate(parsed(leaf), [parsed(leaf), parsed(root), parsed(middle)])).toBe('root')
    expect(set.ofKey(createPublicKey(root.key))).toBe('root')
    expect(set.ofKey(createPublicKey(leaf.key))).toBeUndefined()
    expect(new AnchorSet([anchor('key', spkiPem(leaf.key))]).ofCertificate(parsed(leaf))).toBe('key')
  })

  it('are not another of the same name, nor what one that is no authority issued', () => {
    const other = rsaSigner({ subject: 'Leaf', issuer: impostor })
    const set = new AnchorSet([anchor('root', root.certificate)])
    expect(set.ofCertificate(parsed(impostor))).toBeUndefined()
    expect(set.ofCertificate(parsed(other), [parsed(impostor), parsed(root)])).toBeUndefined()
    const byLeaf = rsaSigner({ subject: 'By leaf', issuer: leaf })
    expect(set.ofCertificate(parsed(byLeaf), [parsed(leaf), parsed(middle)])).toBeUndefined()
    expect(new AnchorSet([anchor('leaf', leaf.certificate)]).ofCertificate(parsed(byLeaf))).toBeUndefined()
  })

  it('of verified boot are for verified boot', () => {
    const avb = new AnchorSet([anchor('avb', AVB)])
    expect(avb.ofAvbKey(AVB)).toBe('avb')
    expect(avb.signingKeys()).toEqual([])
    expect(avb.ofKey(createPublicKey(Buffer.from(AVB_PEM)))).toBeUndefined()
    expect(new AnchorSet([anchor('plain', AVB_PEM)]).ofAvbKey(AVB)).toBe('plain')
    expect(new AnchorSet([]).ofAvbKey(AVB)).toBeUndefined()
    expect(avb.ofAvbKey(new Uint8Array(3))).toBeUndefined()
  })

  it('that can no longer be read trust nothing', () => {
    const broken = { ...anchor('root', root.certificate), data: 'AAAA' }
    const set = new AnchorSet([broken, { ...broken, kind: 'public-key' }, anchor('second', root.certificate)])
    expect(set.ofCertificate(parsed(root))).toBe('second')
    expect(set.signingKeys().map(({ name }) => name)).toEqual(['second'])
  })
})
