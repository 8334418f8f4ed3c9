// The way to the bench, whatever host put this page here: a port of the desktop program, or a WebSocket of the station.
import type { WirePort } from '../shared/bench-api.ts'
import { CHANNEL, type HostBridge } from '../shared/host-bridge.ts'

declare global {
  interface Window {
    /** Put there by the desktop program before any script runs; absent in a browser. */
    readonly slotbenchHost?: HostBridge
  }
}

export const desktop: HostBridge | undefined = window.slotbenchHost

export function openHostPort(): Promise<WirePort> {
  return desktop === undefined ? stationPort() : desktopPort(desktop)
}

function stationPort(): Promise<WirePort> {
  const { promise, resolve, reject } = Promise.withResolvers<WirePort>()
  const address = new URL('/window', window.location.href)
  address.protocol = 'ws:'
  const socket = new WebSocket(address)
  const port: WirePort = {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text)
    },
    onMessage: (listener) =>
      socket.addEventListener('message', ({ data }) => {
        if (typeof data === 'string') listener(data)
      }),
    onClose: (listener) => socket.addEventListener('close', listener, { once: true }),
    close: () => socket.close(),
  }
  socket.addEventListener('open', () => resolve(port), { once: true })
  // Also after an error; nobody waits any more once it was open.
  socket.addEventListener('close', reject, { once: true })
  return promise
}

function desktopPort(bridge: HostBridge): Promise<WirePort> {
  const { promise, resolve } = Promise.withResolvers<WirePort>()
  const take = ({ source, data, ports }: MessageEvent): void => {
    const [port] = ports
    // Only the preload of this very window speaks so.
    if (source !== window || data !== CHANNEL.port || port === undefined) return
    window.removeEventListener('message', take)
    resolve({
      send: (text) => port.postMessage(text),
      onMessage: (listener) => {
        port.addEventListener('message', ({ data: text }) => {
          if (typeof text === 'string') listener(text)
        })
        port.start()
      },
      onClose: (listener) => port.addEventListener('close', () => listener(), { once: true }),
      close: () => port.close(),
    })
  }
  window.addEventListener('message', take)
  bridge.connect()
  return promise
}
