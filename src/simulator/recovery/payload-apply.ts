// The update engine: carries out a payload's operations on the partitions of one slot (AOSP update_engine, delta_performer.cc).

import { createHash, createVerify, type Hash, type KeyObject, type Verify, webcrypto } from 'node:crypto'
import { setImmediate as immediate } from 'node:timers/promises'
import {
  type ManifestOperation,
  type ManifestPartition,
  OPERATION_TYPE,
} from '../../main/core/formats/payload-manifest.ts'
import { release } from '../../main/core/release.ts'
import type { ByteSource } from '../../main/core/source.ts'
import type { Slot } from '../../shared/units.ts'
import type { Volume, Volumes } from '../adb/volumes.ts'
import { type Codec, decode } from './codecs.ts'
import { type PayloadHead, signaturesOf } from './payload-head.ts'
import { UpdateRefused } from './refused.ts'

export interface ApplyOrder {
  readonly payload: ByteSource
  readonly head: PayloadHead
  readonly fileSha256: string | undefined
  readonly key: KeyObject
  readonly volumes: Volumes
  /** Undefined on terminals without slots. */
  readonly source: Slot | undefined
  readonly target: Slot | undefined
}

/** Data and output of one operation are in memory at the same time; generators make operations of 2 MiB. */
const MAX_OPERATION = 256 * 1024 * 1024
const PIECE = 4 * 1024 * 1024
const ZEROS = new Uint8Array(1024 * 1024)

const CODECS: ReadonlyMap<number, Codec> = new Map([
  [OPERATION_TYPE.replaceBz, 'bzip2'],
  [OPERATION_TYPE.replaceXz, 'xz'],
  [OPERATION_TYPE.replaceZstd, 'zstd'],
])

interface Extent {
  readonly offset: number
  readonly length: number
}

interface Place {
  readonly name: string
  readonly target: Volume
  readonly source: Volume | undefined
}

/** Writes and verifies every partition of the payload; the slot is not made active.
 * @throws UpdateRefused when anything does not hold; PowerLost. */
export async function applyPayload(order: ApplyOrder): Promise<void> {
  await new Application(order).run()
}

class Application {
  readonly #order: ApplyOrder
  /** Of the whole file, as FILE_HASH has it. */
  readonly #whole: Hash = createHash('sha256')
  /** Of what the payload's signature covers: everything but the two signatures. */
  readonly #signed: Verify = createVerify('sha256')
  #at: number

  constructor(order: ApplyOrder) {
    this.#order = order
    this.#at = order.head.dataStart
    const { metadata, metadataSignature } = order.head
    this.#whole.update(metadata).update(metadataSignature)
    this.#signed.update(metadata)
  }

  async run(): Promise<void> {
    const { manifest } = this.#order.head
    // All are looked at before the first is written.
    const places: { readonly partition: ManifestPartition; readonly place: Place }[] = []
    for (const partition of manifest.partitions)
      places.push({ partition, place: await this.#place(partition) })
    for (const { partition, place } of places) await this.#checkSource(partition, place)
    for (const { partition, place } of places) {
      for (const [index, operation] of partition.operations.entries())
        await this.#operate(operation, place, `operation ${index} of ${place.name}`)
    }
    await this.#checkPayload()
    for (const { partition, place } of places) await this.#checkTarget(partition, place)
  }

  async #place(partition: ManifestPartition): Promise<Place> {
    const name = partition.name ?? ''
    const { volumes, source, target } = this.#order
    const volume = await volumes.open(name, target)
    if (volume === undefined) throw new UpdateRefused(`this terminal has no partition ${name}`)
    const size = partition.newInfo?.size
    if (size === undefined || size > volume.size)
      throw new UpdateRefused(`${name} does not fit: ${size} bytes into ${volume.size}`)
    return { name, target: volume, source: source && (await volumes.open(name, source)) }
  }

  /** A delta starts from exactly one build. */
  async #checkSource({ oldInfo }: ManifestPartition, { name, source }: Place): Promise<void> {
    if (oldInfo?.hash === undefined) return
    if (source === undefined || (oldInfo.size ?? 0) > source.size)
      throw new UpdateRefused(`there is no ${name} to start from`)
    if (!(await digestOf(source, oldInfo.size ?? 0)).equals(oldInfo.hash))
      throw new UpdateRefused(`${name} is not what this package starts from`)
  }

  async #operate(operation: ManifestOperation, place: Place, where: string): Promise<void> {
    const targets = this.#extents(operation.dstExtents, place.target, where)
    const outputBytes = targets.reduce((sum, { length }) => sum + length, 0)
    switch (operation.type) {
      case OPERATION_TYPE.zero:
      case OPERATION_TYPE.discard:
        for (const target of targets) await writeZeros(place.target, target)
        return
      case OPERATION_TYPE.sourceCopy:
        return this.#copy(operation, place, { targets, where })
      case OPERATION_TYPE.replace:
      case OPERATION_TYPE.replaceBz:
      case OPERATION_TYPE.replaceXz:
      case OPERATION_TYPE.replaceZstd: {
        if (outputBytes > MAX_OPERATION) throw new UpdateRefused(`${where} is too large`)
        const data = await this.#data(operation, where)
        const codec = CODECS.get(operation.type)
        const output = codec ? await decode(codec, data, outputBytes) : padded(data, outputBytes, where)
        await writeTo(place.target, targets, output)
        release(data)
        return
      }
      default:
        throw new UpdateRefused(`${where} is of the unknown type ${operation.type}`)
    }
  }

  async #copy(
    operation: ManifestOperation,
    { source, target }: Place,
    { targets, where }: { readonly targets: readonly Extent[]; readonly where: string },
  ): Promise<void> {
    if (source === undefined) throw new UpdateRefused(`${where} has nothing to copy from`)
    const sources = this.#extents(operation.srcExtents, source, where)
    const length = sources.reduce((sum, extent) => sum + extent.length, 0)
    if (length !== targets.reduce((sum, extent) => sum + extent.length, 0) || length > MAX_OPERATION)
      throw new UpdateRefused(`${where} copies what does not fit`)
    const bytes = new Uint8Array(length)
    let at = 0
    for (const extent of sources) {
      bytes.set(await source.read(extent.offset, extent.length), at)
      at += extent.length
    }
    const { srcSha256 } = operation
    if (srcSha256 !== undefined && !createHash('sha256').update(bytes).digest().equals(srcSha256))
      throw new UpdateRefused(`the source of ${where} has another SHA-256`)
    await writeTo(target, targets, bytes)
  }

  /** Payloads are read from front to back, so each operation's data follows the last one's (delta_performer.cc). */
  async #data(operation: ManifestOperation, where: string): Promise<Uint8Array<ArrayBuffer>> {
    const { payload, head } = this.#order
    const { dataOffset = 0, dataLength = 0, dataSha256 } = operation
    if (head.dataStart + dataOffset !== this.#at)
      throw new UpdateRefused(`the data of ${where} is not where it should be`)
    if (dataLength > MAX_OPERATION || this.#at + dataLength > head.dataEnd)
      throw new UpdateRefused(`the data of ${where} runs out of the payload`)
    if (dataSha256?.length !== 32) throw new UpdateRefused(`${where} has no SHA-256`)
    const data = await payload.read(this.#at, dataLength)
    this.#at += dataLength
    // The request for what comes next leaves before this thread is busy.
    await immediate()
    // Beside this thread, while the two digests of the whole go on here.
    const digest = webcrypto.subtle.digest('SHA-256', data)
    this.#whole.update(data)
    this.#signed.update(data)
    if (!Buffer.from(await digest).equals(dataSha256))
      throw new UpdateRefused(`the data of ${where} has another SHA-256`)
    return data
  }

  async #checkPayload(): Promise<void> {
    const { payload, head, fileSha256, key } = this.#order
    if (this.#at !== head.dataEnd) throw new UpdateRefused('the payload has data that no operation uses')
    const signature = await payload.read(head.dataEnd, payload.size - head.dataEnd)
    this.#whole.update(signature)
    if (fileSha256 !== this.#whole.digest('hex'))
      throw new UpdateRefused('the payload does not match FILE_HASH')
    // A Verify can be asked once only; the maker's packages carry one signature.
    const [first] = signaturesOf(signature)
    if (first === undefined || !this.#signed.verify(key, first))
      throw new UpdateRefused('signature verification failed (payload)')
  }

  /** From the storage, not from what was sent (update_engine, filesystem_verifier_action.cc). */
  async #checkTarget({ newInfo }: ManifestPartition, { name, target }: Place): Promise<void> {
    if (newInfo?.hash === undefined) throw new UpdateRefused(`${name} has no SHA-256`)
    if (!(await digestOf(target, newInfo.size ?? 0)).equals(newInfo.hash))
      throw new UpdateRefused(`${name} has another SHA-256 after the update`)
  }

  #extents(extents: ManifestOperation['dstExtents'], volume: Volume, where: string): readonly Extent[] {
    const { blockSize } = this.#order.head
    return extents.map(({ startBlock = 0, numBlocks = 0 }) => {
      const [offset, length] = [startBlock * blockSize, numBlocks * blockSize]
      if (!Number.isSafeInteger(offset + length) || offset + length > volume.size)
        throw new UpdateRefused(`${where} goes beyond the end of its partition`)
      return { offset, length }
    })
  }
}

function padded(data: Uint8Array, length: number, where: string): Uint8Array {
  if (data.length === length) return data
  if (data.length > length) throw new UpdateRefused(`${where} has more data than room`)
  const whole = new Uint8Array(length)
  whole.set(data)
  return whole
}

async function writeTo(volume: Volume, targets: readonly Extent[], output: Uint8Array): Promise<void> {
  let at = 0
  for (const { offset, length } of targets) {
    await volume.write(offset, output.subarray(at, at + length))
    at += length
  }
}

async function writeZeros(volume: Volume, { offset, length }: Extent): Promise<void> {
  for (let done = 0; done < length; done += ZEROS.length)
    await volume.write(offset + done, ZEROS.subarray(0, Math.min(ZEROS.length, length - done)))
}

async function digestOf(volume: Volume, size: number): Promise<Buffer> {
  const hash = createHash('sha256')
  for (let at = 0; at < size; at += PIECE) {
    const piece = await volume.read(at, Math.min(PIECE, size - at))
    hash.update(piece)
    release(piece)
  }
  return hash.digest()
}
