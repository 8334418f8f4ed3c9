// Repositories at `file:` addresses, a stick or a shared folder, answered as a web server would answer: everything that is checked of
// a server is checked of a folder too.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { HttpClient, HttpResponse } from '../../repository/http.ts'

/** Takes `file:` addresses itself and leaves all others to `web`. */
export function withFolders(web: HttpClient): HttpClient {
  return {
    get: (url, options) => (url.startsWith('file:') ? answer(url, options.headers) : web.get(url, options)),
    close: () => web.close(),
  }
}

async function answer(url: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpResponse> {
  const path = fileURLToPath(url)
  const file = await stat(path, { bigint: true }).catch((error) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw new SlotbenchError('repo-unreachable', `${path}: ${error.message}`, { cause: error })
  })
  if (file === undefined || !file.isFile()) return response(404, {}, undefined)
  const size = Number(file.size)
  const etag = `"${file.size}-${file.mtimeNs}-${file.ino}"`
  const [, from, to] = /^bytes=(\d{1,16})-(\d{1,16})$/.exec(headers['range'] ?? '') ?? []
  const fresh = headers['if-range'] === undefined || headers['if-range'] === etag
  if (from === undefined || to === undefined || !fresh)
    return response(200, { etag, 'content-length': String(size) }, { path, start: 0, end: size - 1 })
  const [start, end] = [Number(from), Math.min(Number(to), size - 1)]
  if (start > end) return response(416, { 'content-range': `bytes */${size}` }, undefined)
  const part = {
    etag,
    'content-length': String(end - start + 1),
    'content-range': `bytes ${start}-${end}/${size}`,
  }
  return response(206, part, { path, start, end })
}

/** Read at a time; bytes. */
const PIECE = 1024 * 1024

function response(
  status: number,
  headers: Readonly<Record<string, string>>,
  file: { readonly path: string; readonly start: number; readonly end: number } | undefined,
): HttpResponse {
  const stop = new AbortController()
  return {
    status,
    header: (name) => headers[name],
    body: {
      async *[Symbol.asyncIterator]() {
        if (file === undefined || file.end < file.start) return
        const { path, start, end } = file
        try {
          const options = { start, end, highWaterMark: PIECE, signal: stop.signal }
          for await (const piece of createReadStream(path, options)) yield piece as Uint8Array
        } catch (error) {
          const words = error instanceof Error ? error.message : String(error)
          throw new SlotbenchError('repo-unreachable', `${path}: ${words}`, { cause: error })
        }
      },
    },
    cancel: () => stop.abort(),
  }
}
