// Packets over a Transport: framing in both directions, finding the first header after what an earlier program left, one failure.
import type { AdbPacketData } from '@yume-chan/adb'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { joinBytes } from '../../core/formats/join-bytes.ts'
import type { Transport } from '../transport.ts'
import { decodeHeader, encodeHeader, findHeader, HEADER_BYTES, type PacketHeader } from './packet.ts'

/** An interrupted program leaves at most a payload and a few packets behind; who sends more than this sends no ADB. */
const MAX_LEFTOVER = 2 * 1024 * 1024
const NOTHING = new Uint8Array(0)

export class PacketLink {
  readonly #transport: Transport
  readonly #end = new AbortController()
  #failure: SlotbenchError | undefined
  /** A packet that is being read belongs to whoever receives next, whatever became of who asked for it. */
  #reading: Promise<AdbPacketData> | undefined
  #surplus: Uint8Array<ArrayBuffer> = NOTHING
  #inStep = false
  #inPacket = false

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Why nothing can be sent or received any more. */
  get failure(): SlotbenchError | undefined {
    return this.#failure
  }

  /** Aborted with the failure as its reason. */
  get ended(): AbortSignal {
    return this.#end.signal
  }

  /** From the first packet that made sense on, bytes that are no packet are an error. */
  get inStep(): boolean {
    return this.#inStep
  }

  /** Packets go out whole and in the order of the calls, also without waiting for one another: transports keep that order.
   * Header and payload are transfers of their own, as adbd reads them (AOSP usb_linux.cpp). */
  async send(packet: AdbPacketData, checksum: number, o: IoOptions): Promise<void> {
    if (this.#failure) throw this.#failure
    const transfers = [this.#transport.send(encodeHeader(packet, checksum), o)]
    const payload = packet.payload as Uint8Array<ArrayBuffer>
    if (payload.length > 0) transfers.push(this.#transport.send(payload, o))
    try {
      await Promise.all(transfers)
    } catch (thrown) {
      throw this.fail(thrown)
    }
  }

  /** The next packet. One receiver at a time. */
  async receive(o: IoOptions): Promise<AdbPacketData> {
    if (this.#failure) throw this.#failure
    this.#reading ??= this.#read(o)
    try {
      return await this.#reading
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      // Between packets, waiting longer is still possible.
      if (!this.#inPacket && (error.code === 'terminal-silent' || error.code === 'cancelled')) throw error
      throw this.fail(error)
    } finally {
      this.#reading = undefined
    }
  }

  /** The first failure stays. */
  fail(thrown: unknown): SlotbenchError {
    this.#failure ??= asSlotbenchError(thrown)
    this.#end.abort(this.#failure)
    return this.#failure
  }

  async close(): Promise<void> {
    this.fail(new SlotbenchError('terminal-gone', 'the connection was closed here'))
    await this.#transport.close()
  }

  async #read(o: IoOptions): Promise<AdbPacketData> {
    const { command, arg0, arg1, length } = await this.#header(o)
    this.#inPacket = true
    const payload = length === 0 ? NOTHING : await this.#exactly(length, o)
    this.#inPacket = false
    this.#inStep = true
    return { command: command as AdbPacketData['command'], arg0, arg1, payload }
  }

  async #header(o: IoOptions): Promise<PacketHeader> {
    for (let dropped = 0; dropped <= MAX_LEFTOVER; ) {
      await this.#atLeast(HEADER_BYTES, o)
      const header = decodeHeader(this.#surplus)
      if (header) {
        this.#surplus = this.#surplus.subarray(HEADER_BYTES)
        return header
      }
      if (this.#inStep) throw garbled()
      const { at } = findHeader(this.#surplus)
      dropped += at
      this.#surplus = this.#surplus.subarray(at)
    }
    throw garbled()
  }

  async #atLeast(count: number, o: IoOptions): Promise<void> {
    while (this.#surplus.length < count) {
      const more = await this.#transport.receive(HEADER_BYTES, o)
      this.#surplus = this.#surplus.length === 0 ? more : joinBytes([this.#surplus, more])
    }
  }

  async #exactly(count: number, o: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    const first = this.#surplus.subarray(0, count)
    this.#surplus = this.#surplus.subarray(count)
    const pieces = first.length > 0 ? [first] : []
    for (let missing = count - first.length; missing > 0; ) {
      const piece = await this.#transport.receive(missing, o)
      pieces.push(piece)
      missing -= piece.length
    }
    return pieces.length === 1 ? (pieces[0] ?? NOTHING) : joinBytes(pieces)
  }
}

function garbled(): SlotbenchError {
  return new SlotbenchError('terminal-garbled', 'the terminal sends something that is not ADB')
}
