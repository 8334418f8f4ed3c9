// Starts a simulated terminal in a process of its own and asks it what only its owner may ask.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Sha256, Slot } from '../../src/shared/units.ts'
import type { ProfileOrder } from './terminal-profile.ts'

export interface TerminalOrder extends ProfileOrder {
  /** With a whole old build in both slots. */
  readonly bootable: boolean
  /** What is flashed to the large partitions is not kept, so its size costs no memory. */
  readonly forgetful: boolean
  /** Of the link; as fast as the machine goes when left out. */
  readonly bytesPerSecond?: number
  /** What it speaks; fastboot when left out. With `adb` it is off until it is put into sideload mode. */
  readonly speaks?: 'fastboot' | 'adb'
}

export type TerminalQuestion =
  | { readonly ask: 'digest' | 'smudge'; readonly partition: string }
  /** Started anew into sideload mode, from slot a. */
  | { readonly ask: 'sideload-mode' }
  /** What the screen showed since then, and which slot is to be booted next. */
  | { readonly ask: 'outcome' }

export interface TerminalAnswer {
  readonly port?: number
  readonly sha256?: Sha256
  readonly screen?: readonly string[]
  readonly activeSlot?: Slot | undefined
}

export class BenchTerminal {
  readonly port: number
  readonly endpoint: string
  readonly #process: ChildProcess

  private constructor(process: ChildProcess, port: number) {
    this.#process = process
    this.port = port
    this.endpoint = `tcp:127.0.0.1:${port}`
  }

  /** A terminal in its bootloader, or one that is off and speaks ADB. */
  static async start(order: TerminalOrder): Promise<BenchTerminal> {
    const child = fork(join(import.meta.dirname, 'terminal-process.ts'), { stdio: ['ignore', 2, 2, 'ipc'] })
    const { port } = await ask(child, order)
    if (port === undefined) throw new Error('the simulated terminal did not start')
    return new BenchTerminal(child, port)
  }

  async digest(partition: string): Promise<Sha256 | undefined> {
    return (await this.#ask({ ask: 'digest', partition })).sha256
  }

  /** Spoils the content, so that a digest afterwards proves a writing of its own. */
  async smudge(partition: string): Promise<void> {
    await this.#ask({ ask: 'smudge', partition })
  }

  /** Ready for a package; connections from before are gone. */
  async enterSideload(): Promise<void> {
    await this.#ask({ ask: 'sideload-mode' })
  }

  async outcome(): Promise<Pick<TerminalAnswer, 'screen' | 'activeSlot'>> {
    return await this.#ask({ ask: 'outcome' })
  }

  async stop(): Promise<void> {
    const exit = once(this.#process, 'exit')
    this.#process.disconnect()
    await exit
  }

  #ask(question: TerminalQuestion): Promise<TerminalAnswer> {
    return ask(this.#process, question)
  }
}

async function ask(child: ChildProcess, message: TerminalOrder | TerminalQuestion): Promise<TerminalAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<TerminalAnswer>()
  const gone = () => reject(new Error('the simulated terminal ended unexpectedly'))
  child.once('exit', gone)
  child.once('message', (answer: TerminalAnswer) => resolve(answer))
  child.send(message)
  try {
    return await promise
  } finally {
    child.off('exit', gone)
  }
}
