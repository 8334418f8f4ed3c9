// What boot control remembers of an update that is staged in snapshots: the virtual A/B message in misc (zte-domain §4.5;
// AOSP bootloader_message.h misc_virtual_ab_message, libboot_control.cpp).
import type { Slot } from '../../shared/units.ts'
import type { Disk } from '../storage/disk.ts'

/** As MergeStatus of the boot HAL numbers them. */
const STATUSES = ['none', 'unknown', 'snapshotted', 'merging', 'cancelled'] as const
export type MergeStatus = (typeof STATUSES)[number]

const OFFSET = 32 * 1024
const MAGIC = 0x56740ab0
const VERSION = 2
/** version u8, magic u32, status u8, source slot u8; 64 bytes in all. */
const SIZE = 64

interface Message {
  readonly status: MergeStatus
  readonly source: Slot
}

/** @param slot that is running. A terminal that runs on the slot the update came from counts as not updating: the snapshots will
 * be thrown away when that slot boots. */
export async function readMergeStatus(disk: Disk, slot: Slot | undefined): Promise<MergeStatus> {
  const { status, source } = await readMessage(disk)
  return status === 'snapshotted' && slot === source ? 'none' : status
}

/** The running slot becomes the source of what is staged. @throws PowerLost. */
export async function writeMergeStatus(
  disk: Disk,
  slot: Slot | undefined,
  status: MergeStatus,
): Promise<void> {
  const misc = disk.find('misc')
  if (!misc) return
  const present = await readMessage(disk)
  if (present.status === status) return
  const source = status === 'snapshotted' ? (slot ?? 'a') : present.source
  const { sectorSize } = disk.storage
  const sector = await disk.read(misc, OFFSET, sectorSize)
  const view = new DataView(sector.buffer)
  sector.fill(0, 0, SIZE)
  view.setUint8(0, VERSION)
  view.setUint32(1, MAGIC, true)
  view.setUint8(5, STATUSES.indexOf(status))
  view.setUint8(6, source === 'b' ? 1 : 0)
  await disk.write(misc, OFFSET, sector)
}

async function readMessage(disk: Disk): Promise<Message> {
  const misc = disk.find('misc')
  const view = misc && new DataView((await disk.read(misc, OFFSET, SIZE)).buffer)
  if (view?.getUint8(0) !== VERSION || view.getUint32(1, true) !== MAGIC)
    return { status: 'none', source: 'a' }
  return { status: STATUSES[view.getUint8(5)] ?? 'unknown', source: view.getUint8(6) === 1 ? 'b' : 'a' }
}
