// A terminal whose super is lost boots again from the super that is made of a full OTA: the simulator's own mounting and verified boot
// are the judges.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRom } from '../src/main/core/rom/open.ts'
import { wholeSuper } from '../src/main/core/rom/ota-super.ts'
import type { Rom } from '../src/main/core/rom/types.ts'
import type { ImageSource } from '../src/main/core/source.ts'
import type { Workshop } from '../src/main/core/workshop.ts'
import { openFile } from '../src/main/io/files/open-file.ts'
import { openFolder } from '../src/main/io/files/open-folder.ts'
import { createWorkshop } from '../src/main/io/workers/workshop.ts'
import type { RomInfo } from '../src/shared/rom.ts'
import { type Slot, slotted } from '../src/shared/units.ts'
import type { ProfileId } from '../src/simulator/profiles/index.ts'
import { writeRom } from '../src/simulator/rom-factory/make-rom.ts'
import { Disk } from '../src/simulator/storage/disk.ts'
import { mountLogical } from '../src/simulator/super/mount.ts'
import { readTables } from '../src/simulator/super/tables.ts'
import type { SimulatedTerminal } from '../src/simulator/terminal.ts'
import { BUILD_2, TestHost, testBuild, testProfile, testTerminal } from '../src/simulator/test-terminal.ts'
import { NEVER } from './images.ts'
import { RomWorkplace } from './rom-workplace.ts'

let place: RomWorkplace
let workshop: Workshop

beforeAll(async () => {
  place = await RomWorkplace.open()
  workshop = createWorkshop({ width: 2 })
})
afterAll(async () => {
  await workshop.close()
  await place.close()
})

async function packageOf(id: ProfileId, kind: 'ota-zip' | 'edl-zip'): Promise<Rom> {
  const out = place.path('.zip')
  await writeRom(testProfile(id), await testBuild(id, BUILD_2), { out, kind, build: BUILD_2.build })
  return openRom(out, { openFile, openFolder, workshop }, NEVER)
}

async function write(terminal: SimulatedTerminal, name: string, image: ImageSource): Promise<void> {
  for await (const extent of image.extents({ signal: NEVER })) {
    if (extent.kind === 'hole') continue
    const bytes = extent.kind === 'data' ? extent.bytes : new Uint8Array(extent.length)
    await terminal.writePartitionRaw(name, bytes, extent.offset)
  }
}

/** Everything physical of the package into the slot, and a super of its own. */
async function revive(terminal: SimulatedTerminal, rom: Rom, slot: Slot): Promise<void> {
  const disk = await Disk.load(terminal.storage)
  const { size } = disk.get('super')
  // Small supers are aligned more tightly than real ones, for which lpmake's default holds.
  const like = await readTables(disk, 0)
  // What was there before is of no use, and must not be needed.
  const random = new Uint8Array(size).fill(0xa5)
  await terminal.writePartitionRaw('super', random)
  expect(await terminal.wouldBoot()).toMatchObject({ verdict: expect.not.stringMatching('^booted$') })
  const made = wholeSuper({ rom: rom.info, size, slots: [slot], ...(like && { like }) }, (info) =>
    rom.image(info),
  )
  await write(terminal, 'super', made.image)
  const primary = (images: RomInfo['images']) =>
    images.filter((image) => image.slot !== 'b' && image.placement !== 'logical')
  for (const image of primary(rom.info.images)) {
    const name = image.slotted === 'yes' ? slotted(image.name, slot) : image.name
    await write(terminal, name, rom.image(image))
  }
}

async function activate(terminal: SimulatedTerminal, slot: Slot): Promise<void> {
  await terminal.powerOn({ keys: 'bootloader' })
  const host = new TestHost(terminal)
  expect(await host.command(`set_active:${slot}`)).toBe('OKAY')
  host.hangUp()
  await host.served
  terminal.cutPower()
}

describe.each<ProfileId>(['nx769j', 'nx769j-tight'])('%s, its super lost', (id) => {
  it.each([
    ['ota-zip', 'a'],
    ['ota-zip', 'b'],
    ['edl-zip', 'a'],
  ] as const)('boots from an %s again, slot %s', async (kind, slot) => {
    const terminal = await testTerminal(id)
    const rom = await packageOf(id, kind)
    try {
      expect(rom.info).toMatchObject({ virtualAb: true })
      await revive(terminal, rom, slot)
      const disk = await Disk.load(terminal.storage)
      for (const number of [0, 1, 2]) expect(await readTables(disk, number)).toBeDefined()
      const mounted = await mountLogical(disk, slot)
      if (typeof mounted === 'string') throw new Error(mounted)
      expect([...mounted.keys()].toSorted()).toEqual([`product_${slot}`, `system_${slot}`, `vendor_${slot}`])
      await activate(terminal, slot)
      expect(await terminal.wouldBoot()).toMatchObject({ slot, verdict: 'booted', build: BUILD_2.build })
    } finally {
      await rom.close()
    }
  })

  it('has the same tables as from the factory', async () => {
    const terminal = await testTerminal(id)
    const before = await readTables(await Disk.load(terminal.storage), 0)
    if (before === undefined) throw new Error('no super')
    const rom = await packageOf(id, 'ota-zip')
    await rom.close()
    const size = before.metadata.blockDevices[0]?.size ?? 0
    const slots: readonly Slot[] = id === 'nx769j' ? ['a', 'b'] : ['a']
    const made = wholeSuper({ rom: rom.info, size, slots, like: before }, (info) => rom.image(info))
    const layout = ({ partitions, groups, flags, blockDevices }: typeof before.metadata) => ({
      groups: groups.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      ...{ flags, blockDevices },
      partitions: partitions
        .map(({ name, group, size: bytes, attributes }) => ({ name, group, bytes, attributes }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    })
    expect(layout(made.metadata)).toEqual(layout(before.metadata))
    expect(made.geometry).toEqual(before.geometry)
  })
})
