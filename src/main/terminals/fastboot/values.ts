// What bootloaders mean by the values of their variables: each maker writes numbers, truths and voltages in its own way.

/** Hexadecimal with `0x`, else decimal; undefined for anything else. Angler-era bootloaders add spaces (AOSP fastboot.cpp). */
export function parseNumber(text: string): number | undefined {
  const value = text.trim()
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(value)) return undefined
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : undefined
}

/** Sizes of partitions. AOSP fastboot reads them as hexadecimal even without `0x` (hammerhead), some bootloaders write
 * decimal. Only one reading is usually a whole number of sectors; if both are, the smaller one promises less. */
export function parsePartitionSize(text: string): number | undefined {
  const value = text.trim()
  if (/^0x/i.test(value)) return parseNumber(value)
  const readings = [parseNumber(value), parseNumber(`0x${value}`)].filter((reading) => reading !== undefined)
  const whole = readings.filter((reading) => reading % SECTOR === 0)
  const plausible = whole.length > 0 ? whole : readings
  return plausible.length === 0 ? undefined : Math.min(...plausible)
}

const SECTOR = 512

export function parseTruth(text: string): boolean | undefined {
  switch (text.trim().toLowerCase()) {
    case 'yes':
    case 'true':
    case '1':
    case 'on':
      return true
    case 'no':
    case 'false':
    case '0':
    case 'off':
      return false
    default:
      return undefined
  }
}

/** `87`, `87%` → 87. */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d{1,3})\s*%?$/.exec(text.trim())
  const percent = match ? Number(match[1]) : Number.NaN
  return percent >= 0 && percent <= 100 ? percent : undefined
}

/** `4.2V`, `4200mV`, `4200`, `4.2`, `4200000` (µV) → 4200. What no battery of a handheld has is no voltage. */
export function parseMillivolts(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)\s*(v|mv|uv|µv)?$/i.exec(text.trim())
  if (!match) return undefined
  const number = Number(match[1])
  const unit = match[2]?.toLowerCase() ?? (number < 100 ? 'v' : number < 100_000 ? 'mv' : 'uv')
  const millivolts = Math.round(unit === 'v' ? number * 1000 : unit === 'mv' ? number : number / 1000)
  return millivolts >= 1_000 && millivolts <= 30_000 ? millivolts : undefined
}
