// What stands on the USB ports: one enumeration at the start, then the package's hot-plug events. No polling where they work.
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { underDeadline } from '../../../shared/waiting.ts'
import type { Sighting, SightingSource } from '../../terminals/types.ts'
import type { UsbBackend, UsbConnectionEventLike, UsbDeviceLike } from './backend.ts'
import { classifyUsbError } from './usb-errors.ts'
import { sightingOf } from './usb-sighting.ts'

/** What a backend is loaded with. */
export interface UsbBackendHost {
  /** Called when hot-plug events cannot be relied on; the ports are then looked at while somebody waits.
   * @param error what the user should know of it. */
  readonly onWatchFailed: (error?: SlotbenchError) => void
}

export type LoadUsbBackend = (host: UsbBackendHost) => Promise<UsbBackend>

const SCAN_EVERY_MS = 500

/** Starts at once. A machine without USB gives one notice (`usb-unavailable`) and no sightings.
 * @param load the real package (`loadSystemUsb`) or a simulated bench. */
export function watchUsb(load: LoadUsbBackend): UsbWatch {
  return new UsbWatch(load)
}

export class UsbWatch implements SightingSource {
  /** Resolves once the first enumeration is done or has failed. */
  readonly ready: Promise<void>
  readonly #notices: SlotbenchError[] = []
  readonly #seen = new Map<string, Sighting>()
  /** Read once: the package refuses even that while a transfer is under way, and many a terminal leaves in the middle of one. */
  readonly #handles = new WeakMap<UsbDeviceLike, string>()
  readonly #listeners = new Set<() => void>()
  #backend: UsbBackend | undefined
  #eventsFail = false
  #closed = false
  readonly #onConnect = ({ device }: UsbConnectionEventLike) => this.#add(device)
  readonly #onDisconnect = ({ device }: UsbConnectionEventLike) => this.#remove(this.#handleOf(device))

  constructor(load: LoadUsbBackend) {
    this.ready = this.#start(load)
  }

  get notices(): readonly SlotbenchError[] {
    return this.#notices
  }

  get scanEveryMs(): number | undefined {
    return this.#eventsFail && !this.#closed ? SCAN_EVERY_MS : undefined
  }

  sightings(): readonly Sighting[] {
    return [...this.#seen.values()]
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Waits for the first enumeration; then looks again at what had a problem, and at everything where events fail. */
  async scan(o: IoOptions): Promise<void> {
    if (o.signal.aborted) throw abortError(o.signal)
    const late = () => new SlotbenchError('terminal-silent', 'the USB ports could not be listed in time')
    try {
      await underDeadline(this.ready, o, late)
      const troubled = this.sightings().some((sighting) => sighting.problem !== undefined)
      if (this.#eventsFail || troubled) await underDeadline(this.#enumerate(), o, late)
    } catch (thrown) {
      if (o.signal.aborted) throw abortError(o.signal)
      this.#notice(classifyUsbError(thrown))
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#listeners.clear()
    this.#backend?.removeEventListener('connect', this.#onConnect)
    this.#backend?.removeEventListener('disconnect', this.#onDisconnect)
    this.#seen.clear()
  }

  async #start(load: LoadUsbBackend): Promise<void> {
    try {
      const onWatchFailed = (error?: SlotbenchError) => {
        this.#eventsFail = true
        if (error) this.#notice(error)
        this.#announce()
      }
      const backend = await load({ onWatchFailed })
      // Before listening: on a machine without USB the package would raise the same failure where nobody can catch it.
      await backend.getDevices()
      if (this.#closed) return
      this.#backend = backend
      backend.addEventListener('connect', this.#onConnect)
      backend.addEventListener('disconnect', this.#onDisconnect)
      // After: what came in between is neither in the list above nor announced.
      await this.#enumerate()
    } catch (thrown) {
      this.#notice(unavailable(thrown))
    }
  }

  async #enumerate(): Promise<void> {
    const devices = (await this.#backend?.getDevices()) ?? []
    const present = new Set(devices.map((device) => this.#handleOf(device)))
    for (const handle of [...this.#seen.keys()]) if (!present.has(handle)) this.#remove(handle)
    for (const device of devices) this.#add(device)
  }

  #add(device: UsbDeviceLike): void {
    const handle = this.#handleOf(device)
    const known = this.#seen.get(handle)
    if (this.#closed || (known && known.problem === undefined)) return
    const sighting = sightingOf(device, {
      isStale: () => this.#seen.get(handle) === undefined,
      onGone: () => this.#remove(handle),
    })
    if (!sighting) return
    // A port holds one device: who was there before has left, whether its event has come or not.
    for (const [other, { bay }] of this.#seen) if (bay === sighting.bay) this.#seen.delete(other)
    this.#seen.set(handle, sighting)
    this.#announce()
  }

  #handleOf(device: UsbDeviceLike): string {
    const handle = this.#handles.get(device) ?? device.handle
    this.#handles.set(device, handle)
    return handle
  }

  #remove(handle: string): void {
    if (this.#seen.delete(handle)) this.#announce()
  }

  /** Each kind once: a notice is for telling, not for counting. */
  #notice(error: SlotbenchError): void {
    if (!this.#notices.some((known) => known.code === error.code)) this.#notices.push(error)
  }

  #announce(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

function unavailable(thrown: unknown): SlotbenchError {
  const error = classifyUsbError(thrown)
  return error.code === 'usb-unavailable'
    ? error
    : new SlotbenchError('usb-unavailable', `USB cannot be used: ${error.message}`, { cause: thrown })
}
