// A port of Electron's main process on Node's message channels: messages come as events, and only after `start`.
import { EventEmitter } from 'node:events'
import type { MessagePort } from 'node:worker_threads'

export class ElectronPortDouble extends EventEmitter {
  readonly #port: MessagePort

  constructor(port: MessagePort) {
    super()
    this.#port = port
    port.on('close', () => this.emit('close'))
  }

  start(): void {
    this.#port.on('message', (data) => this.emit('message', { data, ports: [] }))
  }

  postMessage(data: unknown): void {
    this.#port.postMessage(data)
  }

  close(): void {
    this.#port.close()
  }
}

export const asElectronPort = (port: unknown) => port as Electron.MessagePortMain
