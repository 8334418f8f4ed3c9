// The decoders behind one shape: pull compressed bytes, give expanded chunks.
import { Readable, type Transform } from 'node:stream'
import { constants, createBrotliDecompress, createZstdDecompress } from 'node:zlib'
import Bzip2 from '@foxglove/wasm-bz2'
import { missingCase } from '../../../shared/missing-case.ts'
import { release } from '../../core/release.ts'
import type { Codec } from '../../core/workshop.ts'
import { unbzip2 } from './unbzip2.ts'
import { unxz } from './unxz.ts'

/** The next compressed bytes; undefined at their end. */
export type Pull = () => Promise<Uint8Array<ArrayBuffer> | undefined>

export interface Sizes {
  readonly inputBytes: number
  readonly outputBytes: number
  readonly orLess: boolean
}

// The WASM bzip2 needs input and output whole, and its memory never shrinks; beyond this the slower streaming one works.
const MAX_WASM_BZIP2_INPUT = 8 * 1024 * 1024
const MAX_WASM_BZIP2_OUTPUT = 16 * 1024 * 1024
/** 128 MiB: the largest window that zstd itself decodes unasked (zstd manual, ZSTD_WINDOWLOG_LIMIT_DEFAULT). */
const ZSTD_WINDOW_LOG = 27
const CHUNK = 256 * 1024

/** Chunks may be of any size and may add up to anything: the caller counts. Throws whatever the library throws. */
export function decoder(codec: Codec, pull: Pull, sizes: Sizes): AsyncIterable<Uint8Array> {
  switch (codec) {
    case 'xz':
      return unxz(pull)
    case 'bzip2':
      return !sizes.orLess &&
        sizes.inputBytes <= MAX_WASM_BZIP2_INPUT &&
        sizes.outputBytes <= MAX_WASM_BZIP2_OUTPUT
        ? wasmBzip2(pull, sizes)
        : unbzip2(pull, sizes.outputBytes)
    case 'zstd':
      return unzstd(pull)
    case 'brotli':
      return unbrotli(pull)
    default:
      return missingCase(codec)
  }
}

let bzip2: Promise<Bzip2> | undefined

async function* wasmBzip2(pull: Pull, sizes: Sizes): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = []
  for (let part = await pull(); part !== undefined; part = await pull()) parts.push(part)
  const [only] = parts
  const input = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
  bzip2 ??= Bzip2.init()
  // The library's types predate typed buffers; it gives out a copy of its own memory.
  const output = (await bzip2).decompress(input, sizes.outputBytes) as Uint8Array<ArrayBuffer>
  yield output
  release(output)
}

function unzstd(pull: Pull): AsyncGenerator<Uint8Array> {
  const params = { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG }
  return inflated(pull, createZstdDecompress({ params, chunkSize: CHUNK }))
}

/** Without the extension for windows beyond 16 MiB, which patches do not use. */
function unbrotli(pull: Pull): AsyncGenerator<Uint8Array> {
  return inflated(pull, createBrotliDecompress({ chunkSize: CHUNK }))
}

async function* inflated(pull: Pull, stream: Transform): AsyncGenerator<Uint8Array> {
  const input = Readable.from(pulled(pull), { highWaterMark: 1 })
  input.on('error', (error) => stream.destroy(error))
  try {
    yield* input.pipe(stream)
  } finally {
    input.destroy()
    stream.destroy()
  }
}

async function* pulled(pull: Pull): AsyncGenerator<Uint8Array> {
  for (let part = await pull(); part !== undefined; part = await pull()) yield part
}
