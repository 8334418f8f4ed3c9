// The commands of userspace fastboot that change the tables of super, with AOSP's own words (fastboot/device/commands.cpp,
// flashing.cpp UpdateSuper). Whatever they change, they write to the metadata slots of both boot slots.
import { readSuper } from '../../main/core/formats/super.ts'
import {
  COW_GROUP,
  DEFAULT_GROUP,
  LP_ATTRIBUTE,
  SuperBuilder,
} from '../../main/core/formats/super-builder.ts'
import { SlotbenchError } from '../../shared/errors.ts'
import { bytes, splitSlot } from '../../shared/units.ts'
import { flashTables, type Tables, updateAllTables } from '../super/tables.ts'
import { Refused } from './bootloader.ts'
import type { Fastbootd } from './fastbootd.ts'
import type { FastbootdCommand } from './fastbootd-commands.ts'
import { looksSparse } from './sparse.ts'

export const createLogical: FastbootdCommand = async ({ device }, [name, sizeText]) => {
  const size = checked(device, name, sizeText)
  const builder = await openBuilder(device)
  if (builder.find(size.name)) throw new Refused('Partition already exists')
  attempt('Failed to add partition', () => builder.addPartition(size.name, DEFAULT_GROUP))
  attempt('Not enough space for partition', () => builder.resize(size.name, size.bytes))
  await write(device, builder)
  return 'Partition created'
}

/** Also done when there is none of that name. */
export const deleteLogical: FastbootdCommand = async ({ device }, [name]) => {
  if (name === undefined) throw new Refused('Invalid partition name and size')
  if (device.locked) throw new Refused('Command not available on locked devices')
  const builder = await openBuilder(device)
  await write(device, builder.removePartition(name))
  return 'Partition deleted'
}

export const resizeLogical: FastbootdCommand = async ({ device }, [name, sizeText]) => {
  const size = checked(device, name, sizeText)
  const builder = await openBuilder(device)
  const present = builder.find(size.name)
  if (!present) throw new Refused('Partition does not exist')
  // Cancels its snapshot.
  builder.setAttributes(size.name, present.attributes & ~LP_ATTRIBUTE.updated)
  attempt('Not enough space to resize partition', () => builder.resize(size.name, size.bytes))
  await write(device, builder)
  return 'Partition resized'
}

/** Before a logical partition is flashed. What cannot be read is left alone. */
export async function cancelSnapshotOf(device: Fastbootd, name: string): Promise<void> {
  const tables = await device.tables()
  if (!tables) return
  const builder = SuperBuilder.from(tables.geometry, tables.metadata)
  const present = builder.find(name)
  if (!present) return
  builder.setAttributes(name, present.attributes & ~LP_ATTRIBUTE.updated)
  await write(device, builder)
}

export const updateSuper: FastbootdCommand = async ({ device }, [name, how]) => {
  if (name === undefined) throw new Refused('Invalid arguments')
  if (device.locked) throw new Refused('Command not available on locked devices')
  const image = device.download.content.slice()
  device.download.clear()
  if (image.length === 0) throw new Refused('No data available')
  const fresh = await parseImage(image)
  if (!device.disk.find(name))
    throw new Refused(`Cannot find ${name}, build may be missing broken or missing boot_devices`)
  const old = await device.tables()
  if (how === 'wipe' || !old) {
    await attemptWrite('Unable to flash new partition table', () => flashTables(device.disk, fresh))
    return 'Successfully flashed partition table'
  }
  const merged = keepOld(device, fresh, old)
  await attemptWrite('Unable to write new partition table', () => updateAllTables(device.disk, merged))
  return 'Successfully updated partition table'
}

/** Partitions of either slot are given up: on Virtual A/B the other slot has none of its own. What else there is stays. */
function keepOld(device: Fastbootd, fresh: Tables, old: Tables): Tables {
  const kept = old.metadata.partitions.filter(({ name, group }) => {
    const ofSlot = device.currentSlot !== undefined && splitSlot(name).slot !== undefined
    return !ofSlot && group !== COW_GROUP && name !== 'scratch'
  })
  if (kept.length === 0) return fresh
  const builder = SuperBuilder.from(fresh.geometry, fresh.metadata)
  const names = new Set(kept.map(({ name }) => name))
  const words = 'Old partitions are not compatible with the new super layout; wipe needed'
  attempt(words, () => builder.importPartitions(old.metadata, names))
  return { geometry: fresh.geometry, metadata: builder.build() }
}

/** A raw geometry block and one copy of the metadata; sparse files are not unpacked. */
async function parseImage(image: Uint8Array<ArrayBuffer>): Promise<Tables> {
  const wrong = new Refused('Data is not a valid logical partition metadata image')
  if (looksSparse(image)) throw wrong
  const source = {
    name: 'download',
    size: bytes(image.length),
    read: async (offset: number, length: number) => image.slice(offset, offset + length),
    close: async () => {},
  }
  try {
    const { form, geometry, metadata } = await readSuper(source, { signal: new AbortController().signal })
    if (form === 'metadata') return { geometry, metadata }
  } catch (thrown) {
    if (!(thrown instanceof SlotbenchError)) throw thrown
  }
  throw wrong
}

function checked(device: Fastbootd, name: string | undefined, sizeText: string | undefined) {
  if (name === undefined || sizeText === undefined) throw new Refused('Invalid partition name and size')
  if (device.locked) throw new Refused('Command not available on locked devices')
  // ParseUint takes decimal and 0x.
  const size = /^(\d+|0x[0-9a-f]+)$/i.test(sizeText) ? Number(sizeText) : Number.NaN
  if (!Number.isSafeInteger(size)) throw new Refused('Invalid partition size')
  return { name, bytes: size }
}

async function openBuilder(device: Fastbootd): Promise<SuperBuilder> {
  const tables = await device.tables()
  if (!tables) throw new Refused('Could not open super partition')
  return SuperBuilder.from(tables.geometry, tables.metadata)
}

async function write(device: Fastbootd, builder: SuperBuilder): Promise<void> {
  await attemptWrite('Failed to write partition table', () =>
    updateAllTables(device.disk, { geometry: builder.geometry, metadata: builder.build() }),
  )
}

function attempt(words: string, run: () => unknown): void {
  try {
    run()
  } catch (thrown) {
    throw thrown instanceof SlotbenchError ? new Refused(words) : thrown
  }
}

async function attemptWrite(words: string, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (thrown) {
    throw thrown instanceof SlotbenchError && thrown.code !== 'internal' ? new Refused(words) : thrown
  }
}
