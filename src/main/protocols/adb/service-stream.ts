// One service of a terminal as a stream of bytes, with deadlines and with errors of ours instead of the library's promises.
import type { AdbSocket } from '@yume-chan/adb'
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { underDeadline } from '../../../shared/waiting.ts'

/** Closing is telling the terminal, which may not listen any more. */
const CLOSE_PATIENCE_MS = 250

export class ServiceStream {
  readonly #socket: AdbSocket
  readonly #connection: AbortSignal
  readonly #reader: ReturnType<AdbSocket['readable']['getReader']>
  readonly #writer: ReturnType<AdbSocket['writable']['getWriter']>
  /** A read that somebody gave up on; what it brings is for the next one. */
  #reading: Promise<Uint8Array<ArrayBuffer> | undefined> | undefined

  /** @param connection aborted with the reason, a SlotbenchError, when the connection fails. */
  constructor(socket: AdbSocket, connection: AbortSignal) {
    this.#socket = socket
    this.#connection = connection
    this.#reader = socket.readable.getReader()
    this.#writer = socket.writable.getWriter()
    this.#reader.closed.catch(() => undefined)
    this.#writer.closed.catch(() => undefined)
    this.#writer.ready.catch(() => undefined)
  }

  /** The next bytes, as many as the terminal sent at once; undefined when the service has ended.
   * @throws SlotbenchError `terminal-silent`, `terminal-gone`. */
  async read(o: IoOptions): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#reading ??= this.#next()
    const bytes = await this.#within(this.#reading, o, 'the terminal says nothing more')
    this.#reading = undefined
    return bytes
  }

  /** Resolves when the terminal has room for more, not when it has worked on it.
   * @throws SlotbenchError `terminal-silent`, `terminal-gone` also when the service has ended. */
  async write(bytes: Uint8Array<ArrayBuffer>, o: IoOptions): Promise<void> {
    const written = this.#writer.write(bytes).catch((thrown: unknown) => {
      throw this.#connection.aborted ? abortError(this.#connection) : ended(thrown)
    })
    await this.#within(written, o, 'the terminal takes no more data')
  }

  /** Everything until the service ends. @throws SlotbenchError `terminal-garbled` beyond `maxBytes`. */
  async readAll(maxBytes: number, o: IoOptions): Promise<Uint8Array<ArrayBuffer>[]> {
    const pieces: Uint8Array<ArrayBuffer>[] = []
    for (let total = 0; ; ) {
      const piece = await this.read(o)
      if (piece === undefined) return pieces
      total += piece.length
      if (total > maxBytes)
        throw new SlotbenchError('terminal-garbled', `the terminal says more than ${maxBytes} bytes`)
      pieces.push(piece)
    }
  }

  /** Never throws; safe to call twice. */
  async close(): Promise<void> {
    const { promise: patience, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, CLOSE_PATIENCE_MS)
    const closed = (async () => await this.#socket.close())().catch(() => undefined)
    await Promise.race([closed, patience])
    clearTimeout(timer)
    this.#reader.cancel().catch(() => undefined)
  }

  async #next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { done, value } = await this.#reader.read().catch((thrown: unknown) => {
      throw this.#connection.aborted ? abortError(this.#connection) : ended(thrown)
    })
    return done ? undefined : (value as Uint8Array<ArrayBuffer>)
  }

  async #within<T>(work: Promise<T>, o: IoOptions, silence: string): Promise<T> {
    const late = () => new SlotbenchError('terminal-silent', silence)
    const result = await whileAlive(work, this.#connection, { ...o, late })
    // A connection that fails closes its streams: such an end is no end of the service.
    if (this.#connection.aborted) throw abortError(this.#connection)
    return result
  }
}

/** The outcome of `work`, unless the connection, the signal or the deadline ends first. Listens only while it waits: racing
 * with one promise that lives as long as the connection would keep something of every packet. */
export async function whileAlive<T>(
  work: Promise<T>,
  connection: AbortSignal,
  o: IoOptions & { readonly late: () => SlotbenchError },
): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = () => reject(abortError(connection))
  connection.addEventListener('abort', end, { once: true })
  if (connection.aborted) end()
  try {
    return await underDeadline(Promise.race([work, ended]), o, o.late)
  } finally {
    connection.removeEventListener('abort', end)
  }
}

function ended(cause: unknown): SlotbenchError {
  return new SlotbenchError('terminal-gone', 'the terminal ended the service', { cause })
}
