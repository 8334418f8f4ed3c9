// `super_empty.img` of an image set: lpmake's tables of super without content, which name the package's groups and logical partitions,
// and which `update-super` can put in the place of a terminal's.
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import { type Sha256, sha256 } from '../../../shared/units.ts'
import { memoryImage } from '../formats/raw-image.ts'
import { isSparse } from '../formats/sparse-reader.ts'
import { readSuper, type SuperMetadata } from '../formats/super.ts'
import { superTables } from '../formats/super-tables.ts'
import type { ImageSource } from '../source.ts'
import { type FileSet, readWhole, type SetFile } from './file-set.ts'
import { SUPER_EMPTY } from './set-layout.ts'

/** One geometry block, and one copy of metadata of at most 4 MiB. */
const MAX_SIZE = 4 * 1024 * 1024 + 4096

export interface SuperEmpty {
  readonly metadata: SuperMetadata
  /** Absent for a file that fastbootd would refuse (one that is sparse or holds more than tables) or that planning cannot read. */
  readonly offered?: {
    readonly info: NonNullable<RomInfo['superEmpty']>
    readonly image: ImageSource
  }
}

/** Undefined when the set has none.
 * @throws SlotbenchError `super-invalid`; `digest-mismatch` when it is not what the container or a digest file promises. */
export async function readSuperEmpty(
  files: FileSet,
  digests: ReadonlyMap<string, Sha256>,
  signal: AbortSignal,
): Promise<SuperEmpty | undefined> {
  const file = files.get(SUPER_EMPTY)
  if (file === undefined) return undefined
  const source = await file.open(signal)
  try {
    const { form, metadata } = await readSuper(source, { signal })
    const tables = superTables(metadata)
    if (form !== 'metadata' || tables === undefined || source.size > MAX_SIZE) return { metadata }
    const content = await readWhole(file, signal)
    if (isSparse(content.subarray(0, 28))) return { metadata }
    const digest = proven(content, file, digests)
    const name = SUPER_EMPTY.slice(0, -'.img'.length)
    const image = memoryImage(content, { sha256: digest })
    return { metadata, offered: { info: { name, sha256: digest, tables }, image } }
  } finally {
    await source.close()
  }
}

function proven(content: Uint8Array, file: SetFile, digests: ReadonlyMap<string, Sha256>): Sha256 {
  const actual = sha256(createHash('sha256').update(content).digest('hex'))
  const promised = digests.get(file.name)
  if (promised !== undefined && promised !== actual)
    throw new SlotbenchError(
      'digest-mismatch',
      `${file.name} has SHA-256 ${actual}, the package promises ${promised}`,
    )
  return actual
}
