// A stick: a part of a repository that is a repository itself, with the owner's signatures and some of the packages.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MetadataKind } from '@tufjs/models'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Sha256 } from '../../../shared/units.ts'
import type { ByteSource } from '../../core/source.ts'
import { metadataFile, type PublishedRom, type TargetRef, targetFile } from '../../repository/format.ts'
import type { MetadataSource } from '../../repository/listing.ts'
import { parseDocument } from '../../repository/publishing/documents.ts'
import { openFile } from '../files/open-file.ts'
import { FolderStore } from './folder-store.ts'

export interface StickContent {
  /** What the bench trusts of the repository. */
  readonly trusted: string
  /** Where earlier roots are, for benches that have trusted the repository for long; undefined when it cannot be asked. */
  readonly source: MetadataSource | undefined
  readonly roms: readonly { readonly rom: PublishedRom; readonly path: string; readonly index: Uint8Array }[]
  readonly deployment: { readonly target: TargetRef; readonly content: Uint8Array } | undefined
}

export interface StickProgress {
  readonly signal: AbortSignal
  /** The next package is written. */
  readonly onRom?: (rom: PublishedRom) => void
  readonly onBytes?: (count: number) => void
}

const MAX_ROOT = 512_000

/** Writes a stick into `folder`, the timestamp last: half a stick is none.
 * @throws SlotbenchError `host-io`, `host-space`, `source-changed` when a package is no longer what it was. */
export async function writeStick(
  folder: string,
  content: StickContent,
  { signal, onRom, onBytes }: StickProgress,
): Promise<void> {
  const store = new FolderStore(folder)
  for (const { rom, path, index } of content.roms) {
    onRom?.(rom)
    const source = await openFile(path)
    try {
      const place = (sha256: Sha256) => targetFile({ ...rom.target, sha256 })
      const digest = await store.copyIn(counted(source, onBytes), place, signal)
      if (digest !== rom.target.sha256)
        throw new SlotbenchError('source-changed', `${path} is not what was downloaded`)
    } finally {
      await source.close()
    }
    await store.write(targetFile(rom.index), index)
  }
  const { deployment } = content
  if (deployment !== undefined) await store.write(targetFile(deployment.target), deployment.content)
  await writeMetadata(store, content)
}

function counted(source: ByteSource, onBytes: (count: number) => void = () => {}): ByteSource {
  return {
    ...{ name: source.name, size: source.size, close: () => source.close() },
    read: async (offset, length, signal) => {
      const piece = await source.read(offset, length, signal)
      onBytes(piece.length)
      return piece
    },
  }
}

async function writeMetadata(store: FolderStore, { trusted, source }: StickContent): Promise<void> {
  const read = (name: string) => readFile(join(trusted, `${name}.json`))
  const root = await read('root')
  const newest = parseDocument(MetadataKind.Root, root).signed.version
  await store.write(metadataFile(`${newest}.root.json`), root)
  for (let version = 1; version < newest && source !== undefined; version++) {
    const older = await source(`${version}.root.json`, MAX_ROOT).catch(() => undefined)
    if (older !== undefined) await store.write(metadataFile(`${version}.root.json`), older)
  }
  const timestamp = await read('timestamp')
  const snapshotVersion = parseDocument(MetadataKind.Timestamp, timestamp).signed.snapshotMeta.version
  const snapshot = await read('snapshot')
  const { meta } = parseDocument(MetadataKind.Snapshot, snapshot).signed
  for (const [file, { version }] of Object.entries(meta)) {
    // A publisher whose metadata this bench could not take has nothing on this stick either.
    const document = await read(file.replace(/\.json$/, '')).catch(() => undefined)
    if (document !== undefined) await store.write(metadataFile(`${version}.${file}`), document)
  }
  await store.write(metadataFile(`${snapshotVersion}.snapshot.json`), snapshot)
  await store.write(metadataFile('timestamp.json'), timestamp)
}

/** SHA-256 of the packages that lie on a stick (or in any other folder of a repository), by their names alone. */
export async function packagesOn(folder: string): Promise<ReadonlySet<string>> {
  const names = await readdir(join(folder, 'targets'), { recursive: true }).catch(() => [])
  const digests = names.map((name) => /(?:^|[\\/])([0-9a-f]{64})\.[^\\/]+$/.exec(name)?.[1])
  return new Set(digests.filter((digest) => digest !== undefined))
}
