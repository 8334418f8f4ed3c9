// The fastest link that a USB device says it can do, from its binary object store (USB 3.2 specification, 9.6.2).

const BOS = 0x0f
const CAPABILITY = 0x10
const SUPER_SPEED = 0x03
const SUPER_SPEED_PLUS = 0x0a
const HEADER_BYTES = 5

/** @param store the bytes of sysfs' `bos_descriptors`.
 * @returns megabits per second: 5000 or 10000; undefined when it tells nothing above USB 2, or is damaged. */
export function fastestLink(store: Uint8Array): number | undefined {
  if (store.length < HEADER_BYTES || store[1] !== BOS) return undefined
  let fastest: number | undefined
  let at = store[0] ?? 0
  while (at + 3 <= store.length) {
    const length = store[at] ?? 0
    // A length below its own header would never end.
    if (length < 3 || at + length > store.length) return fastest
    if (store[at + 1] === CAPABILITY) {
      const kind = store[at + 2]
      // bit 3 of wSpeedsSupported: Gen 1, 5 Gbit/s
      if (kind === SUPER_SPEED && length >= 10 && ((store[at + 4] ?? 0) & 0x08) !== 0) fastest ??= 5000
      if (kind === SUPER_SPEED_PLUS) fastest = 10_000
    }
    at += length
  }
  return fastest
}
