import { createHash, randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { type DigestSpec, StreamDigests, WHOLE } from '../../core/formats/stream-digests.ts'
import type { Extent } from '../../core/source.ts'
import { lanesOf } from './lane-digester.ts'
import { createWorkshop } from './workshop.ts'

const MIB = 1024 * 1024
const SIZE = 12 * MIB
const workshop = createWorkshop({ width: 2 })
afterAll(() => workshop.close())

const SPECS: readonly DigestSpec[] = [
  { kind: 'hash', algorithm: 'sha256', ranges: [WHOLE] },
  { kind: 'hash', algorithm: 'sha1', ranges: [{ start: 5 * MIB, end: 5 * MIB + 100 }] },
  {
    kind: 'hashtree',
    shape: {
      imageSize: 11 * MIB,
      dataBlockSize: 4096,
      hashBlockSize: 4096,
      algorithm: 'sha256',
      salt: randomBytes(32),
    },
  },
  { kind: 'hash', algorithm: 'sha512', prefix: randomBytes(20), ranges: [{ start: 0, end: 9 * MIB }] },
]

/** Data in pieces of odd sizes, a fill and a hole between them. */
function extents(): readonly Extent[] {
  const data = (offset: number, length: number): Extent => ({
    ...{ kind: 'data', offset },
    bytes: new Uint8Array(randomBytes(length)),
  })
  return [
    ...[data(0, 3 * MIB + 5), data(3 * MIB + 5, MIB - 5)],
    { kind: 'fill', offset: 4 * MIB, length: 3 * MIB + 3, word: 0x01020304 },
    { kind: 'hole', offset: 7 * MIB + 3, length: MIB - 3 },
    ...[data(8 * MIB, 3 * MIB), data(11 * MIB, MIB)],
  ]
}

/** What one thread without lanes comes to. */
function expected(list: readonly Extent[]) {
  const digests = new StreamDigests(SPECS)
  for (const extent of list)
    if (extent.kind === 'data') digests.update(extent.bytes.slice())
    else digests.fill(extent.kind === 'fill' ? extent.word : 0, extent.length)
  return digests.results()
}

describe('lanes', () => {
  it('have one heavy digest each, and the light ones along with the first', () => {
    const indices = (size: number) => lanesOf(SPECS, size).map((lane) => lane.map(({ index }) => index))
    expect(indices(SIZE)).toEqual([[0, 1], [2], [3]])
    expect(indices(MIB)).toEqual([[0, 1, 2, 3]])
    expect(lanesOf(SPECS.slice(1, 2), SIZE)).toHaveLength(1)
  })
})

describe('several digests of one stream', () => {
  it('are right with many pieces under way, and give the buffers back unchanged', async () => {
    const list = extents()
    const results = expected(list)
    const copies = list.map((extent) => (extent.kind === 'data' ? extent.bytes.slice() : undefined))
    const digester = workshop.digester(SPECS, SIZE)
    const back = await Promise.all(list.map((extent) => digester.push(extent)))
    expect(await digester.finish()).toEqual(results)
    for (const [i, copy] of copies.entries())
      expect(Buffer.compare(back[i] ?? Buffer.alloc(0), copy ?? Buffer.alloc(0)), `extent ${i}`).toBe(0)
    digester.close()
  })

  it('side by side do not mix', async () => {
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const list = extents()
        const results = expected(list)
        const digester = workshop.digester(SPECS, SIZE)
        for (const extent of list) await digester.push(extent)
        expect(await digester.finish()).toEqual(results)
        digester.close()
      }),
    )
  })

  it('that cannot be computed fail with the reason', async () => {
    const shape = {
      imageSize: 0,
      dataBlockSize: 4096,
      hashBlockSize: 4096,
      algorithm: 'sha256',
      salt: new Uint8Array(0),
    }
    const digester = workshop.digester([{ kind: 'hashtree', shape }], SIZE)
    await expect(digester.push({ kind: 'hole', offset: 0, length: 5 })).rejects.toMatchObject({
      code: 'vbmeta-invalid',
    })
    await expect(digester.finish()).rejects.toMatchObject({ code: 'vbmeta-invalid' })
    digester.close()
  })

  it('that are closed end what waits for them', async () => {
    const digester = workshop.digester(SPECS, SIZE)
    const pushed = Promise.allSettled(extents().map((extent) => digester.push(extent)))
    digester.close()
    for (const one of await pushed)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'cancelled' })
    await expect(digester.finish()).rejects.toMatchObject({ code: 'cancelled' })
    const { sha256 } = await workshop.sha256(new Uint8Array(10))
    expect(sha256).toBe(createHash('sha256').update(new Uint8Array(10)).digest('hex'))
  })
})
