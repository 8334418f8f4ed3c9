// The services that a host can open on this terminal, by mode; every other name is refused.
import type { AdbMode } from '../adb-service.ts'
import type { TerminalProfile } from '../profiles/types.ts'
import { serveRescueGetprop, serveRescueWipe } from '../recovery/rescue.ts'
import { packageRequest, serveSideload } from '../recovery/sideload.ts'
import type { RebootTarget } from '../terminal-state.ts'
import type { AdbContext } from './machine.ts'
import { serveShell, shellRequest } from './shell.ts'
import type { AdbStream } from './stream.ts'

/** Runs until the service is done; the stream is closed after it.
 * @throws StreamClosed, LinkLost or PowerLost. */
export type Service = (context: AdbContext, stream: AdbStream) => Promise<void>

/** @returns undefined when this mode has no such service. */
export function serviceNamed(name: string, mode: AdbMode): Service | undefined {
  if (name.startsWith('reboot:')) {
    const wish = name.slice('reboot:'.length)
    return ({ machine }) => machine.reboot(rebootTarget(wish, machine.profile))
  }
  if (mode === 'sideload' || mode === 'rescue') return packageService(name, mode)
  const shell = shellRequest(name)
  return shell && ((context, stream) => serveShell(context, stream, shell))
}

/** What minadbd offers (AOSP minadbd_services.cpp). */
function packageService(name: string, mode: 'sideload' | 'rescue'): Service | undefined {
  const request = packageRequest(name)
  if (request !== undefined && (request.kind === 'sideload' || mode === 'rescue'))
    return (context, stream) => serveSideload(context, stream, request)
  if (mode !== 'rescue') return undefined
  const [service, argument = ''] = splitOnce(name)
  switch (service) {
    case 'rescue-getprop':
      return (context, stream) => serveRescueGetprop(context, stream, argument)
    case 'rescue-wipe':
      return (context, stream) => serveRescueWipe(context, stream, argument)
    default:
      return undefined
  }
}

function splitOnce(name: string): readonly [string, string] {
  const at = name.indexOf(':')
  return at < 0 ? [name, ''] : [name.slice(0, at), name.slice(at + 1)]
}

/** Reasons that a bootloader does not know lead back to the system, as on real terminals (zte-domain §2.2). */
function rebootTarget(wish: string, { slotScheme }: TerminalProfile): RebootTarget {
  switch (wish) {
    case 'bootloader':
    case 'recovery':
    case 'sideload':
    case 'sideload-auto-reboot':
    case 'rescue':
      return wish
    case 'fastboot':
      return 'fastbootd'
    case 'edl':
      return slotScheme === 'bootctl-misc' ? 'system' : 'edl'
    case 'autodloader':
      return slotScheme === 'bootctl-misc' ? 'edl' : 'system'
    default:
      return 'system'
  }
}
