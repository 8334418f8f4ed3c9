// The commands of userspace fastboot that are not about super, with AOSP's own words (fastboot/device/commands.cpp, flashing.cpp).
import { leaveMessage } from '../boot/message.ts'
import type { Partition } from '../storage/disk.ts'
import { writeMergeStatus } from '../super/merge-status.ts'
import { mergeUpdate } from '../super/settle-update.ts'
import { type Conversing, Refused } from './bootloader.ts'
import type { Fastbootd } from './fastbootd.ts'
import {
  cancelSnapshotOf,
  createLogical,
  deleteLogical,
  resizeLogical,
  updateSuper,
} from './fastbootd-super.ts'
import { getVariable } from './fastbootd-variables.ts'
import { looksSparse, writeSparse } from './sparse.ts'

export interface FastbootdContext extends Conversing {
  readonly device: Fastbootd
}

export type FastbootdCommand = (context: FastbootdContext, args: readonly string[]) => Promise<string>

const FETCH_PIECE = 1024 * 1024
/** Raw data goes in pieces of this size. */
const WRITE_PIECE = 1024 * 1024
/** What an update in snapshots stands on. */
const DURING_UPDATES = new Set(['userdata', 'metadata', 'misc'])

const reboot =
  (to: 'system' | 'bootloader' | 'recovery' | 'fastbootd' | 'off', words: string): FastbootdCommand =>
  async ({ device, leave }) => {
    if (to === 'fastbootd') await leaveMessage(device.disk, to)
    leave(to)
    return words
  }

const download: FastbootdCommand = async ({ device, receive }, [text]) => {
  if (text === undefined) throw new Refused('size argument unspecified')
  if (device.locked) throw new Refused('Download is not allowed on locked devices')
  if (text.length !== 8) throw new Refused('Invalid size (length of size != 8)')
  const size = /^[0-9a-f]{8}$/i.test(text) ? Number.parseInt(text, 16) : Number.NaN
  if (!(size <= device.settings.maxDownload)) throw new Refused('Invalid size')
  if (size === 0) throw new Refused('Invalid size (0)')
  await receive(size)
  return ''
}

const flash: FastbootdCommand = async ({ device }, [name]) => {
  if (name === undefined) throw new Refused('Invalid arguments')
  if (device.locked) throw new Refused('Flashing is not allowed on locked devices')
  await checkProtected(device, name, 'flash')
  if (await device.isLogical(name)) await cancelSnapshotOf(device, name)
  const partition = await device.open(name)
  if (!partition) throw new Refused('No such file or directory')
  const image = device.download.content
  if (image.length === 0) throw new Refused('Invalid argument')
  try {
    await writeImage(device, partition, image)
  } finally {
    device.download.clear()
  }
  return 'Flashing succeeded'
}

/** Writes until there is no more room: what fits stays written, and the host is told why it ended. */
async function writeImage(device: Fastbootd, partition: Partition, image: Uint8Array): Promise<void> {
  const write = async (offset: number, bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; at += WRITE_PIECE) {
      const piece = bytes.subarray(at, at + WRITE_PIECE)
      const room = Math.max(0, partition.size - offset - at)
      await device.disk.write(partition, Math.min(offset + at, partition.size), piece.subarray(0, room))
      if (room < piece.length) throw new Refused('No space left on device')
    }
  }
  if (!looksSparse(image)) return write(0, withFooterAtEnd(partition, image))
  try {
    await writeSparse(image, { size: Number.MAX_SAFE_INTEGER, write })
  } catch (thrown) {
    if (thrown instanceof Refused && thrown.message !== 'No space left on device')
      throw new Refused('Invalid argument')
    throw thrown
  }
}

const FOOTER_BYTES = 64
const WITH_FOOTER = /^(init_)?boot(_[ab])?$/

/** A boot image that is smaller than its partition gets its AVB footer moved to the end (flashing.cpp, CopyAVBFooter). */
function withFooterAtEnd({ name, size }: Partition, image: Uint8Array): Uint8Array {
  const footer = image.subarray(-FOOTER_BYTES)
  const has =
    footer.length === FOOTER_BYTES && Buffer.from(footer.subarray(0, 4)).toString('latin1') === 'AVBf'
  if (!WITH_FOOTER.test(name) || image.length >= size || !has) return image
  const whole = new Uint8Array(size)
  whole.set(image)
  whole.set(footer, size - FOOTER_BYTES)
  return whole
}

const erase: FastbootdCommand = async ({ device }, [name]) => {
  if (name === undefined) throw new Refused('Invalid arguments')
  if (device.locked) throw new Refused('Erase is not allowed on locked devices')
  await checkProtected(device, name, 'erase')
  const partition = await device.open(name)
  if (!partition) throw new Refused("Partition doesn't exist")
  await device.disk.erase(partition)
  return 'Erasing succeeded'
}

async function checkProtected(device: Fastbootd, name: string, what: string): Promise<void> {
  if (!DURING_UPDATES.has(name)) return
  const status = await device.mergeStatus()
  if (status === 'snapshotted' || status === 'merging')
    throw new Refused(`Cannot ${what} ${name} while a snapshot update is in progress`)
}

const setActive: FastbootdCommand = async ({ device, info }, [text]) => {
  if (text === undefined) throw new Refused('Missing slot argument')
  if (device.locked) throw new Refused('set_active command is not allowed on locked devices')
  if (!/^[a-z]$/.test(text)) throw new Refused('Bad slot suffix')
  if (!device.slots) throw new Refused('Cannot set slot: boot control HAL absent')
  if (text !== 'a' && text !== 'b') throw new Refused('Slot out of range')
  const status = await device.mergeStatus()
  if (status === 'merging') throw new Refused('Cannot change slots while a snapshot update is in progress')
  if (status === 'snapshotted')
    await info('Changing the active slot with a snapshot applied may cancel the update.')
  await device.slots.setActive(text)
  device.currentSlot = text
  return ''
}

const snapshotUpdate: FastbootdCommand = async ({ device, info }, [what, ...more]) => {
  const { disk, booted } = device
  if (!device.slots) throw new Refused('Not supported')
  const status = await device.mergeStatus()
  if (!what) {
    await info(status === 'snapshotted' || status === 'merging' ? status : 'none')
    return ''
  }
  if (more.length > 0) throw new Refused('Invalid arguments')
  if (what === 'cancel') {
    if (status === 'snapshotted' || status === 'merging')
      await writeMergeStatus(disk, booted.slot, 'cancelled')
  } else if (what === 'merge') {
    if (status !== 'merging') throw new Refused('No snapshot merge is in progress')
    if (!(await mergeUpdate(disk, booted.slot))) throw new Refused('Unable to finish snapshot merge')
  } else throw new Refused('Invalid parameter to snapshot-update')
  return 'Success'
}

/** Only on debuggable builds, and AOSP's only vendor_boot. */
const fetch: FastbootdCommand = async ({ device, sendData }, [name, offsetText, lengthText]) => {
  const { maxFetch, fetchesAll = false } = device.settings
  if (maxFetch === undefined) throw new Refused('Fetch is not allowed on user build')
  if (device.locked) throw new Refused('Fetch is not allowed on locked devices')
  if (name === undefined) throw new Refused('Missing partition arg')
  if (!fetchesAll && !/^vendor_boot(_[ab])?$/.test(name))
    throw new Refused('Fetch is only allowed on [vendor_boot, vendor_boot_a, vendor_boot_b]')
  const partition = await device.open(name)
  if (!partition) throw new Refused(`Cannot open ${name}`)
  const offset = offsetText === undefined ? 0 : Number(offsetText)
  const length = lengthText === undefined ? partition.size - offset : Number(lengthText)
  if (!Number.isSafeInteger(offset) || offset < 0) throw new Refused('Invalid offset, must be integer')
  if (offset > partition.size) throw new Refused(`Invalid offset 0x${offset.toString(16)}, partition ${name}`)
  if (!Number.isSafeInteger(length) || length < 0) throw new Refused('Invalid size, must be integer')
  if (length === 0) return 'Read 0 bytes'
  if (length > partition.size - offset) throw new Refused(`Invalid size to read 0x${length.toString(16)}`)
  if (length > maxFetch) throw new Refused(`Cannot fetch 0x${length.toString(16)} bytes`)
  await sendData(length, pieces(device, partition, { offset, length }))
  return `Fetched ${name}`
}

async function* pieces(
  { disk }: Fastbootd,
  partition: Partition,
  { offset, length }: { readonly offset: number; readonly length: number },
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < length; at += FETCH_PIECE)
    yield await disk.read(partition, offset + at, Math.min(FETCH_PIECE, length - at))
}

/** `continue`, `boot` and `flashing …` are the bootloader's alone. */
export const COMMANDS: ReadonlyMap<string, FastbootdCommand> = new Map<string, FastbootdCommand>([
  ['getvar', getVariable],
  ['download', download],
  ['flash', flash],
  ['erase', erase],
  ['set_active', setActive],
  ['fetch', fetch],
  ['reboot', reboot('system', 'Rebooting')],
  ['reboot-bootloader', reboot('bootloader', 'Rebooting bootloader')],
  ['reboot-fastboot', reboot('fastbootd', 'Rebooting fastboot')],
  ['reboot-recovery', reboot('recovery', 'Rebooting to recovery')],
  ['shutdown', reboot('off', 'Shutting down')],
  ['create-logical-partition', createLogical],
  ['delete-logical-partition', deleteLogical],
  ['resize-logical-partition', resizeLogical],
  ['update-super', updateSuper],
  ['snapshot-update', snapshotUpdate],
  [
    'oem',
    async () => {
      throw new Refused('Unable to open fastboot HAL')
    },
  ],
])
