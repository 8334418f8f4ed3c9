// Starts a web server of ours and ends it in order.
import type { FastifyInstance } from 'fastify'
import { SlotbenchError } from '../../shared/errors.ts'

export interface RunningServer {
  readonly url: string
  /** Takes no more requests, lets those under way end for `graceMs`, then hangs up. */
  stop(graceMs: number): Promise<void>
}

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
      await app.close()
      clearTimeout(hangUp)
    },
  }
}
