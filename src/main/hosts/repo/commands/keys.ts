// slotbench-repo init | keys | rotate: who may sign for what.
import { join, resolve } from 'node:path'
import { SlotbenchError } from '../../../../shared/errors.ts'
import { KeyFolders } from '../../../io/repository/key-folders.ts'
import { checkPublisher } from '../../../repository/format.ts'
import { type RoleKeys, TOP_ROLES, type TopRole } from '../../../repository/publishing/documents.ts'
import { contentOf, loadEdition } from '../../../repository/publishing/edition.ts'
import { addPublisher, initRepository, renewRoot, rotate } from '../../../repository/publishing/repository.ts'
import { keyIdOf } from '../../../repository/publishing/signing-key.ts'
import { locked } from '../add-package.ts'
import {
  newPassphrase,
  openKeys,
  type RepoContext,
  type SignOptions,
  sealOptions,
  storeAt,
} from '../context.ts'

export interface NewKeys extends SignOptions {
  readonly count: number
  readonly threshold?: number
}

export interface InitOptions extends SignOptions {
  readonly rootKeys?: string
  readonly rootCount: number
  readonly rootThreshold?: number
  readonly targetsCount: number
  readonly targetsThreshold?: number
}

export async function init(context: RepoContext, repository: string, options: InitOptions): Promise<number> {
  const { output } = context
  const store = storeAt(repository)
  const rootFolder = resolve(options.rootKeys ?? join(repository, 'root-keys'))
  const folder = resolve(options.keys?.[0] ?? join(repository, 'keys'))
  const passphrase = await newPassphrase(options)
  const ring = new KeyFolders([folder, rootFolder], async () => passphrase)
  const make = async (role: TopRole, count: number, threshold = count): Promise<RoleKeys> =>
    makeKeys(ring, role === 'root' ? rootFolder : folder, { role, passphrase, count, threshold })
  const roles = {
    root: await make('root', options.rootCount, options.rootThreshold),
    targets: await make('targets', options.targetsCount, options.targetsThreshold),
    snapshot: await make('snapshot', 1),
    timestamp: await make('timestamp', 1),
  }
  await locked(store, () => initRepository(store, roles, sealOptions(ring, options)))
  const root = join(store.root, 'public', 'metadata', '1.root.json')
  output.data({ repository: store.root, root, keys: folder, rootKeys: rootFolder })
  output.line(`Repository      ${store.root}`)
  output.line(`Root of trust   ${root}  (give this file to every bench)`)
  output.line(`Keys            ${folder}`)
  output.line(`Root keys       ${rootFolder}`)
  output.line('Take the root keys off this computer now: they are needed for `rotate` alone.')
  return 0
}

interface MakeKeys {
  readonly role: string
  readonly passphrase: string
  readonly count: number
  readonly threshold: number
}

async function makeKeys(ring: KeyFolders, folder: string, options: MakeKeys): Promise<RoleKeys> {
  const { role, passphrase, count, threshold } = options
  if (
    !Number.isInteger(count) ||
    !Number.isInteger(threshold) ||
    threshold < 1 ||
    threshold > count ||
    count > 16
  )
    throw new SlotbenchError('usage', `${threshold} of ${count} keys cannot sign`)
  const keys = []
  for (let i = 0; i < count; i++) keys.push((await ring.make(folder, role, { passphrase })).publicKey)
  return { keys, threshold }
}

export async function listKeys(
  context: RepoContext,
  repository: string,
  options: SignOptions,
): Promise<number> {
  const { output } = context
  const edition = await loadEdition(storeAt(repository))
  const content = contentOf(edition)
  const files = new Map((await openKeys(repository, options).list()).map((file) => [file.keyId, file.path]))
  const expires: Record<string, string> = {
    ...{ root: edition.root.signed.expires, targets: edition.targets.signed.expires },
    ...{ snapshot: edition.snapshot.signed.expires, timestamp: edition.timestamp.signed.expires },
  }
  const roles = [
    ...TOP_ROLES.map((role) => ({ role, expires: expires[role] ?? '', ...content.roles[role] })),
    ...[...content.publishers].map(([role, { keys }]) => ({
      ...{ role, expires: edition.publishers.get(role)?.signed.expires ?? '' },
      ...keys,
    })),
  ]
  const shown = roles.map(({ role, expires, threshold, keys }) => ({
    ...{ role, expires, threshold },
    keys: keys.map(keyIdOf).map((keyId) => ({ keyId, file: files.get(keyId) ?? null })),
  }))
  output.data({ roles: shown })
  for (const { role, expires, threshold, keys } of shown) {
    output.line(`${role.padEnd(12)} ${threshold} of ${keys.length} sign; expires ${expires}`)
    for (const { keyId, file } of keys) output.line(`  ${keyId.slice(0, 16)}  ${file ?? 'not at hand'}`)
  }
  return 0
}

/** Makes keys and lets them sign for a folder of their own. */
export async function newPublisher(
  context: RepoContext,
  repository: string,
  name: string,
  options: NewKeys,
): Promise<number> {
  checkPublisher(name)
  const store = storeAt(repository)
  const ring = openKeys(repository, options)
  const keys = await newRoleKeys(ring, repository, { role: name, options })
  await locked(store, () => addPublisher(store, { name, keys }, sealOptions(ring, options)))
  context.output.data({ publisher: name, keys: keys.keys.map(keyIdOf) })
  context.output.line(
    `${name} may publish ROMs now, signed by ${keys.threshold} of ${keys.keys.length} keys.`,
  )
  return 0
}

export async function rotateRole(
  context: RepoContext,
  repository: string,
  role: string,
  options: NewKeys & { readonly renew: boolean },
): Promise<number> {
  const store = storeAt(repository)
  const ring = openKeys(repository, options)
  if (options.renew) {
    if (role !== 'root')
      throw new SlotbenchError('usage', '--renew is for the root; `publish` renews all others')
    await locked(store, () => renewRoot(store, sealOptions(ring, options)))
    context.output.data({ renewed: 'root' })
    context.output.line('The root of trust is signed for another while.')
    return 0
  }
  const keys = await newRoleKeys(ring, repository, { role, options })
  await locked(store, () => rotate(store, { role, keys }, sealOptions(ring, options)))
  context.output.data({ role, keys: keys.keys.map(keyIdOf) })
  context.output.line(
    `${role} is signed by new keys from now on. Destroy the old ones; benches follow by themselves.`,
  )
  return 0
}

async function newRoleKeys(
  ring: KeyFolders,
  repository: string,
  { role, options }: { readonly role: string; readonly options: NewKeys },
): Promise<RoleKeys> {
  const { count, threshold = count } = options
  const own = join(repository, role === 'root' ? 'root-keys' : 'keys')
  const folder = resolve(options.keys?.[0] ?? own)
  return makeKeys(ring, folder, { role, passphrase: await newPassphrase(options), count, threshold })
}
