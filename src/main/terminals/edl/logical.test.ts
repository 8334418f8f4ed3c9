// Logical partitions of a terminal in EDL: the tables of super changed by us, with the power cut at every sector.
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { held, KIB, LAYOUT, MIB, phone, put, stage, superBuilder } from '../../../../test/edl-terminal.ts'
import { type DoubleOptions, FirehoseDouble, type MemoryStorage } from '../../../../test/firehose-double.ts'
import { expand, memorySource, NEVER } from '../../../../test/images.ts'
import type { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { type BayId, bytes, partitionName, sha256 } from '../../../shared/units.ts'
import { memoryImage } from '../../core/formats/raw-image.ts'
import { logicalImage, readSuper } from '../../core/formats/super.ts'
import { LP_ATTRIBUTE, SuperBuilder } from '../../core/formats/super-builder.ts'
import {
  encodeMetadata,
  encodeSuperEmpty,
  encodeSuperTables,
  metadataOffsets,
} from '../../core/formats/super-writer.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import type { WriteOptions } from '../types.ts'
import { edlSession } from './session.ts'

const workshop = createWorkshop({ width: 1 })
afterAll(() => workshop.close())

const io = (): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(60_000) })
const writing = (): WriteOptions => ({ ...io(), workshop })
const digestOf = (content: Uint8Array) => sha256(createHash('sha256').update(content).digest('hex'))
const [systemA, systemB, vendorB] = [
  partitionName('system_a'),
  partitionName('system_b'),
  partitionName('vendor_b'),
]
const origin = {
  ...{ bay: 'usb:1-1' as BayId, chipSerial: undefined },
  ...{ hwId: undefined, pkHash: undefined },
}

async function open(storage: MemoryStorage, options: DoubleOptions = {}) {
  const firehose = new FirehoseDouble(storage, options)
  return { firehose, session: await edlSession(firehose, origin, io()) }
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: SlotbenchError) => error.code,
  )

const tables = (storage: MemoryStorage, slot = 0) =>
  readSuper(memorySource(held(storage, 'super')), { signal: NEVER, slot })

/** What a slot finds when it boots: its own metadata, and the bytes of the partition where that says. */
async function bootedContent(storage: MemoryStorage, slot: 0 | 1, name: string): Promise<Uint8Array> {
  const { metadata } = await tables(storage, slot)
  return expand(logicalImage(memoryImage(held(storage, 'super')), metadata, name))
}

const sizes = (metadata: {
  readonly partitions: readonly { readonly name: string; readonly size: number }[]
}) => Object.fromEntries(metadata.partitions.map(({ name, size }) => [name, size]))

describe('logical partitions in EDL', () => {
  it('are resized, written and found by the slot that boots them', async () => {
    const storage = phone()
    const before = await bootedContent(storage, 0, 'system_a')
    const { session } = await open(storage)
    const image = randomBytes(700 * KIB)
    await session.resizeLogical(systemB, bytes(image.length), io())
    expect(session.facts.partitions['system_b']).toEqual({ size: 700 * KIB, logical: true })
    const receipt = await session.write(systemB, memoryImage(image), writing())
    expect(receipt.sha256).toBe(digestOf(image))
    expect(await session.digest(systemB, bytes(image.length), writing())).toBe(digestOf(image))
    for (const slot of [0, 1] as const) {
      expect(Buffer.compare(await bootedContent(storage, slot, 'system_b'), image)).toBe(0)
      expect((await tables(storage, slot)).damaged).toEqual([])
    }
    // The slot that runs has lost nothing, and metadata beyond the boot slots is left alone.
    expect(Buffer.compare(await bootedContent(storage, 0, 'system_a'), before)).toBe(0)
    expect(sizes((await tables(storage, 2)).metadata)['system_b']).toBe(0)
  })

  it('are made when missing, in a group without limit, and removed', async () => {
    const storage = phone()
    const { session } = await open(storage)
    const fresh = partitionName('odm_b')
    await session.resizeLogical(fresh, bytes(128 * KIB), io())
    const made = (await tables(storage, 1)).metadata.partitions.find(({ name }) => name === 'odm_b')
    expect(made).toMatchObject({ group: 'default', size: 128 * KIB })
    await session.deleteLogical(fresh, io())
    await session.deleteLogical(fresh, io())
    expect(session.facts.partitions['odm_b']).toBeUndefined()
    expect(sizes((await tables(storage, 0)).metadata)).not.toHaveProperty('odm_b')
  })

  it('are refused what super has no room for, before anything is written', async () => {
    const storage = phone()
    const before = storage.fork()
    const { session, firehose } = await open(storage)
    expect(await codeOf(session.resizeLogical(systemB, bytes(9 * MIB), io()))).toBe('super-space')
    expect(firehose.written).toBe(0)
    expect(Buffer.compare(held(storage, 'super'), held(before, 'super'))).toBe(0)
  })

  it('are made anew where their group has no room, if they may be', async () => {
    const storage = phone()
    const { geometry } = await tables(storage)
    const builder = SuperBuilder.create({
      ...{ size: 8 * MIB, metadataSlots: 3, metadataMaxSize: 8192, alignment: 64 * KIB },
    }).addGroup('small', 256 * KIB)
    builder.addPartition('system_b', 'small').resize('system_b', 192 * KIB)
    put(storage, LAYOUT, 'super', encodeSuperTables(geometry, builder.build()))
    const { session } = await open(storage)
    expect(await codeOf(session.resizeLogical(systemB, bytes(MIB), io()))).toBe('super-space')
    await session.resizeLogical(systemB, bytes(MIB), { ...io(), orAnew: true })
    expect((await tables(storage)).metadata.partitions).toMatchObject([
      { name: 'system_b', group: 'default', size: MIB },
    ])
  })

  it.each(['old', 'half'] as const)(
    'survive a power cut at every sector of a change (the torn one: %s), and the change is made again',
    async (torn) => {
      // Small sectors, so that each copy takes several.
      const whole = phone(512)
      const content = await bootedContent(whole, 0, 'system_a')
      const uncut = await open(whole.fork())
      await uncut.session.resizeLogical(vendorB, bytes(256 * KIB), io())
      let seen = ''
      for (let cutAt = 1; cutAt <= uncut.firehose.written; cutAt++) {
        const storage = whole.fork()
        const cut = await open(storage, { cutAt, torn })
        expect(await codeOf(cut.session.resizeLogical(vendorB, bytes(256 * KIB), io()))).toBe('terminal-gone')
        // Each boot slot has tables, old or new, and the running system is where it was.
        for (const slot of [0, 1] as const)
          expect([0, 256 * KIB]).toContain(sizes((await tables(storage, slot)).metadata)['vendor_b'])
        expect(Buffer.compare(await bootedContent(storage, 0, 'system_a'), content)).toBe(0)
        seen += sizes((await tables(storage, 0)).metadata)['vendor_b'] === 0 ? 'o' : 'n'
        const { session } = await open(storage)
        await session.resizeLogical(vendorB, bytes(256 * KIB), io())
        for (const slot of [0, 1] as const) {
          const { metadata, damaged } = await tables(storage, slot)
          expect([sizes(metadata)['vendor_b'], damaged]).toEqual([256 * KIB, []])
        }
      }
      // The slot that runs comes last, and does not go back.
      expect(seen).toMatch(/^o+n*$/)
    },
    60_000,
  )

  it('are brought in line first when the other slot’s tables are older', async () => {
    const storage = phone()
    const { geometry } = await tables(storage)
    // As after an update: what slot b knows of slot a, and of itself, is of long ago.
    const stale = SuperBuilder.from(
      geometry,
      superBuilder()
        .resize('system_b', 2 * MIB)
        .build(),
    ).build()
    const offsets = metadataOffsets(geometry, 1)
    for (const at of [offsets.primary, offsets.backup])
      put(storage, LAYOUT, 'super', encodeMetadata(geometry, stale), at)
    const builder = superBuilder().resize('vendor_a', MIB).resize('system_b', MIB)
    const { primary, backup } = metadataOffsets(geometry, 0)
    for (const at of [primary, backup])
      put(storage, LAYOUT, 'super', encodeMetadata(geometry, builder.build()), at)
    const image = randomBytes(MIB)
    const { session } = await open(storage)
    await session.write(systemB, memoryImage(image), writing())
    expect(Buffer.compare(await bootedContent(storage, 1, 'system_b'), image)).toBe(0)
  })

  it('lose the mark of a snapshot before their content is written', async () => {
    const storage = phone()
    const { geometry } = await tables(storage)
    const builder = superBuilder().resize('system_b', MIB)
    builder.setAttributes('system_b', LP_ATTRIBUTE.readOnly | LP_ATTRIBUTE.updated)
    put(storage, LAYOUT, 'super', encodeSuperTables(geometry, builder.build()))
    const { session } = await open(storage)
    await session.write(systemB, memoryImage(randomBytes(MIB)), writing())
    for (const slot of [0, 1]) {
      const { metadata } = await tables(storage, slot)
      expect(metadata.partitions.find(({ name }) => name === 'system_b')?.attributes).toBe(
        LP_ATTRIBUTE.readOnly,
      )
    }
  })

  it('are found by another copy of the tables when that of the running slot is lost', async () => {
    const storage = phone()
    const { geometry } = await tables(storage)
    const { primary, backup } = metadataOffsets(geometry, 0)
    for (const at of [primary, backup]) put(storage, LAYOUT, 'super', new Uint8Array(4096), at)
    const { session } = await open(storage)
    expect(session.facts.superTables?.source).toBe('metadata 1 of super')
    await session.resizeLogical(systemB, bytes(MIB), io())
    expect((await tables(storage, 0)).damaged).toEqual([])
  })

  it('are what a write of the whole super makes them', async () => {
    const storage = phone()
    const { session } = await open(storage)
    const builder = superBuilder().removePartition('vendor_a').resize('system_b', MIB)
    const whole = new Uint8Array(8 * MIB)
    whole.set(encodeSuperTables(builder.geometry, builder.build()))
    await session.write(partitionName('super'), memoryImage(whole), writing())
    await session.write(systemB, memoryImage(randomBytes(MIB)), writing())
    expect((await session.refresh(io())).partitions).not.toHaveProperty('vendor_a')
    // What was known of super as a whole holds no more.
    expect(await session.digest(partitionName('super'), bytes(8 * MIB), writing())).toBe(
      digestOf(held(storage, 'super')),
    )
  })
})

describe('new tables of super', () => {
  const emptyImage = (change: (builder: SuperBuilder) => SuperBuilder) => {
    const builder = change(superBuilder())
    return memoryImage(encodeSuperEmpty(builder.geometry, builder.build()))
  }

  it('take the place of the old ones; on Virtual A/B what belongs to either slot goes, the rest stays', async () => {
    const storage = phone()
    const { session } = await open(storage)
    await session.resizeLogical(partitionName('shared'), bytes(64 * KIB), io())
    const fresh = emptyImage((builder) =>
      builder.resize('system_a', 0).resize('vendor_a', 0).addPartition('odm_a'),
    )
    await session.updateSuper(fresh, false, writing())
    for (const slot of [0, 1])
      expect(sizes((await tables(storage, slot)).metadata)).toEqual({
        ...{ system_a: 0, vendor_a: 0, system_b: 0, vendor_b: 0, odm_a: 0, shared: 64 * KIB },
      })
    await session.updateSuper(fresh, true, writing())
    for (const slot of [0, 1, 2])
      expect(sizes((await tables(storage, slot)).metadata)).not.toHaveProperty('shared')
  })

  it('are refused when they are for another super, or no tables', async () => {
    const storage = phone()
    const { session, firehose } = await open(storage)
    const larger = SuperBuilder.create({ size: 16 * MIB, metadataSlots: 3, metadataMaxSize: 8192 })
    const other = memoryImage(encodeSuperEmpty(larger.geometry, larger.build()))
    expect(await codeOf(session.updateSuper(other, true, writing()))).toBe('super-invalid')
    const laidOut = SuperBuilder.create({ size: 8 * MIB, metadataSlots: 2, metadataMaxSize: 65536 })
    const elsewhere = memoryImage(encodeSuperEmpty(laidOut.geometry, laidOut.build()))
    expect(await codeOf(session.updateSuper(elsewhere, false, writing()))).toBe('super-invalid')
    expect(await codeOf(session.updateSuper(memoryImage(randomBytes(8192)), true, writing()))).toBe(
      'super-invalid',
    )
    expect(firehose.written).toBe(0)
    await session.updateSuper(elsewhere, true, writing())
    expect((await tables(storage, 1)).geometry.metadataMaxSize).toBe(65536)
  })

  it('bring a super back of which nothing is whole', async () => {
    const storage = phone()
    put(storage, LAYOUT, 'super', new Uint8Array(256 * KIB))
    const { session } = await open(storage)
    expect(await codeOf(session.resizeLogical(systemA, bytes(MIB), io()))).toBe('super-invalid')
    await session.updateSuper(
      emptyImage((builder) => builder),
      false,
      writing(),
    )
    expect(session.facts.partitions['system_a']).toEqual({ size: MIB, logical: true })
  })
})

describe('a staged update', () => {
  it('is dropped by a word in misc, once', async () => {
    const storage = phone()
    stage(storage, 2, 'b')
    const { session, firehose } = await open(storage)
    await session.snapshotUpdate('cancel', io())
    expect(session.facts.snapshotStatus?.value).toBe('none')
    expect(held(storage, 'misc')[32 * KIB + 5]).toBe(4)
    expect(held(storage, 'misc')[32 * KIB + 6]).toBe(1)
    const { written } = firehose
    await session.snapshotUpdate('cancel', io())
    expect(firehose.written).toBe(written)
  })

  it('is neither dropped nor merged where that is not ours to do', async () => {
    const merging = phone()
    stage(merging, 3, 'a')
    const { session } = await open(merging)
    expect(await codeOf(session.snapshotUpdate('cancel', io()))).toBe('snapshot-failed')
    expect(await codeOf(session.snapshotUpdate('merge', io()))).toBe('snapshot-failed')
    const none = phone(4096, { ...LAYOUT, 0: [{ name: 'userdata', size: 4096 }] })
    expect(await codeOf((await open(none)).session.snapshotUpdate('cancel', io()))).toBe('snapshot-failed')
  })
})

describe('a terminal without super', () => {
  it('says so', async () => {
    const { session } = await open(phone(512, { ...LAYOUT, 0: [{ name: 'misc', size: 64 * KIB }] }))
    expect(session.can.logicalPartitions).toBe(false)
    expect(await codeOf(session.resizeLogical(systemB, bytes(1), io()))).toBe('terminal-wrong-mode')
  })
})
