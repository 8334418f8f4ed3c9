// The real command line as child processes: what a technician types, what comes out of it, and how it ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'

const CLI = join(import.meta.dirname, '../../src/main/hosts/cli/index.ts')
const REPOSITORY_CLI = join(import.meta.dirname, '../../src/main/hosts/repo/index.ts')
/** Saves each of the many starts the compiling. */
const ENVIRONMENT = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'slotbench-test-compile-cache') }

export interface Finished {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** One command under way. Nobody is at its standard input, and none of its outputs is a terminal. */
export class Running {
  readonly finished: Promise<Finished>
  readonly #child: ChildProcess
  readonly #watchers = new Set<() => void>()
  #stdout = ''
  #stderr = ''
  #ended = false

  constructor(args: readonly string[], program = CLI, env: Readonly<Record<string, string>> = {}) {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...ENVIRONMENT, ...env },
    })
    this.#child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#changed()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#changed()
    })
    this.finished = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => {
        this.#ended = true
        this.#changed()
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr })
      })
    })
  }

  kill(signal: 'SIGINT' | 'SIGKILL'): void {
    this.#child.kill(signal)
  }

  /** The first match in what was said on either stream. @throws when the program ends without it. */
  async saw(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr)
      if (match) return match
      if (this.#ended) throw new Error(`never said ${pattern}:\n${this.#stdout}\n${this.#stderr}`)
      await new Promise<void>((resolve) => this.#watchers.add(resolve))
    }
  }

  #changed(): void {
    const watchers = [...this.#watchers]
    this.#watchers.clear()
    for (const watcher of watchers) watcher()
  }
}

/** A folder of its own, with a data folder in it, and everything started in it ended with it. */
export class CliPlace {
  /** As users name their folders. */
  readonly folder = mkdtempSync(join(tmpdir(), 'slotbench cli – 完整 '))
  readonly #running = new Set<Running>()
  #folders = 0

  /** A data folder that nothing is in. */
  newData(): string {
    this.#folders += 1
    return join(this.folder, `bench ${this.#folders}`)
  }

  start(data: string, ...args: string[]): Running {
    return this.#keep(new Running(['--data', data, ...args]))
  }

  /** A command of the repository's owner, `slotbench-repo`. */
  startOwner(env: Readonly<Record<string, string>>, ...args: string[]): Running {
    return this.#keep(new Running(args, REPOSITORY_CLI, env))
  }

  #keep(running: Running): Running {
    this.#running.add(running)
    void running.finished.finally(() => this.#running.delete(running))
    return running
  }

  run(data: string, ...args: string[]): Promise<Finished> {
    return this.start(data, ...args).finished
  }

  /** A full OTA package of the next build for a terminal of the small sizes. */
  async rom(profile = 'nx679j'): Promise<string> {
    const path = join(this.folder, `full rom ${profile} – 完整.zip`)
    const options = profile === 'nx679j' ? SMALL : []
    const simulation = await this.simulate('--profile', profile, ...options, '--write-rom', path)
    simulation.process.kill('SIGINT')
    expect((await simulation.process.finished).code).toBe(0)
    return path
  }

  async simulate(...options: string[]): Promise<Simulation> {
    const process = this.start(this.newData(), 'simulate', '--fastboot-tcp', '0', '--json', ...options)
    const [, endpoint = ''] = await process.saw(/"endpoint":"([^"]+)"/)
    return { endpoint, process }
  }

  async close(): Promise<void> {
    const left = [...this.#running]
    for (const running of left) running.kill('SIGKILL')
    await Promise.all(left.map((running) => running.finished))
    rmSync(this.folder, { recursive: true })
  }
}

export interface Simulation {
  readonly endpoint: string
  readonly process: Running
}

const KIB = 1024
/** Small partitions, so that a job takes a second. */
export const SMALL_SIZES = {
  ...{ system: 1024 * KIB, vendor: 256 * KIB, product: 256 * KIB, userdata: 1024 * KIB },
  ...{ boot: 256 * KIB, vendor_boot: 256 * KIB, modem: 256 * KIB, dtbo: 128 * KIB },
  ...{ xbl: 128 * KIB, abl: 128 * KIB },
}
export const SMALL = ['--size', ...Object.entries(SMALL_SIZES).map(([name, size]) => `${name}=${size}`)]
export const QUICK = [...SMALL, '--boot-ms', '200']

/** The one JSON document that was printed. */
export function document(finished: Finished): Record<string, unknown> {
  const documents = lines(finished)
  expect(documents, finished.stdout).toHaveLength(1)
  return documents[0] ?? {}
}

/** Every line as JSON: nothing else may be on stdout. */
export function lines({ stdout }: Finished): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/** Words for people, without what only a screen understands, and without what no person should see. */
export function plain({ stdout, stderr }: Finished): string {
  const text = `${stdout}${stderr}`
  expect(text).not.toContain('\x1b')
  expect(text).not.toContain('\r')
  expect(text).not.toMatch(/^\s+at .+:\d+:\d+/m)
  expect(text).not.toMatch(/undefined|\[object Object\]|NaN/)
  return text
}

export function jobId(finished: Finished): string {
  return /"job":"([^"]+)"/.exec(finished.stdout)?.[1] ?? /^Job (\S+)/m.exec(finished.stderr)?.[1] ?? ''
}
