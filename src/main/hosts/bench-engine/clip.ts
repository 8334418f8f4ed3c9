// What terminals and packages say of themselves, cut to what the contract carries and made harmless.
import { TEXT } from '../../../shared/contract.ts'
import { plainText } from '../../../shared/plain-text.ts'

/** At most `most` characters of `text`, without anything that steers a screen; what was cut is marked. */
export function clip(text: string, most: number = TEXT.name): string {
  // Cut before cleaning: a megabyte need not be looked through to keep two hundred characters.
  const plain = plainText(text.slice(0, most))
  return text.length > most ? `${plain.slice(0, most - 1)}…` : plain
}

/** Every text in a tree of plain data cut like that; lists are cut to `items`. */
export function clipAll<T>(value: T, most: number = TEXT.line, items = 2_000): T {
  return clipped(value, most, items) as T
}

function clipped(value: unknown, most: number, items: number): unknown {
  if (typeof value === 'string') return clip(value, most)
  if (Array.isArray(value)) return value.slice(0, items).map((item) => clipped(item, most, items))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, items)
      .map(([key, item]) => [clip(key, most), clipped(item, most, items)]),
  )
}
