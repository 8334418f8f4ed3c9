// Whether what stands on a bay is the terminal that a job belongs to. A stranger never inherits a job.
import { SlotbenchError } from '../../shared/errors.ts'
import type { Fact } from '../../shared/terminal.ts'
import { isUnset, type SeenTerminal } from '../core/identity/known-terminals.ts'
import type { Sighting } from './types.ts'

export interface ExpectedTerminal {
  readonly bay: string
  readonly serial?: string | undefined
  readonly chipSerial?: string | undefined
  readonly product?: string | undefined
}

/** Facts of an open terminal, or a sighting. */
export interface FoundTerminal {
  readonly bay: string
  readonly serial?: Fact<string> | string | undefined
  readonly chipSerial?: Fact<string> | string | undefined
  readonly product?: Fact<string> | string | undefined
}

/** Undefined when it is the same terminal, else a `terminal-stranger` that names the field that differed.
 * A serial number that was known and is now missing (or one that the factory never set) proves nothing, so it counts as different
 * unless the chip's own proves the terminal; a missing product does not (a sighting rarely knows it). */
export function sameTerminal(expected: ExpectedTerminal, found: FoundTerminal): SlotbenchError | undefined {
  if (expected.bay !== found.bay) return stranger(expected, 'bay', expected.bay, found.bay)
  const chip = factValue(found.chipSerial)
  if (expected.chipSerial !== undefined && chip !== undefined && !same(expected.chipSerial, chip))
    return stranger(expected, 'chip serial number', expected.chipSerial, chip)
  const serial = factValue(found.serial)
  if (
    expected.serial !== undefined &&
    !same(expected.serial, serial) &&
    !provenByChip(expected, serial, chip)
  )
    return stranger(expected, 'serial number', expected.serial, serial)
  const product = factValue(found.product)
  if (expected.product !== undefined && product !== undefined && !same(expected.product, product))
    return stranger(expected, 'product', expected.product, product)
  return undefined
}

/** A check that takes whoever comes first, and throws `terminal-stranger` for everybody else. Names are left out: each mode has its
 * own (zte-domain §1.2). */
export function sameThroughout(bay: string): (found: FoundTerminal) => void {
  let expected: ExpectedTerminal = { bay }
  return ({ bay: at, serial, chipSerial }) => {
    const another = sameTerminal(expected, { bay: at, serial, chipSerial })
    if (another !== undefined) throw another
    expected = {
      bay,
      serial: expected.serial ?? factValue(serial),
      chipSerial: expected.chipSerial ?? factValue(chipSerial),
    }
  }
}

/** What can be told of a terminal without opening it. Only what speaks a protocol of Android shows a name of its own: in EDL and
 * beyond, the product string is the chip's. */
export function seenAs(sighting: Sighting, at: Date): SeenTerminal {
  const { bay, mode, serial, chipSerial, product, protocol } = sighting
  const names =
    product === undefined || protocol === undefined || protocol === 'edl'
      ? []
      : [{ value: product, source: 'USB' }]
  return { bay, mode, serial, chipSerial, names, at: at.toISOString() }
}

/** On many Qualcomm terminals the serial number is the chip's. */
function provenByChip(
  expected: ExpectedTerminal,
  serial: string | undefined,
  chip: string | undefined,
): boolean {
  if (serial !== undefined && !isUnset(serial)) return false
  return chip !== undefined && [expected.chipSerial, expected.serial].some((own) => own && same(own, chip))
}

function factValue(field: Fact<string> | string | undefined): string | undefined {
  const value = typeof field === 'object' ? field.value : field
  return value === '' ? undefined : value
}

/** Bootloader and system spell the same serial number in different cases on some terminals. */
function same(expected: string, found: string | undefined): boolean {
  return found !== undefined && expected.toLowerCase() === found.toLowerCase()
}

function stranger(
  terminal: ExpectedTerminal,
  field: string,
  expected: string,
  found: string | undefined,
): SlotbenchError {
  const detail = `the ${field} is ${found === undefined ? 'missing' : JSON.stringify(found)} instead of ${JSON.stringify(expected)}`
  const context = { bay: terminal.bay, ...(terminal.serial !== undefined && { terminal: terminal.serial }) }
  return new SlotbenchError('terminal-stranger', detail, { context })
}
