// Zip archives as a stream of bytes, the same for the same members.
import { PassThrough, Readable } from 'node:stream'
import { ZipFile } from 'yazl'

export interface ZipMember {
  readonly name: string
  /** A function is called when the member's turn comes; its member is followed by a data descriptor. */
  readonly content: Uint8Array | (() => AsyncIterable<Uint8Array>)
  readonly compress: boolean
  /** Unix mode with the file type; a plain file when left out. */
  readonly mode?: number
}

// As AOSP's build tools date every member (releasetools common.py). Local time, because that is what the field holds.
const MEMBER_DATE = new Date(2009, 0, 1)
const PLAIN_FILE = 0o100644

/** The archive, from its first byte to its last. Errors of the contents pass through. */
export async function* zipBytes(members: readonly ZipMember[]): AsyncGenerator<Uint8Array> {
  const zip = new ZipFile()
  const opened: Readable[] = []
  const output = zip.outputStream.pipe(new PassThrough())
  zip.on('error', (error) => output.destroy(error))
  for (const { name, content, compress, mode = PLAIN_FILE } of members) {
    const options = { mtime: MEMBER_DATE, forceDosTimestamp: true, compress, mode }
    if (content instanceof Uint8Array) zip.addBuffer(Buffer.from(content), name, options)
    else
      zip.addReadStreamLazy(name, options, (give) => {
        const stream = Readable.from(content(), { objectMode: false })
        stream.on('error', (error) => output.destroy(error))
        opened.push(stream)
        give(null, stream)
      })
  }
  zip.end()
  try {
    yield* output
  } finally {
    for (const stream of opened) stream.destroy()
  }
}

const LOCAL_HEADER = 30

/** Where the contents of leading stored members begin in the archive; those after the first streamed one are unknown.
 * Holds because the writer gives local headers no extra fields, and buffers no data descriptors. */
export function storedOffsets(
  members: readonly { readonly name: string; readonly size: number }[],
): ReadonlyMap<string, { readonly offset: number; readonly size: number }> {
  const places = new Map<string, { offset: number; size: number }>()
  let at = 0
  for (const { name, size } of members) {
    const offset = at + LOCAL_HEADER + Buffer.byteLength(name)
    places.set(name, { offset, size })
    at = offset + size
  }
  return places
}
