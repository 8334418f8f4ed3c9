// Entity tags for files that are named by their digest: strong ones, so that a part can be asked for of exactly this file.
import type { FastifyInstance } from 'fastify'

/** What @fastify/static is told wherever we serve files: their tags and dates are ours to set. */
export const PLAIN_FILES = {
  index: false,
  dotfiles: 'deny',
  etag: false,
  lastModified: false,
  cacheControl: false,
} as const

export const FOR_EVER = 'public, max-age=31536000, immutable'

/** The tag of a target, by its path or address; undefined for other files. */
export function tagOf(path: string): string | undefined {
  const digest = /[\\/]([0-9a-f]{64})\.[^\\/]+$/.exec(path)?.[1]
  return digest === undefined ? undefined : `"${digest}"`
}

/** @fastify/static compares `If-Range` with a tag and a date of its own, so it is judged here: a part of exactly this file, or the
 * whole of it. */
export function honourStrongTags(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw: { headers, url = '' } }) => {
    const condition = headers['if-range']
    if (condition === undefined) return
    delete headers['if-range']
    if (condition !== tagOf(url)) delete headers.range
  })
}
