// One direction of a bulk endpoint pair: transfers on one side, packets on the other, with time-outs that lose data.

/** Why a transfer failed, in the words of the `usb` package. */
export class TransferFailure extends Error {
  readonly kind: 'Cancelled' | 'Disconnected'
  constructor(kind: TransferFailure['kind']) {
    super(kind)
    this.kind = kind
  }
}

interface Written {
  readonly bytes: Uint8Array<ArrayBuffer>
  taken: number
  readonly settle: (failure?: TransferFailure) => void
}

/** What one side puts in as transfers, the other takes out; nothing is kept that nobody asked for. */
export class PacketPipe {
  readonly #packetSize: number
  #queue: Written[] = []
  #wake: () => void = () => {}
  #ended = false
  readonly #gone = Promise.withResolvers<void>()

  constructor(packetSize: number) {
    this.#packetSize = packetSize
  }

  /** Resolves when the other side has taken all of it. An empty array is a zero-length packet.
   * @throws TransferFailure `Cancelled` after `timeout` ms; what was taken until then has arrived. */
  put(bytes: Uint8Array<ArrayBuffer>, timeout: number): Promise<void> {
    if (this.#ended) return Promise.reject(new TransferFailure('Disconnected'))
    return new Promise((resolve, reject) => {
      const timer = afterTimeout(timeout, () => written.settle(new TransferFailure('Cancelled')))
      const written: Written = {
        bytes,
        taken: 0,
        settle: (failure) => {
          clearTimeout(timer)
          this.#queue = this.#queue.filter((other) => other !== written)
          if (failure) reject(failure)
          else resolve()
        },
      }
      this.#queue.push(written)
      this.#wake()
    })
  }

  /** One transfer of at most `length` bytes (whole packets): ends early with a short or zero-length packet.
   * @throws TransferFailure `Cancelled` after `timeout` ms; what had arrived is lost. */
  async take(length: number, timeout: number): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array<ArrayBuffer>[] = []
    let total = 0
    let expired = false
    const timer = afterTimeout(timeout, () => {
      expired = true
      this.#wake()
    })
    try {
      while (total < length) {
        const piece = await this.#next(length - total, () => expired)
        pieces.push(piece)
        total += piece.length
        if (piece.length === 0 || piece.length % this.#packetSize !== 0) break
      }
    } finally {
      clearTimeout(timer)
    }
    return joined(pieces, total)
  }

  /** Some bytes of what was put, as soon as there are any; empty for a zero-length packet. For the device's side. */
  some(most: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#next(most, () => false)
  }

  /** Resolves when the other side is gone, also for who takes nothing just now. */
  get ended(): Promise<void> {
    return this.#gone.promise
  }

  /** Both sides find out. */
  end(): void {
    this.#ended = true
    this.#gone.resolve()
    for (const written of this.#queue) written.settle(new TransferFailure('Disconnected'))
    this.#wake()
  }

  async #next(most: number, expired: () => boolean): Promise<Uint8Array<ArrayBuffer>> {
    let first = this.#queue[0]
    while (!first) {
      if (this.#ended) throw new TransferFailure('Disconnected')
      if (expired()) throw new TransferFailure('Cancelled')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      first = this.#queue[0]
    }
    const piece = first.bytes.subarray(first.taken, first.taken + most)
    first.taken += piece.length
    if (first.taken === first.bytes.length) first.settle()
    return piece
  }
}

function afterTimeout(ms: number, expire: () => void): NodeJS.Timeout | undefined {
  return Number.isFinite(ms) && ms > 0 ? setTimeout(expire, Math.min(ms, 0x7fffffff)) : undefined
}

function joined(pieces: readonly Uint8Array<ArrayBuffer>[], total: number): Uint8Array<ArrayBuffer> {
  if (pieces.length === 1 && pieces[0]) return pieces[0]
  const whole = new Uint8Array(total)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
