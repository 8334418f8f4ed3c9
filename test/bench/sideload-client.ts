// One package given to one terminal in sideload mode, as the engine gives it: opened, facts read, served until the verdict.
import { adbKeyStore } from '../../src/main/io/adb/key-store.ts'
import { openFile } from '../../src/main/io/files/open-file.ts'
import { connectAdbTcp } from '../../src/main/io/tcp/adb-tcp.ts'
import { openAdbSession } from '../../src/main/terminals/adb/session.ts'
import type { SideloadReceipt, Sighting } from '../../src/main/terminals/types.ts'
import { Deadline } from '../../src/shared/io-options.ts'
import type { BayId } from '../../src/shared/units.ts'

export interface SideloadOrder {
  readonly port: number
  readonly path: string
  /** Where keys would be kept; recoveries ask for none. */
  readonly dataFolder: string
}

/** Not found by looking first, because Google's server has found the terminal before the clock starts. */
export async function sideloadPackage({ port, path, dataFolder }: SideloadOrder): Promise<SideloadReceipt> {
  const io = { signal: new AbortController().signal, deadline: Deadline.after(Number.POSITIVE_INFINITY) }
  const bay = `tcp:127.0.0.1:${port}` as BayId
  const sighting: Sighting = {
    ...{ bay, mode: 'system', protocol: 'adb', serial: undefined, product: undefined },
    ...{ usb: undefined, problem: undefined },
    open: (o) => connectAdbTcp({ host: '127.0.0.1', port }, bay, o),
  }
  const session = await openAdbSession(sighting, { ...io, credentials: adbKeyStore({ dataFolder }) })
  const file = await openFile(path)
  try {
    return await session.sideload(file, io)
  } finally {
    await file.close()
    await session.close()
  }
}
