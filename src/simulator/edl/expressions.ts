// The numbers of a Firehose command that the programmer works out by itself: `NUM_DISK_SECTORS-5.`, `CRC32(2,16384)` (zte-domain §3.1).

export interface ExpressionContext {
  readonly diskSectors: number
  /** CRC-32 of so many bytes from a sector on. */
  crc32(startSector: bigint, bytes: bigint): Promise<bigint>
}

const TOKEN = /\s*(?:(0[xX][0-9a-fA-F]+|\d+)\.?|(NUM_DISK_SECTORS)\.?|(CRC32)\s*\(|([-+*/(),]))/y

/** The value of the text.
 * @throws RangeError when it is none. */
export async function evaluate(text: string, context: ExpressionContext): Promise<bigint> {
  const parser = new Parser(text, context)
  const value = await parser.sum()
  parser.end()
  return value
}

interface Token {
  readonly kind: 'number' | 'disk' | 'crc' | 'sign'
  readonly text: string
}

class Parser {
  readonly #text: string
  readonly #context: ExpressionContext
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(text: string, context: ExpressionContext) {
    this.#text = text
    this.#context = context
    this.#tokens = this.#split()
  }

  async sum(): Promise<bigint> {
    let value = await this.#product()
    for (let sign = this.#sign('+-'); sign !== undefined; sign = this.#sign('+-')) {
      const next = await this.#product()
      value = sign === '+' ? value + next : value - next
    }
    return value
  }

  end(): void {
    if (this.#at < this.#tokens.length) this.#fail()
  }

  async #product(): Promise<bigint> {
    let value = await this.#atom()
    for (let sign = this.#sign('*/'); sign !== undefined; sign = this.#sign('*/')) {
      const next = await this.#atom()
      if (sign === '/' && next === 0n) this.#fail()
      value = sign === '*' ? value * next : value / next
    }
    return value
  }

  async #atom(): Promise<bigint> {
    const token = this.#tokens[this.#at]
    this.#at += 1
    if (token?.kind === 'number') return BigInt(token.text)
    if (token?.kind === 'disk') return BigInt(this.#context.diskSectors)
    if (token?.kind === 'crc') return this.#crc()
    if (token?.text === '(') {
      const value = await this.#nested()
      if (this.#sign(')') === undefined) this.#fail()
      return value
    }
    return this.#fail()
  }

  async #crc(): Promise<bigint> {
    const start = await this.#nested()
    if (this.#sign(',') === undefined) this.#fail()
    const bytes = await this.#nested()
    if (this.#sign(')') === undefined) this.#fail()
    return this.#context.crc32(start, bytes)
  }

  async #nested(): Promise<bigint> {
    this.#depth += 1
    if (this.#depth > 8) this.#fail()
    const value = await this.sum()
    this.#depth -= 1
    return value
  }

  #sign(signs: string): string | undefined {
    const token = this.#tokens[this.#at]
    if (token?.kind !== 'sign' || !signs.includes(token.text)) return undefined
    this.#at += 1
    return token.text
  }

  #split(): readonly Token[] {
    const tokens: Token[] = []
    for (let at = 0; at < this.#text.trimEnd().length; ) {
      TOKEN.lastIndex = at
      const match = TOKEN.exec(this.#text)
      if (!match) return this.#fail()
      const [whole, number, disk, crc, sign] = match
      at += whole.length
      if (number !== undefined) tokens.push({ kind: 'number', text: number })
      else if (disk !== undefined) tokens.push({ kind: 'disk', text: disk })
      else if (crc !== undefined) tokens.push({ kind: 'crc', text: crc })
      else tokens.push({ kind: 'sign', text: sign ?? '' })
    }
    return tokens
  }

  #fail(): never {
    throw new RangeError(`not a number or an expression: ${this.#text.slice(0, 80)}`)
  }
}
