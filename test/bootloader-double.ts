// The smallest bootloader that answers by tables: variables, downloads kept as they came, partitions to fetch from.

import type { Transport } from '../src/main/protocols/transport.ts'
import { SlotbenchError } from '../src/shared/errors.ts'
import type { IoOptions } from '../src/shared/io-options.ts'

export interface BootloaderOptions {
  readonly variables?: Readonly<Record<string, string>>
  /** Whether `getvar all` lists the variables. */
  readonly lists?: boolean
  /** Unknown variables: FAIL (new) or an empty OKAY (old). */
  readonly unknown?: 'FAIL' | 'OKAY'
  /** Readable with fetch, by full name. */
  readonly readable?: Readonly<Record<string, Uint8Array>>
  /** Called before each command is answered; what it returns is the answer instead. */
  readonly onCommand?: (command: string) => string | undefined
}

export class BootloaderDouble implements Transport {
  readonly commands: string[] = []
  /** Downloads that were flashed, in order. */
  readonly flashed: { readonly partition: string; readonly data: Uint8Array<ArrayBuffer> }[] = []
  closed = false
  readonly #options: BootloaderOptions
  readonly #replies: Uint8Array<ArrayBuffer>[] = []
  #expected = 0
  #download: Uint8Array[] = []

  constructor(options: BootloaderOptions = {}) {
    this.#options = options
  }

  async send(data: Uint8Array<ArrayBuffer>): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#expected > 0) return this.#take(data)
    const command = Buffer.from(data).toString('latin1')
    this.commands.push(command)
    const other = this.#options.onCommand?.(command)
    if (other !== undefined) this.#say(other)
    else this.#answer(command)
  }

  async receive(maxBytes: number, o: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    await new Promise((resolve) => setImmediate(resolve))
    const reply = this.#replies.shift()
    if (!reply) {
      const patience = Math.min(o.deadline.remainingMs, 5)
      await new Promise((resolve) => setTimeout(resolve, patience))
      throw new SlotbenchError('terminal-silent', 'nothing came')
    }
    if (reply.length > maxBytes) this.#replies.unshift(reply.slice(maxBytes))
    return reply.slice(0, maxBytes)
  }

  async close(): Promise<void> {
    this.closed = true
  }

  #say(text: string): void {
    this.#replies.push(new Uint8Array(Buffer.from(text)))
  }

  #take(data: Uint8Array<ArrayBuffer>): void {
    this.#download.push(data.slice())
    this.#expected -= data.length
    if (this.#expected === 0) this.#say('OKAY')
  }

  #answer(command: string): void {
    const [word = '', rest = ''] = [command.split(':', 1)[0], command.slice(command.indexOf(':') + 1)]
    if (command === 'getvar:all') this.#list()
    else if (word === 'getvar') this.#variable(rest)
    else if (word === 'fetch') this.#fetch(rest)
    else if (word === 'download') {
      this.#expected = Number.parseInt(rest, 16)
      this.#download = []
      this.#say(`DATA${rest}`)
    } else {
      if (word === 'flash')
        this.flashed.push({ partition: rest, data: new Uint8Array(Buffer.concat(this.#download)) })
      this.#say('OKAY')
    }
  }

  #list(): void {
    if (this.#options.lists !== false) {
      for (const [name, value] of Object.entries(this.#options.variables ?? {}))
        this.#say(`INFO${name}: ${value}`)
    }
    this.#say('OKAY')
  }

  #variable(name: string): void {
    const value = this.#options.variables?.[name]
    this.#say(value === undefined ? (this.#options.unknown ?? 'FAIL') : `OKAY${value}`)
  }

  #fetch(rest: string): void {
    const [partition = '', offset = '0', length = '0'] = rest.split(':')
    const content = this.#options.readable?.[partition]
    const from = Number(offset)
    if (!content || from + Number(length) > content.length) {
      this.#say('FAILnot allowed')
      return
    }
    this.#say(`DATA${Number(length).toString(16).padStart(8, '0')}`)
    this.#replies.push(new Uint8Array(content.subarray(from, from + Number(length))))
    this.#say('OKAY')
  }
}
