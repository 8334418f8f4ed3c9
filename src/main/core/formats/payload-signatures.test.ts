import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { damaged, outcome } from '../../../../test/images.ts'
import { signaturesMessage } from '../../../simulator/rom-factory/payload-signature.ts'
import { parsePayloadSignatures } from './payload-signatures.ts'

const EC = createPrivateKey(readFileSync(fixture('payload/unittest_key_EC.pem')))
const invalid = expect.objectContaining({ code: 'payload-invalid' })

/** Fields of AOSP's message: 1 version (no longer written), 2 data, 3 unpadded size. */
function message(...signatures: { data?: Uint8Array; size?: number; version?: number }[]) {
  const writer = new BinaryWriter()
  for (const { data, size, version } of signatures) {
    writer.tag(1, WireType.LengthDelimited).fork()
    if (version !== undefined) writer.tag(1, WireType.Varint).uint32(version)
    if (data !== undefined) writer.tag(2, WireType.LengthDelimited).bytes(data)
    if (size !== undefined) writer.tag(3, WireType.Bit32).fixed32(size)
    writer.join()
  }
  return writer.finish()
}

const FOUR = Uint8Array.of(1, 2, 3, 4)

describe('the signatures of a payload', () => {
  it('are read, with and without the size that old generators leave out', () => {
    expect(parsePayloadSignatures(message({ data: FOUR }, { data: FOUR, size: 3, version: 1 }))).toEqual([
      FOUR,
      FOUR.slice(0, 3),
    ])
    expect(parsePayloadSignatures(new Uint8Array(0))).toEqual([])
  })

  it('lose the padding of ECDSA', () => {
    const signature = new Uint8Array(sign('sha256', FOUR, EC))
    expect(parsePayloadSignatures(signaturesMessage(signature, EC))).toEqual([signature])
    expect(signaturesMessage(signature.slice(0, 70), EC).length).toBe(signaturesMessage(signature, EC).length)
  })

  it.each([
    ['no data', message({ size: 4 })],
    ['empty data', message({ data: new Uint8Array(0) })],
    ['a size beyond the data', message({ data: FOUR, size: 5 })],
    ['a size of nothing', message({ data: FOUR, size: 0 })],
    ['more data than any key signs', message({ data: new Uint8Array(4096) })],
    ['17 signatures', message(...Array.from({ length: 17 }, () => ({ data: FOUR })))],
    ['64 KiB and more', new Uint8Array(64 * 1024 + 1)],
  ])('are refused with %s', (_what, bytes) => {
    expect(() => parsePayloadSignatures(bytes)).toThrow(invalid)
  })

  it('are a result or one error for any bytes', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const valid = signaturesMessage(sign('sha256', FOUR, privateKey), privateKey)
    await fc.assert(
      fc.asyncProperty(damaged(valid), async (bytes) => {
        await outcome(() => parsePayloadSignatures(bytes))
      }),
    )
  })
})
