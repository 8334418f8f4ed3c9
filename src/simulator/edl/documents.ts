// Firehose documents on their way to the host: apart, joined or cut, and never a transfer that the host cannot see the end of.
import type { CommandFaults } from '../fault-injector.ts'
import type { ProgrammerTraits } from './traits.ts'
import type { Wire } from './wire.ts'
import { logDocument, type Response, responseDocument } from './xml.ts'

export class DocumentWriter {
  readonly #wire: Wire
  readonly #traits: ProgrammerTraits
  readonly #zlpAware: () => boolean
  #waiting: string[] = []

  /** @param zlpAware the host said in `configure` that it reads zero-length packets. */
  constructor(wire: Wire, traits: ProgrammerTraits, zlpAware: () => boolean) {
    this.#wire = wire
    this.#traits = traits
    this.#zlpAware = zlpAware
  }

  /** Goes out with the next response, before it. */
  log(words: string): void {
    this.#waiting.push(logDocument(words))
  }

  /** Sends what waits, without a response. */
  async flush(): Promise<void> {
    await this.#send(this.#take())
  }

  async respond(response: Response, fault?: CommandFaults['reply']): Promise<void> {
    const documents = [...this.#take(), responseDocument(response)]
    await this.#wire.answer(
      response.value,
      fault,
      () => this.#send(documents),
      (bytes) => this.#transfer(documents.join('').padEnd(bytes, ' ')),
    )
    const over = response.attributes?.['rawmode'] !== 'true'
    if (this.#traits.trailingLogs && over) await this.#send([logDocument('INFO: ready for the next command')])
  }

  /** Raw data, ended so that the host sees it. */
  async data(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#wire.write(bytes)
    if (bytes.length % this.#wire.packetBytes === 0 && this.#zlpAware())
      await this.#wire.write(new Uint8Array(0))
  }

  #take(): readonly string[] {
    const waiting = this.#waiting
    this.#waiting = []
    return waiting
  }

  async #send(documents: readonly string[]): Promise<void> {
    const manner = this.#wire.documents ?? this.#traits.documents
    if (documents.length === 0) return
    if (manner === 'joined') return this.#transfer(documents.join(''))
    for (const document of documents) {
      const cut = manner === 'split' ? this.#wire.injector.cutOf(document.length) : document.length
      if (cut < document.length) await this.#transfer(document.slice(0, cut), true)
      await this.#transfer(document.slice(cut < document.length ? cut : 0))
    }
  }

  /** @param exact nothing may be put behind it: it goes on in the next one. */
  async #transfer(text: string, exact = false): Promise<void> {
    const whole = Buffer.from(text).length % this.#wire.packetBytes === 0
    const padded = whole && !exact && !this.#zlpAware()
    // A host that knows of no zero-length packets gets a line break, so that the last packet is short.
    await this.#wire.write(new Uint8Array(Buffer.from(padded ? `${text}\n` : text)))
    if (whole && !padded && !exact) await this.#wire.write(new Uint8Array(0))
  }
}
