// Signing keys as files `NAME.key.json` in folders, of which some may be on a stick that is only there when it is needed.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { KeyRing } from '../../repository/publishing/seal.ts'
import {
  type KeyFile,
  keyFileSchema,
  makeKey,
  openKey,
  type ScryptCost,
  type Signer,
} from '../../repository/publishing/signing-key.ts'
import { writeWhole } from '../files/write-whole.ts'

/** @param attempt 0 for the first of a key, more when the ones before did not open it; undefined gives up. */
export type AskPassphrase = (
  key: Pick<KeyFile, 'role' | 'keyId'>,
  attempt: number,
) => Promise<string | undefined>

const SUFFIX = '.key.json'

export class KeyFolders implements KeyRing {
  readonly #folders: readonly string[]
  readonly #ask: AskPassphrase
  readonly #opened = new Map<string, Signer>()
  /** One passphrase often opens all. */
  readonly #passphrases: string[] = []

  constructor(folders: readonly string[], ask: AskPassphrase) {
    this.#folders = folders
    this.#ask = ask
  }

  /** @throws SlotbenchError `repo-key-locked` for a file that is no key of ours. */
  async list(): Promise<readonly (KeyFile & { readonly path: string })[]> {
    const found: (KeyFile & { path: string })[] = []
    for (const folder of this.#folders) {
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(SUFFIX)).sort()
      for (const name of names) {
        const path = join(folder, name)
        found.push({ ...parseKey(path, await readFile(path, 'utf8')), path })
      }
    }
    return found
  }

  async signer(keyId: string): Promise<Signer | undefined> {
    const known = this.#opened.get(keyId)
    if (known !== undefined) return known
    const file = (await this.list()).find((key) => key.keyId === keyId)
    if (file === undefined) return undefined
    const signer = await this.#open(file)
    this.#opened.set(keyId, signer)
    return signer
  }

  async #open(file: KeyFile): Promise<Signer> {
    for (const passphrase of this.#passphrases) {
      const signer = await openKey(file, passphrase).catch(() => undefined)
      if (signer !== undefined) return signer
    }
    for (let attempt = 0; ; attempt++) {
      const passphrase = await this.#ask(file, attempt)
      if (passphrase === undefined || this.#passphrases.includes(passphrase))
        throw new SlotbenchError(
          'repo-key-locked',
          `no passphrase opens ${file.role} ${file.keyId.slice(0, 12)}`,
        )
      try {
        const signer = await openKey(file, passphrase)
        this.#passphrases.push(passphrase)
        return signer
      } catch (error) {
        if (attempt >= 2) throw error
      }
    }
  }

  /** A new key as a file in `folder`, ready to sign. */
  async make(
    folder: string,
    role: string,
    options: { readonly passphrase: string; readonly cost?: ScryptCost },
  ): Promise<Signer> {
    const { file, signer } = await makeKey(role, options.passphrase, options.cost)
    const name = `${role}-${file.keyId.slice(0, 12)}${SUFFIX}`
    await writeWhole(join(folder, name), Buffer.from(`${JSON.stringify(file, undefined, 2)}\n`))
    this.#opened.set(signer.keyId, signer)
    return signer
  }
}

function parseKey(path: string, text: string): KeyFile {
  try {
    return keyFileSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new SlotbenchError('repo-key-locked', `${path} is no key file`, { context: { file: path }, cause })
  }
}
