// What the terminals layer needs of a running adb server; `io/adb` implements it.
import type { IoOptions } from '../../../shared/io-options.ts'
import type { AdbConnection } from '../../protocols/adb/connection.ts'

/** One terminal as the server lists it. */
export interface HeldTerminal {
  readonly serial: string
  /** `device`, `unauthorized`, `recovery`, `sideload`, `offline`, … */
  readonly state: string
  /** The server's own number for it. */
  readonly transportId: number
  /** As the terminal greeted the server. */
  readonly names: {
    readonly product: string | undefined
    readonly model: string | undefined
    readonly device: string | undefined
  }
}

export interface AdbServerDoor {
  /** Where it listens, for messages. */
  readonly address: string
  /** The terminal with this serial, or the only one that the server has over USB when the serial is not known. Undefined when
   * there is no server or it has no such terminal; never throws but `cancelled`. */
  holding(serial: string | undefined, o: IoOptions): Promise<HeldTerminal | undefined>
  /** A connection through the server.
   * @throws SlotbenchError `adb-server`, `adb-unauthorised`, `terminal-gone`. */
  connect(terminal: HeldTerminal, o: IoOptions): Promise<AdbConnection>
}
