// Keys that sign metadata: Ed25519, kept encrypted with a passphrase (scrypt, then AES-256-GCM).
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  type ScryptOptions,
  scrypt,
  sign,
} from 'node:crypto'
import { z } from 'zod'
import { SlotbenchError } from '../../../shared/errors.ts'

/** A key as TUF metadata carry it (specification, section 4.2). */
export interface PublicKey {
  readonly keytype: 'ed25519'
  readonly scheme: 'ed25519'
  readonly keyval: { readonly public: string }
}

/** A key that can sign now. */
export interface Signer {
  readonly keyId: string
  readonly publicKey: PublicKey
  /** @returns the signature in hexadecimal digits. */
  sign(data: Uint8Array): string
}

const HEX = /^[0-9a-f]+$/
const sealedSchema = z.object({
  /** Cost of scrypt: N, r and p of RFC 7914. Limited, for a key file may come from anywhere. */
  cost: z.object({
    n: z
      .number()
      .int()
      .min(1024)
      .max(1_048_576)
      .refine((n) => (n & (n - 1)) === 0, 'is no power of two'),
    r: z.number().int().min(1).max(16),
    p: z.number().int().min(1).max(4),
  }),
  salt: z.string().regex(HEX).length(32),
  iv: z.string().regex(HEX).length(24),
  tag: z.string().regex(HEX).length(32),
  data: z.string().regex(HEX).max(1024),
})
export const keyFileSchema = z.object({
  format: z.literal('slotbench-key-1'),
  keyId: z.string().regex(HEX).length(64),
  /** What it was made for, for people; what it may sign is said by the metadata alone. */
  role: z.string().max(64),
  public: z.string().regex(HEX).length(64),
  sealed: sealedSchema,
})
export type KeyFile = z.infer<typeof keyFileSchema>

export interface ScryptCost {
  readonly n: number
  readonly r: number
  readonly p: number
}
/** 128 MiB of memory and about half a second for every guess. */
export const KEY_COST: ScryptCost = { n: 131_072, r: 8, p: 1 }

/** SPKI and PKCS #8 of Ed25519 end with the 32 bytes of the key (RFC 8410). */
const RAW_KEY = 32
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A new key that is nowhere but in memory. */
export function newSigner(): Signer & { readonly secret: Buffer } {
  const { privateKey } = generateKeyPairSync('ed25519')
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-RAW_KEY)
  return { ...signerOf(privateKey), secret }
}

/** @param secret the 32 bytes of the private key. */
export function signerFrom(secret: Uint8Array): Signer {
  const key = Buffer.concat([PKCS8_PREFIX, secret])
  return signerOf(createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
}

function signerOf(privateKey: KeyObject): Signer {
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-RAW_KEY)
  const publicKey: PublicKey = {
    keytype: 'ed25519',
    scheme: 'ed25519',
    keyval: { public: raw.toString('hex') },
  }
  return {
    keyId: keyIdOf(publicKey),
    publicKey,
    sign: (data) => sign(null, data, privateKey).toString('hex'),
  }
}

/** SHA-256 of the key's canonical JSON (TUF 4.2); its members are in that order and all plain ASCII. */
export function keyIdOf({ keytype, keyval, scheme }: PublicKey): string {
  return createHash('sha256')
    .update(JSON.stringify({ keytype, keyval: { public: keyval.public }, scheme }))
    .digest('hex')
}

/** Makes a key and its file. */
export async function makeKey(
  role: string,
  passphrase: string,
  cost: ScryptCost = KEY_COST,
): Promise<{ readonly file: KeyFile; readonly signer: Signer }> {
  const { secret, ...signer } = newSigner()
  const salt = randomBytes(16)
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', await derive(passphrase, salt, cost), iv)
  cipher.setAAD(Buffer.from(signer.keyId))
  const data = Buffer.concat([cipher.update(secret), cipher.final()])
  secret.fill(0)
  const hex = (bytes: Buffer) => bytes.toString('hex')
  const sealed = {
    cost: { ...cost },
    salt: hex(salt),
    iv: hex(iv),
    tag: hex(cipher.getAuthTag()),
    data: hex(data),
  }
  const file: KeyFile = {
    ...{ format: 'slotbench-key-1', keyId: signer.keyId, role },
    ...{ public: signer.publicKey.keyval.public, sealed },
  }
  return { file, signer }
}

/** @throws SlotbenchError `repo-key-locked` when the passphrase is not the one it was made with, or the file is damaged. */
export async function openKey(file: KeyFile, passphrase: string): Promise<Signer> {
  const { cost, salt, iv, tag, data } = file.sealed
  try {
    const key = await derive(passphrase, Buffer.from(salt, 'hex'), cost)
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'hex'))
    decipher.setAAD(Buffer.from(file.keyId))
    decipher.setAuthTag(Buffer.from(tag, 'hex'))
    const secret = Buffer.concat([decipher.update(Buffer.from(data, 'hex')), decipher.final()])
    return signerFrom(secret)
  } catch (cause) {
    throw new SlotbenchError(
      'repo-key-locked',
      `key ${file.keyId.slice(0, 12)} (${file.role}) stays locked`,
      {
        cause,
      },
    )
  }
}

/** scrypt needs 128 · N · r bytes and a little more. */
function derive(passphrase: string, salt: Uint8Array, { n, r, p }: ScryptCost): Promise<Buffer> {
  const options: ScryptOptions = { N: n, r, p, maxmem: 128 * n * r + 32 * 1024 * 1024 }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, 32, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}
