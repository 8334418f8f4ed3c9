// The commands of a bootloader: each returns the words of its OKAY, or throws Refused with those of its FAIL.
import { parseSlot } from '../../shared/units.ts'
import { leaveMessage } from '../boot/message.ts'
import type { Partition } from '../storage/disk.ts'
import type { NonVolatile } from '../storage/storage.ts'
import { type MergeStatus, readMergeStatus } from '../super/merge-status.ts'
import {
  type Bootloader,
  type CommandContext,
  type FastbootMachine,
  partitionProfile,
  Refused,
  targetPartition,
} from './bootloader.ts'
import { looksSparse, writeSparse } from './sparse.ts'
import { listVariables, readVariable } from './variables.ts'

type Command = (context: CommandContext, argument: string) => Promise<string>

/** Hosts give up on a silent terminal after 30 s (AOSP fastboot README); a long write says that it lives. */
const SIGN_OF_LIFE_MS = 2000
const FETCH_PIECE = 1024 * 1024

/** Runs a command line.
 * @throws Refused when this bootloader does not know it or will not do it. */
async function execute(context: CommandContext, line: string): Promise<string> {
  const { commands } = context.bootloader.profile.fastboot
  const name = commands
    .filter((known) => line === known || line.startsWith(`${known}:`) || line.startsWith(`${known} `))
    .toSorted((a, b) => b.length - a.length)[0]
  const command = name === undefined ? undefined : COMMANDS[name]
  if (!name || !command) throw new Refused('unknown command')
  return command(context, line.slice(name.length + 1))
}

/** The bootloader as hosts talk to it. */
export function bootloaderMachine(bootloader: Bootloader): FastbootMachine {
  return {
    download: bootloader.download,
    replyBytes: bootloader.profile.fastboot.replyBytes,
    get injector() {
      return bootloader.injector
    },
    execute: (conversing, line) => execute({ ...conversing, bootloader }, line),
  }
}

const reboot =
  (to: 'system' | 'bootloader' | 'recovery' | 'fastbootd' | 'continue'): Command =>
  async ({ bootloader, leave }) => {
    if (to === 'recovery' || to === 'fastbootd') await leaveMessage(bootloader.disk, to)
    leave(to)
    return ''
  }

const setLock =
  (state: Partial<NonVolatile>): Command =>
  async ({ bootloader }) => {
    const { storage } = bootloader.disk
    // Unlocking, and locking again, wipes the owner's data so that it cannot be read or planted.
    if (state.unlocked !== undefined && state.unlocked !== storage.state.unlocked) await wipe(bootloader)
    await storage.setState(state)
    return ''
  }

const accept: Command = async () => ''

const deviceInfo: Command = async ({ bootloader, info }) => {
  const { unlocked, unlockedCritical } = bootloader.disk.storage.state
  await info('Verity mode: true')
  await info(`Device unlocked: ${unlocked}`)
  await info(`Device critical unlocked: ${unlockedCritical}`)
  await info('Charger screen enabled: true')
  return ''
}

const COMMANDS: Readonly<Record<string, Command>> = {
  getvar: async (context, name) => {
    if (name !== 'all') return readVariable(context.bootloader, name)
    await listVariables(context)
    return ''
  },
  download,
  flash,
  erase,
  fetch,
  set_active: setActive,
  continue: reboot('continue'),
  reboot: async (context, where) => reboot(where === 'bootloader' ? 'bootloader' : 'system')(context, ''),
  'reboot-bootloader': reboot('bootloader'),
  'reboot-recovery': reboot('recovery'),
  'reboot-fastboot': reboot('fastbootd'),
  'flashing get_unlock_ability': async ({ info }) => {
    await info('get_unlock_ability: 1')
    return ''
  },
  'flashing unlock': setLock({ unlocked: true, unlockedCritical: true }),
  'flashing lock': setLock({ unlocked: false, unlockedCritical: false }),
  'oem nubia_unlock': setLock({ unlocked: true }),
  'oem nubia_lock': setLock({ unlocked: false, unlockedCritical: false }),
  'oem nubia_unlock_critical': setLock({ unlockedCritical: true }),
  'oem nubia_lock_critical': setLock({ unlockedCritical: false }),
  'oem nubia_device-info': deviceInfo,
  'oem device-info': deviceInfo,
  'oem enable-charger-screen': accept,
  'oem disable-charger-screen': accept,
  'oem off-mode-charge': accept,
  'oem select-display-panel': accept,
}

async function download({ bootloader, receive }: CommandContext, argument: string): Promise<string> {
  if (!/^[0-9a-f]{8}$/i.test(argument)) throw new Refused('invalid download size')
  const size = Number.parseInt(argument, 16)
  if (size === 0 || size > bootloader.profile.fastboot.maxDownload)
    throw new Refused('requested download size is more than max allowed')
  await receive(size)
  return ''
}

async function flash(context: CommandContext, name: string): Promise<string> {
  const { bootloader } = context
  const { disk, download: buffer } = bootloader
  const partition = await writable(bootloader, name, 'flash')
  const image = buffer.content
  if (image.length === 0) throw new Refused('no image was downloaded')
  // One download is flashed once: the memory is the bootloader's again afterwards.
  const sign = signOfLife(context, `writing ${partition.name}`)
  const write = async (offset: number, bytes: Uint8Array) => {
    await disk.write(partition, offset, bytes)
    await sign()
  }
  try {
    if (looksSparse(image)) await writeSparse(image, { size: partition.size, write: inSteps(write) })
    else if (image.length > partition.size) throw new Refused('image size exceeds partition size')
    else await inSteps(write)(0, image)
  } finally {
    buffer.clear()
  }
  return ''
}

/** Large writes in steps, so that a sign of life can go out between them. */
function inSteps(write: (offset: number, bytes: Uint8Array) => Promise<void>) {
  const step = 2 * 1024 * 1024
  return async (offset: number, bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; at += step) await write(offset + at, bytes.subarray(at, at + step))
  }
}

function signOfLife({ info }: CommandContext, words: string): () => Promise<void> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < SIGN_OF_LIFE_MS) return
    last = performance.now()
    await info(words)
  }
}

async function erase({ bootloader }: CommandContext, name: string): Promise<string> {
  await bootloader.disk.erase(await writable(bootloader, name, 'erase'))
  return ''
}

/** @throws Refused when the bootloader is locked for this partition, or there is none. */
async function writable(bootloader: Bootloader, name: string, what: string): Promise<Partition> {
  const status = await mergeStatus(bootloader)
  if (DURING_UPDATES.has(name) && (status === 'snapshotted' || status === 'merging'))
    throw new Refused(`${what} of ${name} is not allowed in ${status} state`)
  const { unlocked, unlockedCritical } = bootloader.disk.storage.state
  if (!unlocked) throw new Refused(`${what} is not allowed in locked state`)
  const partition = await targetPartition(bootloader, name)
  if (partitionProfile(bootloader, partition.name)?.critical && !unlockedCritical)
    throw new Refused(`${what} is not allowed for critical partitions`)
  return partition
}

/** Partitions that hold the state of an update, and its content (AOSP, Virtual A/B: what a bootloader has to protect). */
const DURING_UPDATES = new Set(['userdata', 'metadata', 'misc'])

async function mergeStatus({ profile, disk, slots }: Bootloader): Promise<MergeStatus> {
  return profile.dynamic ? readMergeStatus(disk, (await slots?.read())?.active) : 'none'
}

async function setActive({ bootloader }: CommandContext, name: string): Promise<string> {
  const slot = parseSlot(name)
  if (!bootloader.slots || !slot) throw new Refused('no such slot')
  if (!bootloader.disk.storage.state.unlocked) throw new Refused('slot change is not allowed in locked state')
  if ((await mergeStatus(bootloader)) === 'merging')
    throw new Refused('slot change is not allowed in merging state')
  await bootloader.slots.setActive(slot)
  return ''
}

/** `fetch:PARTITION[:offset[:length]]`, offset and length in hexadecimal (AOSP fastboot README). */
async function fetch({ bootloader, sendData }: CommandContext, argument: string): Promise<string> {
  const [name = '', offsetText, lengthText] = argument.split(':')
  const partition = await targetPartition(bootloader, name)
  const offset = offsetText === undefined ? 0 : Number(offsetText)
  const length = lengthText === undefined ? partition.size - offset : Number(lengthText)
  const whole = (value: number) => Number.isSafeInteger(value) && value >= 0
  if (!whole(offset) || !whole(length) || offset + length > partition.size)
    throw new Refused('fetch is out of range')
  if (length > (bootloader.profile.fastboot.maxFetch ?? 0))
    throw new Refused('fetch size exceeds max-fetch-size')
  const { disk } = bootloader
  await sendData(
    length,
    (async function* pieces() {
      for (let at = 0; at < length; at += FETCH_PIECE)
        yield await disk.read(partition, offset + at, Math.min(FETCH_PIECE, length - at))
    })(),
  )
  return ''
}

async function wipe({ disk }: Bootloader): Promise<void> {
  for (const name of ['userdata', 'metadata']) {
    const partition = disk.find(name)
    if (partition) await disk.erase(partition)
  }
}
