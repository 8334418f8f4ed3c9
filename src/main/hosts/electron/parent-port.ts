// The engine's side of its process: each message brings the port of one window, a word about updates, or the order to end.
import type { BenchEngine } from '../bench-engine/bench-engine.ts'
import { serveWindow } from '../bench-engine/serve-window.ts'
import { updateReportSchema } from '../update-messages.ts'
import { electronPort } from './message-port.ts'

/** What the desktop program sends. */
interface Heard {
  readonly data: unknown
  readonly ports: readonly Electron.MessagePortMain[]
}

/** `process.parentPort`, as far as it is needed. */
export interface ParentPort {
  on(event: 'message', listener: (heard: Heard) => void): unknown
  postMessage(message: unknown): void
}

/** @param end called when every job has stopped in order. */
export function serveParent(engine: BenchEngine, parent: ParentPort, end: () => void): void {
  engine.updates.attach((order) => parent.postMessage(order))
  parent.on('message', ({ data, ports }) => {
    const [port] = ports
    if (port !== undefined) serveWindow(engine, electronPort(port))
    else if (data === 'close') void engine.close().then(end)
    else {
      const report = updateReportSchema.safeParse(data)
      if (report.success) engine.updates.take(report.data)
    }
  })
}
