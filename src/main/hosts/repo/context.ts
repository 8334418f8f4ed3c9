// What every command of slotbench-repo is handed, and the passphrases that open keys.
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { SlotbenchError } from '../../../shared/errors.ts'
import { fileError } from '../../io/files/open-file.ts'
import { FolderStore } from '../../io/repository/folder-store.ts'
import { type AskPassphrase, KeyFolders } from '../../io/repository/key-folders.ts'
import type { KeyRing, Lifetimes, SealOptions } from '../../repository/publishing/seal.ts'
import type { Output } from '../cli/output.ts'

export interface RepoContext {
  readonly output: Output
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}

/** Options of every command that signs. */
export interface SignOptions {
  readonly keys?: readonly string[]
  readonly passphraseFile?: string
  readonly timestampDays?: number
  readonly snapshotDays?: number
  readonly targetsDays?: number
  readonly rootDays?: number
}

export const PASSPHRASE_VARIABLE = 'SLOTBENCH_REPO_PASSPHRASE'

export function storeAt(repository: string): FolderStore {
  return new FolderStore(resolve(repository))
}

/** Where keys are when nobody says otherwise: beside what is public, and the root's apart, to be taken away. */
function keyFoldersOf(repository: string, { keys }: Pick<SignOptions, 'keys'>): readonly string[] {
  return (keys ?? [join(repository, 'keys'), join(repository, 'root-keys')]).map((folder) => resolve(folder))
}

export function openKeys(repository: string, options: SignOptions): KeyFolders {
  return new KeyFolders(keyFoldersOf(repository, options), asker(options))
}

export function sealOptions(ring: KeyRing, options: SignOptions): SealOptions {
  const { rootDays, targetsDays, snapshotDays, timestampDays } = options
  const days = { root: rootDays, targets: targetsDays, snapshot: snapshotDays, timestamp: timestampDays }
  const known = Object.entries(days).filter(([, value]) => value !== undefined)
  return { ring, now: new Date(), lifetimes: Object.fromEntries(known) as Partial<Lifetimes> }
}

/** From the file, the environment, or whoever sits at the keyboard. */
function asker({ passphraseFile }: SignOptions): AskPassphrase {
  return async ({ role, keyId }, attempt) => {
    const given = await givenPassphrase(passphraseFile)
    if (given !== undefined) return attempt === 0 ? given : undefined
    return process.stdin.isTTY ? prompt(`Passphrase of ${role} ${keyId.slice(0, 12)}: `) : undefined
  }
}

async function givenPassphrase(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return process.env[PASSPHRASE_VARIABLE] || undefined
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    throw fileError(error, file)
  }
}

/** For new keys; asked twice, since a slip would lock them for good.
 * @throws SlotbenchError `usage` when there is none or it is too short. */
export async function newPassphrase(options: SignOptions): Promise<string> {
  const given = (await givenPassphrase(options.passphraseFile)) ?? (await typedTwice())
  if (given.length < 8)
    throw new SlotbenchError('usage', 'a passphrase needs 8 characters or more; a sentence is better')
  return given
}

async function typedTwice(): Promise<string> {
  if (!process.stdin.isTTY)
    throw new SlotbenchError('usage', `give a passphrase with --passphrase-file or ${PASSPHRASE_VARIABLE}`)
  const first = await prompt('Passphrase for the new keys: ')
  if ((await prompt('Once more: ')) !== first) throw new SlotbenchError('usage', 'the two differ')
  return first
}

/** Reads a line that is not shown. */
async function prompt(words: string): Promise<string> {
  const silent = new Writable({ write: (_, __, done) => done() })
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true })
  process.stderr.write(words)
  try {
    return await new Promise((answered, failed) => {
      lines.on('SIGINT', () => failed(new SlotbenchError('cancelled', 'stopped by Ctrl-C')))
      lines.question('', answered)
    })
  } finally {
    lines.close()
    process.stderr.write('\n')
  }
}
