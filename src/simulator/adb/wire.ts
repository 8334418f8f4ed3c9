// Packets of the ADB protocol as the device sees them (AOSP adb protocol.txt): a header of 24 bytes, then the payload.
import type { ByteLink } from '../adb-service.ts'
import { LinkLost } from '../host-link.ts'

export const COMMAND = {
  cnxn: 0x4e584e43,
  auth: 0x48545541,
  open: 0x4e45504f,
  okay: 0x59414b4f,
  wrte: 0x45545257,
  clse: 0x45534c43,
  stls: 0x534c5453,
} as const

/** A_VERSION_MIN and A_VERSION_SKIP_CHECKSUM of AOSP's adb.h: from the second on nobody looks at checksums. */
export const VERSION = { checksums: 0x01000000, noChecksums: 0x01000001 } as const
export type AdbVersion = (typeof VERSION)[keyof typeof VERSION]

export interface Packet {
  readonly command: number
  readonly arg0: number
  readonly arg1: number
  readonly payload: Uint8Array<ArrayBuffer>
}

const HEADER_BYTES = 24
const NOTHING = new Uint8Array(0)

/** Thrown when the host sends what no packet begins with; an adbd gives the connection up then. */
export class BadPacket extends LinkLost {}

/** Whatever a link throws means that the host is gone. */
function lost(cause: unknown): never {
  throw new LinkLost('the host is gone', { cause })
}

/** Sum of all bytes: what protocol.txt calls data_crc32. */
function checksumOf(payload: Uint8Array): number {
  let sum = 0
  for (const byte of payload) sum = (sum + byte) >>> 0
  return sum
}

/** One host's packets in order, from a link that knows only bytes. */
export class PacketReader {
  readonly #link: ByteLink
  readonly #maxData: number
  readonly #header = new Uint8Array(HEADER_BYTES)
  readonly #view = new DataView(this.#header.buffer)
  /** Read from the link and not yet taken. */
  #rest: Uint8Array<ArrayBuffer> = NOTHING
  /** What the two sides agreed on; until then what this device speaks. */
  version: number

  constructor(link: ByteLink, options: { readonly version: AdbVersion; readonly maxData: number }) {
    this.#link = link
    this.#maxData = options.maxData
    this.version = options.version
  }

  /** @throws BadPacket for a header or checksum that is none; LinkLost when the host is gone. */
  async next(): Promise<Packet> {
    await this.#fill(this.#header)
    const view = this.#view
    const [command, arg0, arg1, length, checksum, magic] = [0, 4, 8, 12, 16, 20].map((at) =>
      view.getUint32(at, true),
    ) as [number, number, number, number, number, number]
    if (magic !== (command ^ 0xffffffff) >>> 0) throw new BadPacket('a header whose magic is not its command')
    if (length > this.#maxData) throw new BadPacket(`a payload of ${length} bytes`)
    const payload = length === 0 ? NOTHING : await this.#payload(length)
    if (this.version < VERSION.noChecksums && checksumOf(payload) !== checksum)
      throw new BadPacket('a payload that does not add up to its checksum')
    return { command, arg0, arg1, payload }
  }

  /** Uncopied where the link gives all of it at once. */
  async #payload(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const first = await this.#some(length)
    if (first.length === length) return first
    const whole = new Uint8Array(length)
    whole.set(first)
    await this.#fill(whole.subarray(first.length))
    return whole
  }

  async #fill(target: Uint8Array): Promise<void> {
    for (let filled = 0; filled < target.length; ) {
      const piece = await this.#some(target.length - filled)
      target.set(piece, filled)
      filled += piece.length
    }
  }

  async #some(most: number): Promise<Uint8Array<ArrayBuffer>> {
    // Hosts end payloads that are a multiple of the packet size with a zero-length packet on some buses; it says nothing.
    while (this.#rest.length === 0) this.#rest = await this.#link.read().catch(lost)
    const piece = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(piece.length)
    return piece
  }
}

export class PacketWriter {
  readonly #link: ByteLink
  #turn: Promise<unknown> = Promise.resolve()
  /** See `PacketReader.version`. */
  version: number

  constructor(link: ByteLink, version: AdbVersion) {
    this.#link = link
    this.version = version
  }

  /** Header and payload are two transfers; no zero-length packet follows (AOSP usb_linux.cpp: the device sends none).
   * @throws LinkLost. */
  send(
    command: number,
    arg0: number,
    arg1: number,
    payload: Uint8Array<ArrayBuffer> = NOTHING,
  ): Promise<void> {
    const header = new Uint8Array(HEADER_BYTES)
    const view = new DataView(header.buffer)
    const checksum = this.version < VERSION.noChecksums ? checksumOf(payload) : 0
    const words = [command, arg0, arg1, payload.length, checksum, (command ^ 0xffffffff) >>> 0]
    for (const [i, word] of words.entries()) view.setUint32(i * 4, word, true)
    const sent = this.#turn.then(async () => {
      const transfers = [this.#link.write(header)]
      if (payload.length > 0) transfers.push(this.#link.write(payload))
      await Promise.all(transfers).catch(lost)
    })
    this.#turn = sent.catch(() => {})
    return sent
  }
}
