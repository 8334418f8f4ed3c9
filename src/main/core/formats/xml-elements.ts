// XML as packages use it: a tree of elements with attributes and text. No entity is ever expanded, and sizes are limited.
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { SlotbenchError } from '../../../shared/errors.ts'

export interface XmlElement {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** Its own text, trimmed. */
  readonly text: string
  /** Where it stands among the elements beside it, counted from 1, for messages. */
  readonly number: number
}

/** Genuine ones have some ten kilobytes and some hundred elements; unsparsed ones some thousand. */
const MAX_BYTES = 1024 * 1024
const MAX_ELEMENTS = 50_000
const MAX_DEPTH = 32
const TEXT = '#text'
const ATTRIBUTES = ':@'

/** The five entities that XML itself defines; a package's own (DOCTYPE) are refused. */
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The root element of a document.
 * @param file its name, for messages.
 * @throws SlotbenchError `rawprogram-invalid` when it is no well-formed XML of a sensible size, or declares entities. */
export function parseXml(bytes: Uint8Array, file: string): XmlElement {
  const text = decode(bytes, file)
  // A document type could only declare entities, which is how XML is made to do harm.
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) throw invalid(file, 'it declares a document type')
  checkDepth(text, file)
  const verdict = wellFormed(text)
  if (verdict !== undefined) throw invalid(file, verdict)
  const roots = new Elements(file).of(parse(text, file))
  const [root, ...others] = roots
  if (root === undefined || others.length > 0) throw invalid(file, `it has ${roots.length} root elements`)
  return root
}

function decode(bytes: Uint8Array, file: string): string {
  if (bytes.byteLength > MAX_BYTES) throw invalid(file, `it is ${bytes.byteLength} bytes long`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new SlotbenchError('rawprogram-invalid', `${file} is not UTF-8 text`, { cause })
  }
}

/** The parser's own work grows with depth times length, so depth is counted first. Comments and CDATA may hold anything and are
 * counted along: too many brackets in them refuse a file that nobody needs. */
function checkDepth(text: string, file: string): void {
  let depth = 0
  let elements = 0
  for (const [tag] of text.matchAll(/<\/?[A-Za-z_](?:[^<>"']|"[^"]*"|'[^']*')*>/g)) {
    if (tag.startsWith('</')) depth -= 1
    else {
      elements += 1
      if (!tag.endsWith('/>')) depth += 1
    }
    if (depth > MAX_DEPTH) throw invalid(file, `its elements are nested more than ${MAX_DEPTH} deep`)
    if (elements > MAX_ELEMENTS) throw invalid(file, `it has more than ${MAX_ELEMENTS} elements`)
  }
}

function wellFormed(text: string): string | undefined {
  const verdict = XMLValidator.validate(text)
  return verdict === true ? undefined : `line ${verdict.err.line}: ${verdict.err.msg.slice(0, 200)}`
}

function parse(text: string, file: string): unknown {
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    processEntities: false,
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
  })
  try {
    return parser.parse(text)
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause)
    throw new SlotbenchError('rawprogram-invalid', `${file}: ${detail.slice(0, 200)}`, { cause })
  }
}

/** The parser's ordered output as elements. */
class Elements {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  of(nodes: unknown): XmlElement[] {
    if (!Array.isArray(nodes)) return []
    const elements: XmlElement[] = []
    for (const node of nodes as unknown[]) {
      const element = this.#element(node, elements.length + 1)
      if (element !== undefined) elements.push(element)
    }
    return elements
  }

  #element(node: unknown, number: number): XmlElement | undefined {
    if (!isRecord(node)) return undefined
    const name = Object.keys(node).find((key) => key !== ATTRIBUTES && key !== TEXT && !key.startsWith('?'))
    if (name === undefined) return undefined
    const inside: unknown = node[name]
    const children = this.of(inside)
    const attributes = new Map(
      Object.entries(isRecord(node[ATTRIBUTES]) ? node[ATTRIBUTES] : {}).map(
        ([key, value]) => [key, this.#text(value)] as const,
      ),
    )
    const texts = Array.isArray(inside)
      ? inside.map((part: unknown) => (isRecord(part) ? part[TEXT] : ''))
      : []
    const text = texts
      .map((part) => this.#text(part))
      .join('')
      .trim()
    return { name, attributes, children, text, number }
  }

  #text(value: unknown): string {
    if (typeof value !== 'string') return ''
    return value.replace(/&([^;&]{0,20});?/g, (whole, name: string) => {
      const known = Object.hasOwn(ENTITIES, name) && whole.endsWith(';') ? ENTITIES[name] : undefined
      const code = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name)
      const point = code === null ? Number.NaN : Number.parseInt(code[1] ?? code[2] ?? '', code[1] ? 16 : 10)
      if (known !== undefined) return known
      if (whole.endsWith(';') && point > 0 && point <= 0x10ffff) return String.fromCodePoint(point)
      throw invalid(this.#file, `the entity ${whole.slice(0, 24)} is not one of XML’s own`)
    })
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(file: string, detail: string): SlotbenchError {
  return new SlotbenchError('rawprogram-invalid', `${file}: ${detail}`, { context: { file } })
}
