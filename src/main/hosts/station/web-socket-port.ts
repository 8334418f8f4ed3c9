// A WebSocket as a port of the contract.
import type { WebSocket } from 'ws'
import type { WirePort } from '../../../shared/bench-api.ts'

/** A window that takes nothing any more is let go of, rather than kept in memory for. */
const MOST_WAITING = 64 * 1024 * 1024

export function webSocketPort(socket: WebSocket): WirePort {
  return {
    send(text) {
      if (socket.readyState !== socket.OPEN) return
      if (socket.bufferedAmount > MOST_WAITING) socket.terminate()
      else socket.send(text)
    },
    onMessage(listener) {
      socket.on('message', (data, isBinary) => {
        // Only texts are of the contract.
        if (isBinary) socket.close(1003)
        else listener(data.toString())
      })
    },
    onClose(listener) {
      socket.once('close', listener)
    },
    close: () => socket.close(),
  }
}
