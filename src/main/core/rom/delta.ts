// A delta package applied on this computer to the full package that it was made from: gives the full package of the new build.
// Never to a terminal, whose own bytes nobody could vouch for.
import { z } from 'zod'
import { abortError, SlotbenchError } from '../../../shared/errors.ts'
import { bytes } from '../../../shared/units.ts'
import type { DeltaPayload } from '../formats/payload-delta.ts'
import type { Workshop } from '../workshop.ts'
import { type Source, sourcesOf } from './delta-base.ts'
import { digestTarget, makePartition, type PartitionTools, targetIn, writeImage } from './delta-partition.ts'
import { layOutPayload, metadataText, type NewPayload } from './new-payload.ts'
import type { RomFolder, WorkFile } from './rom-folder.ts'
import { deltaNeeds, requireSpace } from './space.ts'
import type { PartitionTarget } from './target-writer.ts'
import type { Rom } from './types.ts'

/** A delta opened: an OTA zip, or a payload.bin alone. */
export interface DeltaPackage {
  readonly path: string
  readonly payload: DeltaPayload
  /** `META-INF/com/android/metadata`, as it is. */
  readonly metadata: Uint8Array | undefined
  close(): Promise<void>
}

export interface DeltaProgress {
  readonly done: number
  readonly total: number
  /** The partition that is being made. */
  readonly item: string
}

export interface ApplyOptions {
  readonly workshop: Workshop
  /** Where the new package is made; unfinished work of the same delta in it is gone on with. */
  readonly folder: RomFolder
  readonly signal: AbortSignal
  readonly onProgress?: (progress: DeltaProgress) => void
}

export interface AppliedDelta {
  /** Opens as a ROM of its own. */
  readonly path: string
  readonly partitions: readonly { readonly name: string; readonly size: number; readonly sha256: string }[]
  /** Finished in an earlier run; all of them when the package was there already. */
  readonly resumed: readonly string[]
}

const PAYLOAD = 'payload.bin'
const SCRATCH = 'old-image'
const STATE = 'slotbench-delta.json'

const stateSchema = z.object({
  version: z.literal(1),
  /** SHA-256 of the delta's prefix and manifest. */
  delta: z.string(),
  /** Fingerprint of the base. */
  base: z.string(),
  finished: z.array(z.string()),
})
type State = z.infer<typeof stateSchema>

/** Every old image and every new one is proven by its digest. After a stop or a crash the same call goes on behind the last finished
 * partition.
 * @throws SlotbenchError `delta-wrong-base`, `payload-unsupported` naming the operation, `digest-mismatch`, `host-space` before anything
 * is written, `usage` for a folder with something else in it, and what reading and decoding throw. */
export async function applyDelta(
  delta: DeltaPackage,
  base: Rom,
  options: ApplyOptions,
): Promise<AppliedDelta> {
  const { payload } = delta
  const { folder, signal } = options
  const sources = await sourcesOf(payload, base, options)
  const partitions = sources.map((source) => ({
    name: nameOf(source),
    size: source.size,
    sha256: source.sha256,
  }))
  const layout = layOutPayload(partitions, payload)
  const state = await readState(folder, { delta: payload.metadataSha256, base: base.info.fingerprint })
  const result = { path: folder.path, partitions }
  if (await folder.has(PAYLOAD)) return { ...result, resumed: partitions.map(({ name }) => name) }
  await folder.discard(SCRATCH)
  await checkSpace(sources, layout, { folder, state })
  const file = await folder.work(PAYLOAD, layout.size)
  const resumed: string[] = []
  try {
    const known = file.fresh ? { ...state, finished: [] } : state
    await folder.saveText(STATE, JSON.stringify(known))
    const run = new Run(sources, { ...options, file, layout, payload, state: known })
    resumed.push(...(await run.all()))
    await file.write(0, layout.head, signal)
    await file.sync()
  } finally {
    await file.close()
  }
  const about = { models: base.info.models, maxTimestamp: payload.maxTimestamp }
  await folder.saveText('metadata', metadataText(delta.metadata, about))
  await folder.saveText('payload_properties.txt', layout.properties)
  await folder.publish(PAYLOAD)
  return { ...result, resumed }
}

function nameOf(source: Source): string {
  return source.kind === 'made' ? source.partition.name : source.name
}

async function readState(folder: RomFolder, wanted: Pick<State, 'delta' | 'base'>): Promise<State> {
  const text = await folder.readText(STATE)
  if (text === undefined) {
    if (await folder.has(PAYLOAD)) throw occupied(folder, 'another package lies in it')
    return { version: 1, ...wanted, finished: [] }
  }
  const state = parseState(text)
  if (state?.delta !== wanted.delta) throw occupied(folder, 'it holds work on another delta')
  return { ...state, base: wanted.base }
}

function parseState(text: string): State | undefined {
  try {
    return stateSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

function occupied(folder: RomFolder, why: string): SlotbenchError {
  return new SlotbenchError(
    'usage',
    `${folder.path} cannot be used: ${why}. Name another folder, or empty this one.`,
  )
}

async function checkSpace(
  sources: readonly Source[],
  layout: NewPayload,
  { folder, state }: { readonly folder: RomFolder; readonly state: State },
): Promise<void> {
  const finished = new Set(state.finished)
  const expanded = sources
    .filter((source) => source.kind === 'made' && !finished.has(nameOf(source)))
    .map(({ old, ...source }) =>
      source.kind === 'made' && (old?.raw === undefined || source.partition.inPlace)
        ? scratchSize(source)
        : 0,
    )
  const made = await folder.workBytes(PAYLOAD)
  requireSpace(deltaNeeds({ size: layout.size, made, expanded }), await folder.freeBytes(), folder.path)
}

function scratchSize({
  partition,
}: {
  readonly partition: Extract<Source, { kind: 'made' }>['partition']
}): number {
  const old = partition.old?.size ?? 0
  return partition.inPlace ? Math.max(old, partition.size) : old
}

interface RunParts extends ApplyOptions {
  readonly file: WorkFile
  readonly layout: NewPayload
  readonly payload: DeltaPayload
  readonly state: State
}

/** All partitions, one after the other; each is on record as finished once it is proven on the disk. */
class Run {
  readonly #sources: readonly Source[]
  readonly #parts: RunParts
  readonly #total: number
  #finished: readonly string[]
  #done = 0

  constructor(sources: readonly Source[], parts: RunParts) {
    this.#sources = sources
    this.#parts = parts
    this.#finished = parts.state.finished
    this.#total = sources.reduce((sum, source) => sum + this.#cost(source), 0)
  }

  /** @returns the partitions that were finished before. */
  async all(): Promise<readonly string[]> {
    const { signal } = this.#parts
    const resumed: string[] = []
    for (const source of this.#sources) {
      if (signal.aborted) throw abortError(signal)
      const goal = this.#done + this.#cost(source)
      if (await this.#isFinished(source)) resumed.push(nameOf(source))
      else await this.#finish(source)
      this.#done = goal
      this.#report(nameOf(source))
    }
    return resumed
  }

  /** Bytes that pass by: the old image, the new one as it is made, and once more as it is proven. */
  #cost(source: Source): number {
    const old = source.kind === 'made' ? (source.old?.size ?? 0) : 0
    return old + 2 * source.size
  }

  async #isFinished(source: Source): Promise<boolean> {
    if (!this.#finished.includes(nameOf(source))) return false
    return (await this.#digest(source)) === source.sha256
  }

  async #finish(source: Source): Promise<void> {
    const { file, payload, folder, state } = this.#parts
    const name = nameOf(source)
    const target = this.#target(source)
    const tools = this.#tools(name)
    if (source.kind === 'kept') await writeImage(source.old, target, tools)
    else
      await makePartition({
        ...tools,
        partition: source.partition,
        data: payload.source,
        blockSize: payload.blockSize,
        old: source.old,
        target,
        scratch: async (size) => {
          await folder.discard(SCRATCH)
          return folder.work(SCRATCH, size)
        },
      })
    await folder.discard(SCRATCH)
    const actual = await this.#digest(source)
    if (actual !== source.sha256)
      throw new SlotbenchError(
        'digest-mismatch',
        `the new ${name} has SHA-256 ${actual}, the delta promises ${source.sha256}`,
      )
    await file.sync()
    this.#finished = [...this.#finished.filter((one) => one !== name), name]
    await folder.saveText(STATE, JSON.stringify({ ...state, finished: this.#finished }))
  }

  #digest(source: Source) {
    const name = nameOf(source)
    return digestTarget(this.#target(source), { name, size: bytes(source.size) }, this.#tools(name))
  }

  #target(source: Source): PartitionTarget {
    const { file, layout } = this.#parts
    const start = layout.places.get(nameOf(source))
    if (start === undefined) throw new SlotbenchError('internal', `${nameOf(source)} has no place`)
    return targetIn(file, start, source.size)
  }

  #tools(item: string): PartitionTools {
    const { workshop, signal } = this.#parts
    const onBytes = (count: number) => {
      this.#done += count
      this.#report(item)
    }
    return { workshop, signal, onBytes }
  }

  #report(item: string): void {
    this.#parts.onProgress?.({ done: Math.min(this.#done, this.#total), total: this.#total, item })
  }
}
