// Firehose's documents from the terminal's side: one command in, logs and one response out (zte-domain §4.2.1).

export interface XmlCommand {
  readonly tag: string
  /** By lower-case name: programmers differ in spelling (`ZlpAwareHost`, `ZLPAwareHost`). */
  readonly attributes: ReadonlyMap<string, string>
}

const ELEMENT = /<([A-Za-z_][\w-]*)((?:\s+[A-Za-z_][\w.:-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/>|>)/y
const ATTRIBUTE = /([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/g
const SKIPPED = /(?:\s+|<\?[^>]*\?>|<!--[\s\S]*?-->)*/y

/** The first element within `data`; undefined when that is not what the text is. As simple as the parsers in real programmers. */
export function parseCommand(text: string): XmlCommand | undefined {
  let at = 0
  const skip = (): void => {
    SKIPPED.lastIndex = at
    at += SKIPPED.exec(text)?.[0].length ?? 0
  }
  const element = () => {
    skip()
    ELEMENT.lastIndex = at
    const match = ELEMENT.exec(text)
    at += match?.[0].length ?? 0
    return match
  }
  const data = element()
  if (data?.[1] !== 'data' || data[3] !== '>') return undefined
  const command = element()
  if (!command?.[1] || !/<\/data>\s*\0*$/.test(text)) return undefined
  const attributes = new Map<string, string>()
  for (const [, name = '', double, single] of (command[2] ?? '').matchAll(ATTRIBUTE))
    attributes.set(name.toLowerCase(), unescaped(double ?? single ?? ''))
  return { tag: command[1], attributes }
}

export function logDocument(words: string): string {
  return document(`<log value="${escaped(words)}" />`)
}

export interface Response {
  readonly value: 'ACK' | 'NAK'
  readonly attributes?: Readonly<Record<string, string>>
}

export function responseDocument({ value, attributes = {} }: Response): string {
  const more = Object.entries(attributes).map(([name, text]) => ` ${name}="${escaped(text)}"`)
  return document(`<response value="${value}"${more.join('')} />`)
}

function document(element: string): string {
  return `<?xml version="1.0" encoding="UTF-8" ?>\n<data>\n${element}\n</data>`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
}

function unescaped(text: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => named[name] ?? '')
}
