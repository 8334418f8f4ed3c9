// Serves the built interface under a scheme of its own, with a content security policy, and nothing outside its folder.
import { join, normalize, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { net, protocol } from 'electron'
import { contentPolicy } from '../content-policy.ts'

export const SCHEME = 'slotbench'
export const START_PAGE = `${SCHEME}://app/index.html`

const ROOT = join(import.meta.dirname, '../renderer')
export function serveRenderer(): void {
  protocol.handle(SCHEME, async (request) => {
    const path = rendererFile(request.url)
    if (request.method !== 'GET' || path === undefined) return new Response('not found', { status: 404 })
    const file = await net.fetch(pathToFileURL(path).href).catch(() => undefined)
    if (file === undefined) return new Response('not found', { status: 404 })
    const headers = new Headers(file.headers)
    headers.set('Content-Security-Policy', contentPolicy())
    headers.set('X-Content-Type-Options', 'nosniff')
    return new Response(file.body, { status: file.status, headers })
  })
}

/** The file an address stands for, or undefined when it points out of the folder. */
function rendererFile(address: string): string | undefined {
  const { host, pathname } = new URL(address)
  if (host !== 'app') return undefined
  let decoded: string
  try {
    decoded = decodeURIComponent(pathname)
  } catch {
    return undefined
  }
  const path = normalize(join(ROOT, decoded))
  return path.startsWith(ROOT + sep) ? path : undefined
}
