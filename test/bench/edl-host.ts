// Starts the host's side of the EDL case (edl-process.ts) and has it write, time after time.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { FarOrder, WireAccount } from './edl-link.ts'

export interface EdlOrder extends FarOrder {
  /** A raw image for `system_b`, or a package of whose images each goes to its partition of slot b. */
  readonly source: { readonly kind: 'raw' | 'package'; readonly path: string }
}

export interface EdlQuestion {
  /** Before it is written, so that the terminal holds another build. */
  readonly spoil: boolean
  /** The terminal's storage is digested afterwards. */
  readonly check: boolean
}

/** Everything written once. */
export interface EdlRun {
  readonly ms: number
  readonly imageBytes: number
  /** By the receipts. */
  readonly wireBytes: number
  readonly wire: WireAccount
}

export interface EdlAnswer {
  readonly run?: EdlRun
  /** At the beginning what is resident with terminal and package open and nothing done; later the most there ever was. */
  readonly residentBytes: number
}

export class EdlHost {
  readonly #process: ChildProcess
  readonly idleBytes: number

  private constructor(child: ChildProcess, idleBytes: number) {
    this.#process = child
    this.idleBytes = idleBytes
  }

  static async start(order: EdlOrder): Promise<EdlHost> {
    const child = fork(join(import.meta.dirname, 'edl-process.ts'), { stdio: ['ignore', 2, 2, 'ipc'] })
    return new EdlHost(child, (await ask(child, order)).residentBytes)
  }

  async write(question: EdlQuestion): Promise<{ readonly run: EdlRun; readonly peakBytes: number }> {
    const { run, residentBytes } = await ask(this.#process, question)
    if (run === undefined) throw new Error('nothing was written')
    return { run, peakBytes: residentBytes }
  }

  async stop(): Promise<void> {
    const exit = once(this.#process, 'exit')
    this.#process.disconnect()
    await exit
  }
}

async function ask(child: ChildProcess, message: EdlOrder | EdlQuestion): Promise<EdlAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<EdlAnswer>()
  const gone = () => reject(new Error('the host of the EDL case ended unexpectedly'))
  child.once('exit', gone)
  child.once('message', (answer: EdlAnswer) => resolve(answer))
  child.send(message)
  try {
    return await promise
  } finally {
    child.off('exit', gone)
  }
}
