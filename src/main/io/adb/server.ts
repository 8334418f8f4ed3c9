// A running adb server (Google's): which terminals it holds, and reaching one through it (AOSP adb OVERVIEW.TXT, SERVICES.TXT).
import { AdbBanner, AdbServerClient, AdbServerTransport } from '@yume-chan/adb'
import { AdbServerNodeTcpConnector } from '@yume-chan/adb-server-node-tcp'
import { abortError, asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import { plainText } from '../../../shared/plain-text.ts'
import { underDeadline } from '../../../shared/waiting.ts'
import { type AdbConnection, Connection } from '../../protocols/adb/connection.ts'
import type { AdbServerDoor, HeldTerminal } from '../../terminals/adb/adb-server.ts'

const DEFAULT_PORT = 5037
/** It runs on this computer: it answers at once or it is none. */
const PATIENCE_MS = 2_000
/** Between a service's `closed` and the end of `wait-for-any-disconnect`. */
const NEWS_DELAY_MS = 200
/** No bench has more. */
const MAX_TERMINALS = 1_000

export interface AdbServerOptions {
  /** Default: ANDROID_ADB_SERVER_PORT, then 5037. */
  readonly port?: number
}

export interface AdbServer extends AdbServerDoor {
  /** Everything it lists; undefined when no adb server runs there. Never throws but `cancelled`. */
  terminals(o: IoOptions): Promise<readonly HeldTerminal[] | undefined>
}

/** Connects only when asked, and never starts a server. */
export function adbServer(options: AdbServerOptions = {}): AdbServer {
  const port = options.port ?? portOf(process.env['ANDROID_ADB_SERVER_PORT'])
  const client = new AdbServerClient(new AdbServerNodeTcpConnector({ host: '127.0.0.1', port }))
  const terminals = async (o: IoOptions) => {
    try {
      return parseTerminals(await listing(client, o))
    } catch (thrown) {
      const error = asSlotbenchError(thrown)
      if (error.code === 'cancelled') throw error
      return undefined
    }
  }
  return {
    address: `127.0.0.1:${port}`,
    terminals,
    holding: async (serial, o) => held((await terminals(o)) ?? [], serial),
    connect: (terminal, o) => connectThrough(client, terminal, o),
  }
}

async function listing(client: AdbServerClient, o: IoOptions): Promise<string> {
  const within = { signal: o.signal, deadline: o.deadline.within(PATIENCE_MS) }
  const over = new AbortController()
  const late = () => new SlotbenchError('terminal-silent', 'the adb server does not answer')
  try {
    const asking = client.createConnection('host:devices-l', { unref: false, signal: over.signal })
    asking.catch(() => undefined)
    const stream = await underDeadline(asking, within, late)
    try {
      return await underDeadline((async () => await stream.readString())(), within, late)
    } finally {
      stream.dispose().catch(() => undefined)
    }
  } finally {
    over.abort()
  }
}

/** Lines of `adb devices -l`: serial, state, then `name:value` words. Lines that are none are passed over. */
export function parseTerminals(text: string): readonly HeldTerminal[] {
  const found: HeldTerminal[] = []
  for (const line of plainText(text).split('\n').slice(0, MAX_TERMINALS)) {
    const match = /^(\S+)\s+(\S.*?)\s.*\btransport_id:(\d{1,15})\s*$/.exec(line)
    const [, serial, state, id] = match ?? []
    if (serial === undefined || state === undefined) continue
    const word = (name: string) => new RegExp(`\\s${name}:(\\S+)`).exec(line)?.[1]
    const names = { product: word('product'), model: word('model'), device: word('device') }
    found.push({ serial, state, transportId: Number(id), names })
  }
  return found
}

/** Terminals over TCP have an address for a serial; whoever asks has one on USB. */
function held(terminals: readonly HeldTerminal[], serial: string | undefined): HeldTerminal | undefined {
  if (serial !== undefined) return terminals.find((terminal) => terminal.serial === serial)
  const overUsb = terminals.filter((terminal) => !/:\d+$|^emulator-/.test(terminal.serial))
  return overUsb.length === 1 ? overUsb[0] : undefined
}

async function connectThrough(
  client: AdbServerClient,
  terminal: HeldTerminal,
  o: IoOptions,
): Promise<AdbConnection> {
  const { serial, state, names } = terminal
  if (state === 'unauthorized' || state === 'authorizing')
    throw new SlotbenchError('adb-unauthorised', `the adb server is not let in by ${serial} (${state})`)
  if (o.signal.aborted) throw abortError(o.signal)
  const end = new AbortController()
  const transportId = BigInt(terminal.transportId)
  // Rejects also when the server itself goes.
  const away = client.waitForDisconnect(transportId, { unref: true, signal: end.signal }).then(
    () => undefined,
    (thrown: unknown) => {
      throw asSlotbenchError(thrown, 'terminal-gone')
    },
  )
  // The library knows fewer states than there are; it only hands them on.
  const banner = new AdbBanner(state as 'device', names.product, names.model, names.device, [])
  const fail = (thrown: unknown) => {
    const error = asSlotbenchError(thrown)
    end.abort(error)
    return error
  }
  return new Connection(new AdbServerTransport(client, serial, banner, transportId, away), {
    ended: end.signal,
    fail,
    newsDelayMs: NEWS_DELAY_MS,
    close: async () => {
      fail(new SlotbenchError('terminal-gone', 'the connection was closed here'))
    },
  })
}

function portOf(text: string | undefined): number {
  const port = /^\d{1,5}$/.test(text ?? '') ? Number(text) : DEFAULT_PORT
  return port >= 1 && port <= 65_535 ? port : DEFAULT_PORT
}
