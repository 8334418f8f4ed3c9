// Attributes of the elements in rawprogram and patch files, each error with file and element named.
import { SlotbenchError } from '../../../shared/errors.ts'
import { plainText } from '../../../shared/plain-text.ts'
import { type DiskExpression, ExpressionError, parseDiskExpression } from './disk-expression.ts'
import type { SectorSize } from './gpt.ts'
import type { XmlElement } from './xml-elements.ts'

/** UFS has at most eight of them that hold data; RPMB and the like have numbers up to here too (zte-domain §3.1). */
const MAX_LUN = 31
/** Where something is longer than any name of a file or partition, it is not one. */
const MAX_TEXT = 1024

export class ProgramAttributes {
  /** File and element, for messages: `rawprogram0.xml, element 3 (program xbl_a)`. */
  readonly place: string
  readonly #element: XmlElement
  readonly #file: string

  constructor(element: XmlElement, file: string) {
    this.#element = element
    this.#file = file
    const label = plainText(element.attributes.get('label') ?? element.attributes.get('what') ?? '')
    this.place = `${file}, element ${element.number} (${[element.name, label.slice(0, 80)].join(' ').trim()})`
  }

  /** @returns undefined when the attribute is absent or empty. */
  text(name: string): string | undefined {
    const value = this.#element.attributes.get(name)?.trim()
    if (value === undefined || value === '') return undefined
    if (value.length > MAX_TEXT || plainText(value) !== value) throw this.fail(`${name} is not plain text`)
    return value
  }

  /** A whole number from 0; `fallback` when the attribute is absent or empty. */
  count(name: string, fallback?: number): number {
    const expression = this.expression(name)
    if (expression === undefined) {
      if (fallback === undefined) throw this.fail(`it has no ${name}`)
      return fallback
    }
    if (expression.fromDisk !== 0 || expression.plus < 0)
      throw this.fail(`${name} is ${JSON.stringify(expression.text)}`)
    return expression.plus
  }

  expression(name: string): DiskExpression | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    return this.parse(name, text)
  }

  parse(name: string, text: string): DiskExpression {
    try {
      return parseDiskExpression(text)
    } catch (cause) {
      if (cause instanceof ExpressionError) throw this.fail(`${name}: ${cause.message}`, cause)
      throw cause
    }
  }

  /** Where something begins on the disk: counted from its first sector or from behind its last.
   * @param sectors how many must lie from there on. */
  start(name: string, sectors: number): DiskExpression {
    const at = this.expression(name) ?? this.missing(name)
    const onDisk = at.fromDisk === 0 ? at.plus >= 0 : at.fromDisk === 1 && at.plus + Math.max(1, sectors) <= 0
    if (!onDisk || !Number.isSafeInteger(at.plus + sectors))
      throw this.fail(`${sectors} sectors from ${at.text} on lie on no disk`)
    return at
  }

  lun(): number {
    const lun = this.count('physical_partition_number')
    if (lun > MAX_LUN) throw this.fail(`there is no LUN ${lun}`)
    return lun
  }

  sectorSize(): SectorSize {
    const size = this.count('SECTOR_SIZE_IN_BYTES')
    if (size === 512 || size === 4096) return size
    throw this.fail(`sectors of ${size} bytes, which no eMMC or UFS has`)
  }

  flag(name: string): boolean {
    return this.text(name)?.toLowerCase() === 'true'
  }

  /** A name of a file inside the package, in folders or not: nothing that leads elsewhere on any system. */
  fileName(name: string): string | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const problem = unsafePath(value)
    if (problem !== undefined) throw this.fail(`${name} ${JSON.stringify(value.slice(0, 200))} ${problem}`)
    return value.replace(/^(?:\.\/)+/, '')
  }

  missing(name: string): never {
    throw this.fail(`it has no ${name}`)
  }

  fail(detail: string, cause?: unknown): SlotbenchError {
    return new SlotbenchError('rawprogram-invalid', `${this.place}: ${detail}`, {
      context: { file: this.#file },
      cause,
    })
  }
}

/** Why a path inside a package is none; undefined for one that stays inside. */
export function unsafePath(path: string): string | undefined {
  if (path.includes('\\')) return 'has a backslash'
  if (path.startsWith('/')) return 'is absolute'
  if (/^[A-Za-z]:/.test(path)) return 'has a drive letter'
  const parts = path.replace(/^(?:\.\/)+/, '').split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return 'leads elsewhere'
  return undefined
}
