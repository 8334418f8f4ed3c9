// Network endpoints the user named, as sightings: looked at only while somebody lists or waits.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { probeAdb } from '../../protocols/adb/handshake.ts'
import type { Transport } from '../../protocols/transport.ts'
import type { Sighting, SightingSource } from '../../terminals/types.ts'
import { connectAdbTcp } from './adb-tcp.ts'
import { parseEndpoint, type TcpEndpoint } from './endpoint.ts'
import { connectFastbootTcp } from './fastboot-tcp.ts'

/** A terminal on the network says nothing when it comes or goes; what was seen longer ago than this is not known any more. */
const FRESH_MS = 2_000
const SCAN_EVERY_MS = 500
const PROBE_MS = 2_000
/** The terminal serves one connection at a time and may still be busy closing that of the probe. */
const OPEN_RETRIES_MS = [50, 100, 200, 400, 800] as const

/** @param endpoints as `parseEndpoint` reads them.
 * @throws SlotbenchError `usage` when one is none. */
export function watchTcpEndpoints(endpoints: readonly string[]): SightingSource {
  const parsed = new Map(endpoints.map(parseEndpoint).map((endpoint) => [endpoint.bay, endpoint]))
  return new TcpSource([...parsed.values()])
}

class TcpSource implements SightingSource {
  readonly notices: readonly SlotbenchError[] = []
  readonly scanEveryMs: number | undefined
  readonly #endpoints: readonly WatchedEndpoint[]
  readonly #listeners = new Set<() => void>()

  constructor(endpoints: readonly TcpEndpoint[]) {
    this.#endpoints = endpoints.map((endpoint) => new WatchedEndpoint(endpoint))
    this.scanEveryMs = endpoints.length === 0 ? undefined : SCAN_EVERY_MS
  }

  sightings(): readonly Sighting[] {
    return this.#endpoints.map((endpoint) => endpoint.sighting).filter((sighting) => sighting !== undefined)
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async scan(o: IoOptions): Promise<void> {
    const changes = await Promise.all(this.#endpoints.map((endpoint) => endpoint.probe(o)))
    if (!changes.includes(true)) return
    for (const listener of [...this.#listeners]) listener()
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    await Promise.all(this.#endpoints.map((endpoint) => endpoint.close()))
  }
}

type Protocol = 'fastboot' | 'adb'

class WatchedEndpoint {
  readonly #endpoint: TcpEndpoint
  /** In the order in which they are looked for: what can write comes first. */
  readonly #protocols: readonly Protocol[]
  readonly #sightings: Readonly<Record<Protocol, Sighting>>
  #seen: { readonly protocol: Protocol; readonly at: number } | undefined
  #open: Transport | undefined

  constructor(endpoint: TcpEndpoint) {
    this.#endpoint = endpoint
    this.#protocols = endpoint.adbPort === undefined ? ['fastboot'] : ['fastboot', 'adb']
    this.#sightings = { fastboot: this.#sighting('fastboot'), adb: this.#sighting('adb') }
  }

  /** Undefined when it was not there lately. */
  get sighting(): Sighting | undefined {
    const protocol = this.#there
    return protocol && this.#sightings[protocol]
  }

  /** Connects, sees who answers, hangs up. True when that changed what is known. */
  async probe(o: IoOptions): Promise<boolean> {
    // A terminal serves one host; a probe would only wait behind our own connection.
    if (this.#open) return false
    const before = this.#there
    const found = await this.#look(o)
    this.#seen = found && { protocol: found, at: performance.now() }
    return before !== this.#there
  }

  async close(): Promise<void> {
    await this.#open?.close()
  }

  get #there(): Protocol | undefined {
    if (this.#seen === undefined) return undefined
    const fresh = this.#open !== undefined || performance.now() - this.#seen.at < FRESH_MS
    return fresh ? this.#seen.protocol : undefined
  }

  #sighting(protocol: Protocol): Sighting {
    return {
      bay: this.#endpoint.bay,
      mode: protocol === 'fastboot' ? 'bootloader' : 'system',
      protocol,
      serial: undefined,
      product: undefined,
      usb: undefined,
      problem: undefined,
      open: (o) => this.#connect(protocol, o),
    }
  }

  async #look(o: IoOptions): Promise<Protocol | undefined> {
    for (const protocol of this.#protocols) {
      try {
        const within = { ...o, deadline: o.deadline.within(PROBE_MS) }
        const transport = await this.#connectTo(protocol, within)
        if (protocol === 'adb') await probeAdb(transport, within)
        else await transport.close()
        return protocol
      } catch (thrown) {
        const error = asSlotbenchError(thrown)
        if (error.code === 'cancelled') throw error
      }
    }
    return undefined
  }

  async #connect(protocol: Protocol, o: IoOptions): Promise<Transport> {
    if (this.#open)
      throw new SlotbenchError('usb-busy', 'Slotbench itself has this endpoint open', {
        context: { bay: this.#endpoint.bay },
      })
    const transport = await this.#connectPatiently(protocol, o)
    this.#open = transport
    this.#seen = { protocol, at: performance.now() }
    return {
      send: (data, options) => transport.send(data, options),
      receive: (maxBytes, options) => transport.receive(maxBytes, options),
      close: async () => {
        // Whether it is still there after what was done to it, only the next probe can tell.
        if (this.#open === transport) {
          this.#open = undefined
          this.#seen = undefined
        }
        await transport.close()
      },
    }
  }

  async #connectPatiently(protocol: Protocol, o: IoOptions): Promise<Transport> {
    for (const pauseMs of OPEN_RETRIES_MS) {
      try {
        return await this.#connectTo(protocol, o)
      } catch (thrown) {
        const error = asSlotbenchError(thrown)
        if (error.code !== 'network-failed' && error.code !== 'terminal-gone') throw error
        if (o.deadline.remainingMs <= pauseMs) throw error
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
    return await this.#connectTo(protocol, o)
  }

  async #connectTo(protocol: Protocol, o: IoOptions): Promise<Transport> {
    const { host, port, adbPort, bay } = this.#endpoint
    return protocol === 'fastboot'
      ? await connectFastbootTcp(this.#endpoint, o)
      : await connectAdbTcp({ host, port: adbPort ?? port }, bay, o)
  }
}
