import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_EXTENT_DATA } from '../main/core/source.ts'
import { GeneratedImage } from './generated-image.ts'
import { makeBuild } from './make-images.ts'
import { profile } from './profiles/index.ts'

const SIGNAL = new AbortController().signal

async function expand(image: GeneratedImage, from = 0): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let at = from
  for await (const extent of image.extents({ signal: SIGNAL, from })) {
    expect(extent.offset).toBe(at)
    const bytes = extent.kind === 'data' ? extent.bytes : new Uint8Array(extent.length)
    if (extent.kind === 'data') expect(bytes.length).toBeLessThanOrEqual(MAX_EXTENT_DATA)
    pieces.push(bytes)
    at += bytes.length
  }
  expect(at).toBe(image.size)
  return Buffer.concat(pieces)
}

describe('a generated image', () => {
  it('reads the same from any offset', async () => {
    const tail = [
      { offset: 300_000, bytes: new Uint8Array(1000).fill(5) },
      { offset: 399_936, bytes: new Uint8Array(64).fill(6) },
    ]
    const image = new GeneratedImage({ size: 400_000, contentSize: 290_816, label: 'x', fill: 0.7, tail })
    const whole = await expand(image)
    await fc.assert(
      fc.asyncProperty(fc.nat(400_000), async (from) => {
        expect(Buffer.compare(await expand(image, from), whole.subarray(from))).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  it('differs between builds and is the same for the same one', async () => {
    const digest = async (seed: number) => {
      const build = await makeBuild(profile('nx679j'), { build: `B${seed}`, rollbackIndex: seed, seed })
      const image = build.get('system')?.image
      const hash = createHash('sha256')
      if (image instanceof GeneratedImage) hash.update(await expand(image))
      return hash.digest('hex')
    }
    const [one, again, two] = [await digest(1), await digest(1), await digest(2)]
    expect(again).toBe(one)
    expect(two).not.toBe(one)
  })
})
