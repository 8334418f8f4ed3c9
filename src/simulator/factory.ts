// The factory: partition tables, what makes a terminal itself (radio, identity), and the images it is delivered with.
import type { ImageSource } from '../main/core/source.ts'
import { SlotbenchError } from '../shared/errors.ts'
import { missingCase } from '../shared/missing-case.ts'
import { makeFirmware } from './boot/firmware.ts'
import { factorySlots, slotStore } from './boot/slot-store.ts'
import type { TerminalProfile } from './profiles/types.ts'
import { randomBytes } from './randomness.ts'
import { Disk, type Partition } from './storage/disk.ts'
import { partition } from './storage/layout.ts'
import type { SimulatedStorage } from './storage/storage.ts'
import { factorySlotsInSuper, filledSuper } from './super/factory-super.ts'
import { type LogicalPartitions, mapTable } from './super/mount.ts'
import { flashTables } from './super/tables.ts'

/** Partition contents by full name (`boot_a`). */
export type FactoryImages = ReadonlyMap<string, ImageSource | Uint8Array<ArrayBuffer>>

export interface FactoryOrder {
  readonly profile: TerminalProfile
  readonly storage: SimulatedStorage
  readonly images: FactoryImages | undefined
  readonly unlocked: boolean
  readonly serial: string | undefined
}

/** Holds what no package may ever overwrite: different on every terminal. */
const IDENTITY = /^(persist|modemst\d|fsg|fsc|devinfo|prodnv|miscdata|l_(fix|runtime)nv\d)$/
const IDENTITY_BYTES = 64 * 1024

/** Makes the terminal, unless the storage already holds one.
 * @throws SlotbenchError `image-too-large`. */
export async function manufacture(order: FactoryOrder): Promise<void> {
  const { profile, storage } = order
  if ([...(await Disk.load(storage)).partitions].length > 0) return
  await partition(storage, profile)
  const disk = await Disk.load(storage)
  await factorySlots(profile.slotScheme, disk)
  await storage.setState({ unlocked: order.unlocked, unlockedCritical: order.unlocked })
  const logical = await makeSuper(profile, disk)
  for (const { name, verification, size, slotted } of profile.partitions) {
    for (const fullName of slotted ? [`${name}_a`, `${name}_b`] : [name]) {
      const target = logical?.get(fullName) ?? disk.find(fullName)
      // Of a slot that super has no room for.
      if (!target) continue
      const image = order.images?.get(fullName)
      if (image) await install(disk, target, image)
      else if (verification === 'firmware') await disk.write(target, 0, makeFirmware('factory', size))
      else if (IDENTITY.test(name) || name === 'userdata')
        await disk.write(target, 0, ownBytes(order, fullName, size))
    }
  }
}

/** @returns the logical partitions that have room; undefined on terminals without super. */
async function makeSuper(profile: TerminalProfile, disk: Disk): Promise<LogicalPartitions | undefined> {
  if (!profile.dynamic) return undefined
  const slots = factorySlotsInSuper(profile)
  const builder = filledSuper(profile, slots)
  await flashTables(disk, { geometry: builder.geometry, metadata: builder.build() })
  // A slot without its logical partitions has never booted and is not told to.
  if (!slots.includes('b'))
    await slotStore(profile.slotScheme, disk)?.update('b', {
      ...{ retryCount: 0, successful: false, unbootable: true },
    })
  return mapTable(disk, 0)
}

function ownBytes({ profile, serial }: FactoryOrder, name: string, size: number): Uint8Array {
  return randomBytes(`${profile.id} ${serial ?? 'nameless'} ${name}`, Math.min(size, IDENTITY_BYTES))
}

async function install(
  disk: Disk,
  target: Partition,
  image: ImageSource | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const size = image instanceof Uint8Array ? image.length : image.size
  if (size > target.size)
    throw new SlotbenchError('image-too-large', `${size} bytes do not fit ${target.name} (${target.size})`)
  if (image instanceof Uint8Array) return disk.write(target, 0, image)
  for await (const extent of image.extents({ signal: new AbortController().signal })) {
    switch (extent.kind) {
      case 'data':
        await disk.write(target, extent.offset, extent.bytes)
        break
      case 'fill':
        // Fresh storage is zeros already.
        if (extent.word !== 0) await disk.write(target, extent.offset, filled(extent.length, extent.word))
        break
      case 'hole':
        break
      default:
        missingCase(extent)
    }
  }
}

function filled(length: number, word: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4)).fill(word)
  return new Uint8Array(words.buffer, 0, length)
}
