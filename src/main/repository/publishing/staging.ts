// What waits to be published: changes as data in `staging.json`, the bytes they bring in `staged/`. Nothing of it is public.
import { z } from 'zod'
import { SlotbenchError } from '../../../shared/errors.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { Sha256 } from '../../../shared/units.ts'
import { DEPLOYMENT, indexPath, romFactsSchema, romPath, targetFile } from '../format.ts'
import type { Content, TargetEntries, TargetEntry } from './edition.ts'
import { PUBLIC, type RepositoryStore } from './store.ts'

const fileSchema = z.object({
  size: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})
type StagedFile = z.infer<typeof fileSchema>

const changeSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('add'),
    publisher: z.string(),
    name: z.string(),
    rom: fileSchema,
    index: fileSchema,
    facts: romFactsSchema,
  }),
  z.object({ kind: z.literal('withdraw'), publisher: z.string(), name: z.string() }),
  z.object({ kind: z.literal('deployment'), file: fileSchema }),
])
export type Change = z.infer<typeof changeSchema>
const stagingSchema = z.object({ format: z.literal('slotbench-staging-1'), changes: z.array(changeSchema) })

const STAGING = 'staging.json'
const MAX_STAGING = 16 * 1024 * 1024

/** @throws SlotbenchError `repo-damaged`. */
export async function readStaging(store: RepositoryStore): Promise<readonly Change[]> {
  const content = await store.read(STAGING, MAX_STAGING)
  if (content === undefined) return []
  try {
    return stagingSchema.parse(JSON.parse(Buffer.from(content).toString('utf8'))).changes
  } catch (cause) {
    throw new SlotbenchError('repo-damaged', `${STAGING} cannot be read`, { cause })
  }
}

export async function stage(store: RepositoryStore, change: Change): Promise<void> {
  const before = await readStaging(store)
  const changes = [...before.filter((other) => subject(other) !== subject(change)), change]
  await store.write(STAGING, Buffer.from(JSON.stringify({ format: 'slotbench-staging-1', changes })))
}

/** Two changes of one subject: the later one counts. */
function subject(change: Change): string {
  return change.kind === 'deployment' ? DEPLOYMENT : romPath(change.publisher, change.name)
}

export async function clearStaging(store: RepositoryStore): Promise<void> {
  await store.remove(STAGING)
  for (const { path } of await store.list('staged')) await store.remove(path)
}

/** Where bytes wait. */
export function stagedPath(sha256: Sha256 | string): string {
  return `staged/${sha256}`
}

/** Brings the bytes of `changes` to where their targets will be looked for. Nothing names them yet, and what is there already,
 * from a publishing that was killed, stays. */
export async function placeStaged(store: RepositoryStore, changes: readonly Change[]): Promise<void> {
  const waiting = new Set((await store.list('staged')).map(({ path }) => path))
  for (const change of changes) {
    for (const { path, file } of filesOf(change)) {
      const from = stagedPath(file.sha256)
      if (waiting.has(from))
        await store.move(from, `${PUBLIC}/${targetFile({ path, sha256: file.sha256 as Sha256 })}`)
    }
  }
}

function filesOf(change: Change): readonly { readonly path: string; readonly file: StagedFile }[] {
  switch (change.kind) {
    case 'add': {
      const path = romPath(change.publisher, change.name)
      return [
        { path, file: change.rom },
        { path: indexPath(path), file: change.index },
      ]
    }
    case 'deployment':
      return [{ path: DEPLOYMENT, file: change.file }]
    case 'withdraw':
      return []
    default:
      return missingCase(change)
  }
}

/** @throws SlotbenchError `usage` for a publisher that does not exist or a ROM that is not there to be withdrawn. */
export function applyChanges(content: Content, changes: readonly Change[]): Content {
  return changes.reduce(applyChange, content)
}

function applyChange(content: Content, change: Change): Content {
  switch (change.kind) {
    case 'add': {
      const path = romPath(change.publisher, change.name)
      const custom = { slotbench: change.facts as unknown as z.core.util.JSONType }
      return withPublisher(content, change.publisher, (targets) => ({
        ...targets,
        [path]: entryOf(change.rom, custom),
        [indexPath(path)]: entryOf(change.index),
      }))
    }
    case 'withdraw': {
      const path = romPath(change.publisher, change.name)
      return withPublisher(content, change.publisher, ({ [path]: _, [indexPath(path)]: __, ...kept }) => kept)
    }
    case 'deployment':
      return { ...content, targets: { ...content.targets, [DEPLOYMENT]: entryOf(change.file) } }
    default:
      return missingCase(change)
  }
}

function entryOf({ size, sha256 }: StagedFile, custom?: TargetEntry['custom']): TargetEntry {
  return { length: size, hashes: { sha256 }, ...(custom && { custom }) }
}

function withPublisher(
  content: Content,
  name: string,
  edit: (targets: TargetEntries) => TargetEntries,
): Content {
  const publisher = content.publishers.get(name)
  if (publisher === undefined)
    throw new SlotbenchError(
      'usage',
      `there is no publisher ${name}; \`slotbench-repo keys publisher\` makes one`,
    )
  return {
    ...content,
    publishers: new Map([...content.publishers, [name, { ...publisher, targets: edit(publisher.targets) }]]),
  }
}
