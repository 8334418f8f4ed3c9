import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expand, memorySource, NEVER } from '../../../../test/images.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { RomImageInfo, RomInfo } from '../../../shared/rom.ts'
import type { Slot } from '../../../shared/units.ts'
import { memoryImage } from '../formats/raw-image.ts'
import { logicalImage, readSuper } from '../formats/super.ts'
import { LP_VIRTUAL_AB, SuperBuilder } from '../formats/super-builder.ts'
import { planWholeSuper, type SuperOrder, wholeSuper } from './ota-super.ts'

const MIB = 1024 * 1024

type Sizes = Readonly<Record<string, number>>
const logical = (name: string, size: number, more: Partial<RomImageInfo> = {}): RomImageInfo => ({
  ...{ name, size, slotted: 'yes', placement: 'logical' },
  ...more,
})

function rom(sizes: Sizes, more: Partial<RomInfo> = {}): SuperOrder['rom'] {
  return {
    dynamicGroups: [{ name: 'main', size: 0, partitions: [...Object.keys(sizes), 'odm'] }],
    images: [
      ...Object.entries(sizes).map(([name, size]) => logical(name, size)),
      { name: 'boot', size: 4096, slotted: 'yes', placement: 'physical' },
    ],
    virtualAb: true,
    ...more,
  }
}

const content = (name: string, size: number) => Buffer.alloc(size, `${name} `)
const imageOf = ({ name, size }: RomImageInfo) => memoryImage(content(name, size))

describe('a whole super for a ROM', () => {
  it.each<[string, readonly Slot[]]>([
    ['slot a', ['a']],
    ['slot b', ['b']],
    ['both slots', ['a', 'b']],
    ['no slots', []],
  ])('is read back by our own reader: %s', async (_name, slots) => {
    const sizes = { system: 3 * MIB + 8192, vendor: MIB, product: 4096 }
    const made = wholeSuper({ rom: rom(sizes), size: 24 * MIB, slots }, imageOf)
    const whole = await expand(made.image)
    expect(whole.length).toBe(24 * MIB)
    const suffixes = slots.length === 0 ? [''] : ['_a', '_b']
    for (let slot = 0; slot < 3; slot++) {
      const { metadata, image, damaged } = await readSuper(memorySource(whole), { signal: NEVER, slot })
      expect(damaged).toEqual([])
      expect(metadata).toMatchObject({ flags: LP_VIRTUAL_AB, version: { major: 10, minor: 2 } })
      expect(metadata.groups.map(({ name }) => name)).toEqual([
        'default',
        ...suffixes.map((suffix) => `main${suffix}`),
      ])
      expect(metadata.partitions.map(({ name }) => name)).toEqual(
        suffixes.flatMap((suffix) => ['system', 'vendor', 'product', 'odm'].map((name) => name + suffix)),
      )
      if (image === undefined) throw new Error('no image')
      for (const { name, size, attributes } of metadata.partitions) {
        const [base = '', of] = name.split('_')
        const filled = (slots.length === 0 || slots.some((one) => one === of)) && base !== 'odm'
        expect(size).toBe(filled ? sizes[base as keyof typeof sizes] : 0)
        expect(attributes).toBe(1)
        if (!filled) continue
        const read = Buffer.from(await expand(logicalImage(image, metadata, name)))
        expect(read.equals(content(base, size)), name).toBe(true)
      }
    }
  })

  it('tells which of its bytes are what, and leaves holes elsewhere', async () => {
    const made = wholeSuper(
      { rom: rom({ system: 2 * MIB, vendor: MIB }), size: 8 * MIB, slots: ['a'] },
      imageOf,
    )
    expect(made.writes).toEqual([
      { kind: 'tables', offset: 0, length: 4096 + 2 * (4096 + 3 * 65536) },
      { kind: 'partition', partition: 'system_a', offset: MIB, length: 2 * MIB },
      { kind: 'partition', partition: 'vendor_a', offset: 3 * MIB, length: MIB },
    ])
    const kinds: string[] = []
    for await (const { kind, offset } of made.image.extents({ signal: NEVER }))
      kinds.push(`${kind} ${offset / MIB}`)
    expect(kinds.filter((kind) => kind.startsWith('hole'))).toEqual(['hole 0.38671875', 'hole 4'])
  })

  it('keeps to how the terminal’s super was laid out', () => {
    const old = SuperBuilder.create({
      size: 16 * MIB,
      metadataSlots: 5,
      metadataMaxSize: 8192,
      alignment: 65536,
    })
    const like = { geometry: old.geometry, metadata: old.build() }
    const { geometry, metadata } = planWholeSuper({
      rom: rom({ system: MIB, vendor: MIB }),
      size: 16 * MIB,
      slots: ['a'],
      like,
    })
    expect(geometry).toEqual(old.geometry)
    expect(metadata.blockDevices[0]).toMatchObject({
      alignment: 65536,
      firstLogicalSector: old.build().blockDevices[0]?.firstLogicalSector,
    })
  })

  it('takes the image for slot a where the package has one for each, and that for b where it has no other', () => {
    const images = [
      logical('system', MIB, { slot: 'a' }),
      logical('system', MIB, { slot: 'b' }),
      logical('vendor', MIB, { slot: 'b' }),
    ]
    const { contents } = planWholeSuper({
      rom: rom({}, { images, dynamicGroups: [] }),
      size: 16 * MIB,
      slots: ['a', 'b'],
    })
    expect([...contents].map(([name, image]) => [name, image.slot])).toEqual([
      ['system_a', 'a'],
      ['vendor_a', 'b'],
      ['system_b', 'a'],
      ['vendor_b', 'b'],
    ])
  })

  it.each<[string, Partial<SuperOrder>, string, RegExp]>([
    [
      'super is too small',
      { size: 6 * MIB, slots: ['a', 'b'] },
      'super-space',
      /need 6\.3 MB in super, a super of 6\.3 MB has room for 5\.2 MB/,
    ],
    [
      'its group is',
      {
        rom: rom(
          { system: 3 * MIB },
          { dynamicGroups: [{ name: 'main', size: 2 * MIB, partitions: ['system'] }] },
        ),
      },
      'super-space',
      /group main_a/,
    ],
    ['super is smaller than its tables', { size: 4096 }, 'super-invalid', /super of 4096 bytes/],
    [
      'there is nothing logical',
      { rom: rom({}, { dynamicGroups: [] }) },
      'package-incomplete',
      /no logical partitions/,
    ],
  ])('is refused when %s', (_name, change, code, words) => {
    const order: SuperOrder = {
      rom: rom({ system: 2 * MIB, vendor: MIB }),
      size: 16 * MIB,
      slots: ['a'],
      ...change,
    }
    expect(() => planWholeSuper(order)).toThrow(words)
    expect(() => planWholeSuper(order)).toThrow(expect.objectContaining({ code }))
  })

  it('fits without overlap, or is refused, for any sizes', async () => {
    const sizes = fc.dictionary(
      fc.constantFrom('system', 'vendor', 'product', 'system_ext'),
      fc.integer({ min: 1, max: 3 * MIB }),
      { minKeys: 1 },
    )
    const slots = fc.constantFrom<readonly Slot[]>(['a'], ['b'], ['a', 'b'], [])
    const unit = fc.constantFrom(4096, 65536, MIB)
    await fc.assert(
      fc.asyncProperty(
        sizes,
        slots,
        fc.integer({ min: 1, max: 16 }),
        unit,
        async (some, which, mib, alignment) => {
          const old = SuperBuilder.create({
            size: 32 * MIB,
            metadataSlots: 2,
            metadataMaxSize: 4096,
            alignment,
          })
          const like = { geometry: old.geometry, metadata: old.build() }
          try {
            const made = wholeSuper({ rom: rom(some), size: mib * MIB, slots: which, like }, imageOf)
            let end = 0
            for (const { offset, length } of made.writes) {
              expect(offset).toBeGreaterThanOrEqual(end)
              end = offset + length
            }
            expect(end).toBeLessThanOrEqual(mib * MIB)
            const { metadata, image } = await readSuper(memorySource(await expand(made.image)), {
              signal: NEVER,
            })
            if (image === undefined) throw new Error('no image')
            for (const [name, info] of made.contents) {
              const read = Buffer.from(await expand(logicalImage(image, metadata, name)))
              expect(read.subarray(0, info.size).equals(content(info.name, info.size))).toBe(true)
            }
          } catch (thrown) {
            if (!(thrown instanceof SlotbenchError)) throw thrown
            expect(['super-space', 'super-invalid']).toContain(thrown.code)
          }
        },
      ),
      { numRuns: 40 },
    )
  })
})
