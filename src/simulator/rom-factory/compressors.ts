// The encoders a payload's operations can be written with.
import { spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import { SlotbenchError } from '../../shared/errors.ts'

export type CompressedKind = 'xz' | 'bzip2' | 'zstd'

export interface Compressor {
  /** Works in bounded memory on input of any length; the others hold all of it. */
  readonly streams: boolean
  /** @param size of the input in bytes. */
  compress(input: AsyncIterable<Uint8Array>, size: number, signal: AbortSignal): AsyncIterable<Uint8Array>
}

export type Compressors = Readonly<Partial<Record<CompressedKind, Compressor>>>

const ZSTD_LEVEL = 9

const zstd: Compressor = {
  streams: true,
  async *compress(input, size, signal) {
    const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL }
    // Told the size, it makes its tables no larger than that needs.
    const encoder = createZstdCompress({ params, pledgedSrcSize: size })
    const fed = pipeline(Readable.from(input), encoder, { signal })
    fed.catch(() => {})
    yield* encoder
    await fed
  },
}

/** What every machine has. For xz and bzip2 the npm registry has no encoder that installs everywhere and compresses (docs/adr/0002);
 * tests and benchmarks hand in the system's programs. */
export const BUILT_IN_COMPRESSORS: Compressors = { zstd }

/** A system program that reads from its standard input and writes to its standard output, as `bzip2 -c` and `xz -c` do.
 * @param path of the program. */
export function programCompressor(path: string, args: readonly string[]): Compressor {
  return {
    streams: true,
    async *compress(input, _size, signal) {
      const child = spawn(path, args, { stdio: ['pipe', 'pipe', 'ignore'], signal })
      const exit = new Promise<void>((resolve, reject) => {
        child.once('error', reject)
        child.once('close', (code) => (code === 0 ? resolve() : reject(programFailed(path, code))))
      })
      const fed = pipeline(Readable.from(input), child.stdin, { signal })
      exit.catch(() => {})
      fed.catch(() => {})
      yield* child.stdout
      await Promise.all([fed, exit])
    },
  }
}

function programFailed(path: string, code: number | null): SlotbenchError {
  return new SlotbenchError('host-io', `${path} ended with exit code ${code}`)
}
