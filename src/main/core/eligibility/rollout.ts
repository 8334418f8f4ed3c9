// Staged rollout: which share of all serial numbers a terminal belongs to. The same on every machine, for as long as the id stays.
import { createHash } from 'node:crypto'

const TWO_TO_32 = 2 ** 32

/**
 * Where a terminal stands in a rollout: an integer from 0 to 2^32 - 1, evenly spread over serial numbers and independent between ids.
 *
 * It is the first four bytes, big-endian, of SHA-256 over the UTF-8 text `slotbench-rollout-1`, line feed, id, line feed, serial
 * number; the serial number without spaces around it and in lower case, since bootloader and system may write it differently.
 */
export function rolloutPosition(id: string, serial: string): number {
  const text = `slotbench-rollout-1\n${id}\n${serial.trim().toLowerCase()}`
  return createHash('sha256').update(text, 'utf8').digest().readUInt32BE(0)
}

/** Whether the position lies in the first `percent` of all. A higher percentage only ever adds terminals; 0 is nobody, 100 everybody.
 * Both sides are exact in a double: below 2^39, and a product with a power of two. */
export function reached(position: number, percent: number): boolean {
  return position * 100 < percent * TWO_TO_32
}
