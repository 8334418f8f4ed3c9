// Who may come in: this computer's own browser, that was given the token, on a page of ours. No web page of anybody else.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export const COOKIE = 'slotbench'
/** Browsers at one bench; the oldest leaves when there are more. */
const MOST_VISITORS = 64

export class Doors {
  readonly token = randomBytes(32).toString('base64url')
  readonly #visitors = new Set<string>()

  /** The cookie for whoever knows the token, undefined for everybody else. */
  enter(token: string): string | undefined {
    if (!sameSecret(token, this.token)) return undefined
    const visitor = randomBytes(32).toString('base64url')
    this.#visitors.add(visitor)
    const [oldest] = this.#visitors
    if (this.#visitors.size > MOST_VISITORS && oldest !== undefined) this.#visitors.delete(oldest)
    return `${COOKIE}=${visitor}; Path=/; HttpOnly; SameSite=Strict`
  }

  hasCookie({ cookie = '' }: IncomingHttpHeaders): boolean {
    return cookie
      .split(';')
      .map((part) => part.trim())
      .filter((part) => part.startsWith(`${COOKIE}=`))
      .some((part) =>
        [...this.#visitors].some((visitor) => sameSecret(part.slice(COOKIE.length + 1), visitor)),
      )
  }
}

/** Names under which this computer reaches itself: another name that leads here is DNS rebinding. */
export function isOurHost({ host }: IncomingHttpHeaders, port: number): boolean {
  return host === `127.0.0.1:${port}` || host === `localhost:${port}`
}

/** A page of ours, or no page at all. @param required for what only pages do: opening a WebSocket, sending a file. */
export function isOurOrigin(headers: IncomingHttpHeaders, port: number, required: boolean): boolean {
  const { origin } = headers
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  if (origin === undefined) return !required
  return origin === `http://127.0.0.1:${port}` || origin === `http://localhost:${port}`
}

/** In the same time, however much of it is right. */
function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}
