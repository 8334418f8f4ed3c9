// The desktop program's own code, started on the double of Electron, with an engine of the test in the place of its process.
import { vi } from 'vitest'
import { startApp } from '../src/main/hosts/electron/app.ts'
import { serveParent } from '../src/main/hosts/electron/parent-port.ts'
import { electron } from './electron-double.ts'
import type { EngineBench } from './engine-bench.ts'

/** To be called where `electron` is mocked by the double. */
export async function startDesktop({ engine }: EngineBench): Promise<void> {
  startApp()
  const process = await vi.waitFor(() => {
    const [first] = electron.processes
    if (first === undefined || electron.windows.length === 0) throw new Error('nothing was started')
    return first
  })
  // What the engine's process does (`bench-process.ts`), in this process.
  serveParent(engine, process.parent, () => process.emit('exit', 0))
  process.catchUp()
}
