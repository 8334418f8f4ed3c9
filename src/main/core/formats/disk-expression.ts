// Numbers in rawprogram and patch files that may count from the end of a disk whose size only the terminal knows.
import { SlotbenchError } from '../../../shared/errors.ts'

/** `fromDisk` times the sectors of the disk, plus `plus`: `NUM_DISK_SECTORS-5.` is 1 and -5, a plain number is 0 and itself. */
export interface DiskExpression {
  /** As it was written. */
  readonly text: string
  readonly fromDisk: number
  readonly plus: number
}

/** Why an expression could not be understood; the caller knows file and element. */
export class ExpressionError extends Error {}

const MAX_LENGTH = 200
const MAX_DEPTH = 16
const TOKEN = /\s*(?:(0[xX][0-9a-fA-F]+|\d+)\.?|(NUM_DISK_SECTORS)\.?|([-+*()]))/y

/** Decimal or hexadecimal numbers (a dot behind one only tells Trace32 that it is decimal), `NUM_DISK_SECTORS`, `+`, `-`, `*` and
 * parentheses; a product needs one side without the disk.
 * @throws ExpressionError for anything else, or for a number beyond 2^53. */
export function parseDiskExpression(text: string): DiskExpression {
  if (text.length > MAX_LENGTH) throw new ExpressionError('an expression longer than 200 characters')
  const { fromDisk, plus } = new Parser(text).whole()
  return { text: text.trim(), fromDisk, plus }
}

/** The number that an expression means on a disk of `diskSectors` sectors; may be negative.
 * @throws SlotbenchError `rawprogram-invalid` when it cannot be counted exactly. */
export function resolveExpression({ text, fromDisk, plus }: DiskExpression, diskSectors: number): number {
  const value = BigInt(fromDisk) * BigInt(diskSectors) + BigInt(plus)
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER))
    throw new SlotbenchError('rawprogram-invalid', `${text} is ${value} on a disk of ${diskSectors} sectors`)
  return Number(value)
}

/** The sector that an expression means.
 * @throws SlotbenchError `rawprogram-invalid` when the disk has no such sector. */
export function resolveSector(expression: DiskExpression, diskSectors: number): number {
  const sector = resolveExpression(expression, diskSectors)
  if (sector < 0 || sector >= diskSectors)
    throw new SlotbenchError(
      'rawprogram-invalid',
      `sector ${expression.text} does not lie on a disk of ${diskSectors} sectors`,
    )
  return sector
}

interface Linear {
  readonly fromDisk: number
  readonly plus: number
}

/** Recursive descent over sums of products. */
class Parser {
  readonly #text: string
  #at = 0
  #depth = 0
  #token: string | undefined

  constructor(text: string) {
    this.#text = text.trim()
    this.#next()
  }

  whole(): Linear {
    const value = this.#sum()
    if (this.#token !== undefined) throw this.#odd()
    return value
  }

  #next(): void {
    if (this.#at >= this.#text.length) {
      this.#token = undefined
      return
    }
    TOKEN.lastIndex = this.#at
    const match = TOKEN.exec(this.#text)
    if (match === null) throw this.#odd()
    this.#at = TOKEN.lastIndex
    this.#token = match[1] ?? match[2] ?? match[3]
  }

  #sum(): Linear {
    let value = this.#product()
    while (this.#token === '+' || this.#token === '-') {
      const sign = this.#token === '+' ? 1 : -1
      this.#next()
      const more = this.#product()
      value = checked({
        fromDisk: value.fromDisk + sign * more.fromDisk,
        plus: value.plus + sign * more.plus,
      })
    }
    return value
  }

  #product(): Linear {
    let value = this.#factor()
    while (this.#token === '*') {
      this.#next()
      const more = this.#factor()
      if (value.fromDisk !== 0 && more.fromDisk !== 0)
        throw new ExpressionError('the disk’s size multiplied by itself')
      const [disk, number] = value.fromDisk !== 0 ? [value, more.plus] : [more, value.plus]
      value = checked({ fromDisk: disk.fromDisk * number, plus: disk.plus * number })
    }
    return value
  }

  #factor(): Linear {
    const token = this.#token
    if (token === '(') return this.#inner()
    if (token === 'NUM_DISK_SECTORS') {
      this.#next()
      return { fromDisk: 1, plus: 0 }
    }
    if (token === undefined || !/^\d/.test(token)) throw this.#odd()
    this.#next()
    return checked({ fromDisk: 0, plus: Number(token) })
  }

  #inner(): Linear {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw new ExpressionError('too many parentheses')
    this.#next()
    const value = this.#sum()
    if (this.#token !== ')') throw this.#odd()
    this.#next()
    this.#depth -= 1
    return value
  }

  #odd(): ExpressionError {
    return new ExpressionError(`${JSON.stringify(this.#text)} is no number and no expression`)
  }
}

function checked(value: Linear): Linear {
  if (!Number.isSafeInteger(value.fromDisk) || !Number.isSafeInteger(value.plus))
    throw new ExpressionError('a number beyond 2^53')
  // Minus zero is zero.
  return { fromDisk: value.fromDisk + 0, plus: value.plus + 0 }
}
