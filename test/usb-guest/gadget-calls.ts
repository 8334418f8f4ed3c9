// What the tests in the guest ask of the process that stands for the terminal; answered over Node's IPC channel.
import type { BootRecord, TerminalState } from '../../src/simulator/terminal.ts'
import type { GadgetOptions } from './gadget.ts'

export interface GadgetCalls {
  /** Builds the terminal, switches it on into the mode that is wanted and plugs it in. */
  start(options: GadgetOptions): Promise<void>
  /** SHA-256 of the first `bytes` of a partition as the storage holds it. */
  digest(partition: string, bytes: number): Promise<string>
  /** Writes all of a LUN to a file. */
  dump(lun: number, path: string): Promise<void>
  /** What would boot now. */
  wouldBoot(): Promise<BootRecord>
  state(): Promise<TerminalState>
  /** Pulls the cable now. */
  pull(): Promise<void>
  /** Pulls the cable once that many more bytes have arrived; resolves when it is armed. */
  pullAfter(bytes: number): Promise<void>
  /** Puts the cable back. */
  plug(): Promise<void>
  /** Whether the cable is in. */
  plugged(): Promise<boolean>
  /** The commands that arrived since the last call. */
  commands(): Promise<readonly string[]>
}

export interface CallMessage {
  readonly id: number
  readonly name: keyof GadgetCalls
  readonly args: readonly unknown[]
}

export interface AnswerMessage {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}
