// Fastboot over TCP as the AOSP README has it: `FB01`, then messages with an 8-byte big-endian length.
import type { Socket } from 'node:net'
import { type HostLink, LinkLost } from './host-link.ts'
import { drained, listenTcp, MOST_WAITING, type TcpOptions, type TcpPort } from './listen-tcp.ts'
import { speaksFastboot } from './mode-services.ts'
import type { SimulatedTerminal } from './terminal.ts'
import { Throttle } from './throttle.ts'

const HANDSHAKE = 'FB01'
const MAX_COMMAND = 4096

/** Lets other programs drive the terminal: `fastboot -s tcp:127.0.0.1:PORT …`.
 * @throws SlotbenchError `host-io` when the port cannot be listened on. */
export function serveFastbootTcp(terminal: SimulatedTerminal, options: TcpOptions): Promise<TcpPort> {
  const wire = new Throttle(options.bytesPerSecond)
  return listenTcp(options, (socket) => {
    // Only bootloader and fastbootd have this network; in any other state nobody is there to shake hands.
    if (speaksFastboot(terminal.state)) void greet(terminal, new TcpLink(socket, wire))
    else socket.destroy()
  })
}

async function greet(terminal: SimulatedTerminal, link: TcpLink): Promise<void> {
  try {
    await link.shakeHands()
  } catch (thrown) {
    if (thrown instanceof LinkLost) return
    throw thrown
  }
  await terminal.fastboot.serve(link)
}

class TcpLink implements HostLink {
  readonly #socket: Socket
  readonly #wire: Throttle
  #chunks: Buffer[] = []
  #waiting = 0
  /** Of the message being read. */
  #left = 0
  #lost = false
  #wake: () => void = () => {}

  constructor(socket: Socket, wire: Throttle) {
    this.#socket = socket
    this.#wire = wire
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#arrived(chunk))
    socket.on('error', () => {})
    // The host's end of stream comes before 'close'; what it sent until then is still answered.
    socket.on('end', () => this.#lose())
    socket.on('close', () => this.#lose())
  }

  async shakeHands(): Promise<void> {
    const hello = await this.#exactly(HANDSHAKE.length)
    // A newer host may name a higher version; the device answers with its own (AOSP fastboot README).
    if (!/^FB\d\d$/.test(hello.toString('latin1'))) {
      this.close('abrupt')
      throw new LinkLost('not a fastboot host')
    }
    this.#socket.write(HANDSHAKE)
  }

  async read(expected: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#left === 0) {
      const length = (await this.#exactly(8)).readBigUInt64BE()
      if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw new LinkLost('a message of impossible length')
      this.#left = Number(length)
    }
    if (expected > 0) return this.#slowPiece(Math.min(expected, this.#left))
    if (this.#left > MAX_COMMAND) throw new LinkLost('a command of impossible length')
    return new Uint8Array(await this.#exactly(this.#take(this.#left)))
  }

  async write(reply: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#socket.destroyed) throw new LinkLost('the connection is closed')
    const header = Buffer.alloc(8)
    header.writeBigUInt64BE(BigInt(reply.length))
    this.#socket.cork()
    this.#socket.write(header)
    const flows = this.#socket.write(reply)
    this.#socket.uncork()
    if (!flows) await drained(this.#socket)
  }

  close(how: 'orderly' | 'abrupt'): void {
    if (how === 'abrupt') this.#socket.destroy()
    // After the reply the host closes too; one that does not is cut off with the next message it sends.
    else this.#socket.end(() => this.#socket.destroy())
    this.#lose()
  }

  #take(bytes: number): number {
    this.#left -= bytes
    return bytes
  }

  #arrived(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#waiting += chunk.length
    if (this.#waiting > MOST_WAITING) this.#socket.pause()
    this.#wake()
  }

  #lose(): void {
    this.#lost = true
    this.#wake()
  }

  async #slowPiece(most: number): Promise<Uint8Array<ArrayBuffer>> {
    const piece = await this.#piece(most)
    await this.#wire.pass(piece.length)
    return piece
  }

  /** Some bytes of the current message, uncopied. */
  async #piece(most: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.#available(Math.min(most, 1))
    const first = this.#chunks.shift() ?? Buffer.alloc(0)
    if (first.length > most) this.#chunks.unshift(first.subarray(most))
    const piece = first.length > most ? first.subarray(0, most) : first
    this.#consumed(piece.length)
    this.#take(piece.length)
    return piece as Uint8Array<ArrayBuffer>
  }

  async #exactly(bytes: number): Promise<Buffer> {
    await this.#available(bytes)
    const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)
    const whole = all ?? Buffer.alloc(0)
    this.#chunks = whole.length > bytes ? [whole.subarray(bytes)] : []
    this.#consumed(bytes)
    return whole.subarray(0, bytes)
  }

  async #available(bytes: number): Promise<void> {
    while (this.#waiting < bytes) {
      if (this.#lost) throw new LinkLost('the connection is closed')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #consumed(bytes: number): void {
    this.#waiting -= bytes
    if (this.#waiting <= MOST_WAITING / 2 && this.#socket.isPaused()) this.#socket.resume()
  }
}
