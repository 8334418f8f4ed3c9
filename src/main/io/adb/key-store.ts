// The key with which this computer introduces itself over ADB: made once, kept in the data folder, never silently replaced.
import { createPrivateKey, generateKeyPair, type KeyObject, randomUUID } from 'node:crypto'
import { link, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { homedir, hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { AdbCredentials, AdbKey } from '../../protocols/adb/credentials.ts'
import { adbKey, KEY_BITS } from '../../protocols/adb/rsa-key.ts'

export interface AdbKeyStoreOptions {
  /** Slotbench's data folder; the key is `adb/adbkey` in it. */
  readonly dataFolder: string
  /** Google's own key of this user, tried second; default `~/.android/adbkey`. */
  readonly googleKey?: string
}

/** A private key is some 1,700 bytes. */
const MAX_KEY_BYTES = 64 * 1024

/** Our key first, for it is the one that a terminal is asked to trust; then Google's, which terminals on this desk may trust
 * already. A second signature costs one round trip; a prompt costs a walk to the terminal. */
export function adbKeyStore(options: AdbKeyStoreOptions): AdbCredentials {
  const path = join(options.dataFolder, 'adb', 'adbkey')
  const googleKey = options.googleKey ?? join(homedir(), '.android', 'adbkey')
  let keys: Promise<readonly [AdbKey, ...AdbKey[]]> | undefined
  return {
    keys: () => {
      keys ??= readKeys(path, googleKey)
      // What was wrong may be put right meanwhile.
      keys.catch(() => (keys = undefined))
      return keys
    },
  }
}

async function readKeys(path: string, googleKey: string): Promise<readonly [AdbKey, ...AdbKey[]]> {
  const own = (await ownKey(path)) ?? (await makeKey(path))
  const google = await readKey(googleKey).catch(() => undefined)
  return google === undefined || google.publicKey === own.publicKey ? [own] : [own, google]
}

/** Undefined when there is none yet. @throws SlotbenchError `adb-key-invalid`. */
async function ownKey(path: string): Promise<AdbKey | undefined> {
  try {
    return await readKey(path)
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw invalid(path, reason, thrown)
  }
}

async function readKey(path: string): Promise<AdbKey> {
  const file = await open(path, 'r')
  let pem: string
  try {
    const { size } = await file.stat()
    if (size > MAX_KEY_BYTES) throw new Error(`it has ${size} bytes`)
    pem = await file.readFile('utf8')
  } finally {
    await file.close()
  }
  const key = adbKey(parsePem(pem), keyName())
  if (key === undefined) throw new Error(`it is no RSA key of ${KEY_BITS} bits`)
  return key
}

function parsePem(pem: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem' })
  } catch (thrown) {
    throw new Error('it holds no private key in PEM format', { cause: thrown })
  }
}

/** @throws SlotbenchError `adb-key-invalid` when it cannot be kept. */
async function makeKey(path: string): Promise<AdbKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: KEY_BITS })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const made = adbKey(privateKey, keyName())
  if (made === undefined) throw invalid(path, 'the key that was made is none')
  const fresh = `${path}.${randomUUID()}.new`
  try {
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
    await writeFile(fresh, pem, { mode: 0o600, flush: true })
    if (!(await place(fresh, path))) return await readKey(path)
    await writeFile(`${path}.pub`, made.publicKey, { mode: 0o644 })
    return made
  } catch (thrown) {
    throw invalid(path, thrown instanceof Error ? thrown.message : String(thrown), thrown)
  } finally {
    await rm(fresh, { force: true }).catch(() => undefined)
  }
}

/** False when another Slotbench was faster: then the key is that one's. */
async function place(fresh: string, path: string): Promise<boolean> {
  try {
    // Unlike a renaming this never replaces what is there.
    await link(fresh, path)
    return true
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
    if (code === 'EEXIST') return false
    // File systems of sticks have no links.
    await rename(fresh, path)
    return true
  }
}

/** As Google's adb names its keys; the terminal shows it among the computers it trusts. */
function keyName(): string {
  const user = (() => {
    try {
      return userInfo().username
    } catch {
      return 'unknown'
    }
  })()
  return `${user}@${hostname()}`.replace(/[^\w.@-]/g, '_')
}

function invalid(file: string, reason: string, cause?: unknown): SlotbenchError {
  return new SlotbenchError('adb-key-invalid', `${file} cannot be used: ${reason}`, {
    context: { file },
    ...(cause !== undefined && { cause }),
  })
}
