// An edition: everything that one timestamp vouches for, as it lies in the repository now.
import {
  type Metadata,
  MetadataKind,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models'
import { z } from 'zod'
import { SlotbenchError } from '../../../shared/errors.ts'
import { bytes, sha256 } from '../../../shared/units.ts'
import { metadataFile, publisherPaths, type TargetRef } from '../format.ts'
import { parseDocument, type RoleKeys, TOP_ROLES, type TopRole } from './documents.ts'
import { keyIdOf, type PublicKey } from './signing-key.ts'
import { PUBLIC, type RepositoryStore } from './store.ts'

/** One entry of a targets role, as TUF writes it. */
export const targetEntrySchema = z.object({
  length: z.number().int().nonnegative(),
  hashes: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  custom: z.record(z.string(), z.json()).optional(),
})
export type TargetEntry = z.infer<typeof targetEntrySchema>
/** By target path. */
export type TargetEntries = Readonly<Record<string, TargetEntry>>

/** What an edition says, without versions, dates and signatures. */
export interface Content {
  readonly roles: Readonly<Record<TopRole, RoleKeys>>
  /** Of the owner: the deployment database. */
  readonly targets: TargetEntries
  readonly publishers: ReadonlyMap<string, Publisher>
}

export interface Publisher {
  readonly keys: RoleKeys
  readonly targets: TargetEntries
}

export interface Edition {
  readonly root: Metadata<Root>
  readonly timestamp: Metadata<Timestamp>
  readonly snapshot: Metadata<Snapshot>
  readonly targets: Metadata<Targets>
  readonly publishers: ReadonlyMap<string, Metadata<Targets>>
}

/** More than any metadata of ours has. */
const MAX_METADATA = 16 * 1024 * 1024

export function publicMetadata(name: string): string {
  return `${PUBLIC}/${metadataFile(name)}`
}

/** @throws SlotbenchError `repo-damaged` when a file is missing or is not what it should be. */
export async function loadEdition(store: RepositoryStore): Promise<Edition> {
  const read = async (name: string) => {
    const content = await store.read(publicMetadata(name), MAX_METADATA)
    if (content === undefined) throw new SlotbenchError('repo-damaged', `${publicMetadata(name)} is missing`)
    return content
  }
  const root = parseDocument(MetadataKind.Root, await read(`${await newestRoot(store)}.root.json`))
  const timestamp = parseDocument(MetadataKind.Timestamp, await read('timestamp.json'))
  const snapshotFile = `${timestamp.signed.snapshotMeta.version}.snapshot.json`
  const snapshot = parseDocument(MetadataKind.Snapshot, await read(snapshotFile))
  const targetsOf = async (role: string) => {
    const version = snapshot.signed.meta[`${role}.json`]?.version
    if (version === undefined) throw new SlotbenchError('repo-damaged', `the snapshot has no ${role}`)
    return parseDocument(MetadataKind.Targets, await read(`${version}.${role}.json`))
  }
  const targets = await targetsOf('targets')
  const publishers = new Map<string, Metadata<Targets>>()
  for (const name of Object.keys(targets.signed.delegations?.roles ?? {}))
    publishers.set(name, await targetsOf(name))
  return { root, timestamp, snapshot, targets, publishers }
}

/** @throws SlotbenchError `repo-damaged` when this is no repository. */
async function newestRoot(store: RepositoryStore): Promise<number> {
  const files = await store.list(PUBLIC)
  const versions = files.map(({ path }) => Number(/(?:^|\/)(\d{1,9})\.root\.json$/.exec(path)?.[1] ?? 0))
  const newest = Math.max(0, ...versions)
  if (newest === 0) throw new SlotbenchError('repo-damaged', 'there is no root.json: this is no repository')
  return newest
}

/** @throws SlotbenchError `repo-damaged` for entries that we would not have written. */
export function contentOf(edition: Edition): Content {
  const { root, targets } = edition
  const rootKeys = keysById(root.signed.keys)
  const roles = Object.fromEntries(
    TOP_ROLES.map((role) => [role, roleKeys(root.signed.roles[role], rootKeys)]),
  ) as Record<TopRole, RoleKeys>
  const { delegations } = targets.signed
  const delegated = keysById(delegations?.keys ?? {})
  const publishers = [...edition.publishers].map(([name, document]): [string, Publisher] => [
    name,
    { keys: roleKeys(delegations?.roles?.[name], delegated), targets: entriesOf(document) },
  ])
  return { roles, targets: entriesOf(targets), publishers: new Map(publishers) }
}

type Role = { readonly keyIDs: readonly string[]; readonly threshold: number }

function roleKeys(role: Role | undefined, keys: ReadonlyMap<string, PublicKey>): RoleKeys {
  const { keyIDs, threshold } = role ?? { keyIDs: [], threshold: 1 }
  return { keys: keyIDs.flatMap((id) => keys.get(id) ?? []), threshold }
}

const publicKeySchema = z.object({
  keytype: z.literal('ed25519'),
  scheme: z.literal('ed25519'),
  keyval: z.object({ public: z.string() }),
})

function keysById(keys: Root['keys']): ReadonlyMap<string, PublicKey> {
  const known = Object.values(keys).flatMap((key) => {
    const parsed = publicKeySchema.safeParse(key.toJSON())
    return parsed.success ? [parsed.data] : []
  })
  return new Map(known.map((key) => [keyIdOf(key), key]))
}

function entriesOf(document: Metadata<Targets>): TargetEntries {
  return Object.fromEntries(
    Object.entries(document.signed.targets).map(([path, target]) => {
      const parsed = targetEntrySchema.safeParse(target.toJSON())
      if (!parsed.success) throw new SlotbenchError('repo-damaged', `the entry of ${path} is not readable`)
      return [path, parsed.data]
    }),
  )
}

export function targetRef(path: string, entry: TargetEntry): TargetRef {
  return { path, size: bytes(entry.length), sha256: sha256(entry.hashes.sha256) }
}

/** `delegations` of the top-level targets role: each publisher may sign for its own folder only. */
export function delegationsOf(publishers: Content['publishers']) {
  const keys: Record<string, PublicKey> = {}
  const roles = [...publishers].map(
    ([
      name,
      {
        keys: { keys: own, threshold },
      },
    ]) => {
      for (const key of own) keys[keyIdOf(key)] = key
      const keyids = own.map(keyIdOf)
      return { name, keyids, threshold, terminating: true, paths: publisherPaths(name) }
    },
  )
  return { keys, roles }
}
