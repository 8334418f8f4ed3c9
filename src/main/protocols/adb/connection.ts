// One ADB connection: our packet link under the dispatcher of @yume-chan/adb, services above it (docs/adr/0008-adb-library.md).
import type { AdbDaemonConnection, AdbPacketData, AdbPacketInit, AdbTransport } from '@yume-chan/adb'
import { AdbCommand, AdbDaemonTransport, calculateChecksum } from '@yume-chan/adb'
import { type Consumable, ReadableStream, WritableStream } from '@yume-chan/stream-extra'
import { abortError, asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { underDeadline } from '../../../shared/waiting.ts'
import { joinBytes } from '../../core/formats/join-bytes.ts'
import type { Transport } from '../transport.ts'
import { FEATURES, type HandshakeOptions, shakeHands } from './handshake.ts'
import { MAX_PAYLOAD } from './packet.ts'
import { PacketLink } from './packet-link.ts'
import { ServiceStream, whileAlive } from './service-stream.ts'

export interface AdbConnection {
  /** What the terminal calls its state: `device`, `recovery`, `sideload`, `rescue`, … */
  readonly state: string
  /** `ro.product.name`, `.model`, `.device` as the greeting told them. */
  readonly names: ReadonlyMap<string, string>
  /** Why nothing goes any more. */
  readonly failure: SlotbenchError | undefined
  /** @throws SlotbenchError `terminal-refused` when the terminal has no such service. */
  open(service: string, o: IoOptions): Promise<ServiceStream>
  /** Everything that a service says until it ends; at most 4 MiB. */
  text(service: string, o: IoOptions): Promise<string>
  /** Never throws; safe to call twice. */
  close(): Promise<void>
}

export interface ConnectOptions extends HandshakeOptions {
  /** Over USB a read stays under way until the terminal says something, and holds the interface; so at the end it is greeted
   * once more. Without this, closing just hangs up. */
  readonly lingers: boolean
}

const MAX_TEXT = 4 * 1024 * 1024
const CLOSE_PATIENCE_MS = 250

/** Takes the transport over, also when it throws.
 * @throws SlotbenchError as `shakeHands`. */
export async function connectAdb(transport: Transport, o: ConnectOptions): Promise<AdbConnection> {
  const link = new PacketLink(transport)
  try {
    const { version, maxPayload, banner } = await shakeHands(link, o)
    const daemon = new AdbDaemonTransport({
      serial: '',
      connection: packetStreams(link),
      version,
      maxPayloadSize: maxPayload,
      banner,
      features: FEATURES,
      initialDelayedAckBytes: 0,
    })
    return new Connection(daemon, {
      ended: link.ended,
      fail: (thrown) => link.fail(thrown),
      newsDelayMs: 0,
      close: () => hangUp(link, o.lingers),
    })
  } catch (thrown) {
    await hangUp(link, o.lingers && link.inStep)
    throw thrown
  }
}

/** A link as the pair of streams that the library wants. Its sink never fails: the library leaves some of its promises
 * unattended, so failures go to the link, which everybody here listens to. */
function packetStreams(link: PacketLink): AdbDaemonConnection {
  const o: IoOptions = { signal: new AbortController().signal, deadline: Deadline.after(Infinity) }
  return {
    readable: new ReadableStream<AdbPacketData>(
      {
        pull: async (controller) => {
          try {
            controller.enqueue(known(await link.receive(o)))
          } catch (thrown) {
            controller.error(link.fail(thrown))
          }
        },
      },
      { highWaterMark: 0 },
    ),
    writable: new WritableStream<Consumable<AdbPacketInit>>({
      write: async (chunk) => {
        const packet = chunk.value
        const sent = link.send(packet as AdbPacketData, packet.checksum, o).catch(() => undefined)
        // A bare header is not waited for, so that an acknowledgement leaves together with the block that follows it.
        if (packet.payload.length > 0) await sent
        chunk.consume()
      },
    }),
  }
}

/** @throws SlotbenchError `terminal-gone` when the terminal's side has started anew. */
function known(packet: AdbPacketData): AdbPacketData {
  if (packet.command === AdbCommand.Connect || packet.command === AdbCommand.Auth)
    throw new SlotbenchError('terminal-gone', 'the terminal started its side of ADB anew')
  return packet
}

async function hangUp(link: PacketLink, lingers: boolean): Promise<void> {
  if (lingers && !link.failure) await lastWord(link).catch(() => undefined)
  await link.close()
}

/** Every adbd answers a greeting, in whatever state, and ends what was open at it. */
async function lastWord(link: PacketLink): Promise<void> {
  const o = { signal: new AbortController().signal, deadline: Deadline.after(CLOSE_PATIENCE_MS) }
  const payload = new TextEncoder().encode('host::')
  const packet = { command: AdbCommand.Connect, arg0: 0x0100_0001, arg1: MAX_PAYLOAD, payload }
  await link.send(packet, calculateChecksum(payload), o)
  for (;;) {
    const { command } = await underDeadline(
      link.receive(o),
      o,
      () => new SlotbenchError('terminal-silent', ''),
    )
    if (command === AdbCommand.Connect || command === AdbCommand.Auth) return
  }
}

/** What carries a connection: packets of our own, or a running adb server. */
export interface Carrier {
  /** Aborted with the reason, a SlotbenchError, when nothing goes any more. */
  readonly ended: AbortSignal
  readonly fail: (thrown: unknown) => SlotbenchError
  /** How much later than a refusal the news may come that the terminal is gone. An adb server words both alike, and tells of the
   * second on another connection. */
  readonly newsDelayMs: number
  readonly close: () => Promise<void>
}

export class Connection implements AdbConnection {
  readonly state: string
  readonly names: ReadonlyMap<string, string>
  readonly #adb: AdbTransport
  readonly #carrier: Carrier
  #closing: Promise<void> | undefined

  constructor(adb: AdbTransport, carrier: Carrier) {
    this.#adb = adb
    this.#carrier = carrier
    const { banner } = adb
    this.state = banner.state ?? ''
    const names = [
      ['ro.product.name', banner.product],
      ['ro.product.model', banner.model],
      ['ro.product.device', banner.device],
    ] as const
    this.names = new Map(names.filter((pair): pair is [(typeof pair)[0], string] => Boolean(pair[1])))
    adb.disconnected.then(
      () => carrier.fail(new SlotbenchError('terminal-gone', 'the terminal ended the connection')),
      (thrown: unknown) => carrier.fail(broken(thrown)),
    )
  }

  get failure(): SlotbenchError | undefined {
    const { ended } = this.#carrier
    return ended.aborted ? abortError(ended) : undefined
  }

  async open(service: string, o: IoOptions): Promise<ServiceStream> {
    if (this.failure) throw this.failure
    const opening = (async () => await this.#adb.connect(service))().catch(async (thrown: unknown) => {
      const { newsDelayMs } = this.#carrier
      if (newsDelayMs > 0 && !this.failure) await new Promise((resolve) => setTimeout(resolve, newsDelayMs))
      throw this.failure ?? refused(service, thrown)
    })
    const late = () => new SlotbenchError('terminal-silent', `the terminal does not answer to ${service}`)
    try {
      const socket = await whileAlive(opening, this.#carrier.ended, { ...o, late })
      return new ServiceStream(socket, this.#carrier.ended)
    } catch (thrown) {
      // What opens after all has nobody any more.
      opening.then((socket) => socket.close()).catch(() => undefined)
      throw thrown
    }
  }

  async text(service: string, o: IoOptions): Promise<string> {
    const stream = await this.open(service, o)
    try {
      return new TextDecoder().decode(joinBytes(await stream.readAll(MAX_TEXT, o)))
    } finally {
      await stream.close()
    }
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    await this.#carrier.close()
    // Only now: it waits for streams that may hang, and nothing of it can reach the terminal any more.
    ;(async () => await this.#adb.close())().catch(() => undefined)
  }
}

/** What the library says when a packet makes no sense to it. */
function broken(thrown: unknown): SlotbenchError {
  return thrown instanceof SlotbenchError
    ? thrown
    : new SlotbenchError('terminal-garbled', `ADB broke off: ${asSlotbenchError(thrown).message}`, {
        cause: thrown,
      })
}

function refused(service: string, thrown: unknown): SlotbenchError {
  const detail = `the terminal refuses ${service}`
  return new SlotbenchError('terminal-refused', detail, { cause: thrown })
}
