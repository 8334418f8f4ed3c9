import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HashtreeBuilder } from './avb-hashtree.ts'
import { coveredBytes, type DigestSpec, StreamDigests, WHOLE } from './stream-digests.ts'

type Run = { readonly bytes: Uint8Array } | { readonly word: number; readonly length: number }

const runs = fc.array(
  fc.oneof(
    fc.record({ bytes: fc.uint8Array({ maxLength: 500 }) }),
    fc.record({ word: fc.integer({ min: 0, max: 0xffffffff }), length: fc.nat(3000) }),
  ),
  { maxLength: 10 },
)

function expanded(list: readonly Run[]): Buffer {
  const parts = list.map((run) => {
    if ('bytes' in run) return Buffer.from(run.bytes)
    const word = Buffer.alloc(4)
    word.writeUInt32LE(run.word)
    return Buffer.alloc(run.length, word)
  })
  return Buffer.concat(parts)
}

function digested(specs: readonly DigestSpec[], list: readonly Run[]) {
  const digests = new StreamDigests(specs)
  for (const run of list)
    if ('bytes' in run) digests.update(run.bytes)
    else digests.fill(run.word, run.length)
  return digests.results()
}

describe('digests of a stream', () => {
  it('are those of the bytes, in parts and with a prefix, however the bytes come', () => {
    const cuts = fc
      .uniqueArray(fc.nat(6000), { minLength: 4, maxLength: 4 })
      .map((all) => all.sort((a, b) => a - b))
    fc.assert(
      fc.property(runs, cuts, (list, [a = 0, b = 0, c = 0, d = 0]) => {
        const whole = expanded(list)
        const prefix = Uint8Array.of(7, 8, 9)
        const ranges = [
          { start: a, end: b },
          { start: c, end: d },
        ]
        const [one, two] = digested(
          [
            { kind: 'hash', algorithm: 'sha256', ranges: [WHOLE] },
            { kind: 'hash', algorithm: 'sha512', prefix, ranges },
          ],
          list,
        )
        const parts = Buffer.concat([whole.subarray(a, b), whole.subarray(c, d)])
        expect(one).toEqual({
          kind: 'hash',
          bytes: whole.length,
          digest: createHash('sha256').update(whole).digest('hex'),
        })
        const salted = createHash('sha512').update(prefix).update(parts).digest('hex')
        expect(two).toEqual({ kind: 'hash', bytes: parts.length, digest: salted })
      }),
    )
  })

  it('count hash trees over the beginning only', () => {
    const image = Buffer.alloc(20_000, 'some image; ')
    const shape = {
      imageSize: 10_240,
      dataBlockSize: 1024,
      hashBlockSize: 1024,
      algorithm: 'sha256',
      salt: new Uint8Array(4),
    }
    const alone = new HashtreeBuilder(shape)
    alone.update(image.subarray(0, shape.imageSize))
    const [result] = digested(
      [{ kind: 'hashtree', shape }],
      [{ bytes: image.subarray(0, 700) }, { bytes: image.subarray(700) }],
    )
    expect(result).toEqual({ kind: 'hashtree', bytes: 10_240, ...alone.finish() })
  })

  it('say how many of their bytes were there', () => {
    const ranges = [{ start: 5, end: 2000 }]
    const [result] = digested(
      [{ kind: 'hash', algorithm: 'sha1', ranges }],
      [{ bytes: new Uint8Array(1000) }],
    )
    expect(result?.bytes).toBe(995)
  })

  it('cost what they cover', () => {
    const ranges = [
      { start: 0, end: 10 },
      { start: 90, end: 200 },
      { start: 300, end: 400 },
    ]
    expect(coveredBytes({ kind: 'hash', algorithm: 'sha256', ranges }, 100)).toBe(20)
    expect(coveredBytes({ kind: 'hash', algorithm: 'sha256', ranges: [WHOLE] }, 100)).toBe(100)
  })
})
