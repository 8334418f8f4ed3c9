// The facts of one terminal in several modes as one: the latest word wins, except where one mode knows better.
import type { Fact, Mode, PartitionFacts, TerminalFacts } from '../../../shared/terminal.ts'
import { surveyedModes } from './surveyed.ts'

/** Puts readings of one terminal together.
 *
 * | facts | whose word counts |
 * |---|---|
 * | `mode`, `bay` and everything not named below | the latest reading that tells it: the terminal moves and its battery empties |
 * | `product`, `unlocked`, `secure`, `maxDownload`, `batteryOk`, `variables` | the bootloader's: packages name its product, it holds the lock, it takes the physical writes |
 * | `superPartition`, `superTables`, `snapshotStatus`, logical partitions | fastbootd's: it changes super. Its latest reading replaces earlier ones, so a partition that is gone is gone |
 * | `fingerprint`, `build` | the running system's: recovery and fastbootd carry those of their own image |
 * | sizes of physical partitions, marks of slots | the bootloader's, as far as it tells them |
 * | `hasSlot` | yes from any mode: a bootloader says no to what lies in super |
 * | `securityPatch`, `rollback` | the highest: they may not go down |
 * | `names` | all of them, the bootloader's first |
 *
 * @param readings in the order of reading, at least one. */
export function mergeFacts(readings: readonly [TerminalFacts, ...TerminalFacts[]]): TerminalFacts {
  const latest = readings.reduce((_, next) => next)
  const union = Object.assign({}, ...readings) as TerminalFacts
  const boot = last(readings, 'bootloader')
  const fastbootd = last(readings, 'fastbootd')
  const system = last(readings, 'system')
  const merged: TerminalFacts = {
    ...union,
    ...preferred(boot, ['product', 'unlocked', 'secure', 'maxDownload', 'batteryOk']),
    ...preferred(fastbootd, ['superPartition', 'superTables', 'snapshotStatus']),
    ...preferred(system, ['fingerprint', 'build']),
    mode: latest.mode,
    bay: latest.bay,
    slots: {
      ...withSlot('a', bootloaderLast(readings)),
      ...withSlot('b', bootloaderLast(readings)),
    },
    partitions: partitionsOf(readings, fastbootd),
    hasSlot: hasSlotOf(readings),
    variables: Object.assign({}, ...readings.map((r) => r.variables), boot?.variables),
    surveyed: [...new Set(readings.flatMap(surveyedModes))],
  }
  return { ...merged, ...strictest(readings), ...namesOf(readings, boot), ...readBackOf(readings) }
}

function last(readings: readonly TerminalFacts[], mode: Mode): TerminalFacts | undefined {
  return readings.findLast((reading) => reading.mode === mode)
}

/** The named facts of one reading, as far as it tells them. */
function preferred<K extends keyof TerminalFacts>(
  reading: TerminalFacts | undefined,
  keys: readonly K[],
): Partial<Pick<TerminalFacts, K>> {
  const told = keys.filter((key) => reading?.[key] !== undefined).map((key) => [key, reading?.[key]])
  return Object.fromEntries(told) as Partial<Pick<TerminalFacts, K>>
}

/** In this order its word is what stays. */
function bootloaderLast(readings: readonly TerminalFacts[]): readonly TerminalFacts[] {
  return readings.toSorted((x, y) => Number(x.mode === 'bootloader') - Number(y.mode === 'bootloader'))
}

function withSlot(slot: 'a' | 'b', readings: readonly TerminalFacts[]): TerminalFacts['slots'] {
  const states = readings.map((r) => r.slots[slot]).filter((state) => state !== undefined)
  return states.length === 0 ? {} : { [slot]: Object.assign({}, ...states) }
}

function partitionsOf(
  readings: readonly TerminalFacts[],
  fastbootd: TerminalFacts | undefined,
): TerminalFacts['partitions'] {
  const merged = new Map<string, PartitionFacts>()
  const outdated = (reading: TerminalFacts) => reading.mode === 'fastbootd' && reading !== fastbootd
  for (const reading of bootloaderLast(readings)) {
    for (const [name, facts] of Object.entries(reading.partitions)) {
      if (facts.logical === true && outdated(reading)) continue
      const isInside = fastbootd?.partitions[name]?.logical === true
      if (isInside && reading !== fastbootd) continue
      merged.set(name, { ...merged.get(name), ...facts })
    }
  }
  return Object.fromEntries(merged)
}

function hasSlotOf(readings: readonly TerminalFacts[]): Record<string, boolean> {
  const merged = new Map<string, boolean>()
  for (const { hasSlot } of readings)
    for (const [base, has] of Object.entries(hasSlot)) merged.set(base, has || merged.get(base) === true)
  return Object.fromEntries(merged)
}

function strictest(readings: readonly TerminalFacts[]): Pick<TerminalFacts, 'securityPatch' | 'rollback'> {
  const patches = readings.map((r) => r.securityPatch).filter((fact) => fact !== undefined)
  const highest = patches.toSorted((x, y) => (x.value < y.value ? -1 : 1)).at(-1)
  const known = readings.map((r) => r.rollback).filter((fact) => fact !== undefined)
  const indices = new Map<string, number>()
  for (const { value } of known)
    for (const [location, index] of Object.entries(value))
      indices.set(location, Math.max(index, indices.get(location) ?? 0))
  const source = known.at(-1)?.source
  return {
    ...(highest === undefined ? {} : { securityPatch: highest }),
    ...(source === undefined ? {} : { rollback: { value: Object.fromEntries(indices), source } }),
  }
}

function namesOf(
  readings: readonly TerminalFacts[],
  boot: TerminalFacts | undefined,
): Pick<TerminalFacts, 'names'> {
  const all = [...(boot === undefined ? [] : [boot]), ...readings].flatMap((r) => [
    r.product,
    r.variant,
    ...(r.names ?? []),
  ])
  const names = new Map<string, Fact<string>>()
  for (const fact of all) {
    const key = fact?.value.toLowerCase()
    if (fact !== undefined && key !== undefined && !names.has(key)) names.set(key, fact)
  }
  return names.size === 0 ? {} : { names: [...names.values()] }
}

function readBackOf(readings: readonly TerminalFacts[]): Pick<TerminalFacts, 'readBackIn'> {
  const modes = new Map<Mode, boolean>()
  for (const reading of readings)
    for (const mode of surveyedModes(reading))
      modes.set(mode, reading.readBackIn?.includes(mode) ?? reading.maxFetch !== undefined)
  return { readBackIn: [...modes].filter(([, can]) => can).map(([mode]) => mode) }
}
