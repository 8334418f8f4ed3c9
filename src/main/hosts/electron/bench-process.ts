// Entry of the utility process: the engine with USB and all jobs.
import { BenchEngine } from '../bench-engine/bench-engine.ts'
import { dataFolder } from '../data-folder.ts'
import { serveParent } from './parent-port.ts'

const engine = new BenchEngine({ kind: 'electron', data: dataFolder(undefined) })
serveParent(engine, process.parentPort, () => process.exit(0))
