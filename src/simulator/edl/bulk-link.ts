// The device's end of the bulk pipes in EDL: every read is posted with a size, as USB hardware wants it.

/** What carries Sahara and Firehose; USB and a FunctionFS gadget implement it. */
export interface BulkLink {
  readonly packetBytes: number
  /** One posted read: complete when `bytes` have come, or early with a short or zero-length packet.
   * @param into where they are put, if anywhere; at least so large.
   * @throws any error once the host is gone. */
  read(bytes: number, into?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>
  /** One transfer without a zero-length packet behind it; an empty one is a zero-length packet. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>
  /** Resolves once the host is gone. */
  readonly gone: Promise<void>
  /** Pending reads and writes reject. What was written before an orderly end still reaches the host. */
  close(how: 'orderly' | 'abrupt'): void
}

interface Arrived {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** A short or zero-length packet came last. */
  readonly ends: boolean
}

const MOST_WAITING = 8

/** Keeps one packet's read posted while the device is busy, so that a zero-length packet, or the next short command, is taken at once;
 * more is not taken before the device asks. */
export class PostedReads {
  readonly #post: (bytes: number) => Promise<Uint8Array<ArrayBuffer>>
  readonly #packetBytes: number
  readonly #mostBytes: number
  readonly #arrived: Arrived[] = []
  /** Bytes that have still to come for the read that the device is at. */
  #wanted = 0
  #gone: { readonly cause: unknown } | undefined
  #news = Promise.withResolvers<void>()
  readonly #finished: Promise<void>
  readonly #ended = Promise.withResolvers<void>()

  /** @param post one read of the endpoint: whole packets, ended by a short one. @param mostBytes one of them may be. */
  constructor(
    post: (bytes: number) => Promise<Uint8Array<ArrayBuffer>>,
    packetBytes: number,
    mostBytes = Number.POSITIVE_INFINITY,
  ) {
    this.#post = post
    this.#packetBytes = packetBytes
    this.#mostBytes = mostBytes
    this.#finished = this.#pump()
  }

  /** No read is posted any more, nor ever again. */
  get finished(): Promise<void> {
    return this.#finished
  }

  get gone(): Promise<void> {
    return this.#ended.promise
  }

  async read(bytes: number, into?: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array<ArrayBuffer>[] = []
    let filled = 0
    this.#wanted = this.#lacking(bytes)
    this.#announce()
    for (let left = bytes; left > 0; ) {
      const next = await this.#next()
      const piece = next.bytes.subarray(0, left)
      const whole = piece.length === next.bytes.length
      // The host sent more than was asked for: what is left over begins the next read.
      if (!whole) this.#arrived.unshift({ bytes: next.bytes.subarray(piece.length), ends: next.ends })
      if (into) into.set(piece, bytes - left)
      else pieces.push(piece)
      filled += piece.length
      left -= piece.length
      if (next.ends && whole) break
    }
    this.#announce()
    if (into) return into.subarray(0, filled)
    const [only] = pieces
    return pieces.length === 1 && only ? only : new Uint8Array(Buffer.concat(pieces))
  }

  /** The host is gone, as far as somebody else can tell. */
  end(cause: unknown): void {
    this.#gone ??= { cause }
    this.#ended.resolve()
    this.#announce()
  }

  async #next(): Promise<Arrived> {
    for (;;) {
      const next = this.#arrived.shift()
      if (next) return next
      if (this.#gone) throw this.#gone.cause
      await this.#news.promise
    }
  }

  async #pump(): Promise<void> {
    try {
      while (!this.#gone) {
        const size = this.#nextRead
        const bytes = await this.#post(size)
        const ends = bytes.length < size
        this.#arrived.push({ bytes, ends })
        this.#wanted = ends ? 0 : Math.max(0, this.#wanted - bytes.length)
        this.#announce()
        // Busy, and one packet waits: the endpoint refuses the next one until the device asks.
        while (!this.#gone && this.#wanted === 0 && this.#full) await this.#news.promise
      }
    } catch (cause) {
      this.end(cause)
    }
  }

  /** Zero-length packets take no room, within reason. */
  get #full(): boolean {
    return this.#arrived.length >= MOST_WAITING || this.#arrived.some(({ bytes }) => bytes.length > 0)
  }

  /** What of a read of so many bytes is not there yet. */
  #lacking(bytes: number): number {
    let left = bytes
    for (const arrived of this.#arrived) {
      left -= arrived.bytes.length
      if (arrived.ends || left <= 0) return 0
    }
    return left
  }

  /** A posted read larger than what is coming would wait for a short packet for ever, so never more than is asked for, in whole packets. */
  get #nextRead(): number {
    const packets = Math.max(1, Math.ceil(this.#wanted / this.#packetBytes))
    return Math.min(packets * this.#packetBytes, Math.max(this.#packetBytes, this.#mostBytes))
  }

  #announce(): void {
    const news = this.#news
    this.#news = Promise.withResolvers<void>()
    news.resolve()
  }
}
