// The tiny language of Firehose: `<?xml …?><data>` with elements that hold nothing but attributes. Read strictly but for one habit of
// programmers, quotes inside of log lines; written with everything escaped.
import { SlotbenchError } from '../../../shared/errors.ts'
import { plainText } from '../../../shared/plain-text.ts'

export interface FirehoseElement {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
}

/** MaxXMLSizeInBytes of every programmer seen (zte-domain §4.2.1). */
const MAX_COMMAND_BYTES = 4096
/** The smallest packet of any USB speed divides all others. */
const SMALLEST_PACKET = 64
const MAX_ELEMENTS = 1_000

const ESCAPES: readonly (readonly [string, string])[] = [
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
]

/** A command as a document. Its length is never a multiple of a packet, so that its end shows without an empty packet.
 * @throws SlotbenchError `internal` for what no programmer could read. */
export function commandDocument(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
): Uint8Array<ArrayBuffer> {
  const words = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
  const text = `<?xml version="1.0" encoding="UTF-8" ?><data><${name}${words.join('')} /></data>`
  const isOdd = text.length % SMALLEST_PACKET !== 0
  const bytes = new TextEncoder().encode(isOdd ? text : `${text}\n`)
  if (!/^[\x20-\x7e\n]+$/.test(text) || bytes.length > MAX_COMMAND_BYTES)
    throw new SlotbenchError('internal', `a ${name} of ${bytes.length} bytes cannot be said to a programmer`)
  return bytes
}

/** The elements of one document, from `<?xml` or `<data>` to `</data>`. A log line that is broken is given as it stands.
 * @throws SlotbenchError `terminal-garbled`. */
export function readDocument(text: string): readonly FirehoseElement[] {
  const elements: FirehoseElement[] = []
  const scan = new Scanner(text)
  scan.skip(/\s*(<\?xml[^>]*>\s*)?<data\s*>/y, 'the beginning of a document')
  while (!scan.found(/\s*<\/data\s*>/y)) {
    if (elements.length >= MAX_ELEMENTS) throw garbled('more elements than any document holds')
    const element = scan.element()
    if (element) elements.push(element)
    else if (text.includes('<log') && !text.includes('<response')) return [brokenLog(text)]
    else throw garbled(`not the XML of a programmer: ${excerpt(text)}`)
  }
  return elements
}

class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  skip(pattern: RegExp, what: string): void {
    if (!this.found(pattern)) throw garbled(`${what} is missing: ${excerpt(this.#text)}`)
  }

  found(pattern: RegExp): boolean {
    return this.#match(pattern) !== undefined
  }

  /** One element and its end; undefined when there is none. */
  element(): FirehoseElement | undefined {
    const name = this.#match(/\s*<([A-Za-z_][\w.-]*)/y)?.[1]
    if (name === undefined) return undefined
    const attributes = new Map<string, string>()
    for (;;) {
      const start = this.#match(/\s+([A-Za-z_][\w.:-]*)\s*=\s*(["'])/y)
      if (start === undefined) break
      const [, key, quote] = start
      const value = this.#value(quote ?? '"', name === 'log')
      if (value === undefined || key === undefined) return undefined
      attributes.set(key, plainText(unescaped(value)))
    }
    const isClosed = this.found(/\s*\/>/y) || (this.found(/\s*>/y) && this.found(/\s*<\/[\w.-]+\s*>/y))
    return isClosed ? { name, attributes } : undefined
  }

  /** Up to the quote behind which the element goes on or ends. Some programmers print JSON into a log line and forget to escape its
   * quotes; a log line has one attribute, so its value goes to the end of the element. */
  #value(quote: string, isLog: boolean): string | undefined {
    const start = this.#at
    const after = isLog ? /\s*(?:\/>|>\s*<\/log)/y : /\s*\/?>|\s+[A-Za-z_][\w.:-]*\s*=\s*["']/y
    for (let end = this.#text.indexOf(quote, start); end >= 0; end = this.#text.indexOf(quote, end + 1)) {
      after.lastIndex = end + 1
      if (!after.test(this.#text)) continue
      this.#at = end + 1
      return this.#text.slice(start, end)
    }
    return undefined
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.#at = pattern.lastIndex
    return match
  }
}

function brokenLog(text: string): FirehoseElement {
  const inner = /<log\s+value\s*=\s*["']?([\s\S]*?)["']?\s*\/?>?\s*<\/data\s*>/.exec(text)?.[1] ?? text
  return { name: 'log', attributes: new Map([['value', plainText(unescaped(inner))]]) }
}

function escaped(value: string): string {
  return ESCAPES.reduce((text, [plain, entity]) => text.replaceAll(plain, entity), value)
}

function unescaped(value: string): string {
  return value.replace(/&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-z]{2,4});/g, (entity, body: string) => {
    if (!body.startsWith('#')) return ESCAPES.find(([, known]) => known === entity)?.[0] ?? entity
    const code = body.startsWith('#x') ? Number.parseInt(body.slice(2), 16) : Number(body.slice(1))
    return code <= 0x10ffff ? String.fromCodePoint(code) : entity
  })
}

function excerpt(text: string): string {
  return JSON.stringify(plainText(text).slice(0, 120))
}

export function garbled(detail: string, options: { readonly cause?: unknown } = {}): SlotbenchError {
  return new SlotbenchError('terminal-garbled', detail, options)
}
