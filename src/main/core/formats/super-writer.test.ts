import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { memorySource, NEVER } from '../../../../test/images.ts'
import { readSuper } from './super.ts'
import { SuperBuilder } from './super-builder.ts'
import type { SuperMetadata } from './super-metadata.ts'
import {
  encodeMetadata,
  encodeSuperEmpty,
  encodeSuperTables,
  GEOMETRY_OFFSETS,
  metadataOffsets,
  tablesSize,
} from './super-writer.ts'

const WHOLE = new Uint8Array(readFileSync(fixture('super/super.img')))
const EMPTY = new Uint8Array(readFileSync(fixture('super/super_empty.img')))
const read = (bytes: Uint8Array, slot = 0) => readSuper(memorySource(bytes), { signal: NEVER, slot })
const MIB = 1024 * 1024

describe('the tables of super', () => {
  it("come out as Google's lpmake wrote them, byte for byte", async () => {
    const whole = await read(WHOLE)
    const tables = encodeSuperTables(whole.geometry, whole.metadata)
    expect(tables.length).toBe(tablesSize(whole.geometry))
    expect(Buffer.compare(tables, WHOLE.subarray(0, tables.length))).toBe(0)
    const empty = await read(EMPTY)
    expect(Buffer.compare(encodeSuperEmpty(empty.geometry, empty.metadata), EMPTY)).toBe(0)
  })

  it.each([false, true])('are read back as they were meant (Virtual A/B: %s)', async (virtualAb) => {
    const builder = SuperBuilder.create({ size: 16 * MIB, metadataSlots: 3, virtualAb })
    builder
      .addGroup('g_a', 8 * MIB)
      .addPartition('system_a', 'g_a', 1)
      .resize('system_a', 3 * MIB)
    const metadata = builder.build()
    expect(metadata).toMatchObject({ version: { minor: virtualAb ? 2 : 0 }, flags: virtualAb ? 1 : 0 })
    const tables = encodeSuperTables(builder.geometry, metadata)
    for (const slot of [0, 1, 2]) expect(await read(tables, slot)).toMatchObject({ metadata, damaged: [] })
    // And each single copy is enough.
    const places = [...GEOMETRY_OFFSETS, ...Object.values(metadataOffsets(builder.geometry, 1))]
    for (const place of places) {
      const torn = tables.slice()
      torn.fill(0xee, place, place + 512)
      expect((await read(torn, 1)).metadata).toEqual(metadata)
    }
  })

  it('are not written when they contradict themselves or do not fit', () => {
    const builder = SuperBuilder.create({ size: 16 * MIB, metadataSlots: 2, metadataMaxSize: 512 })
    const good = builder.addPartition('system_a').resize('system_a', MIB).build()
    const { geometry } = builder
    const refused = (change: Partial<SuperMetadata>) =>
      expect(() => encodeMetadata(geometry, { ...good, ...change })).toThrow(
        expect.objectContaining({ code: 'super-invalid' }),
      )
    const [system] = good.partitions
    if (!system) return expect.unreachable()
    refused({ partitions: [system, { ...system, name: 'vendor_a' }] })
    refused({ partitions: [{ ...system, group: 'nowhere' }] })
    refused({ partitions: [{ ...system, name: 'x'.repeat(37) }] })
    refused({ flags: 1 })
    refused({ blockDevices: [] })
    refused({ partitions: Array.from({ length: 9 }, (_, i) => ({ ...system, name: `p${i}`, extents: [] })) })
    expect(() => encodeMetadata(geometry, good)).not.toThrow()
    expect(() => metadataOffsets(geometry, 2)).toThrow(expect.objectContaining({ code: 'super-invalid' }))
  })
})
