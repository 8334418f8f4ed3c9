// What a programmer tells of its storage, in log lines: a JSON object, or `key: value` lines of older ones (zte-domain §4.2.3).
import type { StorageInfo } from './types.ts'

/** Real devices have 512 or 4096; NAND pages go to 16 KiB. */
const SECTOR_SIZES: ReadonlySet<number> = new Set([512, 1024, 2048, 4096, 8192, 16_384])
const MAX_LUNS = 64

/** Undefined where the lines do not tell the size of a sector and their number. */
export function storageInfoOf(lun: number, logs: readonly string[]): StorageInfo | undefined {
  const told = logs.map(fromJson).find((record) => record !== undefined) ?? fromLines(logs)
  const sectorSize = numberOf(told['block_size'])
  const sectors = numberOf(told['total_blocks'])
  if (sectorSize === undefined || !SECTOR_SIZES.has(sectorSize)) return undefined
  if (sectors === undefined || sectors === 0 || !Number.isSafeInteger(sectors * sectorSize)) return undefined
  const luns = numberOf(told['num_physical'])
  return {
    lun,
    sectorSize,
    sectors,
    luns: luns !== undefined && luns >= 1 && luns <= MAX_LUNS ? luns : undefined,
    memory: textOf(told['mem_type']),
    product: textOf(told['prod_name']),
    serial: textOf(told['serial_num']),
  }
}

type Told = Readonly<Record<string, unknown>>

function fromJson(line: string): Told | undefined {
  const start = line.indexOf('{')
  if (start < 0 || !line.includes('storage_info')) return undefined
  try {
    const whole: unknown = JSON.parse(line.slice(start))
    if (!isRecord(whole)) return undefined
    const inner = whole['storage_info']
    return isRecord(inner) ? inner : undefined
  } catch {
    return undefined
  }
}

/** "Paritions" is how many programmers spell it. */
const LINES: readonly (readonly [RegExp, string])[] = [
  [/total logical blocks\s*[:=]\s*(\S+)/i, 'total_blocks'],
  [/block size in bytes\s*[:=]\s*(\S+)/i, 'block_size'],
  [/total physical part?itions\s*[:=]\s*(\S+)/i, 'num_physical'],
  [/device serial number\s*[:=]\s*(\S+)/i, 'serial_num'],
  [/^(?:INFO: *)?total_blocks\s*[:=]\s*(\S+)/i, 'total_blocks'],
  [/^(?:INFO: *)?block_size\s*[:=]\s*(\S+)/i, 'block_size'],
  [/^(?:INFO: *)?num_physical\s*[:=]\s*(\S+)/i, 'num_physical'],
  [/^(?:INFO: *)?serial_num\s*[:=]\s*(\S+)/i, 'serial_num'],
  [/^(?:INFO: *)?mem_type\s*[:=]\s*(.+)$/i, 'mem_type'],
  [/^(?:INFO: *)?prod_name\s*[:=]\s*(.+)$/i, 'prod_name'],
]

function fromLines(logs: readonly string[]): Told {
  const told: Record<string, string> = {}
  for (const line of logs) {
    for (const [pattern, key] of LINES) {
      const value = pattern.exec(line)?.[1]
      if (value !== undefined) told[key] ??= value
    }
  }
  return told
}

/** Old lines are hexadecimal with `0x`, JSON is decimal. */
function numberOf(value: unknown): number | undefined {
  const text = typeof value === 'string' ? value.trim() : value
  if (typeof text === 'string' && !/^(0x[0-9a-f]{1,14}|\d{1,15})$/i.test(text)) return undefined
  const number = Number(text)
  return (typeof text === 'number' || typeof text === 'string') && Number.isSafeInteger(number) && number >= 0
    ? number
    : undefined
}

function textOf(value: unknown): string | undefined {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value).trim() : ''
  return text === '' ? undefined : text.slice(0, 64)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
