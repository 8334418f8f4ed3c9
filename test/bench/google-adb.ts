// Google's adb with a server, keys and a home of its own: whatever else runs on this machine is not touched.
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Finished, runProgram } from './programs.ts'

const CONNECT_PATIENCE_MS = 10_000

export class GoogleAdb {
  readonly #program: string
  readonly #home: string
  readonly #port: number
  readonly #signal: AbortSignal

  private constructor(program: string, server: { home: string; port: number }, signal: AbortSignal) {
    this.#program = program
    this.#home = server.home
    this.#port = server.port
    this.#signal = signal
  }

  /** With its server running. */
  static async start(program: string, signal: AbortSignal): Promise<GoogleAdb> {
    const home = await mkdtemp(join(tmpdir(), 'slotbench-bench-adb-'))
    const adb = new GoogleAdb(program, { home, port: await freePort() }, signal)
    await adb.#run(['start-server'])
    return adb
  }

  /** The server holds the terminal at this port, in `state`, and no connection from before. */
  async connect(port: number, state: string): Promise<void> {
    const target = `127.0.0.1:${port}`
    const until = performance.now() + CONNECT_PATIENCE_MS
    for (;;) {
      await this.#run(['disconnect'])
      await this.#run(['connect', target])
      const known = await this.#run(['devices'])
      if (known.stdout.includes(`${target}\t${state}`)) return
      if (performance.now() > until) throw new Error(`adb does not see the terminal:\n${known.stdout}`)
    }
  }

  async disconnect(): Promise<void> {
    await this.#run(['disconnect'])
  }

  /** Until its verdict. Throws when that is a refusal. */
  async sideload(port: number, path: string): Promise<Finished> {
    return await this.#run(['-s', `127.0.0.1:${port}`, 'sideload', path])
  }

  async stop(): Promise<void> {
    await this.#run(['kill-server'])
    await rm(this.#home, { recursive: true, force: true })
  }

  #run(args: readonly string[]): Promise<Finished> {
    const env = { HOME: this.#home, ANDROID_ADB_SERVER_PORT: String(this.#port) }
    return runProgram(this.#program, ['-P', String(this.#port), ...args], { signal: this.#signal, env })
  }
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const probe = createServer()
  probe.once('error', reject)
  probe.listen(0, '127.0.0.1', () => {
    const address = probe.address()
    probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
  })
  return await promise
}
