import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memorySource, NEVER } from '../../../../test/images.ts'
import { readSuper } from './super.ts'
import { SuperBuilder } from './super-builder.ts'
import { encodeSuperTables } from './super-writer.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** Tables of 2 × (4 + 2 × 4) KiB behind 4 KiB, so partitions begin at the next multiple of the alignment. */
function small(size = 8 * MIB, alignment = 256 * KIB): SuperBuilder {
  return SuperBuilder.create({ size, alignment, metadataSlots: 2, metadataMaxSize: 4096 })
}

const extentsOf = (builder: SuperBuilder, name: string) =>
  builder.find(name)?.extents.map(({ sourceSector, sectors }) => [sourceSector * 512, sectors * 512])

describe('the layout of super', () => {
  it('begins behind the tables, aligned, and fills up in order', () => {
    const builder = small().addPartition('a').addPartition('b').addPartition('c')
    builder
      .resize('a', 300 * KIB)
      .resize('b', 1)
      .resize('c', MIB)
    expect(extentsOf(builder, 'a')).toEqual([[256 * KIB, 300 * KIB]])
    // Whole logical blocks, at aligned places.
    expect(extentsOf(builder, 'b')).toEqual([[768 * KIB, 4 * KIB]])
    expect(extentsOf(builder, 'c')).toEqual([[MIB, MIB]])
  })

  it('grows into the rest of its own aligned piece first, then into free space', () => {
    const builder = small().addPartition('a').addPartition('b')
    builder
      .resize('a', 300 * KIB)
      .resize('b', 4 * KIB)
      .resize('a', MIB)
    expect(extentsOf(builder, 'a')).toEqual([
      [256 * KIB, 512 * KIB],
      [MIB, 512 * KIB],
    ])
  })

  it('shrinks from its end and uses what was freed', () => {
    const builder = small(2 * MIB)
      .addPartition('a')
      .addPartition('b')
      .addPartition('c')
    builder.resize('a', 512 * KIB).resize('b', MIB)
    builder.resize('a', 256 * KIB).resize('c', 512 * KIB)
    expect(extentsOf(builder, 'a')).toEqual([[256 * KIB, 256 * KIB]])
    expect(extentsOf(builder, 'c')).toEqual([
      [512 * KIB, 256 * KIB],
      [1792 * KIB, 256 * KIB],
    ])
    builder.resize('c', 0).removePartition('b')
    expect([builder.find('c')?.extents, builder.find('b')]).toEqual([[], undefined])
  })

  it('keeps to the limits of super and of groups, and changes nothing when there is no room', () => {
    const builder = small(2 * MIB)
      .addGroup('g', MIB)
      .addPartition('a', 'g')
      .addPartition('b', 'g')
      .addPartition('c')
    builder.resize('a', 768 * KIB)
    const before = builder.partitions
    const noRoom = expect.objectContaining({ code: 'super-space' })
    expect(() => builder.resize('b', 512 * KIB)).toThrow(noRoom)
    expect(() => builder.resize('c', 1280 * KIB)).toThrow(noRoom)
    expect(builder.partitions).toEqual(before)
    builder.resize('b', 256 * KIB).resize('c', 768 * KIB)
    expect(builder.freeBytes).toBe(0)
  })

  it('refuses names that are taken and groups that are not there', () => {
    const builder = small().addPartition('a')
    const wrong = expect.objectContaining({ code: 'super-invalid' })
    expect(() => builder.addPartition('a')).toThrow(wrong)
    expect(() => builder.addPartition('b', 'g')).toThrow(wrong)
    expect(() => builder.addGroup('default', 1)).toThrow(wrong)
    expect(() => builder.resize('b', 1)).toThrow(wrong)
    expect(() => small(256 * KIB)).toThrow(wrong)
  })

  it('takes partitions of an older table over, if they fit the new one', () => {
    const old = small().addGroup('g', MIB).addPartition('x', 'g').addPartition('y', 'g')
    const metadata = old
      .resize('x', 4 * KIB)
      .resize('y', MIB / 2)
      .build()
    const fresh = () => small().addGroup('g', MIB)
    expect(extentsOf(fresh().importPartitions(metadata, new Set(['y'])), 'y')).toEqual([
      [512 * KIB, 512 * KIB],
    ])
    const refused = (builder: SuperBuilder, code: string) =>
      expect(() => builder.importPartitions(metadata, new Set(['y']))).toThrow(
        expect.objectContaining({ code }),
      )
    refused(small(), 'super-invalid')
    refused(small(4 * MIB).addGroup('g', MIB), 'super-invalid')
    refused(fresh().addPartition('y', 'g').resize('y', 4096), 'super-invalid')
    refused(small().addGroup('g', MIB / 4), 'super-space')
  })

  it('stays whole whatever is done to it, and is read back as it is', async () => {
    const name = fc.constantFrom('p', 'q', 'r', 's')
    const change = fc.oneof(
      fc.record({ kind: fc.constant('resize' as const), name, kib: fc.nat(3000) }),
      fc.record({ kind: fc.constant('remove' as const), name, kib: fc.constant(0) }),
    )
    const start = fc.record({
      alignment: fc.constantFrom(0, 4 * KIB, 20 * KIB, 256 * KIB),
      changes: fc.array(change, { maxLength: 30 }),
    })
    await fc.assert(
      fc.asyncProperty(start, async ({ alignment, changes }) => {
        const builder = small(8 * MIB, alignment).addGroup('g', 5 * MIB)
        for (const { kind, name, kib } of changes) {
          if (!builder.find(name)) builder.addPartition(name, name < 'r' ? 'g' : 'default')
          if (kind === 'remove') builder.removePartition(name)
          else checkResize(builder, name, kib * KIB)
        }
        const metadata = builder.build()
        const tables = encodeSuperTables(builder.geometry, metadata)
        const reading = await readSuper(memorySource(tables), { signal: NEVER, slot: 1 })
        expect(reading.metadata).toEqual(metadata)
      }),
      { numRuns: 200 },
    )
  })
})

function checkResize(builder: SuperBuilder, name: string, bytes: number): void {
  const before = builder.partitions
  const old = builder.find(name)
  const free = builder.freeBytes
  try {
    builder.resize(name, bytes)
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'super-space' })
    expect(builder.partitions).toEqual(before)
    const inGroup = before.filter(({ group }) => group === 'g').reduce((sum, { size }) => sum + size, 0)
    const more = Math.ceil(bytes / 4096) * 4096 - (old?.size ?? 0)
    expect(more > free || (old?.group === 'g' && inGroup + more > 5 * MIB)).toBe(true)
    return
  }
  expect(builder.find(name)?.size).toBe(Math.ceil(bytes / 4096) * 4096)
  // What was there stays where it was: growing and shrinking happen at the end.
  const kept = Math.min(old?.size ?? 0, bytes)
  expect(sectorsOf(builder, name, kept)).toEqual(sectorsOf(before, name, kept))
}

/** The first byte of each logical block of a partition on the device. */
function sectorsOf(from: SuperBuilder | SuperBuilder['partitions'], name: string, bytes: number): number[] {
  const partitions = from instanceof SuperBuilder ? from.partitions : from
  const extents = partitions.find((partition) => partition.name === name)?.extents ?? []
  const places = extents.flatMap(({ sourceSector, sectors }) =>
    Array.from({ length: sectors / 8 }, (_, i) => sourceSector + i * 8),
  )
  return places.slice(0, Math.floor(bytes / 4096))
}
