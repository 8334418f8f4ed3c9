// A TCP port of a simulated terminal: listening, hanging up, and waiting until a host has read.
import { createServer, type Socket } from 'node:net'
import { SlotbenchError } from '../shared/errors.ts'
import { LinkLost } from './host-link.ts'

export interface TcpOptions {
  /** 0 takes a free one. */
  readonly port: number
  readonly host: string
  /** How fast bytes come in; default as fast as they can. */
  readonly bytesPerSecond?: number
}

export interface TcpPort {
  readonly port: number
  close(): Promise<void>
}

/** Received bytes that may wait for the terminal before a socket is paused. */
export const MOST_WAITING = 4 * 1024 * 1024

/** @throws SlotbenchError `host-io` when the port cannot be listened on. */
export async function listenTcp(
  options: Pick<TcpOptions, 'port' | 'host'>,
  onHost: (socket: Socket) => void,
): Promise<TcpPort> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    onHost(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new SlotbenchError('host-io', `cannot listen on ${options.host}:${options.port}`, { cause })),
    )
    server.listen(options.port, options.host, resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** Until the host has taken what was written.
 * @throws LinkLost when it is gone instead. */
export function drained(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      socket.off('drain', settle).off('close', settle)
      if (socket.destroyed) reject(new LinkLost('the connection is closed'))
      else resolve()
    }
    socket.on('drain', settle).on('close', settle)
  })
}
