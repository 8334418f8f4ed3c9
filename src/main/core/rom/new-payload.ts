// The package that applying a delta makes: a payload of plain REPLACE operations, so every byte has its place before it is made.
import { createHash } from 'node:crypto'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Sha256 } from '../../../shared/units.ts'
import type { DeltaPayload } from '../formats/payload-delta.ts'
import { encodePayloadHead, OPERATION_TYPE } from '../formats/payload-manifest.ts'
import { textLines } from '../formats/text-lines.ts'

export interface NewPartition {
  readonly name: string
  /** A multiple of the block size. */
  readonly size: number
  readonly sha256: Sha256
}

export interface NewPayload {
  readonly head: Uint8Array<ArrayBuffer>
  readonly size: number
  /** Where each partition begins in the file, by name. */
  readonly places: ReadonlyMap<string, number>
  /** As in `payload_properties.txt`. */
  readonly properties: string
}

/** One read of a partition's reader. */
const OPERATION_BYTES = 4 * 1024 * 1024

/** No terminal has so much; keeps a lying size from costing memory here. */
const MAX_SIZE = 2 ** 40

/** @param about what the delta says of the build that it makes.
 * @throws SlotbenchError `payload-invalid` for more than 1 TiB. */
export function layOutPayload(
  partitions: readonly NewPartition[],
  about: Pick<DeltaPayload, 'blockSize' | 'dynamicGroups' | 'maxTimestamp' | 'securityPatch'>,
): NewPayload {
  const { blockSize } = about
  const starts = new Map<string, number>()
  let dataSize = 0
  for (const { name, size } of partitions) {
    starts.set(name, dataSize)
    dataSize += size
  }
  if (dataSize > MAX_SIZE)
    throw new SlotbenchError('payload-invalid', `the delta says that it makes ${dataSize} bytes`)
  const head = encodePayloadHead({
    blockSize,
    minorVersion: 0,
    partitions: partitions.map(({ name, size, sha256 }) => ({
      name,
      newInfo: { size, hash: Buffer.from(sha256, 'hex') },
      operations: operationsFor(starts.get(name) ?? 0, size, blockSize),
    })),
    maxTimestamp: about.maxTimestamp,
    ...(about.dynamicGroups.length === 0
      ? {}
      : {
          dynamic: {
            groups: about.dynamicGroups.map(({ partitions: names, ...group }) => ({
              ...group,
              partitionNames: names,
            })),
          },
        }),
    securityPatch: about.securityPatch,
  })
  const places = new Map([...starts].map(([name, start]) => [name, head.length + start]))
  const size = head.length + dataSize
  return { head, size, places, properties: propertiesOf(head, size) }
}

function operationsFor(start: number, size: number, blockSize: number) {
  const operations = []
  for (let at = 0; at < size; at += OPERATION_BYTES) {
    const length = Math.min(OPERATION_BYTES, size - at)
    operations.push({
      type: OPERATION_TYPE.replace,
      dataOffset: start + at,
      dataLength: length,
      dstExtents: [{ startBlock: at / blockSize, numBlocks: length / blockSize }],
    })
  }
  return operations
}

/** Without FILE_HASH, which would cost one more pass: the manifest has the digest of every partition. */
function propertiesOf(head: Uint8Array, size: number): string {
  const hash = createHash('sha256').update(head).digest('base64')
  return `FILE_SIZE=${size}\nMETADATA_HASH=${hash}\nMETADATA_SIZE=${head.length}\n`
}

/** Keys that only hold for a delta, or for the zip that it came in. */
const NOT_FOR_FULL = /^(pre-build(-incremental)?|ota-(streaming-)?property-files|ota-required-cache)$/

/** The `metadata` of the new package: the delta's own words without those that are no longer true.
 * @param models of the base, for a delta that names none. */
export function metadataText(
  delta: Uint8Array | undefined,
  about: { readonly models: readonly string[]; readonly maxTimestamp: number | undefined },
): string {
  const lines = delta === undefined ? [] : textLines(delta, 'package-incomplete').map(({ text }) => text)
  const keyOf = (line: string) => line.slice(0, Math.max(0, line.indexOf('='))).trim()
  const kept = lines.filter((line) => !NOT_FOR_FULL.test(keyOf(line)))
  const missing = (key: string) => !kept.some((line) => keyOf(line) === key)
  const more = [
    ...(missing('ota-type') ? ['ota-type=AB'] : []),
    ...(missing('pre-device') && about.models.length > 0 ? [`pre-device=${about.models.join('|')}`] : []),
    ...(missing('post-timestamp') && about.maxTimestamp !== undefined
      ? [`post-timestamp=${about.maxTimestamp}`]
      : []),
  ]
  return [...kept, ...more].map((line) => `${line}\n`).join('')
}
