// Entry of the utility process that holds USB: sends the view of the bench at the start and after each change.
import { join } from 'node:path'
import type { KnownIdentity } from '../../../shared/contract.ts'
import { Deadline } from '../../../shared/io-options.ts'
import { openDatabase } from '../../io/sqlite/database.ts'
import { KnownTerminals } from '../../io/sqlite/known-terminals.ts'
import { loadSystemUsb } from '../../io/usb/system-backend.ts'
import { watchUsb } from '../../io/usb/usb-watch.ts'
import { createDiscovery } from '../../terminals/discovery.ts'
import type { Sighting } from '../../terminals/types.ts'
import { benchView } from '../bench-view.ts'
import { dataFolder } from '../data-folder.ts'
import { knownIdentity } from '../known-identity.ts'

const usb = watchUsb(loadSystemUsb)
const discovery = createDiscovery([usb])
const recall = openMemory()
const send = (): void => process.parentPort.postMessage(benchView(discovery, recall))

discovery.onChange(send)
await usb.ready
send()

// Where the system announces no changes, the window would never learn of them: look now and then.
const LOOK_EVERY_MS = 2_000
setInterval(() => {
  if (usb.scanEveryMs === undefined) return
  void usb.scan({ signal: new AbortController().signal, deadline: Deadline.after(LOOK_EVERY_MS) })
}, LOOK_EVERY_MS)

/** What the command line has learnt of terminals; a window without it shows what it sees. */
function openMemory(): (sighting: Sighting) => KnownIdentity | undefined {
  try {
    const known = new KnownTerminals(openDatabase(join(dataFolder(undefined), 'bench.sqlite')))
    return (sighting) => knownIdentity(known, sighting, new Date())
  } catch {
    return () => undefined
  }
}
