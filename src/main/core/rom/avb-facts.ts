// What the verified-boot metadata inside a package tells: what it vouches for, rollback indices, build, security patch level.
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import { plainText } from '../../../shared/plain-text.ts'
import type { RomInfo } from '../../../shared/rom.ts'
import type { Slot } from '../../../shared/units.ts'
import { parseVbmeta, type Vbmeta } from '../formats/vbmeta.ts'
import type { ImageSource } from '../source.ts'
import { readVbmetaBytes } from './vbmeta-image.ts'

export interface AvbFacts {
  /** Base names of the partitions that it holds digests of or chains to: without one of them verified boot fails. */
  readonly partitions: readonly string[]
  /** Rollback index by location. */
  readonly rollback: Readonly<Record<string, number>>
  /** Fingerprint of the system build, where avbtool's property says so. */
  readonly build: string | undefined
  readonly securityPatch: string | undefined
  /** SHA-256 of the key that signs the top vbmeta, as terminals tell it (`ro.boot.vbmeta.public_key_digest`). */
  readonly key: string | undefined
}

const BUILD_KEYS = ['com.android.build.system.fingerprint', 'com.android.build.boot.fingerprint']
const PATCH_KEYS = ['com.android.build.system.security_patch', 'com.android.build.boot.security_patch']

/** Reads vbmeta and what it chains to; an image that the package lacks is passed over.
 * @param find gives the image of a partition, if the package has it.
 * @param onDamaged what becomes of metadata that cannot be read; without it, it is thrown.
 * @returns undefined when there is no vbmeta or it holds no AVB data.
 * @throws SlotbenchError `vbmeta-invalid`, or what reading the images throws. */
export async function readAvbFacts(
  find: (partition: string) => ImageSource | undefined,
  signal: AbortSignal,
  onDamaged?: (partition: string, error: SlotbenchError) => void,
): Promise<AvbFacts | undefined> {
  const read = async (partition: string) => {
    try {
      return await readVbmeta(find(partition), signal)
    } catch (thrown) {
      const damaged = thrown instanceof SlotbenchError && thrown.code === 'vbmeta-invalid'
      if (!damaged || onDamaged === undefined) throw thrown
      onDamaged(partition, thrown)
      return undefined
    }
  }
  const top = await read('vbmeta')
  if (top === undefined) return undefined
  const rollback: Record<string, number> = { [top.rollbackLocation]: rollbackIndex(top, 'vbmeta') }
  const properties = new Map<string, string>()
  collectProperties(top, properties)
  const partitions = new Set(vouchedFor(top))
  for (const descriptor of top.descriptors) {
    if (descriptor.kind !== 'chain') continue
    const chained = await read(descriptor.partition)
    if (chained === undefined) continue
    // libavb takes the location from the chain descriptor, not from the chained image.
    rollback[descriptor.rollbackLocation] = rollbackIndex(chained, descriptor.partition)
    collectProperties(chained, properties)
    for (const name of vouchedFor(chained)) partitions.add(name)
  }
  const first = (keys: readonly string[]) =>
    keys.map((key) => properties.get(key)).find((v) => v !== undefined)
  return {
    ...{ partitions: [...partitions], rollback },
    ...{ build: first(BUILD_KEYS), securityPatch: first(PATCH_KEYS), key: keyOf(top) },
  }
}

function keyOf({ publicKey }: Vbmeta): string | undefined {
  return publicKey.length === 0 ? undefined : createHash('sha256').update(publicKey).digest('hex')
}

/** The image of a partition that the bootloader will check first: the one without a slot, or for slot a. */
export function imageToCheck(
  images: readonly { readonly name: string; readonly slot: Slot | undefined; readonly image: ImageSource }[],
  name: string,
): ImageSource | undefined {
  const candidates = images.filter((one) => one.name === name)
  const best = candidates.find(({ slot }) => slot !== 'b') ?? candidates[0]
  return best?.image
}

function vouchedFor(vbmeta: Vbmeta): readonly string[] {
  return vbmeta.descriptors.flatMap((d) =>
    d.kind === 'hash' || d.kind === 'hashtree' || d.kind === 'chain' ? [d.partition] : [],
  )
}

/** What a package's info says of its verified boot; nothing where it holds none. */
export function avbInfo(avb: AvbFacts | undefined): Pick<RomInfo, 'rollback' | 'avbPartitions' | 'avbKey'> {
  if (avb === undefined) return {}
  const { rollback, partitions, key } = avb
  return {
    rollback: { ...rollback },
    avbPartitions: [...partitions],
    ...(key === undefined ? {} : { avbKey: key }),
  }
}

async function readVbmeta(image: ImageSource | undefined, signal: AbortSignal): Promise<Vbmeta | undefined> {
  const found = image && (await readVbmetaBytes(image, signal))
  return found && parseVbmeta(found.bytes)
}

function rollbackIndex(vbmeta: Vbmeta, partition: string): number {
  if (vbmeta.rollbackIndex > BigInt(Number.MAX_SAFE_INTEGER))
    throw new SlotbenchError('vbmeta-invalid', `${partition} has the rollback index ${vbmeta.rollbackIndex}`)
  return Number(vbmeta.rollbackIndex)
}

function collectProperties(vbmeta: Vbmeta, properties: Map<string, string>): void {
  for (const descriptor of vbmeta.descriptors)
    if (descriptor.kind === 'property' && !properties.has(descriptor.key))
      properties.set(descriptor.key, plainText(new TextDecoder().decode(descriptor.value)))
}
