// Stand-ins for the signed images of the boot chain (xbl, abl, uboot): the stage before each checks it before running it.
import { createHash } from 'node:crypto'
import { randomBytes } from '../randomness.ts'

const MAGIC = new TextEncoder().encode('SLOTBENCH-SIM-FW')
/** Magic, u32 length of the body (little endian), SHA-256 of the body. */
const HEADER = 16 + 4 + 32

/** A boot-chain image of `size` bytes that passes the check; the content depends on `label`. */
export function makeFirmware(label: string, size: number): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(size)
  const body = randomBytes(`firmware ${label}`, Math.floor(size * 0.75) - HEADER)
  image.set(MAGIC)
  new DataView(image.buffer).setUint32(16, body.length, true)
  image.set(createHash('sha256').update(body).digest(), 20)
  image.set(body, HEADER)
  return image
}

/** Whether the stage before would run what is stored here. */
export function firmwareRuns(stored: Uint8Array): boolean {
  if (stored.length < HEADER || MAGIC.some((byte, i) => stored[i] !== byte)) return false
  const length = new DataView(stored.buffer, stored.byteOffset).getUint32(16, true)
  if (length > stored.length - HEADER) return false
  const digest = createHash('sha256')
    .update(stored.subarray(HEADER, HEADER + length))
    .digest()
  return digest.equals(stored.subarray(20, HEADER))
}
