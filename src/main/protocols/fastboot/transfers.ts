// The data phase on its way out: parts of any size become transfers of 1 MiB.

/** AOSP writes 1 MiB at a time; larger transfers hit the kernel's usbfs limit. */
export const TRANSFER_BYTES = 1024 * 1024

/** Bytes in order, in pieces of any size. */
export type Parts = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Cuts and joins parts into transfers of 1 MiB; large parts are passed on without a copy. */
export async function* inTransfers(parts: Parts): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const buffer = new Uint8Array(TRANSFER_BYTES)
  let filled = 0
  for await (const given of parts) {
    const part = inPlainMemory(given)
    let from = 0
    while (from < part.length) {
      if (filled === 0 && part.length - from >= TRANSFER_BYTES) {
        yield part.subarray(from, from + TRANSFER_BYTES)
        from += TRANSFER_BYTES
        continue
      }
      const take = Math.min(TRANSFER_BYTES - filled, part.length - from)
      buffer.set(part.subarray(from, from + take), filled)
      filled += take
      from += take
      if (filled === TRANSFER_BYTES) {
        yield buffer
        filled = 0
      }
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled)
}

/** Transfers need memory that is not shared between threads; a view of such memory is not copied. */
function inPlainMemory(part: Uint8Array): Uint8Array<ArrayBuffer> {
  return part.buffer instanceof ArrayBuffer
    ? new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
    : new Uint8Array(part)
}
