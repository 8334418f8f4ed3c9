// XZ through the xz-decompress library, with a copy of the library for each stream that is open at the same time.
import { createRequire } from 'node:module'
import { ReadableStream } from 'node:stream/web'
import { release } from '../../core/release.ts'
import type { Pull } from './codecs.ts'

interface Library {
  readonly XzReadableStream: {
    new (input: ReadableStream<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>>
  }
}

/** A copy may stay in use this often; its WebAssembly memory never shrinks below the largest dictionary it has met. */
const USES_PER_COPY = 256
const SPARE_COPIES = 2

// Not named `require`: what bundles the desktop program brings one of that name into every file that has it.
const commonJs = createRequire(import.meta.url)
const spare: { library: Library; uses: number }[] = []

/** A module holds one decoder and makes the next stream wait for the end of the one before (its context mutex), so two
 * streams that advance in turns would wait for each other for ever. A fresh copy has a decoder of its own. */
function freshCopy(): Library {
  const path = commonJs.resolve('xz-decompress')
  delete commonJs.cache[path]
  return commonJs(path) as Library
}

export async function* unxz(pull: Pull): AsyncGenerator<Uint8Array> {
  const copy = spare.pop() ?? { library: freshCopy(), uses: 0 }
  let read: Uint8Array<ArrayBuffer> | undefined
  const input = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const part = await pull()
        // It asks for more only when it has copied all it had into its own memory; at the end it looks at the last again.
        if (part !== undefined && read !== undefined) release(read)
        read = part
        if (part === undefined) controller.close()
        else controller.enqueue(part)
      },
    },
    { highWaterMark: 0 },
  )
  const reader = new copy.library.XzReadableStream(input).getReader()
  let finished = false
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      yield next.value
      release(next.value)
    }
    finished = true
  } finally {
    // After an error or a stop in the middle the copy's state is anyone's guess.
    if (!finished) await reader.cancel().catch(() => {})
    else if (++copy.uses < USES_PER_COPY && spare.length < SPARE_COPIES) spare.push(copy)
  }
}
