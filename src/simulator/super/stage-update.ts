// Stages an update in snapshots as update_engine does on Virtual A/B terminals: the new slot takes over the extents of the old one,
// and the new content waits in `-cow` partitions until it has booted (AOSP libsnapshot; liblp UpdateMetadataForInPlaceSnapshot).
import { COW_GROUP, LP_ATTRIBUTE, SuperBuilder } from '../../main/core/formats/super-builder.ts'
import type { SuperMetadata } from '../../main/core/formats/super-metadata.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { otherSlot, type Slot } from '../../shared/units.ts'
import { type DynamicLayout, physicalVolumes, type Volume, type Volumes } from '../adb/volumes.ts'
import type { Disk, Partition } from '../storage/disk.ts'
import { STAGED_FROM } from './factory-super.ts'
import { readMergeStatus, writeMergeStatus } from './merge-status.ts'
import { cowOf, mapTable, mountLogical } from './mount.ts'
import { type OtaRecord, readOta, type Snapshot, writeOta } from './ota-record.ts'
import { dropUpdate } from './settle-update.ts'
import { metadataSlot, readTables, type Tables, updateTables } from './tables.ts'

/** The partitions of a terminal with super, as an update engine that runs on `running` sees them. */
export function superVolumes(disk: Disk, running: Slot | undefined): Volumes {
  const physical = physicalVolumes(disk)
  return {
    prepare: (target, layout) => prepare(disk, target ?? 'a', layout),
    async open(base, slot) {
      const opened =
        slot && slot !== running ? await openNew(disk, base, slot) : await openOld(disk, base, slot)
      return opened ? volumeOf(disk, opened) : physical.open(base, slot)
    },
    async finish(target) {
      const ota = await readOta(disk)
      if (!ota || !target) return
      await writeOta(disk, { ...ota, state: 'snapshotted' })
      await writeMergeStatus(disk, ota.source, 'snapshotted')
    },
  }
}

async function openOld(disk: Disk, base: string, slot: Slot | undefined): Promise<Partition | undefined> {
  const mounted = await mountLogical(disk, slot)
  return typeof mounted === 'string' ? undefined : mounted.get(slot ? `${base}_${slot}` : base)
}

async function openNew(disk: Disk, base: string, slot: Slot): Promise<Partition | undefined> {
  const snapshot = (await readOta(disk))?.snapshots.find(({ partition }) => partition === `${base}_${slot}`)
  const table = await mapTable(disk, metadataSlot(slot))
  return snapshot && table && cowOf(disk, table, snapshot)
}

function volumeOf(disk: Disk, partition: Partition): Volume {
  return {
    size: partition.size,
    read: (offset, length) => disk.read(partition, offset, length),
    write: (offset, bytes) => disk.write(partition, offset, bytes),
  }
}

/** @returns why it cannot be, in words. */
async function prepare(disk: Disk, target: Slot, layout: DynamicLayout): Promise<string | undefined> {
  const source = otherSlot(target)
  if ((await readMergeStatus(disk, source)) === 'merging') return 'an earlier update is still being merged'
  await dropUpdate(disk)
  const present = await readTables(disk, metadataSlot(source))
  if (!present) return 'the metadata of super cannot be read'
  try {
    const { tables, snapshots } = layOut(present, target, layout, disk.find('userdata')?.size ?? 0)
    const record: OtaRecord = { source, state: 'staging', snapshots }
    await writeOta(disk, record)
    await updateTables(disk, metadataSlot(target), tables)
    return undefined
  } catch (thrown) {
    if (thrown instanceof SlotbenchError && thrown.code === 'super-space') return thrown.message
    throw thrown
  }
}

/** The table of the new slot, and where each snapshot lies.
 * @throws SlotbenchError `super-space`. */
function layOut(
  present: Tables,
  target: Slot,
  layout: DynamicLayout,
  userdataSize: number,
): { readonly tables: Tables; readonly snapshots: Snapshot[] } {
  const builder = SuperBuilder.from(present.geometry, renamed(present.metadata, target))
  const wanted = layout.groups.flatMap(({ name, partitions }) =>
    partitions.map((base) => ({ group: `${name}_${target}`, name: `${base}_${target}`, base })),
  )
  for (const { name, group, base } of wanted) {
    const bytes = layout.sizes.get(base) ?? 0
    if (!builder.find(name)) builder.addPartition(name, group)
    builder.setAttributes(name, LP_ATTRIBUTE.readOnly | LP_ATTRIBUTE.updated)
    // What shrinks keeps its extents until it is merged: they are the old slot's too.
    if ((builder.find(name)?.size ?? 0) < bytes) builder.resize(name, bytes)
  }
  const snapshots: Snapshot[] = []
  let userdata = STAGED_FROM
  for (const { name, base } of wanted) {
    const bytes = layout.sizes.get(base) ?? 0
    const inSuper = addCow(builder, `${name}-cow`, bytes)
    const cow = inSuper ? { logical: `${name}-cow` } : { userdata }
    if (!inSuper) userdata += bytes
    if (!inSuper && userdata > userdataSize)
      throw new SlotbenchError(
        'super-space',
        `neither super nor userdata has room for ${bytes} bytes of ${name}`,
      )
    snapshots.push({ partition: name, bytes, cow, merged: 0 })
  }
  return { tables: { geometry: present.geometry, metadata: builder.build() }, snapshots }
}

function addCow(builder: SuperBuilder, name: string, bytes: number): boolean {
  builder.addPartition(name, COW_GROUP)
  try {
    builder.resize(name, bytes)
    return true
  } catch (thrown) {
    if (!(thrown instanceof SlotbenchError) || thrown.code !== 'super-space') throw thrown
    builder.removePartition(name)
    return false
  }
}

/** The old slot's partitions and groups under the new slot's names; what the new slot had before is gone. */
function renamed(metadata: SuperMetadata, target: Slot): SuperMetadata {
  const [from, to] = [`_${otherSlot(target)}`, `_${target}`]
  const rename = (name: string) => (name.endsWith(from) ? name.slice(0, -from.length) + to : name)
  const groups = metadata.groups.filter(({ name }) => !name.endsWith(to) && name !== COW_GROUP)
  const kept = new Set(groups.map(({ name }) => name))
  return {
    ...metadata,
    groups: [
      ...groups.map((group) => ({ ...group, name: rename(group.name) })),
      { name: COW_GROUP, flags: 0, maximumSize: 0 },
    ],
    partitions: metadata.partitions
      .filter(({ name, group }) => kept.has(group) && !name.endsWith(to))
      .map((partition) => ({ ...partition, name: rename(partition.name), group: rename(partition.group) })),
  }
}
