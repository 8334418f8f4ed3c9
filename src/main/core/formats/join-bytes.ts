// Joins bytes into a buffer of its own: Buffer.concat may take one from a shared pool, which cannot go to a worker.

/** @returns the parts one after the other, alone in their ArrayBuffer. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}
