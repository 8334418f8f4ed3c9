// What a hash or hashtree descriptor demands of an image: which digests to compute, and whether they are the ones it names.

import { SlotbenchError } from '../../../shared/errors.ts'
import type { HashDescriptor, HashtreeDescriptor } from '../formats/avb-descriptors.ts'
import { type HashtreeShape, hashtreeLevels } from '../formats/avb-hashtree.ts'
import type { DigestResult, DigestSpec } from '../formats/stream-digests.ts'

export type Expectation =
  /** Nothing has to be read to know. */
  | { readonly kind: 'settled'; readonly state: 'differs' | 'unknown'; readonly detail: string }
  | {
      readonly kind: 'compute'
      readonly specs: readonly DigestSpec[]
      /** @returns what differs, in words; undefined when all of it holds. */
      compare(results: readonly DigestResult[]): string | undefined
    }

const DIGEST_BYTES: ReadonlyMap<string, number> = new Map([
  ['sha1', 20],
  ['sha256', 32],
  ['sha512', 64],
])

/** digest = H(salt ‖ the first imageSize bytes). */
export function hashExpectation(descriptor: HashDescriptor, size: number): Expectation {
  const { algorithm, imageSize, salt, digest } = descriptor
  const settled = settledEarly({ algorithm, imageSize, digest, size })
  if (settled !== undefined) return settled
  return {
    kind: 'compute',
    specs: [
      {
        ...{
          kind: 'hash',
          algorithm: algorithm === 'sha512' ? 'sha512' : algorithm === 'sha1' ? 'sha1' : 'sha256',
        },
        ...{ prefix: salt, ranges: [{ start: 0, end: imageSize }] },
      },
    ],
    compare: ([result]) =>
      result?.kind === 'hash' && result.bytes === imageSize && result.digest === hex(digest)
        ? undefined
        : 'its content is not what was signed',
  }
}

/** The root over the data, and every level of the tree as it is stored: dm-verity reads the stored one. */
export function hashtreeExpectation(descriptor: HashtreeDescriptor, size: number): Expectation {
  const { algorithm, imageSize, rootDigest, dmVerityVersion, treeOffset, treeSize } = descriptor
  const settled = settledEarly({ algorithm, imageSize, digest: rootDigest, size })
  if (settled !== undefined) return settled
  if (dmVerityVersion !== 1)
    return { kind: 'settled', state: 'unknown', detail: `its hash tree has version ${dmVerityVersion}` }
  const levels = levelsOf(descriptor)
  if (levels === undefined || levels.reduce((sum, level) => sum + level, 0) !== treeSize)
    return differs(`its hash tree has ${treeSize} bytes, which cannot be`)
  if (treeOffset + treeSize > size)
    return differs(`its hash tree ends at byte ${treeOffset + treeSize}, the image at ${size}`)
  return {
    kind: 'compute',
    specs: [{ kind: 'hashtree', shape: shapeOf(descriptor) }, ...storedLevels(treeOffset, levels)],
    compare: ([tree, ...stored]) => {
      if (tree?.kind !== 'hashtree' || tree.bytes !== imageSize || tree.root !== hex(rootDigest))
        return 'its content is not what was signed'
      const same = stored.every((level, i) => level.kind === 'hash' && level.digest === tree.levels[i])
      return same && stored.length === tree.levels.length
        ? undefined
        : 'the hash tree that is stored in it is not the one of its content, so it would not be readable'
    },
  }
}

function settledEarly(o: {
  readonly algorithm: string
  readonly imageSize: number
  readonly digest: Uint8Array
  readonly size: number
}): Expectation | undefined {
  const { algorithm, imageSize, digest, size } = o
  const bytes = DIGEST_BYTES.get(algorithm)
  if (bytes === undefined)
    return { kind: 'settled', state: 'unknown', detail: `${algorithm.slice(0, 32)} is not known here` }
  // libavb looks for such a digest in the terminal's own persistent storage (avb_slot_verify.c, persistent digests).
  if (digest.byteLength === 0)
    return { kind: 'settled', state: 'unknown', detail: 'its digest is kept in the terminal' }
  if (digest.byteLength !== bytes)
    return differs(`its digest has ${digest.byteLength} bytes, which cannot be`)
  if (imageSize > size)
    return differs(`${imageSize} bytes of it were signed, but the package's image has ${size} bytes only`)
  return undefined
}

function levelsOf(descriptor: HashtreeDescriptor): readonly number[] | undefined {
  try {
    return hashtreeLevels(shapeOf(descriptor))
  } catch (thrown) {
    if (thrown instanceof SlotbenchError && thrown.code === 'vbmeta-invalid') return undefined
    throw thrown
  }
}

function shapeOf({
  imageSize,
  dataBlockSize,
  hashBlockSize,
  algorithm,
  salt,
}: HashtreeDescriptor): HashtreeShape {
  return { imageSize, dataBlockSize, hashBlockSize, algorithm, salt }
}

function storedLevels(treeOffset: number, levels: readonly number[]): readonly DigestSpec[] {
  let at = treeOffset
  return levels.map((size) => {
    const range = { start: at, end: at + size }
    at += size
    return { kind: 'hash', algorithm: 'sha256', ranges: [range] } as const
  })
}

function differs(detail: string): Expectation {
  return { kind: 'settled', state: 'differs', detail }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
