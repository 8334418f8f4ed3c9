// Why tuf-js refused what it was given: it tells by words only, so the refused document is looked at once more, from the outside in.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Metadata,
  MetadataKind,
  type MetaFile,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models'
import { SlotbenchError } from '../../../shared/errors.ts'
import { PUBLISHED_AT, parseDocument } from '../../repository/publishing/documents.ts'

/** What was fetched last, by its name at the source (`4.snapshot.json`). */
export interface LastDocument {
  readonly name: string
  readonly content: Buffer
}

type Document = Metadata<Root> | Metadata<Timestamp> | Metadata<Snapshot> | Metadata<Targets>

/** @param folder holds what tuf-js accepted so far. */
export async function diagnose(
  folder: string,
  last: LastDocument | undefined,
  { error, now }: { readonly error: unknown; readonly now: Date },
): Promise<SlotbenchError> {
  const trusted = new Trusted(folder)
  const found = last && (await refused(last, trusted))
  const known = found ?? (await expired(last, trusted, now))
  if (known !== undefined) return known
  const words = error instanceof Error ? error.message : String(error)
  return new SlotbenchError('repo-invalid', `the metadata were refused: ${words}`, { cause: error })
}

class Trusted {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  root = () => this.#read(MetadataKind.Root, 'root')
  timestamp = () => this.#read(MetadataKind.Timestamp, 'timestamp')
  snapshot = () => this.#read(MetadataKind.Snapshot, 'snapshot')
  targets = () => this.#read(MetadataKind.Targets, 'targets')

  async #read<K extends MetadataKind>(kind: K, name: string) {
    const content = await readFile(join(this.#folder, `${name}.json`)).catch(() => undefined)
    return content === undefined ? undefined : tryParse(kind, content)
  }
}

interface KindDocuments {
  readonly [MetadataKind.Root]: Metadata<Root>
  readonly [MetadataKind.Timestamp]: Metadata<Timestamp>
  readonly [MetadataKind.Snapshot]: Metadata<Snapshot>
  readonly [MetadataKind.Targets]: Metadata<Targets>
}

function tryParse<K extends MetadataKind>(kind: K, content: Buffer): KindDocuments[K] | undefined {
  try {
    return (parseDocument as (kind: MetadataKind, content: Buffer) => Document)(
      kind,
      content,
    ) as KindDocuments[K]
  } catch {
    return undefined
  }
}

function roleOf(name: string): string {
  return name.replace(/^\d+\./, '').replace(/\.json$/, '')
}

function kindOf(role: string): MetadataKind {
  if (role === 'root') return MetadataKind.Root
  if (role === 'timestamp') return MetadataKind.Timestamp
  return role === 'snapshot' ? MetadataKind.Snapshot : MetadataKind.Targets
}

async function refused(
  { name, content }: LastDocument,
  trusted: Trusted,
): Promise<SlotbenchError | undefined> {
  const role = roleOf(name)
  const document = tryParse(kindOf(role), content)
  if (document === undefined) {
    const page = /^\s*<(!doctype|html|\?xml)/i.test(content.toString('latin1', 0, 256))
    return page
      ? new SlotbenchError('repo-web-page', `a web page came instead of ${name}`)
      : new SlotbenchError('repo-invalid', `${name} is not readable`)
  }
  if (!(await isSigned(document, role, trusted)))
    return new SlotbenchError(
      'repo-signature',
      `${name} is not signed by enough of the keys that count for it`,
    )
  return wrongVersion(document, role, content, trusted)
}

async function isSigned(document: Document, role: string, trusted: Trusted): Promise<boolean> {
  const top = kindOf(role) !== MetadataKind.Targets || role === 'targets'
  const delegator = top ? await trusted.root() : await trusted.targets()
  try {
    delegator?.verifyDelegate(role, document)
    if (role === 'root') document.verifyDelegate(role, document)
    return delegator !== undefined
  } catch {
    return false
  }
}

async function wrongVersion(
  document: Document,
  role: string,
  content: Buffer,
  trusted: Trusted,
): Promise<SlotbenchError | undefined> {
  const { version } = document.signed
  if (role === 'root') {
    const known = (await trusted.root())?.signed.version ?? 0
    return version === known + 1
      ? undefined
      : new SlotbenchError('repo-rollback', `root.json has version ${version} where ${known + 1} was due`)
  }
  if (role === 'timestamp') return olderTimestamp(document as Metadata<Timestamp>, await trusted.timestamp())
  const promised =
    role === 'snapshot'
      ? (await trusted.timestamp())?.signed.snapshotMeta
      : (await trusted.snapshot())?.signed.meta[`${role}.json`]
  if (promised === undefined || !matches(promised, version, content))
    return new SlotbenchError('repo-mixed', `${role} is not the one that the rest of the metadata names`)
  return role === 'snapshot'
    ? olderSnapshot(document as Metadata<Snapshot>, await trusted.snapshot())
    : undefined
}

function matches({ version, length, hashes }: MetaFile, actual: number, content: Buffer): boolean {
  const digest = createHash('sha256').update(content).digest('hex')
  return (
    version === actual &&
    (length === undefined || length === content.length) &&
    (hashes?.['sha256'] === undefined || hashes['sha256'] === digest)
  )
}

function olderTimestamp(
  { signed }: Metadata<Timestamp>,
  known: Metadata<Timestamp> | undefined,
): SlotbenchError | undefined {
  if (known === undefined) return undefined
  const [is, was] = [signed.snapshotMeta.version, known.signed.snapshotMeta.version]
  if (signed.version >= known.signed.version && is >= was) return undefined
  return new SlotbenchError(
    'repo-rollback',
    `timestamp ${signed.version} with snapshot ${is}; this bench has seen timestamp ${known.signed.version} with snapshot ${was}`,
  )
}

function olderSnapshot(
  { signed }: Metadata<Snapshot>,
  known: Metadata<Snapshot> | undefined,
): SlotbenchError | undefined {
  for (const [file, { version }] of Object.entries(known?.signed.meta ?? {})) {
    const now = signed.meta[file]?.version
    if (now === undefined || now < version)
      return new SlotbenchError(
        'repo-rollback',
        `${file} has version ${now ?? 'none'}, this bench has seen ${version}`,
      )
  }
  return undefined
}

async function expired(
  last: LastDocument | undefined,
  trusted: Trusted,
  now: Date,
): Promise<SlotbenchError | undefined> {
  const document = last && tryParse(kindOf(roleOf(last.name)), last.content)
  const timestamp = await trusted.timestamp()
  const candidates: readonly (readonly [string, Document | undefined])[] = [
    ['root', await trusted.root()],
    ['timestamp', timestamp],
    ['snapshot', await trusted.snapshot()],
    [roleOf(last?.name ?? ''), document],
  ]
  for (const [role, one] of candidates) {
    if (one === undefined || !one.signed.isExpired(now)) continue
    const signedAt = String(timestamp?.signed.unrecognizedFields[PUBLISHED_AT] ?? 'an unknown time')
    return new SlotbenchError(
      'repo-expired',
      `the ${role} metadata expired at ${one.signed.expires}; this computer says ${now.toISOString()}; last signed at ${signedAt}`,
    )
  }
  return undefined
}
