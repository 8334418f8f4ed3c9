// Documents out of a stream of bytes: several may come in one transfer, one may come in several, and raw data may follow on its heels.
import { joinBytes } from '../../core/formats/join-bytes.ts'
import { type FirehoseElement, garbled, readDocument } from './xml.ts'

/** Programmers send at most 4096 bytes a document; some logs are longer. */
const MAX_DOCUMENT_BYTES = 64 * 1024
const STARTS = ['<?xml', '<data'].map((word) => Buffer.from(word))
const END = '</data>'

/** Bytes came where a document should: the programmer is in the middle of a data transfer. */
export class NotXml extends Error {}

export class DocumentStream {
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #elements: FirehoseElement[] = []

  push(bytes: Uint8Array<ArrayBuffer>): void {
    this.#buffer = this.#buffer.length === 0 ? bytes : joinBytes([this.#buffer, bytes])
  }

  /** The next element, in order; undefined until more bytes come.
   * @throws SlotbenchError `terminal-garbled`, with {@link NotXml} as its cause where it is no XML at all. */
  next(): FirehoseElement | undefined {
    while (this.#elements.length === 0) {
      const text = this.#document()
      if (text === undefined) return undefined
      this.#elements = [...readDocument(text)]
    }
    return this.#elements.shift()
  }

  /** What follows the documents that were read; it is raw data then. */
  takeRest(): Uint8Array<ArrayBuffer> {
    const rest = this.#buffer
    this.#buffer = new Uint8Array(0)
    return rest
  }

  #document(): string | undefined {
    const buffer = Buffer.from(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.length)
    let start = 0
    // Some programmers end their documents with a newline or a NUL.
    while (start < buffer.length && isBlank(buffer[start])) start += 1
    const head = buffer.subarray(start)
    if (!STARTS.some((word) => word.subarray(0, head.length).equals(head.subarray(0, word.length))))
      throw garbled('the programmer sends data where it should speak', { cause: new NotXml() })
    const end = head.indexOf(END)
    if (end < 0 && head.length > MAX_DOCUMENT_BYTES)
      throw garbled(`a document does not end within ${MAX_DOCUMENT_BYTES} bytes`)
    if (end < 0 || head.length === 0) return undefined
    const after = start + end + END.length
    const text = buffer.toString('utf8', start, after)
    this.#buffer = this.#buffer.slice(after)
    return text
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0 || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
