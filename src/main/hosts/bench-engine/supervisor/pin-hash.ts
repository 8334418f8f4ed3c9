// A PIN as it is kept: its scrypt hash, with the salt and the parameters that it was made with.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'

/** Limits on what a file may ask for, so that a damaged one does not take all memory. */
export const storedPinSchema = z.object({
  kdf: z.literal('scrypt'),
  /** N: a power of two; 128 × N × r bytes are needed. */
  cost: z
    .number()
    .int()
    .min(2 ** 10)
    .max(2 ** 20)
    .refine((n) => (n & (n - 1)) === 0, 'is no power of two'),
  blockSize: z.number().int().min(1).max(16),
  parallel: z.number().int().min(1).max(16),
  salt: z.string().regex(/^[0-9a-f]{32,128}$/),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
})
export type StoredPin = z.infer<typeof storedPinSchema>
type Parameters = Pick<StoredPin, 'kdf' | 'cost' | 'blockSize' | 'parallel'>

/** As OWASP's cheat sheet on password storage has it: 128 MiB for a moment, some tenths of a second. */
export const COST = 2 ** 17

const SALT_BYTES = 16
const HASH_BYTES = 32

/** @param cost a lower one is for tests only. */
export async function hashPin(pin: string, cost = COST): Promise<StoredPin> {
  const parameters = { kdf: 'scrypt', cost, blockSize: 8, parallel: 1 } as const
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(pin, salt, parameters)
  return { ...parameters, salt: salt.toString('hex'), hash: hash.toString('hex') }
}

export async function isPin(pin: string, { salt, hash, ...parameters }: StoredPin): Promise<boolean> {
  const derived = await derive(pin, Buffer.from(salt, 'hex'), parameters)
  return timingSafeEqual(derived, Buffer.from(hash, 'hex'))
}

function derive(pin: string, salt: Buffer, { cost, blockSize, parallel }: Parameters): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const options = { N: cost, r: blockSize, p: parallel, maxmem: 256 * cost * blockSize }
  // The same characters may be typed in several ways.
  scrypt(pin.normalize('NFC'), salt, HASH_BYTES, options, (error, key) =>
    error === null ? resolve(key) : reject(error),
  )
  return promise
}
