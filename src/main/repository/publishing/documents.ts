// Metadata as documents: the signed parts of each role built, signed with whatever keys reach the threshold, and read back.
import {
  Metadata,
  MetadataKind,
  type Root,
  Signature,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { PublicKey, Signer } from './signing-key.ts'

export type TopRole = 'root' | 'targets' | 'snapshot' | 'timestamp'
export const TOP_ROLES: readonly TopRole[] = ['root', 'targets', 'snapshot', 'timestamp']

/** Who may sign for a role, and how many of them have to. */
export interface RoleKeys {
  readonly keys: readonly PublicKey[]
  readonly threshold: number
}

type Json = Parameters<typeof Metadata.fromJSON>[1]
type AnyMetadata = Metadata<Root> | Metadata<Timestamp> | Metadata<Snapshot> | Metadata<Targets>

const SPEC_VERSION = '1.0.31'
/** When this state of the repository was signed; a clock that is earlier than this is wrong. Beside TUF's own members. */
export const PUBLISHED_AT = 'x-slotbench-published'

/** Seconds only, as TUF wants its times. */
export function tufTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

export interface Head {
  readonly version: number
  readonly expires: Date
}

/** A document of `kind` with TUF's common members, not signed yet. */
export function unsigned(kind: MetadataKind.Root, head: Head, members: object): Metadata<Root>
export function unsigned(kind: MetadataKind.Timestamp, head: Head, members: object): Metadata<Timestamp>
export function unsigned(kind: MetadataKind.Snapshot, head: Head, members: object): Metadata<Snapshot>
export function unsigned(kind: MetadataKind.Targets, head: Head, members: object): Metadata<Targets>
export function unsigned(kind: MetadataKind, { version, expires }: Head, members: object): AnyMetadata {
  const common = { _type: kind, spec_version: SPEC_VERSION, version, expires: tufTime(expires) }
  // Through JSON, for the library wants values that are nothing else.
  return fromJson(kind, JSON.parse(JSON.stringify({ signed: { ...common, ...members }, signatures: [] })))
}

function fromJson(kind: MetadataKind, data: Json): AnyMetadata {
  switch (kind) {
    case MetadataKind.Root:
      return Metadata.fromJSON(kind, data)
    case MetadataKind.Timestamp:
      return Metadata.fromJSON(kind, data)
    case MetadataKind.Snapshot:
      return Metadata.fromJSON(kind, data)
    case MetadataKind.Targets:
      return Metadata.fromJSON(kind, data)
  }
}

/** Signs with every key given and gives the document's bytes. */
export function signed(document: AnyMetadata, signers: readonly Signer[]): Uint8Array {
  for (const signer of signers) {
    document.sign((data) => new Signature({ keyID: signer.keyId, sig: signer.sign(data) }))
  }
  return Buffer.from(`${JSON.stringify(document.toJSON(), undefined, 1)}\n`)
}

/** @throws SlotbenchError `repo-damaged` when it is no document of that kind. */
export function parseDocument(kind: MetadataKind.Root, content: Uint8Array): Metadata<Root>
export function parseDocument(kind: MetadataKind.Timestamp, content: Uint8Array): Metadata<Timestamp>
export function parseDocument(kind: MetadataKind.Snapshot, content: Uint8Array): Metadata<Snapshot>
export function parseDocument(kind: MetadataKind.Targets, content: Uint8Array): Metadata<Targets>
export function parseDocument(kind: MetadataKind, content: Uint8Array): AnyMetadata {
  try {
    return fromJson(kind, JSON.parse(Buffer.from(content).toString('utf8')))
  } catch (cause) {
    throw new SlotbenchError('repo-damaged', `the ${kind} metadata cannot be read`, { cause })
  }
}
