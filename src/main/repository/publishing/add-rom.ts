// Takes a package into the repository: what it is, is read by the product's own readers, and whatever they refuse is refused.
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import { packageKindSchema, type RomInfo } from '../../../shared/rom.ts'
import type { Sha256 } from '../../../shared/units.ts'
import type { ByteSource } from '../../core/source.ts'
import { makeChunkIndex, parseChunkIndex } from '../chunk-index.ts'
import { checkPublisher, checkRomName, type RomFacts } from '../format.ts'
import { contentOf, loadEdition } from './edition.ts'
import { stage, stagedPath } from './staging.ts'
import type { RepositoryStore } from './store.ts'

export interface AddOptions {
  readonly publisher: string
  readonly name: string
  /** The package as it was opened and verified. */
  readonly info: RomInfo
  readonly notes?: string
  readonly signal: AbortSignal
  readonly onBytes?: (count: number) => void
}

/** Stages the ROM; `publish` makes it public.
 * @throws SlotbenchError `usage` for a publisher that does not exist; what reading throws. */
export async function addRom(
  store: RepositoryStore,
  source: ByteSource,
  options: AddOptions,
): Promise<{ readonly rom: Sha256; readonly chunks: number }> {
  const { publisher, name, info, notes } = options
  if (!contentOf(await loadEdition(store)).publishers.has(checkPublisher(publisher)))
    throw new SlotbenchError('usage', `there is no publisher ${publisher}`)
  checkRomName(name)
  const facts = factsOf(info, notes)
  const content = await makeChunkIndex(source, options)
  const index = parseChunkIndex(content)
  const rom = await store.copyIn(source, stagedPath, options.signal)
  if (rom !== index.sha256)
    throw new SlotbenchError('source-changed', `${source.name} changed while it was read`)
  const indexDigest = createHash('sha256').update(content).digest('hex')
  await store.write(stagedPath(indexDigest), content)
  await stage(store, {
    ...{ kind: 'add', publisher, name, facts },
    rom: { size: index.size, sha256: rom },
    index: { size: content.length, sha256: indexDigest },
  })
  return { rom, chunks: index.count }
}

/** @throws SlotbenchError `usage` for what is no package: a single image, or a terminal's own backup. */
function factsOf(info: RomInfo, notes: string | undefined): RomFacts {
  const packaged = packageKindSchema.safeParse(info.kind)
  if (!packaged.success)
    throw new SlotbenchError('usage', `a ${info.kind} cannot be published, only a package`)
  const kind = packaged.data
  const { models, build, timestamp, securityPatch, rollback, full, delta, downgrade, fingerprint } = info
  const optional = { build, timestamp, securityPatch, rollback, delta, notes }
  const known = Object.entries(optional).filter(([, value]) => value !== undefined)
  return { kind, models, full, downgrade, fingerprint, ...Object.fromEntries(known) }
}
