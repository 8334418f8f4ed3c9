// slotbench-repo serve: the public folder with parts and strong tags, the eligibility check, and uploads by token.

import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fastifyRateLimit from '@fastify/rate-limit'
import fastifyStatic from '@fastify/static'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import { terminalFactsSchema } from '../../../shared/terminal.ts'
import { checkEligibility } from '../../core/eligibility/check.ts'
import {
  type CompiledDeployments,
  compileDeployments,
  parseDeployments,
} from '../../core/eligibility/compile.ts'
import { freeSpace } from '../../io/files/free-space.ts'
import type { FolderStore } from '../../io/repository/folder-store.ts'
import { findToken } from '../../io/repository/upload-tokens.ts'
import {
  checkPublisher,
  checkRomName,
  DEPLOYMENT,
  METADATA_FOLDER,
  targetFile,
} from '../../repository/format.ts'
import {
  loadEdition,
  publicMetadata,
  targetEntrySchema,
  targetRef,
} from '../../repository/publishing/edition.ts'
import { PUBLIC } from '../../repository/publishing/store.ts'
import { listen, type RunningServer } from '../listen.ts'
import { FOR_EVER, honourStrongTags, PLAIN_FILES, tagOf } from '../strong-tags.ts'
import { addPackage } from './add-package.ts'

export interface ServeOptions {
  readonly host: string
  readonly port: number
  /** Takes packages from publishers with a token. */
  readonly uploads: boolean
  /** Bytes. */
  readonly maxUpload: number
  readonly signal: AbortSignal
  /** Told of every request that is not a download. */
  readonly onEvent?: (event: ServerEvent) => void
}

export type ServerEvent =
  | { readonly kind: 'checked'; readonly eligible: number }
  | { readonly kind: 'uploaded'; readonly publisher: string; readonly name: string }
  | { readonly kind: 'failed'; readonly url: string; readonly code: string; readonly detail: string }

/** Requests of one address in a minute. A download asks some ten times a second. */
const LIMIT = 6_000
const CHECK_LIMIT = 600
const UPLOAD_LIMIT = 30
const MAX_FACTS = 1024 * 1024

/** @throws SlotbenchError `host-io` when the port cannot be had. */
export async function serveRepository(store: FolderStore, options: ServeOptions): Promise<RunningServer> {
  const app = fastify({ bodyLimit: MAX_FACTS, forceCloseConnections: 'idle', trustProxy: false })
  await app.register(fastifyRateLimit, { max: LIMIT, timeWindow: 60_000 })
  await servePublic(app, store)
  serveCheck(app, store, options)
  if (options.uploads) serveUploads(app, store, options)
  app.setErrorHandler((error, request, reply) => sendError(error, { request, reply, options }))
  return listen(app, options)
}

/** Files are named by their digest, so that it is their tag; metadata but for the timestamp never change either. */
async function servePublic(app: FastifyInstance, store: FolderStore): Promise<void> {
  honourStrongTags(app)
  await app.register(fastifyStatic, {
    ...{ root: join(store.root, PUBLIC), prefix: '/', ...PLAIN_FILES },
    allowedPath: (path) => !path.endsWith('.part'),
    setHeaders(reply, path) {
      const tag = tagOf(path)
      if (tag !== undefined) reply.header('etag', tag)
      const fixed = tag !== undefined || /[\\/]\d+\.[a-z0-9-]+\.json$/.test(path)
      reply.header('cache-control', fixed ? FOR_EVER : 'no-cache')
      reply.header(
        'content-type',
        path.includes(METADATA_FOLDER) ? 'application/json' : 'application/octet-stream',
      )
    },
  })
}

const checkSchema = z.strictObject({
  facts: terminalFactsSchema,
  channels: z.array(z.string().max(64)).max(32).optional(),
  assumedModel: z.string().max(256).optional(),
  limit: z.number().int().min(0).max(1000).optional(),
})

/** `POST /v1/check`: facts of a terminal → the ROMs that it may have, with where they lie. */
function serveCheck(app: FastifyInstance, store: FolderStore, { onEvent }: ServeOptions): void {
  const deployments = new PublishedDeployments(store)
  const config = { rateLimit: { max: CHECK_LIMIT, timeWindow: 60_000 } }
  app.post('/v1/check', { config }, async (request) => {
    const body = checkSchema.safeParse(request.body)
    if (!body.success) throw new SlotbenchError('usage', z.prettifyError(body.error))
    const { facts, channels, assumedModel, limit } = body.data
    const eligibility = checkEligibility(await deployments.current(), facts, {
      ...(channels && { channels }),
      ...(assumedModel !== undefined && { assumedModel }),
      ...(limit !== undefined && { limit }),
    })
    onEvent?.({ kind: 'checked', eligible: eligibility.eligible.length })
    return { eligibility }
  })
}

/** The rules of the edition that is public now, read again when another one is. */
class PublishedDeployments {
  readonly #store: FolderStore
  #known: { readonly stamp: string; readonly rules: Promise<CompiledDeployments> } | undefined

  constructor(store: FolderStore) {
    this.#store = store
  }

  async current(): Promise<CompiledDeployments> {
    const { mtimeMs, ino } = await stat(join(this.#store.root, publicMetadata('timestamp.json')))
    const stamp = `${mtimeMs} ${ino}`
    if (this.#known?.stamp !== stamp) this.#known = { stamp, rules: this.#read() }
    return this.#known.rules
  }

  async #read(): Promise<CompiledDeployments> {
    const { targets } = await loadEdition(this.#store)
    const entry = targets.signed.targets[DEPLOYMENT]
    if (entry === undefined) return compileDeployments({ version: 1, roms: [], deployments: [] })
    const target = targetRef(DEPLOYMENT, targetEntrySchema.parse(entry.toJSON()))
    const content = await this.#store.read(`${PUBLIC}/${targetFile(target)}`, target.size)
    if (content === undefined) throw new SlotbenchError('repo-damaged', `${DEPLOYMENT} is missing`)
    return compileDeployments(parseDeployments(JSON.parse(Buffer.from(content).toString('utf8'))))
  }
}

/** `PUT /v1/roms/PUBLISHER/NAME`: a package is received, read as `add` reads it, and waits to be published. */
function serveUploads(app: FastifyInstance, store: FolderStore, options: ServeOptions): void {
  // The body is passed on as it arrives; it is larger than memory.
  app.addContentTypeParser('application/octet-stream', (_, payload, done) => done(null, payload))
  const config = { rateLimit: { max: UPLOAD_LIMIT, timeWindow: 60_000 } }
  app.put<{ Params: { publisher: string; name: string } }>(
    '/v1/roms/:publisher/:name',
    {
      config,
      // Before a byte of the body is taken, and after the limit: guesses count.
      preParsing: async (request) => authorise(request, store),
    },
    async (request) => {
      const publisher = checkPublisher(request.params.publisher)
      const name = checkRomName(request.params.name)
      const waiting = join(store.root, 'incoming', `upload-${randomUUID()}`)
      try {
        await receive(request, waiting, options)
        const added = await addPackage(store, waiting, { publisher, name, signal: options.signal })
        options.onEvent?.({ kind: 'uploaded', publisher, name })
        return { staged: { publisher, name, sha256: added.rom } }
      } finally {
        await rm(waiting, { force: true })
      }
    },
  )
}

async function authorise(
  request: FastifyRequest<{ Params: { publisher: string; name: string } }>,
  store: FolderStore,
): Promise<void> {
  const [, secret = ''] = /^Bearer ([A-Za-z0-9_-]{20,128})$/.exec(request.headers.authorization ?? '') ?? []
  const token = secret === '' ? undefined : await findToken(store, secret)
  if (token?.publisher !== request.params.publisher)
    throw new SlotbenchError('repo-refused', 'this needs a token of that publisher')
}

async function receive(
  request: FastifyRequest,
  path: string,
  { maxUpload, signal }: ServeOptions,
): Promise<void> {
  const tooLong = () => new SlotbenchError('repo-too-long', `a package may have ${maxUpload} bytes`)
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxUpload) throw tooLong()
  await mkdir(join(path, '..'), { recursive: true })
  // The package, its copy that waits to be published, and some room.
  const free = await freeSpace(join(path, '..'))
  if (announced * 2 > free) throw new SlotbenchError('host-space', `${free} bytes are free on the server`)
  let received = 0
  const limit = new Transform({
    transform(piece: Buffer, _, done) {
      received += piece.length
      done(received > maxUpload ? tooLong() : null, piece)
    },
  })
  await pipeline(request.body as NodeJS.ReadableStream, limit, createWriteStream(path), { signal })
}

const STATUS: Partial<Record<string, number>> = {
  usage: 400,
  'repo-refused': 401,
  'repo-too-long': 413,
  'host-space': 507,
  'repo-busy': 409,
}

function sendError(
  thrown: unknown,
  { request, reply, options }: { request: FastifyRequest; reply: FastifyReply; options: ServeOptions },
): FastifyReply {
  const status = thrown instanceof Error && 'statusCode' in thrown ? Number(thrown.statusCode) : undefined
  // Fastify's own: a body that is no JSON, too many requests …
  const error = asSlotbenchError(thrown, status !== undefined && status < 500 ? 'usage' : 'internal')
  options.onEvent?.({ kind: 'failed', url: request.url, code: error.code, detail: error.message })
  const { code, message, meaning, next } = error
  const inner = code === 'internal' || code === 'host-io'
  return reply
    .code(status ?? STATUS[code] ?? (code.startsWith('package-') || error.exitCode === 3 ? 422 : 500))
    .send({ error: { code, message: inner ? 'the server failed' : message, meaning, next } })
}
