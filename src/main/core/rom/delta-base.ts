// Which images of the base a delta starts from, and whether they can be the right ones, before a byte of them is read.
import { SlotbenchError } from '../../../shared/errors.ts'
import { type Sha256, sha256 } from '../../../shared/units.ts'
import type { DeltaPartition, DeltaPayload } from '../formats/payload-delta.ts'
import type { ImageSource } from '../source.ts'
import type { Workshop } from '../workshop.ts'
import type { Rom } from './types.ts'
import { sha256OfImage } from './verify.ts'

/** One partition of the new build: made by the delta, or kept as it is by a delta that changes only some. */
export type Source =
  | {
      readonly kind: 'made'
      readonly partition: DeltaPartition
      readonly size: number
      readonly sha256: Sha256
      readonly old: ImageSource | undefined
    }
  | {
      readonly kind: 'kept'
      readonly name: string
      readonly size: number
      readonly sha256: Sha256
      readonly old: ImageSource
    }

export interface BaseOptions {
  readonly workshop: Workshop
  readonly signal: AbortSignal
}

/** @throws SlotbenchError `delta-wrong-base` naming every partition that differs. */
export async function sourcesOf(
  delta: Pick<DeltaPayload, 'partitions' | 'partialUpdate' | 'blockSize'>,
  base: Rom,
  options: BaseOptions,
): Promise<readonly Source[]> {
  if (base.info.delta === true)
    throw new SlotbenchError(
      'delta-wrong-base',
      'the base is itself a delta; a full package of its build is needed',
    )
  const made = delta.partitions.map((partition): Source => {
    const { size, sha256: hash, name } = partition
    const old = partition.old && imageOf(base, name)
    return { kind: 'made', partition, size, sha256: hash, old }
  })
  refuseDifferences(made)
  if (!delta.partialUpdate) return made
  const names = new Set(delta.partitions.map(({ name }) => name))
  const kept: Source[] = []
  for (const image of base.info.images) {
    if (names.has(image.name) || image.slot === 'b') continue
    kept.push(await keep(image.name, base.image(image), { ...options, blockSize: delta.blockSize }))
  }
  return [...made, ...kept]
}

/** What the package says suffices here; the bytes themselves are digested before they are used. */
function refuseDifferences(sources: readonly Source[]): void {
  const differences = sources.flatMap((source) => {
    if (source.kind !== 'made' || source.partition.old === undefined) return []
    const { name, old: wanted } = source.partition
    const { old } = source
    if (old === undefined) return [`${name} is missing`]
    if (old.size !== wanted.size) return [`${name} has ${old.size} bytes instead of ${wanted.size}`]
    if (old.sha256 !== undefined && old.sha256 !== wanted.sha256) return [`${name} has another digest`]
    return []
  })
  if (differences.length > 0)
    throw new SlotbenchError('delta-wrong-base', `the base differs: ${differences.join(', ')}`)
}

function imageOf(base: Rom, name: string): ImageSource | undefined {
  const image =
    base.info.images.find((one) => one.name === name && one.slot === undefined) ??
    base.info.images.find((one) => one.name === name && one.slot === 'a')
  return image && base.image(image)
}

async function keep(
  name: string,
  image: ImageSource,
  options: BaseOptions & { readonly blockSize: number },
): Promise<Source> {
  if (image.size % options.blockSize !== 0)
    throw new SlotbenchError('delta-wrong-base', `${name} has ${image.size} bytes, which are no whole blocks`)
  const digest = image.sha256 ?? (await sha256OfImage(image, { ...options, onBytes: () => {} }))
  return { kind: 'kept', name, size: image.size, sha256: sha256(digest), old: image }
}
