// Reed-Solomon parity over GF(2^8) as dm-verity's error correction uses it: field polynomial 0x11d, first root α^0, codewords of 255
// bytes (kernel: Documentation/admin-guide/device-mapper/verity.rst; AOSP libfec ecc.h).

const FIELD_POLYNOMIAL = 0x11d
export const CODEWORD = 255

const EXP = new Uint8Array(2 * CODEWORD)
const LOG = new Uint8Array(CODEWORD + 1)
for (let power = 0, value = 1; power < CODEWORD; power++) {
  EXP[power] = value
  EXP[power + CODEWORD] = value
  LOG[value] = power
  value = value * 2 > 0xff ? (value * 2) ^ FIELD_POLYNOMIAL : value * 2
}

/** Parity of many codewords side by side: each `add` gives every one of them its next byte. */
export class ParityEncoder {
  readonly #width: number
  readonly #roots: number
  /** For each parity byte, what a feedback byte contributes to it. */
  readonly #products: readonly Uint8Array[]
  /** The parity bytes of all codewords, highest power first. */
  #registers: Uint8Array[]

  /** @param width codewords. */
  constructor(width: number, roots: number) {
    this.#width = width
    this.#roots = roots
    this.#products = generator(roots).map((factor) =>
      Uint8Array.from({ length: 256 }, (_, x) => multiply(factor, x)),
    )
    this.#registers = Array.from({ length: roots }, () => new Uint8Array(width))
  }

  /** @param column one byte for each codeword. */
  add(column: Uint8Array): void {
    const [first, ...rest] = this.#registers
    if (first === undefined) return
    // The register that falls out at the top becomes the feedback, and comes back as the lowest one.
    for (let i = 0; i < this.#width; i++) first[i] = (first[i] ?? 0) ^ (column[i] ?? 0)
    for (const [index, register] of rest.entries()) mix(register, first, this.#products[index])
    const last = new Uint8Array(this.#width)
    mix(last, first, this.#products.at(-1))
    this.#registers = [...rest, last]
  }

  /** The parity of all codewords, one after the other. */
  parity(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#width * this.#roots)
    for (const [place, register] of this.#registers.entries())
      for (let i = 0; i < this.#width; i++) all[i * this.#roots + place] = register[i] ?? 0
    return all
  }
}

function mix(register: Uint8Array, feedback: Uint8Array, products: Uint8Array | undefined): void {
  if (products === undefined) return
  for (let i = 0; i < register.length; i++)
    register[i] = (register[i] ?? 0) ^ (products[feedback[i] ?? 0] ?? 0)
}

/** Coefficients of ∏ (x - α^i) below the leading one, the highest power first. */
function generator(roots: number): readonly number[] {
  let polynomial = [1]
  for (let root = 0; root < roots; root++) {
    const shifted = [...polynomial, 0]
    const scaled = [0, ...polynomial.map((factor) => multiply(factor, EXP[root] ?? 0))]
    polynomial = shifted.map((factor, i) => factor ^ (scaled[i] ?? 0))
  }
  return polynomial.slice(1)
}

function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : (EXP[(LOG[a] ?? 0) + (LOG[b] ?? 0)] ?? 0)
}
