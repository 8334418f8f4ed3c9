// A web server for the public folder of a repository: honest by default, with parts and tags, and as hostile as a test wants it.

import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface Exchange {
  readonly path: string
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Number of this request, from 1. */
  readonly number: number
  /** What the file is. */
  readonly content: Buffer | undefined
  /** As an honest server answers, with this content. */
  answer(content?: Buffer): void
}

/** Answers instead of the honest server, or lets it (`false`). */
export type Trick = (exchange: Exchange) => boolean | Promise<boolean>

export class FileServer {
  readonly #server: Server
  readonly #folder: string
  trick: Trick | undefined
  /** Paths that were asked for, and bytes of bodies that went out. */
  readonly requests: string[] = []
  bytes = 0

  private constructor(folder: string) {
    this.#folder = folder
    this.#server = createServer((request, response) => {
      void this.#serve(request, response).catch(() => response.destroy())
    })
  }

  static async start(folder: string, trick?: Trick): Promise<FileServer> {
    const server = new FileServer(folder)
    server.trick = trick
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** Requests for paths that `pattern` matches. */
  asked(pattern: RegExp): number {
    return this.requests.filter((path) => pattern.test(path)).length
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(request.url ?? '/').slice(1)
    this.requests.push(path)
    const content = await readFile(join(this.#folder, path)).catch(() => undefined)
    const answer = (changed = content) => this.#answer(request, response, changed)
    const number = this.requests.length
    const tricked = await this.trick?.({ path, request, response, number, content, answer })
    if (tricked !== true) answer()
  }

  #answer(request: IncomingMessage, response: ServerResponse, content: Buffer | undefined): void {
    if (content === undefined) {
      response.writeHead(404).end('nothing here')
      return
    }
    const etag = '"honest"'
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    const fresh = request.headers['if-range'] === undefined || request.headers['if-range'] === etag
    const headers = { etag, 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream' }
    if (from === undefined || to === undefined || !fresh) {
      this.bytes += content.length
      response.writeHead(200, { ...headers, 'content-length': content.length }).end(content)
      return
    }
    const [start, end] = [Number(from), Math.min(Number(to), content.length - 1)]
    const part = content.subarray(start, end + 1)
    this.bytes += part.length
    response
      .writeHead(206, {
        ...{ ...headers, 'content-length': part.length },
        'content-range': `bytes ${start}-${end}/${content.length}`,
      })
      .end(part)
  }
}
