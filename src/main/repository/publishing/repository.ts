// What the owner of a repository does with it: make it, stage changes, publish them, change keys, tidy up.
import { SlotbenchError } from '../../../shared/errors.ts'
import { sha256 } from '../../../shared/units.ts'
import { checkPublisher, targetFile } from '../format.ts'
import { type RoleKeys, TOP_ROLES, type TopRole } from './documents.ts'
import { type Content, contentOf, type Edition, loadEdition, publicMetadata } from './edition.ts'
import { type SealOptions, writeEdition } from './seal.ts'
import { applyChanges, clearStaging, placeStaged, readStaging } from './staging.ts'
import { PUBLIC, type RepositoryStore } from './store.ts'

/** Makes an empty repository.
 * @throws SlotbenchError `usage` where one is already. */
export async function initRepository(
  store: RepositoryStore,
  roles: Content['roles'],
  options: SealOptions,
): Promise<void> {
  if ((await store.read(publicMetadata('timestamp.json'), MAX_TIMESTAMP)) !== undefined)
    throw new SlotbenchError('usage', 'there is a repository already')
  const next: Content = { roles, targets: {}, publishers: new Map() }
  await writeEdition(store, { before: undefined, next }, options)
}

const MAX_TIMESTAMP = 64 * 1024

export interface Published {
  readonly changes: number
  /** Of the timestamp. */
  readonly version: number
  /** When benches stop to trust anything, unless the root is renewed. */
  readonly rootExpires: Date
}

/** Makes everything staged public at once; with nothing staged, vouches for what there is for another while.
 * Killed anywhere, the edition before is whole, or this one is; run again, it ends what it began. */
export async function publish(store: RepositoryStore, options: SealOptions): Promise<Published> {
  const before = await loadEdition(store)
  const changes = await readStaging(store)
  const next = applyChanges(contentOf(before), changes)
  await placeStaged(store, changes)
  await checkPresent(store, next)
  await writeEdition(store, { before, next }, options)
  await clearStaging(store)
  const rootExpires = new Date(before.root.signed.expires)
  return { changes: changes.length, version: before.timestamp.signed.version + 1, rootExpires }
}

/** What is promised has to be there: a promise that cannot be kept would cost every bench its download. */
async function checkPresent(store: RepositoryStore, content: Content): Promise<void> {
  const sizes = new Map((await store.list(PUBLIC)).map(({ path, size }) => [path, size]))
  for (const [path, entry] of entries(content)) {
    const file = `${PUBLIC}/${targetFile({ path, sha256: sha256(entry.hashes.sha256) })}`
    if (sizes.get(file) !== entry.length)
      throw new SlotbenchError('repo-damaged', `${file} is missing or has another size`)
  }
}

function entries({ targets, publishers }: Content) {
  return [targets, ...[...publishers.values()].map((publisher) => publisher.targets)].flatMap((some) =>
    Object.entries(some),
  )
}

/** Lets another publisher sign for ROMs in its own folder.
 * @throws SlotbenchError `usage` when there is one of that name. */
export async function addPublisher(
  store: RepositoryStore,
  { name, keys }: { readonly name: string; readonly keys: RoleKeys },
  options: SealOptions,
): Promise<void> {
  const before = await loadEdition(store)
  const content = contentOf(before)
  if (content.publishers.has(checkPublisher(name)))
    throw new SlotbenchError('usage', `there is a publisher ${name} already`)
  const next = { ...content, publishers: new Map([...content.publishers, [name, { keys, targets: {} }]]) }
  await writeEdition(store, { before, next }, options)
}

/** Hands a role to other keys: of the top level, or of a publisher. The root of trust is signed anew for a role of the top level. */
export async function rotate(
  store: RepositoryStore,
  { role, keys }: { readonly role: string; readonly keys: RoleKeys },
  options: SealOptions,
): Promise<void> {
  const before = await loadEdition(store)
  await writeEdition(store, { before, next: withRoleKeys(contentOf(before), role, keys) }, options)
}

/** @throws SlotbenchError `usage` when there is no such role. */
function withRoleKeys(content: Content, role: string, keys: RoleKeys): Content {
  if (isTopRole(role)) return { ...content, roles: { ...content.roles, [role]: keys } }
  const publisher = content.publishers.get(role)
  if (publisher === undefined)
    throw new SlotbenchError(
      'usage',
      `there is no role ${role}; there are ${[...TOP_ROLES, ...content.publishers.keys()].join(', ')}`,
    )
  return { ...content, publishers: new Map([...content.publishers, [role, { ...publisher, keys }]]) }
}

function isTopRole(role: string): role is TopRole {
  return (TOP_ROLES as readonly string[]).includes(role)
}

/** Signs the root of trust for another while, by its own keys. */
export async function renewRoot(store: RepositoryStore, options: SealOptions): Promise<void> {
  const before = await loadEdition(store)
  await writeEdition(store, { before, next: contentOf(before) }, { ...options, renewRoot: true })
}

/** Removes public files that the edition does not name; every root stays, for clients follow them one by one.
 * A bench in the middle of a download of what was withdrawn loses it. @returns the removed paths. */
export async function prune(store: RepositoryStore): Promise<readonly string[]> {
  const edition = await loadEdition(store)
  const named = new Set([
    ...entries(contentOf(edition)).map(
      ([path, entry]) => `${PUBLIC}/${targetFile({ path, sha256: sha256(entry.hashes.sha256) })}`,
    ),
    ...metadataOf(edition),
  ])
  const unnamed = (await store.list(PUBLIC))
    .map(({ path }) => path)
    .filter((path) => !named.has(path) && !path.endsWith('.root.json'))
  for (const path of unnamed) await store.remove(path)
  await store.sweep()
  return unnamed
}

function metadataOf({ snapshot, timestamp }: Edition): readonly string[] {
  const documents = Object.entries(snapshot.signed.meta).map(([file, { version }]) => `${version}.${file}`)
  const names = ['timestamp.json', `${timestamp.signed.snapshotMeta.version}.snapshot.json`, ...documents]
  return names.map(publicMetadata)
}
