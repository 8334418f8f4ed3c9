// Order, look-ahead and honesty of partition images: strewn operations, offsets, damaged data, readers that leave early.
import { createHash } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { expand, memorySource, NEVER } from '../../../../test/images.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import type { ByteSource } from '../source.ts'
import { openPayload } from './payload.ts'
import { AheadBudget, payloadImage } from './payload-image.ts'
import { encodePayloadHead, OPERATION_TYPE } from './payload-manifest.ts'

const workshop = createWorkshop({ width: 2 })
afterAll(() => workshop.close())

const BLOCK = 4096
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

interface Shape {
  /** Runs of blocks in the order of the output. */
  readonly runs: readonly { readonly startBlock: number; readonly numBlocks: number }[]
  readonly kind: 'replace' | 'zstd' | 'zero'
}

function build(shapes: readonly Shape[], noise: number) {
  const blocks = shapes.flatMap(({ runs }) => runs).reduce((sum, run) => sum + run.numBlocks, 0)
  const image = new Uint8Array(blocks * BLOCK)
  const blobs: Uint8Array[] = []
  let dataOffset = 0
  const operations = shapes.map(({ runs, kind }, index) => {
    const length = runs.reduce((sum, run) => sum + run.numBlocks, 0) * BLOCK
    const output = Uint8Array.from({ length }, (_, i) =>
      kind === 'zero' ? 0 : (i * (index + 3) + noise) >> 3,
    )
    let at = 0
    for (const { startBlock, numBlocks } of runs) {
      image.set(output.subarray(at, at + numBlocks * BLOCK), startBlock * BLOCK)
      at += numBlocks * BLOCK
    }
    if (kind === 'zero') return { type: OPERATION_TYPE.zero, dstExtents: runs }
    const blob = kind === 'zstd' ? zstdCompressSync(output) : output
    const type = kind === 'zstd' ? OPERATION_TYPE.replaceZstd : OPERATION_TYPE.replace
    blobs.push(blob)
    dataOffset += blob.length
    const place = { dataOffset: dataOffset - blob.length, dataLength: blob.length }
    return { type, ...place, dataSha256: sha(blob), dstExtents: runs }
  })
  const partitions = [{ name: 'system', newInfo: { size: image.length, hash: sha(image) }, operations }]
  return { image, file: Buffer.concat([encodePayloadHead({ blockSize: BLOCK, partitions }), ...blobs]) }
}

async function imageOf(source: ByteSource, budget = new AheadBudget(64 << 20)) {
  const payload = await openPayload(source)
  const [partition] = payload.partitions
  if (partition === undefined) throw new Error('no partition')
  return payloadImage(payload, partition, workshop, budget)
}

/** Every block of 1 to 24 belongs to one of a few operations, in any order. */
const strewn = fc
  .tuple(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 5 }))
  .chain(([blocks, count]) =>
    fc.record({
      order: fc.shuffledSubarray([...Array(blocks).keys()], { minLength: blocks, maxLength: blocks }),
      owners: fc.array(fc.nat(count - 1), { minLength: blocks, maxLength: blocks }),
      kinds: fc.array(fc.constantFrom('replace', 'zstd', 'zero'), { minLength: count, maxLength: count }),
      from: fc.nat(blocks * BLOCK),
      noise: fc.nat(255),
    }),
  )

describe('partition images', () => {
  it('come out in order however the operations are strewn, from any offset', async () => {
    await fc.assert(
      fc.asyncProperty(strewn, async ({ order, owners, kinds, from, noise }) => {
        const shapes = kinds
          .map((kind, index) => ({
            kind,
            runs: order
              .filter((b) => owners[b] === index)
              .map((startBlock) => ({ startBlock, numBlocks: 1 })),
          }))
          .filter(({ runs }) => runs.length > 0)
        const { image, file } = build(shapes, noise)
        const expanded = await expand(await imageOf(memorySource(file)), from)
        expect(Buffer.compare(expanded, image.subarray(from))).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  it('stream an operation larger than what is kept whole', async () => {
    const { image, file } = build([{ kind: 'zstd', runs: [{ startBlock: 0, numBlocks: 6000 }] }], 1)
    expect(Buffer.compare(await expand(await imageOf(memorySource(file))), image)).toBe(0)
  })

  it('hold the last piece of a streamed REPLACE back until its digest is right', async () => {
    const { image, file } = build([{ kind: 'replace', runs: [{ startBlock: 0, numBlocks: 5000 }] }], 1)
    const flip = file.length - image.length
    file[flip] = (file[flip] ?? 0) ^ 1
    let given = 0
    const read = async () => {
      for await (const extent of (await imageOf(memorySource(file))).extents({ signal: NEVER }))
        if (extent.kind === 'data') given = extent.offset + extent.bytes.length
    }
    await expect(read()).rejects.toMatchObject({
      code: 'digest-mismatch',
      message: /partition system, operation 0/,
    })
    expect(given).toBeLessThan(image.length)
    expect(given).toBeGreaterThan(0)
  })

  it('give back what they took of the budget when the reader leaves early or is cancelled', async () => {
    const runs = Array.from({ length: 16 }, (_, i) => [{ startBlock: i * 8, numBlocks: 8 }])
    const { file } = build(
      runs.map((r) => ({ kind: 'zstd' as const, runs: r })),
      1,
    )
    const bytes = 1 << 20
    const budget = new AheadBudget(bytes)
    const image = await imageOf(memorySource(file), budget)
    for await (const _ of image.extents({ signal: NEVER })) break
    const stop = new AbortController()
    const cancelled = async () => {
      for await (const _ of image.extents({ signal: stop.signal })) stop.abort()
    }
    await expect(cancelled()).rejects.toMatchObject({ code: 'cancelled' })
    expect(budget.take(bytes)).toBe(true)
  })

  it('work when the budget has no room at all', async () => {
    const shapes = [0, 1, 2, 3].map((i) => ({
      kind: 'zstd' as const,
      runs: [{ startBlock: i, numBlocks: 1 }],
    }))
    const { image, file } = build(shapes, 9)
    const expanded = await expand(await imageOf(memorySource(file), new AheadBudget(0)))
    expect(Buffer.compare(expanded, image)).toBe(0)
  })
})
