import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { damaged, memorySource, NEVER, outcome } from '../../../../test/images.ts'
import { parseOtaFooter, readOtaFooter } from './ota-footer.ts'

const signed = (name: string) => new Uint8Array(readFileSync(fixture(`ota-signed/${name}`)))
const END = 22

describe('the footer of a signed package', () => {
  // Sizes as the files' last six bytes have them.
  it.each([
    ['otasigned_v1.zip', 1720, 1738],
    ['otasigned_v2.zip', 1567, 1585],
    ['otasigned_v3.zip', 1728, 1746],
  ])('of AOSP’s %s is read', async (name, fromEnd, comment) => {
    const file = signed(name)
    const footer = await readOtaFooter(memorySource(file), NEVER)
    expect(footer?.signedEnd).toBe(file.length - comment - 2)
    expect(footer?.signature).toEqual(file.subarray(file.length - fromEnd, file.length - 6))
    expect(Buffer.from(footer?.remark ?? []).toString()).toBe('signed by SignApk\0')
  })

  it('is missing in a file that is no archive, and in an unsigned archive', () => {
    const random = signed('random.zip')
    expect(parseOtaFooter(random, random.length)).toBeUndefined()
    const empty = Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(END - 4)])
    expect(parseOtaFooter(empty, empty.length)).toBeUndefined()
    expect(parseOtaFooter(new Uint8Array(5), 5)).toBeUndefined()
  })

  it('is not seen in the end record of a large archive (zip64)', () => {
    const end = Buffer.alloc(END)
    end.write('PK\x05\x06', 'latin1')
    end.fill(0xff, 8, 20)
    expect(parseOtaFooter(end, end.length)).toBeUndefined()
  })

  it('is refused when a second archive hides in the comment, as in AOSP’s fake-eocd.zip', () => {
    const fake = signed('fake-eocd.zip')
    expect(() => parseOtaFooter(fake, fake.length)).toThrow(
      expect.objectContaining({ code: 'package-unsafe' }),
    )
  })

  const changed = (at: number, value: number) => {
    const file = signed('otasigned_v3.zip')
    new DataView(file.buffer).setUint16(file.length - at, value, true)
    return () => parseOtaFooter(file, file.length)
  }
  const invalid = expect.objectContaining({ code: 'signature-invalid' })

  it.each([
    ['a signature longer than the comment', 6, 1747],
    ['a signature that is the footer itself', 6, 6],
    ['a comment of another length', 2, 1745],
    ['a comment longer than the file', 2, 0xfff0],
  ])('is refused when it names %s', (_what, at, value) => {
    expect(changed(at, value)).toThrow(invalid)
  })

  it('is refused when the archive gives the comment another length', () => {
    const file = signed('otasigned_v3.zip')
    new DataView(file.buffer).setUint16(file.length - 1746 - 2, 1745, true)
    expect(() => parseOtaFooter(file, file.length)).toThrow(invalid)
  })

  it('gives a result or one error for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(damaged(signed('otasigned_v1.zip')), async (bytes) => {
        const footer = await outcome(() => parseOtaFooter(bytes, bytes.length))
        if (footer instanceof Error || footer === undefined) return
        expect(footer.signature.length).toBeGreaterThan(0)
        expect(footer.signedEnd).toBeLessThan(bytes.length)
      }),
    )
  })
})
