// The bulk endpoint files of a FunctionFS function as the link of a terminal in EDL, on which every read is posted with a size.
import { write } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type BulkLink, PostedReads } from '../../src/simulator/edl/bulk-link.ts'

/** dummy_hcd is a high-speed bus. */
const PACKET_BYTES = 512
const LARGEST_READ = 256 * 1024
const LARGEST_WRITE = 64 * 1024

/** The way of `fs` to write; that of a file handle leaves a zero-length write out, which here is a packet. */
const writeOnce = promisify(write)

/** Pipes that outlive the links on them: a blocked read cannot be cancelled, only failed by unplugging. */
export class FunctionFsBulk {
  readonly #out: FileHandle
  readonly #in: FileHandle
  #reads: PostedReads | undefined

  private constructor(out: FileHandle, into: FileHandle) {
    this.#out = out
    this.#in = into
  }

  static async open(outEndpoint: string, inEndpoint: string): Promise<FunctionFsBulk> {
    return new FunctionFsBulk(await open(outEndpoint, 'r'), await open(inEndpoint, 'w'))
  }

  /** The link of the next plug; make it before plugging, or the first packet is lost.
   * @param onClose the terminal wants to leave the bus */
  async link(onClose: () => void): Promise<BulkLink> {
    await this.#reads?.finished
    const reads = new PostedReads((bytes) => this.#read(bytes), PACKET_BYTES, LARGEST_READ)
    this.#reads = reads
    return {
      packetBytes: PACKET_BYTES,
      read: (bytes, into) => reads.read(bytes, into),
      write: (bytes) => this.#write(bytes),
      gone: reads.gone,
      close: () => {
        if (this.#reads !== reads) return
        onClose()
        reads.end(new Error('the terminal left the bus'))
      },
    }
  }

  /** Unplugging between two reads fails neither of them, so whoever unplugs says it here. */
  unplugged(): void {
    this.#reads?.end(new Error('the host is gone'))
  }

  async #read(bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const buffer = new Uint8Array(bytes)
    const { bytesRead } = await this.#out.read(buffer, 0, bytes, null)
    return buffer.subarray(0, bytesRead)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let at = 0
    do {
      const piece = bytes.subarray(at, at + LARGEST_WRITE)
      await writeOnce(this.#in.fd, piece, 0, piece.length, null)
      at += piece.length
    } while (at < bytes.length)
  }
}
