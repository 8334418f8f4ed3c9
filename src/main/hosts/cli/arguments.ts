// Numbers and sizes as people type them on the command line.
import { InvalidArgumentError } from 'commander'

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }

export function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('A number is needed.')
  return value
}

/** `8MB`, `512K`, `4096` → bytes. Partition sizes are powers of two, so K, M and G are too. */
export function size(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,15})\s*([KMG]?)i?B?$/i.exec(text.trim()) ?? []
  const value = Number(digits) * (UNITS[unit.toUpperCase()] ?? Number.NaN)
  if (!Number.isSafeInteger(value) || value === 0)
    throw new InvalidArgumentError('A size is needed, such as 512KB, 8MB or 4096.')
  return value
}

/** Collects `system=8MB vendor=4MB`. */
export function namedSize(
  text: string,
  before: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const [, name, bytes] = /^(\w+)=(.+)$/.exec(text) ?? []
  if (name === undefined || bytes === undefined)
    throw new InvalidArgumentError('Give a name and a size, such as system=8MB.')
  return { ...before, [name]: size(bytes) }
}
