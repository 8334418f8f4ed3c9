// Whose backup it is, and whether a terminal is the one that it was read from.
import type { BackupTerminal } from '../../../shared/backup.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { isUnset } from '../identity/known-terminals.ts'

export function backupTerminal({ serial, chipSerial, product }: TerminalFacts): BackupTerminal {
  return {
    ...(serial === undefined ? {} : { serial: serial.value }),
    ...(chipSerial === undefined ? {} : { chipSerial: chipSerial.value }),
    ...(product === undefined ? {} : { product: product.value }),
  }
}

/** Undefined when it is the same terminal beyond doubt: another one's identity is worse than none (zte-domain §0.7). The chip's own
 * number decides where both sides have it, else the serial number.
 * @returns in words, why not. */
export function notItsBackup(of: BackupTerminal, now: BackupTerminal): string | undefined {
  if (of.chipSerial !== undefined && now.chipSerial !== undefined)
    return differing('chip serial number', of.chipSerial, now.chipSerial)
  if (isTelling(of.serial) && isTelling(now.serial)) return differing('serial number', of.serial, now.serial)
  return 'the terminal and the backup have no serial number in common, so nothing shows that it is this terminal’s'
}

function isTelling(serial: string | undefined): serial is string {
  return serial !== undefined && !isUnset(serial)
}

function differing(field: string, theirs: string, ours: string): string | undefined {
  if (theirs.toLowerCase() === ours.toLowerCase()) return undefined
  return `the backup is of a terminal with the ${field} ${theirs}; this one has ${ours}`
}
