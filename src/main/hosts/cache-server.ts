// A bench's cache for other benches: what it has of a repository's targets, under the addresses that a repository has them.
import { dirname } from 'node:path'
import fastifyRateLimit from '@fastify/rate-limit'
import fastifyStatic from '@fastify/static'
import fastify from 'fastify'
import type { RomCache } from '../io/repository/rom-cache.ts'
import { targetFile } from '../repository/format.ts'
import { listen, type RunningServer } from './listen.ts'
import { FOR_EVER, honourStrongTags, PLAIN_FILES, tagOf } from './strong-tags.ts'

/** Requests of one address in a minute. */
const LIMIT = 6_000

/** Whoever fetches from it checks every byte against the signed metadata; it needs no trust.
 * @throws SlotbenchError `host-io` when the port cannot be had. */
export async function serveCache(
  cache: RomCache,
  options: { readonly host: string; readonly port: number },
): Promise<RunningServer> {
  const app = fastify({ forceCloseConnections: 'idle' })
  await app.register(fastifyRateLimit, { max: LIMIT, timeWindow: 60_000 })
  honourStrongTags(app)
  await app.register(fastifyStatic, { root: cache.folder, serve: false, ...PLAIN_FILES })
  app.get<{ Params: { '*': string } }>('/targets/*', async (request, reply) => {
    const file = await fileOf(cache, `targets/${request.params['*']}`)
    if (file === undefined) return reply.code(404).send({ error: 'this bench has no such file' })
    const tag = tagOf(request.url)
    if (tag !== undefined) reply.header('etag', tag)
    reply.header('cache-control', FOR_EVER)
    return reply.sendFile(file.name, file.folder)
  })
  return listen(app, options)
}

async function fileOf(cache: RomCache, wanted: string) {
  for (const { rom, path } of await cache.list()) {
    if (targetFile(rom.target) === wanted) return { folder: dirname(path), name: rom.name }
    if (targetFile(rom.index) === wanted) return { folder: dirname(path), name: 'chunks' }
  }
  return undefined
}
