// Starts a web server of ours and ends it in order.
import type { FastifyInstance } from 'fastify'
import { SlotbenchError } from '../../shared/errors.ts'

export interface RunningServer {
  readonly url: string
  /** Takes no more requests, lets those under way end for `graceMs`, then hangs up. */
  stop(graceMs: number): Promise<void>
}

const TIDY_MS = 100

/** @throws SlotbenchError `host-io` when the port cannot be had. */
export async function listen(
  app: FastifyInstance,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<RunningServer> {
  let url: string
  try {
    // The address with the port that it got.
    url = await app.listen({ host, port })
  } catch (cause) {
    throw new SlotbenchError('host-io', `cannot listen on ${host}:${port}`, { cause })
  }
  return {
    url: `${url}/`,
    async stop(graceMs) {
      const hangUp = setTimeout(() => app.server.closeAllConnections(), graceMs)
      // A connection whose last answer has ended would be kept for the next request.
      const tidying = setInterval(() => app.server.closeIdleConnections(), TIDY_MS)
      await app.close()
      clearInterval(tidying)
      clearTimeout(hangUp)
    },
  }
}
