// The next edition: which documents change, with what versions and dates, signed by enough keys, in the order to be written in.
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type Metadata, MetadataKind, type Targets } from '@tufjs/models'
import { SlotbenchError } from '../../../shared/errors.ts'
import { PUBLISHED_AT, type RoleKeys, signed, TOP_ROLES, tufTime, unsigned } from './documents.ts'
import { type Content, contentOf, delegationsOf, type Edition, publicMetadata } from './edition.ts'
import { keyIdOf, type PublicKey, type Signer } from './signing-key.ts'
import type { RepositoryStore } from './store.ts'

/** Keys that may be asked to sign. */
export interface KeyRing {
  /** @returns undefined when the key is not at hand. @throws SlotbenchError `repo-key-locked`. */
  signer(keyId: string): Promise<Signer | undefined>
}

/** How long each role is vouched for, in days. */
export interface Lifetimes {
  readonly root: number
  readonly targets: number
  readonly snapshot: number
  readonly timestamp: number
}
export const LIFETIMES: Lifetimes = { root: 365, targets: 180, snapshot: 30, timestamp: 14 }

export interface SealOptions {
  readonly ring: KeyRing
  readonly now: Date
  readonly lifetimes?: Partial<Lifetimes>
  /** Signs the root anew although nobody else may sign now: its time would run out. */
  readonly renewRoot?: boolean
}

/** Documents that are due within this part of their lifetime are signed anew with the next edition. */
const DUE = 1 / 4
const DAY_MS = 86_400_000

interface Written {
  readonly role: string
  readonly version: number
  readonly content: Uint8Array
}

/** Makes and writes the edition that says `next`. The timestamp comes last: until it is written the edition before is the
 * one that counts, whole, and afterwards this one.
 * @param before undefined for a repository's first edition.
 * @throws SlotbenchError `repo-keys`, and what the store throws. */
export async function writeEdition(
  store: RepositoryStore,
  { before, next }: { readonly before: Edition | undefined; readonly next: Content },
  options: SealOptions,
): Promise<void> {
  const sealer = new Sealer(before, next, options)
  const publishers: Written[] = []
  for (const name of next.publishers.keys()) {
    const written = await sealer.publisher(name)
    if (written !== undefined) publishers.push(written)
  }
  const targets = await sealer.targets()
  const changed = [...publishers, ...(targets === undefined ? [] : [targets])]
  const snapshot = await sealer.snapshot(changed)
  const timestamp = await sealer.timestamp(snapshot)
  const root = await sealer.root()
  // A first root has to be there before anything; a later one only when everything is signed by the keys that it names.
  if (before === undefined && root !== undefined) await writeRoot(store, root)
  for (const { role, version, content } of [...changed, snapshot])
    await store.write(publicMetadata(`${version}.${role}.json`), content)
  await store.write(publicMetadata('timestamp.json'), timestamp.content)
  if (before !== undefined && root !== undefined) await writeRoot(store, root)
}

function writeRoot(store: RepositoryStore, { version, content }: Written): Promise<void> {
  return store.write(publicMetadata(`${version}.root.json`), content)
}

class Sealer {
  readonly #before: Edition | undefined
  readonly #was: Content | undefined
  readonly #next: Content
  readonly #options: SealOptions

  constructor(before: Edition | undefined, next: Content, options: SealOptions) {
    this.#before = before
    this.#was = before && contentOf(before)
    this.#next = next
    this.#options = options
  }

  async publisher(name: string): Promise<Written | undefined> {
    const next = this.#next.publishers.get(name)
    if (next === undefined) return undefined
    const was = this.#was?.publishers.get(name)
    const document = this.#before?.publishers.get(name)
    if (isDeepStrictEqual(was, next) && !this.#due(document)) return undefined
    const version = (document?.signed.version ?? 0) + 1
    const head = { version, expires: this.#expires('targets') }
    const content = unsigned(MetadataKind.Targets, head, { targets: next.targets })
    return { role: name, version, content: signed(content, await this.#signers(name, was?.keys, next.keys)) }
  }

  async targets(): Promise<Written | undefined> {
    const [was, next] = [this.#was, this.#next]
    const delegations = delegationsOf(next.publishers)
    const same =
      was !== undefined &&
      isDeepStrictEqual(was.targets, next.targets) &&
      isDeepStrictEqual(was.roles.targets, next.roles.targets) &&
      isDeepStrictEqual(delegationsOf(was.publishers), delegations)
    if (same && !this.#due(this.#before?.targets)) return undefined
    const version = (this.#before?.targets.signed.version ?? 0) + 1
    const head = { version, expires: this.#expires('targets') }
    const content = unsigned(MetadataKind.Targets, head, {
      targets: next.targets,
      delegations,
    })
    const signers = await this.#signers('targets', was?.roles.targets, next.roles.targets)
    return { role: 'targets', version, content: signed(content, signers) }
  }

  async snapshot(changed: readonly Written[]): Promise<Written> {
    const old = this.#before?.snapshot.signed
    // No role ever leaves it: clients take that for an attack (TUF 5.5.5).
    const meta = Object.fromEntries([
      ...Object.entries(old?.meta ?? {}).map(([file, entry]) => [file, entry.toJSON()]),
      ...changed.map((document) => [`${document.role}.json`, fileMeta(document)]),
    ])
    const version = (old?.version ?? 0) + 1
    const content = unsigned(MetadataKind.Snapshot, { version, expires: this.#expires('snapshot') }, { meta })
    const { snapshot } = this.#next.roles
    const signers = await this.#signers('snapshot', this.#was?.roles.snapshot, snapshot)
    return { role: 'snapshot', version, content: signed(content, signers) }
  }

  async timestamp(snapshot: Written): Promise<Written> {
    const version = (this.#before?.timestamp.signed.version ?? 0) + 1
    const head = { version, expires: this.#expires('timestamp') }
    const content = unsigned(MetadataKind.Timestamp, head, {
      meta: { 'snapshot.json': fileMeta(snapshot) },
      [PUBLISHED_AT]: tufTime(this.#options.now),
    })
    const { timestamp } = this.#next.roles
    const signers = await this.#signers('timestamp', this.#was?.roles.timestamp, timestamp)
    return { role: 'timestamp', version, content: signed(content, signers) }
  }

  /** A new root only when who may sign changes: its keys are not at hand every day. */
  async root(): Promise<Written | undefined> {
    const { roles } = this.#next
    if (isDeepStrictEqual(this.#was?.roles, roles) && !this.#options.renewRoot) return undefined
    const version = (this.#before?.root.signed.version ?? 0) + 1
    const keys: Record<string, PublicKey> = {}
    for (const role of TOP_ROLES) for (const key of roles[role].keys) keys[keyIdOf(key)] = key
    const named = Object.fromEntries(
      TOP_ROLES.map((role) => [
        role,
        { keyids: roles[role].keys.map(keyIdOf), threshold: roles[role].threshold },
      ]),
    )
    const head = { version, expires: this.#expires('root') }
    const content = unsigned(MetadataKind.Root, head, {
      keys,
      roles: named,
      consistent_snapshot: true,
    })
    return {
      role: 'root',
      version,
      content: signed(content, await this.#signers('root', this.#was?.roles.root, roles.root)),
    }
  }

  /** While keys change, a document is signed by enough of the old ones and enough of the new ones: it then counts under the
   * root (or the delegation) before and after, whichever a client has at that moment. */
  async #signers(role: string, was: RoleKeys | undefined, next: RoleKeys): Promise<readonly Signer[]> {
    const found = new Map<string, Signer>()
    for (const { keys, threshold } of was === undefined || isDeepStrictEqual(was, next)
      ? [next]
      : [was, next]) {
      const missing: string[] = []
      let have = 0
      for (const keyId of keys.map(keyIdOf)) {
        if (have === threshold) break
        const signer = found.get(keyId) ?? (await this.#options.ring.signer(keyId))
        if (signer === undefined) missing.push(keyId.slice(0, 12))
        else {
          have++
          found.set(keyId, signer)
        }
      }
      if (have < threshold)
        throw new SlotbenchError(
          'repo-keys',
          `${role} needs ${threshold} of its keys and ${have} are at hand; missing: ${missing.join(', ') || 'none made'}`,
        )
    }
    return [...found.values()]
  }

  #expires(role: keyof Lifetimes): Date {
    return new Date(this.#options.now.getTime() + this.#days(role) * DAY_MS)
  }

  #days(role: keyof Lifetimes): number {
    return this.#options.lifetimes?.[role] ?? LIFETIMES[role]
  }

  #due(document: Metadata<Targets> | undefined): boolean {
    if (document === undefined) return true
    const left = Date.parse(document.signed.expires) - this.#options.now.getTime()
    return left < this.#days('targets') * DAY_MS * DUE
  }
}

function fileMeta({ version, content }: Written) {
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { version, length: content.length, hashes: { sha256 } }
}
