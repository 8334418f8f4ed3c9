// One command at a time over a link: log lines, the one response, and the rule that a failed exchange ends it all.
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { type EdlLink, limited } from '../edl/edl-link.ts'
import type { FirehoseDeadlines } from './deadlines.ts'
import { DocumentStream } from './documents.ts'
import { commandDocument, type FirehoseElement, garbled } from './xml.ts'

export interface Command {
  readonly name: string
  readonly attributes?: Readonly<Record<string, string | number>>
}

/** The response to a command, and the log lines before it. */
export interface Answer {
  readonly ack: boolean
  /** Data follows instead of documents, from the side that the command says. */
  readonly raw: boolean
  readonly attributes: ReadonlyMap<string, string>
  readonly logs: readonly string[]
}

/** A programmer that never comes to an end is none. */
const MAX_ELEMENTS = 20_000
const MAX_CRUMBS = 5_000
/** Kept of what it said; a verbose programmer says much. */
const MAX_LOGS = 500
/** What an earlier command left behind is there already, or follows on its heels. */
const HEEL_MS = 2

export class FirehoseChannel {
  readonly link: EdlLink
  readonly deadlines: FirehoseDeadlines
  readonly #onLog: ((line: string) => void) | undefined
  readonly #documents = new DocumentStream()
  #failure: SlotbenchError | undefined
  #busy = false
  /** A command is out and its end has not come: whatever arrives next belongs to it. */
  #unanswered = false
  #logs: string[] = []
  #words = 0

  constructor(link: EdlLink, deadlines: FirehoseDeadlines, onLog?: (line: string) => void) {
    this.link = link
    this.deadlines = deadlines
    this.#onLog = onLog
  }

  /** What the programmer said since its last command began. */
  get logs(): readonly string[] {
    return this.#logs
  }

  /** Counts up with everything that arrives; deadlines that start again with every word look at it. */
  get words(): number {
    return this.#words
  }

  /** Runs one exchange; no other may begin before it ends. An answer, NAK included, leaves the channel usable; whatever breaks off in
   * the middle leaves bytes on their way that would be taken for the next answer, so it ends the connection.
   * @throws SlotbenchError `terminal-garbled` once the connection has ended. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    this.enter()
    try {
      return await work()
    } catch (thrown) {
      throw this.judge(thrown)
    } finally {
      this.exit()
    }
  }

  enter(): void {
    if (this.#failure)
      throw new SlotbenchError(
        'terminal-garbled',
        `the connection to the programmer was given up earlier: ${this.#failure.message}`,
        { cause: this.#failure },
      )
    if (this.#busy) throw new SlotbenchError('internal', 'a Firehose command is already under way')
    this.#busy = true
  }

  judge(thrown: unknown): SlotbenchError {
    const error = asSlotbenchError(thrown)
    if (this.#unanswered || error.code === 'terminal-garbled' || error.code === 'terminal-gone')
      this.#failure ??= error
    return error
  }

  exit(): void {
    this.#busy = false
    if (this.#unanswered)
      this.#failure ??= new SlotbenchError('cancelled', 'the last command was left before its end')
  }

  /** The connection is over, for this reason. */
  end(reason: SlotbenchError): void {
    this.#failure ??= reason
  }

  /** Says the command and waits for its response.
   * @param ms how long the programmer may keep silent. */
  async exchange(command: Command, ms: number, o: IoOptions): Promise<Answer> {
    await this.say(command, ms, o)
    return await this.answer(o, ms)
  }

  /** Says a command, after everything that belongs to the one before it was heard: some programmers take no command before that
   * (MSM8916; qdl). The read stays open for the response. */
  async say(command: Command, ms: number, o: IoOptions): Promise<void> {
    const bytes = commandDocument(command.name, command.attributes ?? {})
    const stale = await this.listen(HEEL_MS, o, { keep: ms })
    if (stale > 0) throw garbled(`before ${command.name} the programmer answered something that nobody asked`)
    await this.put(bytes, o)
  }

  /** Sends a command without listening first. */
  async put(bytes: Uint8Array<ArrayBuffer>, o: IoOptions): Promise<void> {
    this.#logs = []
    this.#unanswered = true
    await this.link.send(bytes, limited(o, this.deadlines.command))
  }

  /** Hears everything until it is quiet for `quiet` ms.
   * @param wait `first`: how long to wait for the first word, ms; `keep`: how long the read stays open after that.
   * @returns how many responses were among it.
   * @throws SlotbenchError `terminal-garbled` for what is no XML, and for a programmer that does not stop. */
  async listen(
    quiet: number,
    o: IoOptions,
    wait: { readonly first?: number; readonly keep?: number } = {},
  ): Promise<number> {
    const { first = quiet, keep } = wait
    let responses = 0
    for (let count = 0; count < MAX_ELEMENTS; count++) {
      const element = await this.#element(() => this.link.within(count === 0 ? first : quiet, o, keep))
      if (element === undefined) return responses
      if (this.#isResponse(element)) responses += 1
    }
    throw garbled('the programmer does not stop talking')
  }

  /** The next response. `ms` starts again with everything that arrives. */
  async answer(o: IoOptions, ms: number): Promise<Answer> {
    for (let count = 0; count < MAX_ELEMENTS; count++) {
      const element = await this.#element(() => this.link.next(limited(o, ms)))
      if (element === undefined || !this.#isResponse(element)) continue
      const raw = element.attributes.get('rawmode')?.toLowerCase() === 'true'
      const ack = element.attributes.get('value')?.toUpperCase() === 'ACK'
      this.#unanswered = ack && raw
      return { ack, raw, attributes: element.attributes, logs: this.#logs }
    }
    throw garbled(`more than ${MAX_ELEMENTS} messages without a response`)
  }

  /** Raw data that arrived together with the response before it. */
  takeRaw(): Uint8Array<ArrayBuffer> {
    return this.#documents.takeRest()
  }

  async close(): Promise<void> {
    this.end(new SlotbenchError('terminal-gone', 'the connection was closed'))
    await this.link.close()
  }

  async #element(
    read: () => Promise<Uint8Array<ArrayBuffer> | undefined>,
  ): Promise<FirehoseElement | undefined> {
    for (let count = 0; count < MAX_CRUMBS; count++) {
      const element = this.#documents.next()
      if (element !== undefined) return element
      const bytes = await read()
      if (bytes === undefined) return undefined
      this.#words += 1
      this.#documents.push(bytes)
    }
    throw garbled('the programmer sends nothing but crumbs')
  }

  /** Everything that is no response with ACK or NAK counts as said, not as answered. */
  #isResponse({ name, attributes }: FirehoseElement): boolean {
    const value = attributes.get('value') ?? ''
    if (name === 'response' && /^(ACK|NAK)$/i.test(value)) return true
    if (this.#logs.length < MAX_LOGS) this.#logs.push(value)
    else this.#logs.splice(0, 1, value)
    this.#onLog?.(value)
    return false
  }
}

/** The line that says most about a refusal: the last that speaks of an error, or the last at all. */
export function lastWords(logs: readonly string[]): string {
  const lines = logs.map((line) => line.trim()).filter((line) => line !== '')
  return lines.findLast((line) => /error|fail|nak\b|invalid|not supported/i.test(line)) ?? lines.at(-1) ?? ''
}
