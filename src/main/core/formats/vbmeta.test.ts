import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { damaged, outcome } from '../../../../test/images.ts'
import type { AvbAlgorithm } from './avb-algorithms.ts'
import { type AvbDescriptor, encodeDescriptor, parseDescriptors } from './avb-descriptors.ts'
import { AVB_FOOTER_SIZE, buildFooter, parseFooter } from './avb-footer.ts'
import { avbPublicKey, avbPublicKeyBlob } from './avb-key.ts'
import { parseVbmeta, verifyVbmetaSignature } from './vbmeta.ts'
import { buildVbmeta } from './vbmeta-writer.ts'

const invalid = expect.objectContaining({ code: 'vbmeta-invalid' })
const fixtureBytes = (name: string) => new Uint8Array(readFileSync(fixture(`avb/${name}`)))
const key = (bits: number) => createPrivateKey(readFileSync(fixture(`avb/testkey_rsa${bits}.pem`)))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const unhex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
const utf8 = (text: string) => new TextEncoder().encode(text)

const HASH: AvbDescriptor = {
  ...{ kind: 'hash', imageSize: 16384, algorithm: 'sha256', partition: 'test_part', flags: 0 },
  salt: unhex('1000'),
  digest: new Uint8Array(32),
}

describe('descriptors that avbtool made', () => {
  const only = (name: string) => {
    const bytes = fixtureBytes(name)
    const descriptors = parseDescriptors(bytes)
    expect(descriptors).toHaveLength(1)
    const descriptor = descriptors[0] as AvbDescriptor
    expect(hex(encodeDescriptor(descriptor))).toBe(hex(bytes))
    return descriptor
  }

  it('property', () => {
    const value = utf8('test_prop_value')
    expect(only('property_descriptor.bin')).toEqual({ kind: 'property', key: 'test_prop_key', value })
  })

  it('kernel command line', () => {
    const cmdline = 'test_cmdline_key=test_cmdline_value'
    expect(only('kernel_commandline_descriptor.bin')).toEqual({ kind: 'kernel-cmdline', flags: 0, cmdline })
  })

  it('hash', () => {
    const descriptor = only('hash_descriptor.bin')
    expect(descriptor).toMatchObject({
      ...{ kind: 'hash', imageSize: 16384, algorithm: 'sha256', partition: 'test_part', flags: 0 },
    })
    if (descriptor.kind !== 'hash') return
    const { salt, digest } = descriptor
    // What follows the 132 fixed bytes and the name: two bytes of salt, 32 of digest.
    expect(hex(salt) + hex(digest)).toBe(hex(fixtureBytes('hash_descriptor.bin').subarray(141, 175)))
    expect([salt.byteLength, digest.byteLength]).toEqual([2, 32])
  })

  it('hashtree', () => {
    const descriptor = only('hashtree_descriptor.bin')
    expect(descriptor).toMatchObject({
      ...{ kind: 'hashtree', dmVerityVersion: 1, imageSize: 16384, treeOffset: 16384, treeSize: 4096 },
      ...{ dataBlockSize: 4096, hashBlockSize: 4096, fecNumRoots: 0, fecOffset: 0, fecSize: 0 },
      ...{ algorithm: 'sha1', partition: 'test_part_hashtree', flags: 0 },
    })
    if (descriptor.kind !== 'hashtree') return
    expect(hex(descriptor.salt)).toBe('99cec4296061cfbde7d217e288990539ab706dd0')
    expect(hex(descriptor.rootDigest)).toBe('4c7776f8fdd22bf4c47f311b7b7ba5ef428d7be8')
  })

  it('chain', () => {
    const descriptor = only('chain_partition_descriptor.bin')
    expect(descriptor).toMatchObject({
      kind: 'chain',
      rollbackLocation: 4,
      partition: 'test_part_2',
      flags: 0,
    })
    if (descriptor.kind !== 'chain') return
    const modulus = avbPublicKey(descriptor.publicKey).export({ format: 'jwk' }).n
    expect(Buffer.from(modulus ?? '', 'base64url').byteLength).toBe(1024)
    expect(modulus).toBe(key(8192).export({ format: 'jwk' }).n)
  })
})

describe('public keys', () => {
  // The SHA-1 that `avbtool info_image` prints for these keys (external_avb test/avbtool_unittest.cc).
  it.each([
    [2048, 'cdbb77177f731920bbe0a0f94f84d9038ae0617d'],
    [4096, '2597c218aae470a130f61162feaae70afd97f011'],
  ])('of %i bits are written as avbtool writes them', (bits, sha1) => {
    const blob = avbPublicKeyBlob(key(bits))
    expect(createHash('sha1').update(blob).digest('hex')).toBe(sha1)
    expect(avbPublicKey(blob).equals(createPublicKey(key(bits)))).toBe(true)
  })

  it('of both halves are the same', () => {
    const half = createPublicKey(readFileSync(fixture('avb/testkey_rsa4096_pub.pem')))
    expect(avbPublicKeyBlob(half)).toEqual(avbPublicKeyBlob(key(4096)))
  })

  it.each([0, 4, 8, 8 + 256, 519])('are refused when byte %i is wrong', (at) => {
    const blob = avbPublicKeyBlob(key(2048))
    blob[at] = (blob[at] ?? 0) ^ 0x80
    expect(() => avbPublicKey(blob)).toThrow(invalid)
  })
})

describe('vbmeta', () => {
  const keys = new Map<number, KeyObject>([2048, 4096, 8192].map((bits) => [bits, key(bits)]))
  const signed = (algorithm: AvbAlgorithm, bits: number) =>
    buildVbmeta({
      ...{ algorithm, rollbackIndex: 7, rollbackLocation: 2, flags: 1, release: 'avbtool 1.2.0' },
      descriptors: [HASH, { kind: 'unknown', tag: 99n, data: new Uint8Array(8) }],
      privateKey: keys.get(bits) as KeyObject,
    })

  it.each([
    ['sha256-rsa2048', 2048],
    ['sha256-rsa4096', 4096],
    ['sha256-rsa8192', 8192],
    ['sha512-rsa2048', 2048],
    ['sha512-rsa4096', 4096],
    ['sha512-rsa8192', 8192],
  ] as const)('signed with %s comes back and verifies', (algorithm, bits) => {
    const image = signed(algorithm, bits)
    const padded = new Uint8Array(65536)
    padded.set(image)
    const publicKey = avbPublicKeyBlob(key(bits))
    expect(parseVbmeta(padded)).toEqual({
      ...{ algorithm, rollbackIndex: 7n, rollbackLocation: 2, flags: 1, release: 'avbtool 1.2.0', publicKey },
      descriptors: [HASH, { kind: 'unknown', tag: 99n, data: new Uint8Array(8) }],
      ...{ publicKeyMetadata: new Uint8Array(0), size: image.byteLength },
    })
    expect(verifyVbmetaSignature(padded)).toEqual({ algorithm, publicKey, valid: true })
  })

  it('has blocks of the sizes that avbtool gives them', () => {
    // `avbtool add_hash_footer` of a partition `foobar`, RSA-2048 (avbtool_unittest.cc): 320 and 704 bytes with a
    // hash descriptor that has neither salt nor digest.
    const empty: AvbDescriptor = {
      ...HASH,
      partition: 'foobar',
      salt: new Uint8Array(0),
      digest: new Uint8Array(0),
    }
    const spec = { rollbackIndex: 0, flags: 0, descriptors: [empty], privateKey: key(2048) }
    expect(buildVbmeta({ algorithm: 'sha256-rsa2048', ...spec }).byteLength).toBe(256 + 320 + 704)
  })

  it('does not verify with any byte of it changed', () => {
    const image = signed('sha256-rsa2048', 2048)
    // Padding of the authentication block is under no signature.
    const covered = [...image.keys()].filter((at) => at < 256 + 32 + 256 || at >= 256 + 320)
    for (const at of covered) {
      const copy = new Uint8Array(image)
      copy[at] = (copy[at] ?? 0) ^ 1
      let valid = false
      try {
        valid = verifyVbmetaSignature(copy).valid
      } catch (thrown) {
        expect(thrown).toEqual(invalid)
      }
      expect(valid, `byte ${at}`).toBe(false)
    }
  })

  it('unsigned is read, and is never valid', () => {
    const image = buildVbmeta({ algorithm: 'none', rollbackIndex: 0, flags: 2, descriptors: [] })
    expect(image.byteLength).toBe(256)
    expect(parseVbmeta(image)).toMatchObject({ algorithm: 'none', flags: 2, descriptors: [] })
    expect(verifyVbmetaSignature(image)).toEqual({
      algorithm: 'none',
      publicKey: new Uint8Array(0),
      valid: false,
    })
  })

  it.each([
    { algorithm: 'sha256-rsa4096', privateKey: key(2048) },
    { algorithm: 'none', privateKey: key(2048) },
    { algorithm: 'sha256-rsa2048' },
    { algorithm: 'sha256-rsa2048', privateKey: createPublicKey(key(2048)) },
  ] as const)('is not built with the wrong key (%#)', (spec) => {
    expect(() => buildVbmeta({ ...spec, rollbackIndex: 0, flags: 0, descriptors: [] })).toThrow(invalid)
  })

  it('is not built beyond 64 KiB', () => {
    const value = new Uint8Array(65536)
    const descriptors: AvbDescriptor[] = [{ kind: 'property', key: 'k', value }]
    expect(() => buildVbmeta({ algorithm: 'none', rollbackIndex: 0, flags: 0, descriptors })).toThrow(invalid)
  })

  it.each([12, 20, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104])('refuses an absurd number at byte %i', (at) => {
    for (const value of [2n ** 64n - 64n, 2n ** 63n, 2n ** 32n, 65536n]) {
      const image = signed('sha256-rsa2048', 2048)
      new DataView(image.buffer).setBigUint64(at, value)
      expect(() => parseVbmeta(image)).toThrow(invalid)
    }
  })

  it('gives a result or one error for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(damaged(signed('sha256-rsa2048', 2048)), async (bytes) => {
        await outcome(() => parseVbmeta(bytes))
        await outcome(() => verifyVbmetaSignature(bytes))
      }),
    )
  })

  it.each([
    'property_descriptor.bin',
    'kernel_commandline_descriptor.bin',
    'hash_descriptor.bin',
    'hashtree_descriptor.bin',
    'chain_partition_descriptor.bin',
  ])('reads what is left of a damaged %s or refuses it', async (name) => {
    await fc.assert(
      fc.asyncProperty(damaged(fixtureBytes(name)), async (bytes) => {
        await outcome(() => parseDescriptors(bytes))
      }),
    )
  })
})

describe('footer', () => {
  const FOOTER = { originalSize: 4096, vbmetaOffset: 8192, vbmetaSize: 1280 }

  it('has the layout of avb_footer.h', () => {
    const bytes = buildFooter(FOOTER)
    expect(hex(bytes)).toBe(
      `41564266${'00000001'}${'00000000'}${'0000000000001000'}${'0000000000002000'}${'0000000000000500'}${'00'.repeat(28)}`,
    )
    expect(parseFooter(bytes, 65536)).toEqual(FOOTER)
  })

  it('is missing where there is none', () => {
    expect(parseFooter(new Uint8Array(AVB_FOOTER_SIZE), 65536)).toBeUndefined()
  })

  it.each([
    [FOOTER, 8192 + 1280 + 63],
    [{ ...FOOTER, originalSize: 8193 }, 65536],
    [{ ...FOOTER, vbmetaOffset: 2 ** 52 }, 65536],
    [{ ...FOOTER, vbmetaSize: 2 ** 52 }, 65536],
  ])('is refused when it points outside (%#)', (footer, size) => {
    expect(() => parseFooter(buildFooter(footer), size)).toThrow(invalid)
  })

  it('gives a result or one error for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(damaged(buildFooter(FOOTER)), async (bytes) => {
        await outcome(() => parseFooter(bytes, 65536))
      }),
    )
  })
})
