// Digests over files of the package: those over the same file are computed in one pass, also when they are over a part of it.
import { SlotbenchError } from '../../../shared/errors.ts'
import { byteSourceImage } from '../formats/raw-image.ts'
import { sliceSource } from '../formats/slice-source.ts'
import type { ByteRange, DigestResult, DigestSpec, HashAlgorithm } from '../formats/stream-digests.ts'
import { release } from '../release.ts'
import type { ByteSource, ImageSource } from '../source.ts'
import type { Workshop } from '../workshop.ts'

/** A digest over ranges of a source. */
export interface FileDigest {
  readonly source: ByteSource
  readonly algorithm: HashAlgorithm
  readonly ranges: readonly ByteRange[]
  /** Hears the digest, in hex. Whatever it throws ends the verification. */
  take(digest: string): void
}

/** Everything that is computed while one source is read once. */
export interface FilePass {
  readonly name: string
  /** Bytes that are read. */
  readonly size: number
  run(options: DigestOptions): Promise<void>
}

export interface DigestOptions {
  readonly signal: AbortSignal
  readonly workshop: Workshop
  onBytes(count: number): void
}

export function passesOf(digests: readonly FileDigest[]): readonly FilePass[] {
  const bySource = new Map<ByteSource, FileDigest[]>()
  for (const digest of digests.map(atRoot)) {
    const others = bySource.get(digest.source)
    if (others === undefined) bySource.set(digest.source, [digest])
    else others.push(digest)
  }
  return [...bySource].map(([source, group]) => passOver(source, group))
}

/** The same digest over the file that its source is a part of. */
function atRoot(digest: FileDigest): FileDigest {
  const { part } = digest.source
  if (part === undefined) return digest
  const { of: source, start } = part
  return atRoot({ ...digest, source, ranges: shifted(digest.ranges, start) })
}

function shifted(ranges: readonly ByteRange[], by: number): readonly ByteRange[] {
  return ranges.map(({ start, end }) => ({ start: start + by, end: end + by }))
}

function passOver(source: ByteSource, digests: readonly FileDigest[]): FilePass {
  const ranges = digests.flatMap((digest) => digest.ranges)
  const start = Math.min(...ranges.map((range) => range.start))
  const size = Math.max(...ranges.map((range) => range.end)) - start
  const { name } = source
  return {
    name,
    size,
    async run(options) {
      const specs = digests.map(({ algorithm, ranges }): DigestSpec => {
        return { kind: 'hash', algorithm, ranges: shifted(ranges, -start) }
      })
      const results = await digestImage(
        byteSourceImage(sliceSource(source, { name, start, size })),
        specs,
        options,
      )
      for (const [i, { ranges, take }] of digests.entries()) take(digestOf(results[i], ranges))
    },
  }
}

function digestOf(result: DigestResult | undefined, ranges: readonly ByteRange[]): string {
  const expected = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
  if (result?.kind !== 'hash' || result.bytes !== expected)
    throw new SlotbenchError('internal', 'a pass did not see all that it was to digest')
  return result.digest
}

/** Computes all of `specs` over an image in one pass; holes count as zeros.
 * @throws SlotbenchError `vbmeta-invalid` for a hash tree that cannot be; what reading the image throws. */
export async function digestImage(
  image: ImageSource,
  specs: readonly DigestSpec[],
  { signal, workshop, onBytes }: DigestOptions,
): Promise<readonly DigestResult[]> {
  const digester = workshop.digester(specs, image.size)
  const pending: Promise<unknown>[] = []
  try {
    for await (const extent of image.extents({ signal })) {
      const length = extent.kind === 'data' ? extent.bytes.length : extent.length
      const counted = digester.push(extent).then((bytes) => bytes && release(bytes))
      // Whoever waits for it sees the error; when reading stops before that, nobody has to.
      counted.catch(() => {})
      pending.push(counted)
      if (pending.length >= digester.ahead) await pending.shift()
      onBytes(length)
    }
    await Promise.all(pending)
    return await digester.finish()
  } finally {
    digester.close()
  }
}
