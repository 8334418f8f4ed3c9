// The decoders of an update engine: one operation at a time, whole, and never more output than was promised.
import { createRequire } from 'node:module'
import { ReadableStream } from 'node:stream/web'
import { promisify } from 'node:util'
import { constants, zstdDecompress } from 'node:zlib'
import Bzip2 from '@foxglove/wasm-bz2'
import { joinBytes } from '../../main/core/formats/join-bytes.ts'
import { UpdateRefused } from './refused.ts'

export type Codec = 'bzip2' | 'xz' | 'zstd'

/** @param outputBytes what must come out, to the byte.
 * @throws UpdateRefused when it does not. */
export async function decode(codec: Codec, data: Uint8Array, outputBytes: number): Promise<Uint8Array> {
  let output: Uint8Array
  try {
    output = await DECODERS[codec](data, outputBytes)
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new UpdateRefused(`${codec} data cannot be decoded (${why})`)
  }
  if (output.length !== outputBytes)
    throw new UpdateRefused(`${codec} data gives ${output.length} bytes, ${outputBytes} were promised`)
  return output
}

type Decoder = (data: Uint8Array, outputBytes: number) => Promise<Uint8Array>

const unzstd = promisify(zstdDecompress)
let bzip2: Promise<Bzip2> | undefined

const DECODERS: Readonly<Record<Codec, Decoder>> = {
  async bzip2(data, outputBytes) {
    bzip2 ??= Bzip2.init()
    return (await bzip2).decompress(data, outputBytes)
  },
  async zstd(data, outputBytes) {
    const params = { [constants.ZSTD_d_windowLogMax]: 27 }
    return unzstd(data, { params, maxOutputLength: Math.max(outputBytes, 1) })
  },
  xz: unxz,
}

interface XzLibrary {
  readonly XzReadableStream: {
    new (input: ReadableStream<Uint8Array>): ReadableStream<Uint8Array>
  }
}

// Not named `require`: the desktop program's bundler brings one of that name.
const commonJs = createRequire(import.meta.url)
let xz: XzLibrary | undefined

async function unxz(data: Uint8Array, outputBytes: number): Promise<Uint8Array> {
  xz ??= commonJs('xz-decompress') as XzLibrary
  const input = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(data)
      controller.close()
    },
  })
  const reader = new xz.XzReadableStream(input).getReader()
  const parts: Uint8Array[] = []
  let total = 0
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      total += next.value.length
      if (total > outputBytes) throw new Error(`more than ${outputBytes} bytes come out`)
      // The library gives out views of a buffer that it uses again.
      parts.push(next.value.slice())
    }
    return joinBytes(parts)
  } catch (thrown) {
    // A stream that ended early leaves the library's one decoder locked; the next one gets a fresh copy.
    delete commonJs.cache[commonJs.resolve('xz-decompress')]
    xz = undefined
    await reader.cancel().catch(() => {})
    throw thrown
  }
}
