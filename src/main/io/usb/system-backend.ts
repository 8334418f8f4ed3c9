// The machine's own USB through the `usb` package, loaded only when it is wanted: its native part may be missing.
import { existsSync } from 'node:fs'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { UsbBackend } from './backend.ts'
import { classifyUsbError } from './usb-errors.ts'
import type { UsbBackendHost } from './usb-watch.ts'

/** Where udevd listens. Without it nobody forwards hot-plug events to the multicast group that the package reads. */
const UDEV_CONTROL = '/run/udev/control'
/** The package's internal queue of watcher operations, whose errors it throws from a timer where nobody can catch them. */
const WATCHER_QUEUE = 'queueNativeEmitterOperation'

/** @throws SlotbenchError `usb-unavailable` when the package or its native part cannot be loaded. */
export async function loadSystemUsb(host: UsbBackendHost): Promise<UsbBackend> {
  const { WebUSB } = await importUsb()
  const backend = new WebUSB({ allowAllDevices: true })
  guardWatcher(backend, host)
  if (process.platform === 'linux' && !existsSync(UDEV_CONTROL)) host.onWatchFailed()
  // The declared types are WebUSB's, without the timeout arguments that the package does take.
  return backend as unknown as UsbBackend
}

async function importUsb(): Promise<typeof import('usb')> {
  try {
    return await import('usb')
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown)
    throw new SlotbenchError('usb-unavailable', `the usb package cannot be loaded here: ${detail}`, {
      cause: thrown,
    })
  }
}

/** Runs watcher operations one after the other as the package does, but hands their errors to us. */
function guardWatcher(backend: object, host: UsbBackendHost): void {
  if (typeof Reflect.get(backend, WATCHER_QUEUE) !== 'function') return
  let queue: Promise<void> = Promise.resolve()
  const guarded = (operation: () => Promise<void>): void => {
    queue = queue.then(operation).catch((thrown: unknown) => {
      const { message } = classifyUsbError(thrown)
      host.onWatchFailed(
        new SlotbenchError('usb-failed', `USB ports cannot be listened to: ${message}`, { cause: thrown }),
      )
    })
  }
  Object.defineProperty(backend, WATCHER_QUEUE, { value: guarded })
}
