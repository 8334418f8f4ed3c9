// The content of places on a terminal in EDL: written, proven, read and erased, with what is known of it from having been sent.
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Sha256 } from '../../../shared/units.ts'
import type { ImageSource } from '../../core/source.ts'
import type { SectorRange } from '../../core/storage/sectors.ts'
import type { Firehose } from '../../protocols/firehose/types.ts'
import type { DigestOptions, WriteOptions, WriteReceipt } from '../types.ts'
import { digestRanges, readRanges } from './digest-ranges.ts'
import { ProvenWrites, type StreamedImage } from './proven-writes.ts'
import { streamImage, writeImage } from './write-image.ts'

/** Of one command: erasing hundreds of gigabytes at once takes longer than a programmer is waited for. */
const ERASE_BYTES = 1024 * 1024 * 1024

/** Where something lies that has a name. */
export interface Place {
  readonly name: string
  readonly ranges: readonly SectorRange[]
  /** Bytes. */
  readonly sectorSize: number
}

export class ContentIo {
  readonly #firehose: Firehose
  readonly #proven = new ProvenWrites()
  /** The programmer digests sectors by itself. */
  readonly #digests: () => boolean

  constructor(firehose: Firehose, digests: () => boolean) {
    this.#firehose = firehose
    this.#digests = digests
  }

  /** To be called before sectors change in another way than through here. */
  forget(ranges: readonly SectorRange[]): void {
    this.#proven.forget(ranges)
  }

  forgetAll(): void {
    this.#proven.forgetAll()
  }

  async write(place: Place, image: ImageSource, o: WriteOptions): Promise<WriteReceipt> {
    this.#proven.forget(place.ranges)
    const job = { firehose: this.#firehose, image, digests: this.#digests(), ...place }
    const { receipt, streamed } = await writeImage(job, o)
    if (streamed !== undefined) this.#proven.note(streamed)
    return receipt
  }

  async digest(place: Place, size: number, o: DigestOptions): Promise<Sha256> {
    const held = { firehose: this.#firehose, digests: this.#digests(), size, ...place }
    const known = this.#proven.find(place.ranges, size) ?? (await this.#expected(place, size, o))
    return await digestRanges(held, known, o)
  }

  read(place: Place, size: number, o: IoOptions): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    return readRanges({ firehose: this.#firehose, size, ...place }, o)
  }

  async erase({ ranges, sectorSize }: Place, o: IoOptions): Promise<void> {
    this.#proven.forget(ranges)
    const step = ERASE_BYTES / sectorSize
    for (const { lun, first, count } of ranges)
      for (let done = 0; done < count; done += step) {
        const target = { lun, first: first + done, count: Math.min(step, count - done), sectorSize }
        await this.#firehose.erase(target, o)
      }
  }

  async #expected(place: Place, size: number, o: DigestOptions): Promise<StreamedImage | undefined> {
    const { expected: image, onProgress: _, ...quietly } = o
    if (!this.#digests() || image === undefined || image.size !== size) return undefined
    return await streamImage({ firehose: this.#firehose, image, digests: true, ...place }, quietly)
  }
}
