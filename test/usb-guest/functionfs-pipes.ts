// The bulk endpoint files of one FunctionFS function, and the link on them that a simulated terminal answers over.
import { type FileHandle, open } from 'node:fs/promises'
import type { HostLink } from '../../src/simulator/host-link.ts'

/** Holds any command; a posted read larger than what comes would wait for a short packet for ever. */
const IDLE_READ = 512
const LARGEST_READ = 256 * 1024
const LARGEST_WRITE = 64 * 1024

/** A link from plug to unplug, fed by the pipes. */
class PluggedLink implements HostLink {
  readonly #write: (bytes: Uint8Array) => Promise<void>
  readonly #onClose: () => void
  readonly #arrived: Uint8Array<ArrayBuffer>[] = []
  #arrivedBytes = 0
  #rawToCome = 0
  #gone: Error | undefined
  #news = Promise.withResolvers<void>()

  constructor(write: (bytes: Uint8Array) => Promise<void>, onClose: () => void) {
    this.#write = write
    this.#onClose = onClose
  }

  async read(expected: number): Promise<Uint8Array<ArrayBuffer>> {
    this.#rawToCome = Math.max(0, expected - this.#arrivedBytes)
    while (this.#arrived.length === 0) {
      if (this.#gone) throw this.#gone
      await this.#news.promise
    }
    const first = this.#arrived.shift() ?? new Uint8Array(0)
    const given = expected > 0 && first.length > expected ? first.subarray(0, expected) : first
    if (given.length < first.length) this.#arrived.unshift(first.subarray(given.length))
    this.#arrivedBytes -= given.length
    return given
  }

  async write(reply: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#gone) throw this.#gone
    await this.#write(reply)
  }

  close(): void {
    if (this.#gone) return
    this.#onClose()
    this.end(new Error('the terminal left the bus'))
  }

  /** Called by the pipes with each transfer. */
  arrive(bytes: Uint8Array<ArrayBuffer>): void {
    this.#rawToCome = Math.max(0, this.#rawToCome - bytes.length)
    // A zero-length packet ends a transfer that filled its last packet; it carries nothing.
    if (bytes.length > 0) this.#arrived.push(bytes)
    this.#arrivedBytes += bytes.length
    this.#announce()
  }

  end(reason: Error): void {
    this.#gone ??= reason
    this.#announce()
  }

  /** How much the next posted read may take: large ones only while that much raw data is sure to come. */
  get nextRead(): number {
    const wholePackets = Math.ceil(this.#rawToCome / IDLE_READ) * IDLE_READ
    return Math.min(Math.max(IDLE_READ, wholePackets), LARGEST_READ)
  }

  #announce(): void {
    const news = this.#news
    this.#news = Promise.withResolvers<void>()
    news.resolve()
  }
}

/** Keeps a read posted on the OUT endpoint from the first plug on: without one, a host's trailing zero-length packet
 * would never complete. A blocked read cannot be cancelled, so the pipes outlive the links on them. */
export class FunctionFsPipes {
  readonly #out: FileHandle
  readonly #in: FileHandle
  #link: PluggedLink | undefined
  #received = 0
  /** Called after each transfer with the bytes received since the pipes were opened. */
  onReceived: ((total: number) => void) | undefined

  private constructor(out: FileHandle, into: FileHandle) {
    this.#out = out
    this.#in = into
  }

  static async open(outEndpoint: string, inEndpoint: string): Promise<FunctionFsPipes> {
    const pipes = new FunctionFsPipes(await open(outEndpoint, 'r'), await open(inEndpoint, 'w'))
    void pipes.#pump()
    return pipes
  }

  /** The link of the next plug; make it before plugging, or the first command is lost.
   * @param onClose the terminal wants to leave the bus */
  link(onClose: () => void): HostLink {
    this.#link?.end(new Error('plugged anew'))
    this.#link = new PluggedLink((bytes) => this.#send(bytes), onClose)
    return this.#link
  }

  /** Ends the link. Unplugging between two reads fails neither of them, so whoever unplugs says it here. */
  unplugged(cause?: unknown): void {
    this.#link?.end(new Error('the host is gone', { cause }))
    this.#link = undefined
  }

  async #pump(): Promise<never> {
    for (;;) {
      const buffer = new Uint8Array(this.#link?.nextRead ?? IDLE_READ)
      try {
        const { bytesRead } = await this.#out.read(buffer, 0, buffer.length, null)
        this.#received += bytesRead
        this.#link?.arrive(buffer.subarray(0, bytesRead))
        this.onReceived?.(this.#received)
      } catch (cause) {
        // ESHUTDOWN: unplugged. The next read waits for the next plug.
        this.unplugged(cause)
      }
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += LARGEST_WRITE)
      await this.#in.write(bytes.subarray(at, at + LARGEST_WRITE))
  }
}
