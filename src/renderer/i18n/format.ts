// Sizes, speeds, times and dates, by the custom of the language that is shown.
import { useMemo } from 'react'
import { useLocale } from './index.ts'

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

export interface Formats {
  /** Decimal units, as makers of storage and ROMs use them. */
  bytes(count: number): string
  /** Bytes per second. */
  speed(bytesPerSecond: number): string
  percent(share: number): string
  number(value: number): string
  /** ISO 8601 → date and time of day here. */
  when(iso: string): string
  timeOfDay(iso: string): string
}

export function useFormats(): Formats {
  const locale = useLocale()
  return useMemo(() => formatsFor(regional(locale)), [locale])
}

/** Dates and the hour as where the user lives, when the language is the same. */
function regional(locale: string): string {
  return navigator.languages.find((tag) => tag.split('-')[0] === locale.split('-')[0]) ?? locale
}

/** Made once: a formatter of the system costs more than the tile that it is for. */
const made = new Map<string, Formats>()

export function formatsFor(locale: string): Formats {
  const formats = made.get(locale) ?? makeFormats(locale)
  made.set(locale, formats)
  return formats
}

function makeFormats(locale: string): Formats {
  // Latin digits everywhere: serial numbers and sizes are compared with what stands on terminals.
  const tag = `${locale}-u-nu-latn`
  const dateTime = new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'short' })
  const time = new Intl.DateTimeFormat(tag, { timeStyle: 'medium' })
  const percent = new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 0 })
  const plain = new Intl.NumberFormat(tag)
  const units = new Map<string, Intl.NumberFormat>()
  const inUnit = (power: number, digits: number): Intl.NumberFormat => {
    const key = `${power} ${digits}`
    const format =
      units.get(key) ??
      new Intl.NumberFormat(tag, {
        ...{ style: 'unit', unit: UNITS[power] ?? 'byte', unitDisplay: power === 0 ? 'narrow' : 'short' },
        maximumFractionDigits: digits,
      })
    units.set(key, format)
    return format
  }
  const bytes = (count: number): string => {
    const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, count)) / 3)))
    const value = count / 1000 ** power
    return inUnit(power, power === 0 || value >= 100 ? 0 : 1).format(value)
  }
  const valid = (iso: string, format: Intl.DateTimeFormat) => {
    const at = Date.parse(iso)
    return Number.isNaN(at) ? iso : format.format(at)
  }
  return {
    bytes,
    speed: (bytesPerSecond) => `${bytes(bytesPerSecond)}/s`,
    percent: (share) => percent.format(Math.min(1, Math.max(0, share))),
    number: (value) => plain.format(value),
    when: (iso) => valid(iso, dateTime),
    timeOfDay: (iso) => valid(iso, time),
  }
}

/** `75` seconds → `1:15`, `3661` → `1:01:01`: read alike in every language. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const two = (n: number) => String(n).padStart(2, '0')
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}
