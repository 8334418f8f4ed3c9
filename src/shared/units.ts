// Branded units: a number of bytes cannot be passed where sectors are wanted, and neither can be forgotten.

declare const unit: unique symbol
export type Brand<T, Name extends string> = T & { readonly [unit]: Name }

/** A count of bytes: an integer from 0 to 2^53 - 1. */
export type Bytes = Brand<number, 'Bytes'>
/** A SHA-256 as 64 lower-case hexadecimal digits. */
export type Sha256 = Brand<string, 'Sha256'>
/** The full name of a partition on a terminal, slot suffix included (`boot_a`, `persist`). */
export type PartitionName = Brand<string, 'PartitionName'>
/** A physical port of the bench (`usb:1-2.3`) or a network endpoint (`tcp:host:port`). Stable over re-enumeration. */
export type BayId = Brand<string, 'BayId'>

export const SLOTS = ['a', 'b'] as const
export type Slot = (typeof SLOTS)[number]

/** @throws RangeError when `n` is not an integer from 0 to 2^53 - 1. */
export function bytes(n: number | bigint): Bytes {
  const value = Number(n)
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a number of bytes: ${n}`)
  return value as Bytes
}

/** @throws RangeError when `hex` is not 64 hexadecimal digits. */
export function sha256(hex: string): Sha256 {
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new RangeError(`not a SHA-256: ${hex.slice(0, 80)}`)
  return hex.toLowerCase() as Sha256
}

/** Names that GPT, liblp and fastboot can all carry: at most 36 printable ASCII characters without separators.
 * @throws RangeError otherwise. */
export function partitionName(name: string): PartitionName {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,35}$/.test(name))
    throw new RangeError(`not a partition name: ${JSON.stringify(name.slice(0, 80))}`)
  return name as PartitionName
}

export function otherSlot(slot: Slot): Slot {
  return slot === 'a' ? 'b' : 'a'
}

/** `boot` + slot `a` → `boot_a`. */
export function slotted(base: string, slot: Slot): PartitionName {
  return partitionName(`${base}_${slot}`)
}

/** Splits `boot_a` into base and slot; names without a slot suffix come back with `slot` undefined. */
export function splitSlot(name: string): { readonly base: string; readonly slot: Slot | undefined } {
  const match = /^(.+)_([ab])$/.exec(name)
  return match ? { base: match[1] as string, slot: match[2] as Slot } : { base: name, slot: undefined }
}

/** Accepts every spelling seen for a slot: `a`, `_a`, `A` (AOSP fastboot README; current-slot differs by bootloader). */
export function parseSlot(text: string): Slot | undefined {
  const match = /^_?([abAB])$/.exec(text.trim())
  return match ? ((match[1] as string).toLowerCase() as Slot) : undefined
}
