// Key files: opened by their passphrase alone, whatever somebody did to them; and signatures that TUF's own library takes.

import { Key, Metadata, MetadataKind, Signature } from '@tufjs/models'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SlotbenchError } from '../../../shared/errors.ts'
import { keyFileSchema, keyIdOf, makeKey, newSigner, openKey } from './signing-key.ts'

const CHEAP = { n: 1024, r: 1, p: 1 }

describe('a key file', () => {
  it('gives the same key back for its passphrase', async () => {
    const { file, signer } = await makeKey('targets', 'eine Passphrase – 密码', CHEAP)
    expect(JSON.stringify(file)).not.toContain('Passphrase')
    const opened = await openKey(
      keyFileSchema.parse(JSON.parse(JSON.stringify(file))),
      'eine Passphrase – 密码',
    )
    expect(opened.keyId).toBe(signer.keyId)
    expect(opened.sign(Buffer.from('x'))).toBe(signer.sign(Buffer.from('x')))
  })

  it('stays locked for every other passphrase', async () => {
    const { file } = await makeKey('targets', 'right', CHEAP)
    for (const wrong of ['', 'Right', 'right ', 'right\n'])
      await expect(openKey(file, wrong)).rejects.toMatchObject({ code: 'repo-key-locked' })
  })

  it('stays locked when anything in it was changed', async () => {
    const { file } = await makeKey('targets', 'right', CHEAP)
    const text = JSON.stringify(file)
    const change = fc.record({ at: fc.nat(text.length - 1), to: fc.constantFrom(...'0123456789abcdef"') })
    await fc.assert(
      fc.asyncProperty(change, async ({ at, to }) => {
        fc.pre(text[at] !== to)
        const changed = `${text.slice(0, at)}${to}${text.slice(at + 1)}`
        let parsed: ReturnType<typeof keyFileSchema.safeParse>
        try {
          parsed = keyFileSchema.safeParse(JSON.parse(changed))
        } catch {
          return
        }
        if (!parsed.success) return
        const opened = await openKey(parsed.data, 'right').catch((error) => error)
        if (opened instanceof SlotbenchError) expect(opened.code).toBe('repo-key-locked')
        // Words for people may differ, and what is public is told by the key itself.
        else expect(opened.keyId).toBe(file.keyId)
      }),
      { numRuns: 60 },
    )
  })

  it('is no key file when its cost is none of scrypt', async () => {
    const { file } = await makeKey('targets', 'right', CHEAP)
    const cost = { ...CHEAP, n: 1124 }
    expect(keyFileSchema.safeParse({ ...file, sealed: { ...file.sealed, cost } }).success).toBe(false)
  })

  it('cannot ask for more memory than any computer has', () => {
    const cost = { n: 2 ** 30, r: 8, p: 1 }
    const sealed = { cost, salt: '0'.repeat(32), iv: '0'.repeat(24), tag: '0'.repeat(32), data: '00' }
    const file = {
      format: 'slotbench-key-1',
      keyId: '0'.repeat(64),
      role: 'x',
      public: '0'.repeat(64),
      sealed,
    }
    expect(keyFileSchema.safeParse(file).success).toBe(false)
  })
})

it('signs what TUF’s own library takes for signed', () => {
  const { keyId, publicKey, sign } = newSigner()
  const key = Key.fromJSON(keyId, JSON.parse(JSON.stringify(publicKey)))
  const signed = { _type: 'timestamp', spec_version: '1.0.31', version: 1, expires: '2030-01-01T00:00:00Z' }
  const meta = { 'snapshot.json': { version: 1 } }
  const document = Metadata.fromJSON(MetadataKind.Timestamp, { signed: { ...signed, meta }, signatures: [] })
  document.sign((data) => new Signature({ keyID: keyId, sig: sign(data) }))
  expect(() => key.verifySignature(document)).not.toThrow()
  expect(keyId).toBe(keyIdOf(publicKey))
})

it('names keys as securesystemslib does', () => {
  // Computed with `json.dumps(…, sort_keys=True, separators=(',', ':'))` and hashlib of Python.
  const publicKey = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: 'ab'.repeat(32) } } as const
  expect(keyIdOf(publicKey)).toBe('05584cc3bfabb85de26cb80479f075fa802c97add45fd61feebaa0423da7f57a')
})
