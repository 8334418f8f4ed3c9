// `sideload-host:` and `rescue-install:`: the host serves the blocks of a package, recovery installs it (AOSP minadbd_services.cpp).
import { BOOTLOADER_MESSAGE_SIZE, parseBootloaderMessage } from '../../main/core/formats/bootctl.ts'
import type { AdbContext } from '../adb/machine.ts'
import { type AdbStream, StreamClosed } from '../adb/stream.ts'
import type { AdbMachine } from '../adb-service.ts'
import { leaveMessage } from '../boot/message.ts'
import { LinkLost } from '../host-link.ts'
import { PowerLost } from '../storage/storage.ts'
import { HostFile } from './host-file.ts'
import { installPackage } from './install.ts'
import { UpdateRefused } from './refused.ts'

export interface PackageRequest {
  readonly kind: 'sideload' | 'rescue'
  readonly size: number
  readonly blockSize: number
}

/** AOSP fuse_sideload.cpp: blocks of 1 KiB to 4 MiB, at most 2^18 of them. */
const BLOCK_SIZES = { least: 1024, most: 4 * 1024 * 1024 }
const MOST_BLOCKS = 2 ** 18
/** How long the host may take to say goodbye before this mode ends. */
const FAREWELL_MS = 1000

/** @returns undefined when it is no such service, or asks for what cannot be. */
export function packageRequest(name: string): PackageRequest | undefined {
  const match = /^(sideload-host|rescue-install):(\d{1,15}):(\d{1,8})$/.exec(name)
  if (match === null) return undefined
  const [size, blockSize] = [Number(match[2]), Number(match[3])]
  if (blockSize < BLOCK_SIZES.least || blockSize > BLOCK_SIZES.most) return undefined
  if (size === 0 || Math.ceil(size / blockSize) > MOST_BLOCKS) return undefined
  return { kind: match[1] === 'sideload-host' ? 'sideload' : 'rescue', size, blockSize }
}

/** Serves until the package is installed or refused. Back in the menu afterwards, or restarted where that was asked for.
 * @throws StreamClosed, LinkLost or PowerLost. */
export async function serveSideload(
  context: AdbContext,
  stream: AdbStream,
  { kind, size, blockSize }: PackageRequest,
): Promise<void> {
  const { machine, behaviour, screen } = context
  const { cacheBlocks, faults, verdict } = behaviour.recovery
  const injector = () => machine.injector
  const file = new HostFile(stream, { size, blockSize, cacheBlocks, faults, injector })
  const installed = await attempt(context, file).catch(async (thrown: unknown) => {
    // The host is gone: so is this mode, and the package has to be asked for anew.
    if (kind === 'sideload' && !(thrown instanceof PowerLost)) await leaveSideload(machine)
    throw thrown
  })
  screen(`Install from ADB complete (status: ${installed ? 0 : 1}).`)
  const honest = kind === 'rescue' || verdict === 'honest'
  await stream.write(new Uint8Array(Buffer.from(installed || !honest ? 'DONEDONE' : 'FAILFAIL')))
  await stream.close()
  if (kind === 'rescue') return
  await stream.farewell(FAREWELL_MS)
  await leaveSideload(machine)
}

async function attempt(context: AdbContext, file: HostFile): Promise<boolean> {
  try {
    await installPackage(context, file)
    return true
  } catch (thrown) {
    if (thrown instanceof UpdateRefused) {
      context.screen(`E:${thrown.message}`)
      context.screen('Installation aborted.')
      return false
    }
    if (thrown instanceof StreamClosed || thrown instanceof LinkLost)
      context.screen('E:failed to read the package. Installation aborted.')
    throw thrown
  }
}

/** What was asked for at the start stands in misc until recovery is done with it. */
async function leaveSideload(machine: AdbMachine): Promise<void> {
  const misc = machine.disk.find('misc')
  const words = misc && (await machine.disk.read(misc, 0, BOOTLOADER_MESSAGE_SIZE))
  const options = words === undefined ? '' : parseBootloaderMessage(words).recovery
  if (options.includes('--sideload_auto_reboot')) return machine.reboot('system')
  await leaveMessage(machine.disk, 'system')
  machine.switchTo('recovery')
}
