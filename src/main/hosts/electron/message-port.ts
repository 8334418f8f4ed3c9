// A port of Electron as a port of the contract.
import type { WirePort } from '../../../shared/bench-api.ts'

export function electronPort(port: Electron.MessagePortMain): WirePort {
  let open = true
  port.once('close', () => {
    open = false
  })
  return {
    send(text) {
      if (open) port.postMessage(text)
    },
    onMessage(listener) {
      port.on('message', ({ data }) => {
        if (typeof data === 'string') listener(data)
      })
      port.start()
    },
    onClose(listener) {
      port.once('close', listener)
    },
    close: () => port.close(),
  }
}
