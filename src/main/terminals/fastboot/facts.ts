// The variables of a terminal as facts. Pure: what a variable means is decided here, asking for it elsewhere.
import type { Fact, PartitionFacts, SuperTables, TerminalFacts } from '../../../shared/terminal.ts'
import { parseSlot, partitionName, SLOTS, type Slot } from '../../../shared/units.ts'
import { fromDescriptor, present } from '../fact-fields.ts'
import { parseMillivolts, parseNumber, parsePartitionSize, parsePercent, parseTruth } from './values.ts'

export type Variables = ReadonlyMap<string, string>

export interface FactContext {
  readonly bay: string
  /** From the USB descriptor, for terminals whose bootloader does not tell. */
  readonly usbSerial: string | undefined
  readonly usbProduct: string | undefined
  /** Read from the installed vbmeta, where that can be read. */
  readonly rollback?: Fact<Readonly<Record<string, number>>> | undefined
  readonly avbKey?: Fact<string> | undefined
  /** Whether a partition gave its bytes; undefined where that was not tried. */
  readonly readable?: boolean | undefined
  readonly superTables?: Fact<SuperTables> | undefined
}

/** More than this in one download exhausts the memory of terminals that say they could (AOSP caps it alike). */
export const MAX_DOWNLOAD = 1024 * 1024 * 1024

/** An empty value is an answer of old bootloaders to what they do not know, so it is no fact. */
export function factsFromVariables(variables: Variables, context: FactContext): TerminalFacts {
  const fact = <T>(name: string, parse: (text: string) => T | undefined): Fact<T> | undefined => {
    const text = variables.get(name)
    const value = text === undefined || text === '' ? undefined : parse(text)
    return value === undefined ? undefined : { value, source: `getvar ${name}` }
  }
  const text = (name: string) => fact(name, (value) => value)
  const maxDownload = fact('max-download-size', positive)
  const mode = isUserspace(variables) ? 'fastbootd' : 'bootloader'
  const product = text('product') ?? fromDescriptor(context.usbProduct)
  const variant = text('variant')
  const names = namesOf([product, variant])
  return {
    mode,
    ...(context.readable === undefined ? {} : { readBackIn: context.readable ? [mode] : [] }),
    bay: context.bay,
    ...present({
      serial: text('serialno') ?? fromDescriptor(context.usbSerial),
      product,
      variant,
      names: names.length > 0 ? names : undefined,
      hwRevision: text('hw-revision'),
      versionBootloader: text('version-bootloader'),
      versionBaseband: text('version-baseband'),
      unlocked: fact('unlocked', parseTruth),
      secure: fact('secure', parseTruth),
      slotCount: fact('slot-count', parseNumber) ?? fact('slot-suffixes', countSuffixes),
      currentSlot: fact('current-slot', parseSlot),
      maxDownload: maxDownload && { ...maxDownload, value: Math.min(maxDownload.value, MAX_DOWNLOAD) },
      maxFetch: fact('max-fetch-size', positive),
      batteryPercent: fact('battery-soc', parsePercent),
      batteryOk: fact('battery-soc-ok', parseTruth),
      batteryMillivolts: fact('battery-voltage', parseMillivolts),
      snapshotStatus: text('snapshot-update-status'),
      securityPatch: text('security-patch-level'),
      fingerprint: text('system-fingerprint'),
      superPartition: fact('super-partition-name', nameOfPartition),
      superTables: context.superTables,
      avbKey: context.avbKey && { ...context.avbKey },
      rollback: context.rollback && { ...context.rollback, value: { ...context.rollback.value } },
    }),
    slots: present({ a: slotState('a', fact, mode), b: slotState('b', fact, mode) }),
    partitions: partitionFacts(variables),
    hasSlot: hasSlotFacts(variables),
    variables: Object.fromEntries(variables),
  }
}

/** Whether it is fastbootd that answers, not the bootloader. */
export function isUserspace(variables: Variables): boolean {
  return parseTruth(variables.get('is-userspace') ?? '') === true
}

/** The slots as this bootloader spells them in names of variables: `a` or, with those that say `_a`, `_a`. */
export function slotArguments(variables: Variables): readonly string[] {
  return SLOTS.map((slot) => (variables.get('current-slot')?.startsWith('_') ? `_${slot}` : slot))
}

type ReadFact = <T>(name: string, parse: (text: string) => T | undefined) => Fact<T> | undefined

/** AOSP's fastbootd says `no` of a slot that is marked successful and `yes` of one that is not, since it asks through
 * BootControlClient (Android 14, variables.cpp, GetSlotSuccessful); which kind answers cannot be told, so its word is no fact. */
function slotState(slot: Slot, fact: ReadFact, mode: TerminalFacts['mode']): TerminalFacts['slots']['a'] {
  const of = <T>(name: string, parse: (text: string) => T | undefined) =>
    fact(`${name}:${slot}`, parse) ?? fact(`${name}:_${slot}`, parse)
  const state = present({
    successful: mode === 'fastbootd' ? undefined : of('slot-successful', parseTruth),
    unbootable: of('slot-unbootable', parseTruth),
    retryCount: of('slot-retry-count', parseNumber),
  })
  return Object.keys(state).length > 0 ? state : undefined
}

/** Size, type and kind of each partition that the variables speak of. */
export function partitionFacts(variables: Variables): Record<string, PartitionFacts> {
  const partitions = new Map<string, PartitionFacts>()
  for (const [name, value] of variables) {
    const [family, partition] = withArgument(name)
    if (partition === undefined || value === '') continue
    const add = (facts: PartitionFacts) =>
      partitions.set(partition, { ...partitions.get(partition), ...facts })
    if (family === 'partition-size') add(present({ size: parsePartitionSize(value) }))
    if (family === 'partition-type') add({ type: value })
    if (family === 'is-logical') add(present({ logical: parseTruth(value) }))
  }
  return Object.fromEntries(partitions)
}

function hasSlotFacts(variables: Variables): Record<string, boolean> {
  const found = new Map<string, boolean>()
  for (const [name, value] of variables) {
    const [family, base] = withArgument(name)
    const slotted = parseTruth(value)
    if (family === 'has-slot' && base !== undefined && slotted !== undefined) found.set(base, slotted)
  }
  return Object.fromEntries(found)
}

/** `partition-size:boot_a` → family and partition; what is no name of a partition is left out. */
function withArgument(name: string): readonly [string, string | undefined] {
  const colon = name.indexOf(':')
  if (colon < 0) return [name, undefined]
  const partition = nameOfPartition(name.slice(colon + 1))
  return partition === undefined ? [name, undefined] : [name.slice(0, colon), partition]
}

/** The text where it can be the name of a partition. */
export function nameOfPartition(text: string): string | undefined {
  try {
    return partitionName(text)
  } catch {
    return undefined
  }
}

/** Each name once, whatever its case. */
function namesOf(said: readonly (Fact<string> | undefined)[]): Fact<string>[] {
  const known = said.filter((fact) => fact !== undefined)
  return known.filter(
    ({ value }, index) =>
      known.findIndex((other) => other.value.toLowerCase() === value.toLowerCase()) === index,
  )
}

function positive(text: string): number | undefined {
  const number = parseNumber(text)
  return number !== undefined && number > 0 ? number : undefined
}

/** `_a,_b` → 2 (bootloaders of 2016 that know no slot-count). */
function countSuffixes(text: string): number | undefined {
  const slots = new Set(text.split(',').map(parseSlot))
  slots.delete(undefined)
  return slots.size > 0 ? slots.size : undefined
}
