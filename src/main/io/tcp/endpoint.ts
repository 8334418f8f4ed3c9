// The notation of network endpoints: `tcp:host:port` as Google's fastboot has it, and the port of ADB behind a comma.
import { SlotbenchError } from '../../../shared/errors.ts'
import type { BayId } from '../../../shared/units.ts'

export interface TcpEndpoint {
  readonly host: string
  /** Of fastboot. */
  readonly port: number
  /** Where the same terminal speaks ADB, if it does over the network. */
  readonly adbPort: number | undefined
  /** The same endpoint, spelt in one way, without the port of ADB: one terminal, one bay. */
  readonly bay: BayId
}

/** AOSP fastboot README, "TCP Protocol v1". */
export const FASTBOOT_TCP_PORT = 5554

/** Reads `tcp:host[:fastbootport[,adbport]]`; IPv6 addresses with a port stand in brackets.
 * @throws SlotbenchError `usage` when it is none. */
export function parseEndpoint(text: string): TcpEndpoint {
  const match = /^tcp:(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:,[\]/]+))(?::(\d{1,5})(?:,(\d{1,5}))?)?$/.exec(
    text.trim(),
  )
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? FASTBOOT_TCP_PORT : Number(match[3])
  const adbPort = match?.[4] === undefined ? undefined : Number(match[4])
  if (host === undefined || !isPort(port) || (adbPort !== undefined && !isPort(adbPort)))
    throw new SlotbenchError(
      'usage',
      `${JSON.stringify(text.slice(0, 80))} is no network endpoint; write tcp:HOST:PORT, tcp:[IPV6]:PORT or tcp:HOST:PORT,ADBPORT`,
    )
  const shown = host.includes(':') ? `[${host}]` : host
  return { host, port, adbPort, bay: `tcp:${shown.toLowerCase()}:${port}` as BayId }
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535
}
