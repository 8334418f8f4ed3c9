// Puts a terminal that is off into the states in which unfinished updates of its own leave it.
import { COW_GROUP, SuperBuilder } from '../../src/main/core/formats/super-builder.ts'
import { SlotbenchError } from '../../src/shared/errors.ts'
import type { Slot } from '../../src/shared/units.ts'
import { slotStore } from '../../src/simulator/boot/slot-store.ts'
import { type Build, makeBuild } from '../../src/simulator/make-images.ts'
import { Disk } from '../../src/simulator/storage/disk.ts'
import { emptySuper } from '../../src/simulator/super/factory-super.ts'
import { writeMergeStatus } from '../../src/simulator/super/merge-status.ts'
import { superVolumes } from '../../src/simulator/super/stage-update.ts'
import { readTables, updateAllTables } from '../../src/simulator/super/tables.ts'
import type { SimulatedTerminal } from '../../src/simulator/terminal.ts'
import { OLD_BUILD } from '../flash-bench.ts'

/** The terminal's own update, made once for a profile. It is the old build again, so that any slot boots what is expected. */
export async function ownUpdate({ profile }: Pick<SimulatedTerminal, 'profile'>): Promise<Build> {
  return makeBuild(profile, { build: OLD_BUILD, rollbackIndex: 1, seed: 5 })
}

/** As the update engine of slot a leaves it: staged for slot b, which is not active yet. */
export async function stage(terminal: SimulatedTerminal, build: Build): Promise<Disk> {
  const disk = await Disk.load(terminal.storage)
  const { profile } = terminal
  const volumes = superVolumes(disk, 'a')
  const partitions = profile.partitions.filter(({ logical }) => logical).map(({ name }) => name)
  const sizes = new Map([...build].map(([name, { size }]) => [name, size]))
  const group = emptySuper(profile)
    .build()
    .groups.find(({ name }) => name.endsWith('_a'))
  const groups = [{ name: profile.dynamic?.group ?? '', size: group?.maximumSize ?? 0, partitions }]
  const misfit = await volumes.prepare('b', { groups, sizes })
  if (misfit !== undefined) throw new Error(misfit)
  for (const [name, { image }] of build) {
    const volume = await volumes.open(name, 'b')
    if (!volume) throw new Error(`no volume ${name}`)
    for await (const extent of image.extents({ signal: new AbortController().signal }))
      await volume.write(extent.offset, extent.kind === 'data' ? extent.bytes : new Uint8Array(extent.length))
  }
  await volumes.finish('b')
  return disk
}

/** Staged, and slot b is the one to boot next. */
export async function stageAndSwitch(terminal: SimulatedTerminal, build: Build): Promise<void> {
  const disk = await stage(terminal, build)
  await slotStore(terminal.profile.slotScheme, disk)?.setActive('b')
}

/** Staged, switched, booted: the merge has begun and waits. Only on a terminal whose merges do not go on by themselves. */
export async function beginMerge(terminal: SimulatedTerminal, build: Build): Promise<void> {
  await stageAndSwitch(terminal, build)
  await terminal.powerOn()
  terminal.cutPower()
}

/** On slot a, as fastbootds without AOSP's boot control say it; that one calls such an update none. */
export async function sayStaged(terminal: SimulatedTerminal): Promise<void> {
  const disk = await Disk.load(terminal.storage)
  await writeMergeStatus(disk, 'a', 'none')
  // With another source than the slot that runs, the simulator says it too.
  await writeMergeStatus(disk, 'b', 'snapshotted')
}

/** A partition in the tables of both slots. */
export async function addPartition(terminal: SimulatedTerminal, name: string, bytes: number): Promise<void> {
  const disk = await Disk.load(terminal.storage)
  const builder = await opened(disk)
  const group = name.endsWith('-cow') ? COW_GROUP : 'default'
  if (group === COW_GROUP && !builder.build().groups.some(({ name: known }) => known === COW_GROUP))
    builder.addGroup(COW_GROUP, 0)
  builder.addPartition(name, group)
  builder.resize(name, bytes)
  await updateAllTables(disk, { geometry: builder.geometry, metadata: builder.build() })
}

/** A partition that takes all that is free. */
export async function fillSuper(terminal: SimulatedTerminal, name: string): Promise<void> {
  const disk = await Disk.load(terminal.storage)
  const builder = await opened(disk)
  builder.addPartition(name, 'default')
  const unit = 4096
  for (let bytes = unit; ; bytes += unit) {
    try {
      builder.resize(name, bytes)
    } catch (thrown) {
      if (!(thrown instanceof SlotbenchError) || thrown.code !== 'super-space') throw thrown
      break
    }
  }
  await updateAllTables(disk, { geometry: builder.geometry, metadata: builder.build() })
}

async function opened(disk: Disk): Promise<SuperBuilder> {
  const tables = await readTables(disk, 0)
  if (!tables) throw new Error('super has no tables')
  return SuperBuilder.from(tables.geometry, tables.metadata)
}

export async function partitionsInSuper(terminal: SimulatedTerminal, slot: Slot): Promise<readonly string[]> {
  const tables = await readTables(await Disk.load(terminal.storage), slot === 'b' ? 1 : 0)
  return tables?.metadata.partitions.map(({ name }) => name) ?? []
}
