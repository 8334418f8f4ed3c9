// Every fact of a terminal as a line for people, each with where it was read.
import { formatBytes } from '../../../../shared/format.ts'
import { plainText } from '../../../../shared/plain-text.ts'
import type { Fact, TerminalFacts } from '../../../../shared/terminal.ts'
import { SLOTS, type Slot } from '../../../../shared/units.ts'

const LABEL = 18

/** @returns lines such as `Battery            83 %  (getvar battery-soc)`; what the terminal does not tell has no line. */
export function factLines(facts: TerminalFacts): readonly string[] {
  return [
    ...identityLines(facts),
    ...buildLines(facts),
    ...stateLines(facts),
    ...SLOTS.flatMap((slot) => slotLines(facts, slot)),
    ...storageLines(facts),
  ]
}

function identityLines(f: TerminalFacts): readonly string[] {
  const known = new Set([f.product, f.variant].map((fact) => fact?.value.toLowerCase()))
  const others = (f.names ?? []).filter(({ value }) => !known.has(value.toLowerCase()))
  return [
    ...line('Serial', f.serial),
    ...line('Chip serial', f.chipSerial),
    ...line('Product', f.product),
    ...others.flatMap((name) => line('Also called', name)),
    ...line('Variant', f.variant),
    ...line('Hardware', f.hwRevision),
  ]
}

function buildLines(f: TerminalFacts): readonly string[] {
  return [
    ...line('Build', f.build),
    ...line('Fingerprint', f.fingerprint),
    ...line('Security patch', f.securityPatch),
    ...line('Bootloader', f.versionBootloader),
    ...line('Baseband', f.versionBaseband),
    ...line('AVB key', f.avbKey),
    ...line('Rollback', f.rollback, (value) =>
      Object.entries(value)
        .map(([location, index]) => `${location}: ${index}`)
        .join(', '),
    ),
  ]
}

function stateLines(f: TerminalFacts): readonly string[] {
  return [
    ...line('Lock', f.unlocked, (unlocked) => (unlocked ? 'unlocked' : 'locked')),
    ...line('Secure boot', f.secure, yesNo),
    ...line('System is up', f.bootCompleted, yesNo),
    ...line('Battery', f.batteryPercent, (percent) => `${percent} %`),
    ...line('Battery voltage', f.batteryMillivolts, (mv) => `${mv} mV`),
    ...line('Enough charge', f.batteryOk, yesNo),
    ...line('Update under way', f.snapshotStatus),
    ...line('Slots', f.slotCount),
    ...line('Active slot', f.currentSlot),
  ]
}

function slotLines(f: TerminalFacts, slot: Slot): readonly string[] {
  const state = f.slots[slot]
  if (state === undefined) return []
  return [
    ...line(`Slot ${slot} booted`, state.successful, yesNo),
    ...line(`Slot ${slot} broken`, state.unbootable, yesNo),
    ...line(`Slot ${slot} attempts`, state.retryCount),
  ]
}

function storageLines(f: TerminalFacts): readonly string[] {
  const partitions = Object.keys(f.partitions).length
  return [
    ...line('One download', f.maxDownload, formatBytes),
    ...line('One reading', f.maxFetch, formatBytes),
    ...line('Free for data', f.dataFree, formatBytes),
    ...line('Super partition', f.superPartition),
    ...(partitions === 0 ? [] : [`${'Partitions'.padEnd(LABEL)} ${partitions} known; --json lists them`]),
  ]
}

function line<T>(label: string, fact: Fact<T> | undefined, words: (value: T) => string = String): string[] {
  return fact === undefined
    ? []
    : [`${label.padEnd(LABEL)} ${plainText(words(fact.value))}  (${fact.source})`]
}

function yesNo(truth: boolean): string {
  return truth ? 'yes' : 'no'
}
