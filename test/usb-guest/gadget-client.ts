// The tests' end of the terminal's process: each call is one message and one answer.
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { AnswerMessage, GadgetCalls } from './gadget-calls.ts'

export class GadgetClient {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  /** Resolves when its process has ended. */
  readonly ended: Promise<void>
  #nextId = 1

  constructor() {
    // Blocking reads and writes of endpoint files hold threads of libuv's pool; the storage needs some too.
    const env = { ...process.env, UV_THREADPOOL_SIZE: '8' }
    this.#process = fork(join(import.meta.dirname, 'gadget.ts'), { env })
    this.#process.on('message', (message: AnswerMessage) => this.#answered(message))
    this.ended = new Promise((resolve) => this.#process.once('exit', () => resolve()))
    this.#process.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the terminal’s process ended'))
    })
  }

  async call<Name extends keyof GadgetCalls>(
    name: Name,
    ...args: Parameters<GadgetCalls[Name]>
  ): Promise<Awaited<ReturnType<GadgetCalls[Name]>>> {
    const id = this.#nextId++
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    this.#process.send({ id, name, args })
    return (await answer.promise) as Awaited<ReturnType<GadgetCalls[Name]>>
  }

  /** At once: a read that blocks on an endpoint would keep the process from ending by itself. */
  kill(): void {
    this.#process.kill('SIGKILL')
  }

  #answered({ id, value, error }: AnswerMessage): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(error))
  }
}
