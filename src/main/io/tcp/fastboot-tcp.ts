// Fastboot over TCP (AOSP fastboot README, "TCP Protocol v1"): the FB01 handshake, then messages with an 8-byte length.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Transport } from '../../protocols/transport.ts'
import type { TcpEndpoint } from './endpoint.ts'
import { SocketPipe } from './socket-pipe.ts'

const HANDSHAKE = 'FB01'
const HEADER_BYTES = 8
/** The data phase announces at most 2^32 - 1 bytes, so no message is longer. */
const MAX_MESSAGE = 0xffff_ffffn
/** Empty messages mean nothing; a terminal that sends only those is not fastboot. */
const MAX_EMPTY_MESSAGES = 1_000

/** Connects, and shakes hands.
 * @throws SlotbenchError `network-failed` when there is no connection, `terminal-silent` without a handshake in time,
 * `terminal-garbled` when the other side speaks something else or another version. */
export async function connectFastbootTcp(endpoint: TcpEndpoint, o: IoOptions): Promise<Transport> {
  const pipe = new SocketPipe(endpoint, endpoint.bay)
  try {
    await pipe.connected(o)
    await pipe.write([new TextEncoder().encode(HANDSHAKE)], o)
    await pipe.atLeast(HANDSHAKE.length, o)
    checkHandshake(pipe.take(HANDSHAKE.length))
    return new FastbootTcpTransport(pipe)
  } catch (thrown) {
    await pipe.close()
    throw asSlotbenchError(thrown).at({ bay: endpoint.bay })
  }
}

class FastbootTcpTransport implements Transport {
  readonly #pipe: SocketPipe
  /** Bytes of the message under way that have not been given out. */
  #messageLeft = 0

  constructor(pipe: SocketPipe) {
    this.#pipe = pipe
  }

  async send(data: Uint8Array<ArrayBuffer>, o: IoOptions): Promise<void> {
    const header = new Uint8Array(HEADER_BYTES)
    new DataView(header.buffer).setBigUint64(0, BigInt(data.length))
    await this.#pipe.write([header, data], o)
  }

  async receive(maxBytes: number, o: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    for (let empty = 0; this.#messageLeft === 0; empty++) {
      if (empty > MAX_EMPTY_MESSAGES)
        throw new SlotbenchError('terminal-garbled', 'the terminal sends empty messages')
      await this.#pipe.atLeast(HEADER_BYTES, o)
      this.#messageLeft = messageLength(this.#pipe.take(HEADER_BYTES))
    }
    await this.#pipe.atLeast(1, o)
    const bytes = this.#pipe.take(Math.min(maxBytes, this.#messageLeft, this.#pipe.available))
    this.#messageLeft -= bytes.length
    return bytes
  }

  async close(): Promise<void> {
    await this.#pipe.close()
  }
}

function checkHandshake(bytes: Uint8Array): void {
  const text = String.fromCharCode(...bytes)
  if (text === HANDSHAKE) return
  const version = /^FB(\d\d)$/.exec(text)?.[1]
  if (version !== undefined)
    throw new SlotbenchError(
      'terminal-garbled',
      `the terminal speaks version ${Number(version)} of fastboot over TCP, Slotbench only version 1`,
    )
  throw new SlotbenchError('terminal-garbled', 'what answers there does not speak fastboot over TCP')
}

function messageLength(header: Uint8Array<ArrayBuffer>): number {
  const length = new DataView(header.buffer, header.byteOffset, header.byteLength).getBigUint64(0)
  if (length > MAX_MESSAGE)
    throw new SlotbenchError('terminal-garbled', `the terminal announces a message of ${length} bytes`)
  return Number(length)
}
