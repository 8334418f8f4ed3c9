// What a terminal says of itself over ADB, as facts. Pure: what a property means is decided here.
import type { Fact, Mode, TerminalFacts } from '../../../shared/terminal.ts'
import { parseSlot } from '../../../shared/units.ts'
import { fromDescriptor, present } from '../fact-fields.ts'
import { parsePercent, parseTruth } from '../fastboot/values.ts'
import { type Battery, type Properties, parseBattery, parseChipSerial, parseFreeBytes } from './properties.ts'

export interface AdbAnswers {
  readonly properties: Properties
  /** What these commands printed; undefined where they were refused. */
  readonly battery?: string | undefined
  readonly dataSpace?: string | undefined
  readonly chipSerial?: string | undefined
}

export interface AdbContext {
  readonly bay: string
  /** The connection's own word: `device`, `recovery`, `sideload`, `rescue`. */
  readonly state: string
  readonly usbSerial: string | undefined
  readonly usbProduct: string | undefined
}

/** The most telling first; `ro.product.*.x` of the single images are what `ro.product.x` was made from (Android 10 on). */
const NAMES = [
  'ro.product.model',
  'ro.product.device',
  'ro.product.name',
  'ro.product.vendor.model',
  'ro.product.vendor.device',
  'ro.product.vendor.name',
  'ro.product.odm.model',
  'ro.product.odm.device',
  'ro.product.system.model',
  'ro.product.system.device',
  'ro.product.bootimage.device',
  'ro.build.product',
  'ro.vendor.product.ztename',
  'ro.product.board',
] as const
/** Chips, not products: two different terminals share them. */
const PLATFORMS = ['ro.board.platform', 'ro.boot.hardware', 'ro.hardware', 'ro.soc.model'] as const
/** What makers leave in when they forget to name their product. */
const NO_NAME = /^(unknown|mainline|generic|default|null|none|msm\w*|qssi\w*|0+)$/i

export function factsFromAdb(answers: AdbAnswers, context: AdbContext): TerminalFacts {
  const { properties } = answers
  const battery = batteryOf(answers)
  const first = <T>(
    names: readonly string[],
    parse: (text: string) => T | undefined,
  ): Fact<T> | undefined => {
    for (const name of names) {
      const value = parse(properties.get(name)?.trim() ?? '')
      if (value !== undefined) return { value, source: `getprop ${name}` }
    }
    return undefined
  }
  const names = namesOf(properties)
  return {
    mode: modeOf(context.state, properties),
    bay: context.bay,
    ...present({
      serial: first(['ro.serialno', 'ro.boot.serialno'], serialOf) ?? fromDescriptor(context.usbSerial),
      product: first(['ro.product.device', 'ro.product.vendor.device', 'ro.build.product'], nameOf),
      names: names.length > 0 ? names : undefined,
      variant: first(['ro.boot.hardware.sku', 'ro.boot.product.hardware.sku'], wordOf),
      hwRevision: first(['ro.boot.hardware.revision', 'ro.revision'], wordOf),
      versionBootloader: first(['ro.boot.bootloader', 'ro.bootloader'], nameOf),
      versionBaseband: first(['gsm.version.baseband'], wordOf),
      unlocked:
        first(['ro.boot.flash.locked'], (text) => negated(parseTruth(text))) ??
        first(['ro.boot.vbmeta.device_state'], unlockedOf) ??
        first(['ro.boot.verifiedbootstate'], unlockedOf),
      slotCount:
        first(['ro.boot.slot_suffix', 'ro.boot.slot'], (text) => (parseSlot(text) ? 2 : undefined)) ??
        first(['ro.build.ab_update'], slotCountOf),
      currentSlot: first(['ro.boot.slot_suffix', 'ro.boot.slot'], parseSlot),
      batteryPercent: battery.percent ?? first(['rescue.battery_level'], parsePercent),
      batteryMillivolts: battery.millivolts,
      securityPatch: first(['ro.build.version.security_patch'], dateOf),
      build: first(['ro.build.display.id', 'ro.build.id'], wordOf),
      fingerprint: first(['ro.build.fingerprint', 'ro.system.build.fingerprint'], fingerprintOf),
      avbKey: first(['ro.boot.vbmeta.public_key_digest'], digestOf),
      chipSerial: chipSerialOf(answers),
      bootCompleted: bootCompletedOf(context.state, properties),
      dataFree: dataFreeOf(answers),
    }),
    slots: {},
    partitions: {},
    hasSlot: {},
    variables: Object.fromEntries(properties),
  }
}

function modeOf(state: string, properties: Properties): Mode {
  switch (state) {
    case 'device':
      return properties.get('ro.bootmode') === 'charger' ? 'charging' : 'system'
    case 'recovery':
    case 'sideload':
    case 'rescue':
      return state
    default:
      return 'unknown'
  }
}

function namesOf(properties: Properties): Fact<string>[] {
  const platforms = new Set(PLATFORMS.map((name) => properties.get(name)?.trim().toLowerCase()))
  const found = new Map<string, Fact<string>>()
  for (const property of NAMES) {
    const value = nameOf(properties.get(property)?.trim() ?? '')
    if (value === undefined || platforms.has(value.toLowerCase()) || found.has(value.toLowerCase())) continue
    found.set(value.toLowerCase(), { value, source: `getprop ${property}` })
  }
  return [...found.values()]
}

interface BatteryFacts {
  readonly percent: Fact<number> | undefined
  readonly millivolts: Fact<number> | undefined
}

function batteryOf({ battery }: AdbAnswers): BatteryFacts {
  const { percent, millivolts }: Battery = parseBattery(battery ?? '')
  const fact = (value: number | undefined) =>
    value === undefined ? undefined : { value, source: 'dumpsys battery' }
  return { percent: fact(percent), millivolts: fact(millivolts) }
}

/** Nobody asks a recovery whether it has booted; where the system says nothing, it has not. */
function bootCompletedOf(state: string, properties: Properties): Fact<boolean> | undefined {
  if (state !== 'device' || properties.size === 0) return undefined
  return { value: properties.get('sys.boot_completed') === '1', source: 'getprop sys.boot_completed' }
}

function chipSerialOf({ chipSerial }: AdbAnswers): Fact<string> | undefined {
  const value = parseChipSerial(chipSerial ?? '')
  return value === undefined ? undefined : { value, source: '/sys/devices/soc0/serial_number' }
}

function dataFreeOf({ dataSpace }: AdbAnswers): Fact<number> | undefined {
  const value = parseFreeBytes(dataSpace ?? '')
  return value === undefined ? undefined : { value, source: 'df /data' }
}

const MAX_WORD = 256

function wordOf(text: string): string | undefined {
  return text === '' || text.length > MAX_WORD || text.includes('\n') ? undefined : text
}

function nameOf(text: string): string | undefined {
  return NO_NAME.test(text) ? undefined : wordOf(text)
}

/** AOSP's own default for a terminal without one is `unknown`, and some bootloaders hand out only zeros. */
function serialOf(text: string): string | undefined {
  return /^[\w.:-]{1,64}$/.test(text) && !/^(unknown|0+)$/i.test(text) ? text : undefined
}

function fingerprintOf(text: string): string | undefined {
  return /^\S{1,256}$/.test(text) ? text : undefined
}

function digestOf(text: string): string | undefined {
  return /^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined
}

function dateOf(text: string): string | undefined {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : undefined
}

/** Verified boot: green and yellow are locked, orange is not; red does not boot (AOSP "Verified Boot", boot states). */
function unlockedOf(text: string): boolean | undefined {
  if (text === 'unlocked' || text === 'orange') return true
  return text === 'locked' || text === 'green' || text === 'yellow' ? false : undefined
}

function slotCountOf(text: string): number | undefined {
  const ab = parseTruth(text)
  return ab === undefined ? undefined : ab ? 2 : 1
}

function negated(truth: boolean | undefined): boolean | undefined {
  return truth === undefined ? undefined : !truth
}
