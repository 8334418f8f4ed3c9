// Entry of the utility process: the engine with USB and all jobs; each message brings the port of one window.
import { BenchEngine } from '../bench-engine/bench-engine.ts'
import { serveWindow } from '../bench-engine/serve-window.ts'
import { dataFolder } from '../data-folder.ts'
import { electronPort } from './message-port.ts'

const engine = new BenchEngine({ kind: 'electron', data: dataFolder(undefined) })

process.parentPort.on('message', ({ data, ports }) => {
  const [port] = ports
  if (port !== undefined) serveWindow(engine, electronPort(port))
  // Jobs stop in order, and can be resumed.
  else if (data === 'close') void engine.close().then(() => process.exit(0))
})
