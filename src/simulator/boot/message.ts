// The message in misc by which one boot tells the next what to run (AOSP bootloader_message.h, init reboot.cpp; zte-domain §4.5).
import { BOOTLOADER_MESSAGE_SIZE, parseBootloaderMessage } from '../../main/core/formats/bootctl.ts'
import type { Disk } from '../storage/disk.ts'
import type { RebootTarget } from '../terminal-state.ts'

/** What the message asks for. */
export type MessageWish = 'bootloader' | 'recovery' | 'sideload' | 'rescue' | 'fastbootd'

const COMMAND_BYTES = 32
const RECOVERY_AT = 64
const RECOVERY_BYTES = 768

interface Words {
  readonly command: string
  readonly recovery: string
}

const recovery = (...options: readonly string[]): Words => ({
  command: 'boot-recovery',
  recovery: ['recovery', ...options, ''].join('\n'),
})

const WORDS: Readonly<Partial<Record<RebootTarget, Words>>> = {
  recovery: recovery(),
  sideload: recovery('--sideload'),
  'sideload-auto-reboot': recovery('--sideload_auto_reboot'),
  rescue: recovery('--rescue'),
  fastbootd: { command: 'boot-fastboot', recovery: '' },
}

/** Undefined when it asks for nothing that is known, or there is no misc. */
export async function readMessage(disk: Disk): Promise<MessageWish | undefined> {
  const misc = disk.find('misc')
  if (!misc) return undefined
  const message = parseBootloaderMessage(await disk.read(misc, 0, BOOTLOADER_MESSAGE_SIZE))
  switch (message.command) {
    case 'bootonce-bootloader':
      return 'bootloader'
    case 'boot-fastboot':
      return 'fastbootd'
    case 'boot-rescue':
      return 'rescue'
    case 'boot-recovery':
      return recoveryWish(message.recovery.split('\n'))
    default:
      return undefined
  }
}

function recoveryWish(options: readonly string[]): MessageWish {
  if (options.includes('--rescue')) return 'rescue'
  return options.some((option) => option.startsWith('--sideload')) ? 'sideload' : 'recovery'
}

/** Leaves word for the next boot; targets that need no word (system, and those of the chip's reset reason) clear it.
 * @throws PowerLost. */
export async function leaveMessage(disk: Disk, to: RebootTarget): Promise<void> {
  const words = WORDS[to] ?? { command: '', recovery: '' }
  const misc = disk.find('misc')
  if (!misc) return
  // Whole sectors, so that a power cut leaves the old message or the new one.
  const head = await disk.read(misc, 0, disk.storage.sectorSize)
  const before = head.slice()
  head.fill(0, 0, COMMAND_BYTES)
  head.set(Buffer.from(words.command, 'latin1'))
  const room = Math.min(RECOVERY_BYTES, head.length - RECOVERY_AT)
  head.fill(0, RECOVERY_AT, RECOVERY_AT + room)
  head.set(Buffer.from(words.recovery, 'latin1'), RECOVERY_AT)
  if (Buffer.compare(before, head) !== 0) await disk.write(misc, 0, head)
}
