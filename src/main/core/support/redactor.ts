// Puts pseudonyms in the place of what would tell whose terminal, whose bench or whose computer it is; the same thing always gets the
// same one, so that what belongs together can still be seen. Pure.
import type { Replacement, SecretKind } from '../../../shared/support.ts'

export interface Secret {
  readonly kind: SecretKind
  readonly value: string
}

/** Found by their shape, wherever they stand. */
const PATTERNS: readonly { readonly kind: SecretKind; readonly source: string }[] = [
  { kind: 'email', source: String.raw`[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+` },
  {
    kind: 'mac',
    source: String.raw`(?<![0-9a-f:-])[0-9a-f]{2}(?:(?<sep>[:-])[0-9a-f]{2})(?:\k<sep>[0-9a-f]{2}){4}(?![0-9a-f])`,
  },
  { kind: 'home', source: String.raw`(?:/home|(?:[a-z]:)?[\\/]Users)[\\/][^\\/\s"'<>:,;]+` },
]

/** With its check digit, as it is printed on boxes too; or with the version of the software in its place. */
const IMEI = /(?<!\d)\d{2}[- ]?\d{6}[- ]?\d{6}[- ]?\d(?!\d)|(?<![\p{L}\p{N}])\d{16}(?![\p{L}\p{N}])/gu

/** Too short to be looked for inside of other words. */
const SHORT = 6

export class Redactor {
  readonly #secrets: readonly { readonly kind: SecretKind; readonly key: string }[]
  readonly #search: RegExp
  readonly #replaced = new Map<string, Replacement>()
  readonly #counts = new Map<SecretKind, number>()

  constructor(secrets: readonly Secret[]) {
    const distinct = new Map<string, Secret>()
    for (const { kind, value } of secrets) {
      const text = value.normalize('NFC').trim()
      const key = keyOf(text)
      if (text !== '' && !distinct.has(key)) distinct.set(key, { kind, value: text })
    }
    // The longest first: a folder before the home that it lies in.
    const ordered = [...distinct.entries()].sort(([, a], [, b]) => b.value.length - a.value.length)
    this.#secrets = ordered.map(([key, { kind }]) => ({ kind, key }))
    const sources = [
      ...ordered.map(([, secret]) => sourceOf(secret)),
      ...PATTERNS.map(({ source }) => source),
    ]
    this.#search = new RegExp(sources.map((source, index) => `(?<g${index}>${source})`).join('|'), 'giu')
  }

  /** What was replaced until now, in the order in which it was found. */
  get replaced(): readonly Replacement[] {
    return [...this.#replaced.values()]
  }

  text(text: string): string {
    const named = text.normalize('NFC').replace(this.#search, (found, ...rest) => {
      const groups = rest.at(-1) as Readonly<Record<string, string | undefined>>
      const index = Number(
        Object.keys(groups)
          .find((name) => groups[name] !== undefined)
          ?.slice(1),
      )
      const secret = this.#secrets[index]
      if (secret !== undefined) return this.#pseudonym(secret.kind, secret.key, found)
      return this.#pseudonym(PATTERNS[index - this.#secrets.length]?.kind ?? 'id', keyOf(found), found)
    })
    // Afterwards, because not every number of that length is one, and such a number may hold a secret.
    return named.replace(IMEI, (found) => {
      const digits = found.replace(/\D/g, '')
      return digits.length === 16 || hasCheckDigit(digits) ? this.#pseudonym('imei', digits, found) : found
    })
  }

  /** Every text in plain data, names of fields too: terminals name variables as they like. */
  tree<T>(value: T): T {
    return this.#tree(value) as T
  }

  #tree(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value)
    if (Array.isArray(value)) return value.map((item) => this.#tree(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.text(key), this.#tree(item)]))
  }

  #pseudonym(kind: SecretKind, key: string, original: string): string {
    const known = this.#replaced.get(key)
    if (known !== undefined) {
      this.#replaced.set(key, { ...known, count: known.count + 1 })
      return known.pseudonym
    }
    const number = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, number)
    const pseudonym = `${kind}-${number}`
    this.#replaced.set(key, { kind, pseudonym, original, count: 1 })
    return pseudonym
  }
}

function keyOf(text: string): string {
  return text.toLowerCase().replaceAll('\\', '/')
}

/** How a secret may be written: paths with either slash, and as a part of an address. Words only as whole words. */
function sourceOf({ kind, value }: Secret): string {
  const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
  if (kind === 'home' || kind === 'folder') {
    const spellings = new Set([value, encodeURI(value.toWellFormed())])
    const sources = [...spellings].map((text) => text.split(/[\\/]/).map(literal).join(String.raw`[\\/]+`))
    return String.raw`(?:${sources.join('|')})(?![\p{L}\p{N}])`
  }
  const whole = kind === 'operator' || kind === 'user' || kind === 'host' || value.length < SHORT
  if (value.length < 2) return `^${literal(value)}$`
  return whole ? String.raw`(?<![\p{L}\p{N}])${literal(value)}(?![\p{L}\p{N}])` : literal(value)
}

/** The last digit of an IMEI follows from the others (Luhn), and of a date or a size it seldom does. */
function hasCheckDigit(digits: string): boolean {
  const sum = [...digits].reverse().reduce((all, digit, index) => {
    const weighed = index % 2 === 0 ? Number(digit) : 2 * Number(digit)
    return all + (weighed > 9 ? weighed - 9 : weighed)
  }, 0)
  return digits.length === 15 && sum % 10 === 0
}
