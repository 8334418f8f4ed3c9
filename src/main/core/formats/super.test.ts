import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { collect, damaged, expand, memorySource, NEVER, outcome } from '../../../../test/images.ts'
import { memoryImage } from './raw-image.ts'
import { splitToSparse } from './sparse-writer.ts'
import { logicalImage, readSuper } from './super.ts'

const WHOLE = new Uint8Array(readFileSync(fixture('super/super.img')))
const EMPTY = new Uint8Array(readFileSync(fixture('super/super_empty.img')))
const SYSTEM = readFileSync(fixture('super/system.img'))

const TABLES = 'the SHA-256 of the metadata tables does not match'
const GEOMETRY = [4096, 8192] as const
/** Three slots of 4096 bytes, then their backups. */
const METADATA = 12288
const BACKUP = METADATA + 3 * 4096
/** Of the tables in the fixtures: header of 128 bytes, a partition, its extent, a group, a block device. */
const TABLE = { partition: 128, extent: 180, group: 204, blockDevice: 252 } as const

const read = (bytes: Uint8Array, slot?: number) =>
  readSuper(memorySource(bytes), slot === undefined ? { signal: NEVER } : { signal: NEVER, slot })

/** A copy changed by `edit` at each of `places`, with the checksums of the metadata there made right again. */
function forged(
  bytes: Uint8Array,
  places: readonly number[],
  edit: (metadata: DataView) => void,
): Uint8Array {
  const copy = new Uint8Array(bytes)
  for (const place of places) {
    const view = new DataView(copy.buffer, place)
    edit(view)
    const [headerSize, tablesSize] = [view.getUint32(8, true), view.getUint32(44, true)]
    const sha = (from: number, length: number) =>
      createHash('sha256')
        .update(copy.subarray(place + from, place + from + length))
        .digest()
    copy.set(sha(headerSize, tablesSize), place + 48)
    copy.fill(0, place + 12, place + 44)
    copy.set(sha(0, headerSize), place + 12)
  }
  return copy
}

describe('super', () => {
  it('reads what lpmake wrote', async () => {
    const { form, geometry, metadata, damaged: bad } = await read(WHOLE)
    expect([form, bad]).toEqual(['whole', []])
    expect(geometry).toEqual({ metadataMaxSize: 4096, slotCount: 3, logicalBlockSize: 4096 })
    const extents = [{ kind: 'linear', sectors: 16, sourceSector: 96, blockDevice: 0 }]
    expect(metadata).toEqual({
      version: { major: 10, minor: 0 },
      flags: 0,
      partitions: [{ name: 'system_a', attributes: 1, group: 'default', extents, size: 8192 }],
      groups: [{ name: 'default', flags: 0, maximumSize: 0 }],
      blockDevices: [
        {
          name: 'super',
          size: 65536,
          firstLogicalSector: 96,
          alignment: 16384,
          alignmentOffset: 0,
          flags: 0,
        },
      ],
    })
  })

  it('reads the image that holds metadata only', async () => {
    const { form, metadata, image } = await read(EMPTY)
    expect([form, image]).toEqual(['metadata', undefined])
    expect(metadata.partitions).toEqual([
      { name: 'system_a', attributes: 1, group: 'default', extents: [], size: 0 },
    ])
  })

  it('gives a logical partition, from any offset', async () => {
    const { image, metadata } = await read(WHOLE)
    if (image === undefined) return expect.unreachable()
    const system = logicalImage(image, metadata, 'system_a')
    for (const from of [0, 1, 4096, 8191, 8192])
      expect(Buffer.from(await expand(system, from)).equals(SYSTEM.subarray(from))).toBe(true)
  })

  it('is the same out of a sparse file', async () => {
    const [piece] = await collect(splitToSparse(memoryImage(WHOLE), { limit: 2 ** 20, signal: NEVER }))
    const { form, image, metadata } = await read(Buffer.concat(piece?.parts ?? []))
    if (image === undefined) return expect.unreachable()
    expect(form).toBe('whole')
    expect(Buffer.from(await expand(logicalImage(image, metadata, 'system_a'))).equals(SYSTEM)).toBe(true)
  })

  it('puts a partition of several extents together, zeros as zeros', async () => {
    const grown = Uint8Array.from([...EMPTY, ...new Uint8Array(48)])
    const twice = forged(grown, [4096], (view) => {
      // Two extents instead of one partition's none: a table of our own behind the others.
      view.setUint32(44, 0xa4 + 48, true)
      view.setUint32(92, 0xa4, true)
      view.setUint32(96, 2, true)
      view.setUint32(TABLE.partition + 44, 2, true)
      const at = 128 + 0xa4
      view.setBigUint64(at, 8n, true)
      view.setUint32(at + 8, 1, true)
      view.setBigUint64(at + 24, 9n, true)
      view.setBigUint64(at + 36, 96n, true)
    })
    const { metadata } = await read(twice)
    const system = logicalImage(memoryImage(WHOLE), metadata, 'system_a')
    const wanted = Buffer.concat([new Uint8Array(4096), SYSTEM.subarray(0, 9 * 512)])
    for (const from of [0, 4095, 4096, 5000])
      expect(Buffer.from(await expand(system, from)).equals(wanted.subarray(from))).toBe(true)
  })

  it.each([0, 1, 2])(
    'uses the backup of slot %i when the first copy is damaged, and says so',
    async (slot) => {
      const bytes = new Uint8Array(WHOLE)
      bytes[METADATA + slot * 4096 + 300] = 0xff
      const reading = await read(bytes, slot)
      expect(reading.metadata).toEqual((await read(WHOLE)).metadata)
      expect(reading.damaged).toEqual([`metadata at ${METADATA + slot * 4096}: ${TABLES}`])
    },
  )

  it('uses the second geometry when the first is damaged', async () => {
    const bytes = new Uint8Array(WHOLE)
    bytes[GEOMETRY[0] + 40] = 1
    expect((await read(bytes)).damaged).toEqual([
      'geometry at 4096: the SHA-256 of the geometry does not match',
    ])
  })

  it('refuses a super without a whole copy', async () => {
    const noMetadata = new Uint8Array(WHOLE)
    for (const at of [METADATA, BACKUP]) noMetadata[at + 20] = 0x55
    await expect(read(noMetadata)).rejects.toMatchObject({ code: 'super-invalid' })
    const noGeometry = new Uint8Array(WHOLE)
    for (const at of GEOMETRY) noGeometry[at] = 0
    await expect(read(noGeometry)).rejects.toMatchObject({ code: 'super-invalid' })
    await expect(read(WHOLE, 3)).rejects.toMatchObject({ code: 'super-invalid' })
    await expect(read(new Uint8Array(0))).rejects.toMatchObject({ code: 'super-invalid' })
  })

  it('says what is missing', async () => {
    const { image, metadata } = await read(WHOLE)
    if (image === undefined) return expect.unreachable()
    expect(() => logicalImage(image, metadata, 'vendor_a')).toThrow(
      expect.objectContaining({ code: 'package-incomplete' }),
    )
    const short = memoryImage(WHOLE.subarray(0, 96 * 512 + 4096))
    expect(() => logicalImage(short, metadata, 'system_a')).toThrow(
      expect.objectContaining({ code: 'source-truncated' }),
    )
  })

  const U32 = 0xffffffff
  it.each<[string, (view: DataView) => void]>([
    ['a partition claims extents that are not there', (v) => v.setUint32(TABLE.partition + 44, U32, true)],
    ['a partition claims extents beyond the last', (v) => v.setUint32(TABLE.partition + 40, 1, true)],
    ['a partition is in no group', (v) => v.setUint32(TABLE.partition + 48, 1, true)],
    ['a partition has no name', (v) => v.setUint8(TABLE.partition, 0)],
    ['an extent is of unknown type', (v) => v.setUint32(TABLE.extent + 8, 2, true)],
    ['an extent lies in the metadata', (v) => v.setBigUint64(TABLE.extent + 12, 95n, true)],
    ['an extent ends beyond the device', (v) => v.setBigUint64(TABLE.extent, 33n, true)],
    ['an extent is longer than numbers go', (v) => v.setBigUint64(TABLE.extent, 2n ** 63n, true)],
    ['an extent is too long to count in bytes', (v) => v.setBigUint64(TABLE.extent, 2n ** 52n, true)],
    ['an extent lies beyond every device', (v) => v.setBigUint64(TABLE.extent + 12, 2n ** 53n - 1n, true)],
    ['an extent is on a device that is not there', (v) => v.setUint32(TABLE.extent + 20, 1, true)],
    ['a table reaches beyond the tables', (v) => v.setUint32(84, 2 ** 31, true)],
    ['a table begins beyond the tables', (v) => v.setUint32(80, U32, true)],
    ['table entries have another size', (v) => v.setUint32(88, 0, true)],
    ['the version is another', (v) => v.setUint16(4, 11, true)],
    ['the minor version is newer', (v) => v.setUint16(6, 3, true)],
  ])('refuses it when %s', async (_what, edit) => {
    const run = read(forged(WHOLE, [METADATA, BACKUP], edit))
    await expect(run).rejects.toMatchObject({ code: 'super-invalid' })
  })

  it.each([WHOLE.slice(0, BACKUP), EMPTY])(
    'gives a result or one error for any damage (%#)',
    async (bytes) => {
      await fc.assert(
        fc.asyncProperty(damaged(bytes), async (changed) => {
          await outcome(() => read(changed))
        }),
      )
    },
  )

  it('gives a result or one error for damage under right checksums', async () => {
    const edits = fc.array(
      fc.tuple(fc.integer({ min: 56, max: 128 + 0xa4 - 1 }), fc.constantFrom(0, 1, 7, 0x80, 0xff)),
    )
    await fc.assert(
      fc.asyncProperty(edits, async (list) => {
        const bytes = forged(WHOLE, [METADATA], (view) => {
          for (const [at, value] of list) if (at >= 80) view.setUint8(at, value)
        })
        await outcome(async () => {
          const { image, metadata } = await read(bytes)
          for (const { name } of metadata.partitions)
            if (image !== undefined) await expand(logicalImage(image, metadata, name))
        })
      }),
    )
  })
})
