// Runs the engine of a packed program on plain Node, as Electron would in a process of its own: opens and verifies a package, and prints
// how that went. Arguments: the unpacked program, a data folder, a package.
import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import { electronPort } from '../../src/main/hosts/electron/message-port.ts'
import { BenchClient } from '../../src/shared/bench-api.ts'
import { applyChange, type BenchState, type RomView } from '../../src/shared/contract.ts'
import { asElectronPort, ElectronPortDouble } from '../electron-port.ts'

const [app = '', data = '', rom = ''] = process.argv.slice(2)
process.env['SLOTBENCH_DATA'] = data
const entry = join(app, 'out/main/bench-process.js')

const parent = Object.assign(new EventEmitter(), { postMessage: () => {} })
Object.defineProperty(process, 'parentPort', { value: parent })
await import(pathToFileURL(entry).href)

const { port1, port2 } = new MessageChannel()
parent.emit('message', { data: 'window', ports: [new ElectronPortDouble(port1)] })
const client = new BenchClient(async () => electronPort(asElectronPort(new ElectronPortDouble(port2))))

let state: BenchState | undefined
const listeners = new Set<(state: BenchState) => void>()
client.subscribe((event) => {
  if (event.type === 'snapshot') state = event.state
  if (event.type === 'changes' && state !== undefined) state = event.changes.reduce(applyChange, state)
  if (state !== undefined) for (const listener of listeners) listener(state)
})

/** The package when it is first like that. */
function until(isSo: (rom: RomView) => boolean, id: string): Promise<RomView> {
  return new Promise((resolve) => {
    const look = ({ roms }: BenchState): void => {
      const found = roms.find((one) => one.id === id)
      if (found !== undefined && isSo(found)) resolve(found)
    }
    listeners.add(look)
    if (state !== undefined) look(state)
  })
}

while (state === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
const { rom: id } = await client.call('rom.add', { path: rom })
await until(({ state: now }) => now !== 'opening' && now !== 'verifying', id)
await client.call('rom.verify', { rom: id })
const verified = await until(({ state: now }) => now === 'verified' || now === 'bad', id)
const { report } = await client.call('host.doctor', {})
const usb: unknown = createRequire(entry)('usb')
console.log(
  JSON.stringify({
    host: state.host,
    rom: { state: verified.state, problem: verified.problem },
    doctor: report.findings.length,
    usb: typeof Reflect.get(Object(usb), 'WebUSB'),
  }),
)
client.close()
parent.emit('message', { data: 'close', ports: [] })
