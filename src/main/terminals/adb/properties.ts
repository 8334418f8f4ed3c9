// What `getprop`, `dumpsys battery` and `df` print, as values. Terminals leave things out, break lines and lie.
import { plainText } from '../../../shared/plain-text.ts'
import { parseMillivolts } from '../fastboot/values.ts'

export type Properties = ReadonlyMap<string, string>

/** A phone has some 1,500 properties; values longer than 92 bytes exist since Android 8 for `ro.` ones. */
const MAX_PROPERTIES = 10_000
const MAX_VALUE = 8_192
/** A property begins where a line looks like this; until then, and until a line ends with `]`, the value goes on. */
const BEGINNING = /^\[([^\]\s]{1,256})\]: \[(.*)$/

/** `[name]: [value]` per line, values of several lines included. The first of two values of one name stays. */
export function parseProperties(text: string): Properties {
  const found = new Map<string, string>()
  let name: string | undefined
  let value = ''
  const finish = () => {
    if (name !== undefined && !found.has(name) && found.size < MAX_PROPERTIES)
      found.set(name, plainText(value.endsWith(']') ? value.slice(0, -1) : value).slice(0, MAX_VALUE))
    name = undefined
  }
  for (const line of text.split('\n')) {
    const clean = line.replace(/\r+$/, '')
    const match = BEGINNING.exec(clean)
    if (match) {
      finish()
      name = match[1]
      value = match[2] ?? ''
    } else if (name !== undefined && !value.endsWith(']') && value.length < MAX_VALUE) {
      value += `\n${clean}`
    }
  }
  finish()
  return found
}

export interface Battery {
  readonly percent: number | undefined
  readonly millivolts: number | undefined
}

/** The lines `level:`, `scale:` and `voltage:` of `dumpsys battery` (AOSP BatteryService.java). */
export function parseBattery(text: string): Battery {
  const lines = new Map<string, string>()
  for (const [, name, value] of text.matchAll(/^\s*(level|scale|voltage):\s*(\d{1,9})\s*$/gm))
    if (name !== undefined && value !== undefined && !lines.has(name)) lines.set(name, value)
  const level = Number(lines.get('level') ?? Number.NaN)
  const scale = Number(lines.get('scale') ?? 100)
  const percent = Math.round((level / scale) * 100)
  return {
    percent: percent >= 0 && percent <= 100 ? percent : undefined,
    millivolts: parseMillivolts(lines.get('voltage') ?? ''),
  }
}

/** Free bytes: the fourth number of the last line of `df -k`, whose device name may stand on a line of its own. */
export function parseFreeBytes(text: string): number | undefined {
  const match = /\s(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s+\d{1,3}%\s/.exec(`${text} `)
  const bytes = match ? Number(match[3]) * 1024 : Number.NaN
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** Qualcomm's `/sys/devices/soc0/serial_number` is decimal; Sahara and the EDL product string have the same in hexadecimal. */
export function parseChipSerial(text: string): string | undefined {
  const number = /^\d{1,10}$/.test(text.trim()) ? Number(text) : 0
  return number > 0 && number <= 0xffff_ffff ? number.toString(16).padStart(8, '0') : undefined
}
