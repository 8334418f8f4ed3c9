// A terminal that speaks ADB in memory, byte by byte on its own, for tests of the client: well-behaved until told otherwise.
import { createPublicKey, publicDecrypt } from 'node:crypto'
import type { Transport } from '../src/main/protocols/transport.ts'
import { SlotbenchError } from '../src/shared/errors.ts'
import type { IoOptions } from '../src/shared/io-options.ts'
import { underDeadline } from '../src/shared/waiting.ts'

const word = (name: string) => Buffer.from(name).readUInt32LE(0)
const [CNXN, AUTH, OPEN, OKAY, WRTE, CLSE] = ['CNXN', 'AUTH', 'OPEN', 'OKAY', 'WRTE', 'CLSE'].map(word) as [
  number,
  number,
  number,
  number,
  number,
  number,
]

/** What one service does: says pieces, hears pieces. Returning ends it. */
export type DoubleService = (stream: DoubleStream) => Promise<void>

export interface DoubleStream {
  say(bytes: Uint8Array | string): Promise<void>
  /** The host's next WRTE. */
  hear(): Promise<Buffer>
}

export interface AdbDoubleOptions {
  readonly banner?: string
  readonly version?: number
  readonly maxPayload?: number
  /** Base64 of the Android key structures that are trusted already; undefined: nobody is asked. */
  readonly trusted?: string[]
  /** What somebody does at the prompt. */
  readonly prompt?: 'allow' | 'refuse' | 'hang-up' | 'nothing'
  readonly services?: Readonly<Record<string, DoubleService>>
  /** Bytes that an earlier program left unread. */
  readonly leftover?: Uint8Array
  /** Bytes of an earlier payload that are still waited for. */
  readonly owed?: number
  /** Instead of every answer. */
  readonly garbage?: Uint8Array
}

interface Open {
  readonly local: number
  readonly remote: number
  readonly heard: Buffer[]
  acknowledged: () => void
  wake: () => void
}

export class AdbDouble implements Transport {
  readonly #options: AdbDoubleOptions
  readonly #out: Buffer[] = []
  #in = Buffer.alloc(0)
  #wake: () => void = () => {}
  #owed: number
  #token = Buffer.alloc(20, 7)
  #asked = 0
  #next = 1
  readonly #streams = new Map<number, Open>()
  #gone = false
  closed = false
  /** Commands and services in the order in which they came. */
  readonly log: string[] = []
  /** Header and payload of every packet were transfers of their own. */
  framed = true
  checksums = true
  /** The public key that was offered, as it came. */
  offered: string | undefined
  receiving = 0

  constructor(options: AdbDoubleOptions = {}) {
    this.#options = options
    this.#owed = options.owed ?? 0
    if (options.leftover) this.#out.push(Buffer.from(options.leftover))
  }

  async send(data: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#gone || this.closed) throw new SlotbenchError('terminal-gone', 'the double is gone')
    const eaten = Math.min(this.#owed, data.length)
    this.#owed -= eaten
    // As adbd does: more than it waited for breaks the packet off, and the next transfer is a header again.
    if (eaten > 0) return
    if (this.#in.length === 0 && data.length !== 24) {
      this.framed = false
      return
    }
    this.#in = Buffer.concat([this.#in, data])
    for (let packet = this.#take(); packet; packet = this.#take()) this.#handle(packet)
  }

  async receive(maxBytes: number, o: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    this.receiving += 1
    try {
      while (this.#out.length === 0) {
        if (this.#gone || this.closed) throw new SlotbenchError('terminal-gone', 'the double is gone')
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#wake = resolve
        await underDeadline(promise, o, () => new SlotbenchError('terminal-silent', 'the double is silent'))
      }
      const first = this.#out.shift() ?? Buffer.alloc(0)
      if (first.length > maxBytes) this.#out.unshift(first.subarray(maxBytes))
      return Uint8Array.from(first.subarray(0, maxBytes))
    } finally {
      this.receiving -= 1
    }
  }

  async close(): Promise<void> {
    this.closed = true
    this.#wake()
  }

  /** The cable is pulled. */
  pull(): void {
    this.#gone = true
    this.#wake()
  }

  /** Bytes out of turn. */
  blurt(bytes: Uint8Array): void {
    this.#put(Buffer.from(bytes))
  }

  packet(command: string, arg0: number, arg1: number, payload: Uint8Array | string = ''): Buffer {
    return this.#encode(word(command), arg0, arg1, Buffer.from(payload))
  }

  #take(): { command: number; arg0: number; arg1: number; payload: Buffer } | undefined {
    if (this.#in.length < 24) return undefined
    const [command, arg0, arg1, length, sum] = [0, 4, 8, 12, 16].map((at) => this.#in.readUInt32LE(at)) as [
      number,
      number,
      number,
      number,
      number,
    ]
    if (this.#in.length < 24 + length) return undefined
    const payload = this.#in.subarray(24, 24 + length)
    this.#in = this.#in.subarray(24 + length)
    if (payload.reduce((all, byte) => all + byte, 0) !== sum) this.checksums = false
    return { command, arg0, arg1, payload }
  }

  #handle({
    command,
    arg0,
    arg1,
    payload,
  }: {
    command: number
    arg0: number
    arg1: number
    payload: Buffer
  }) {
    const { garbage, trusted } = this.#options
    if (garbage) return this.#put(Buffer.from(garbage))
    switch (command) {
      case CNXN:
        this.log.push('CNXN')
        this.#streams.clear()
        this.#asked = 0
        return trusted ? this.#ask() : this.#welcome()
      case AUTH:
        return this.#auth(arg0, payload)
      case OPEN:
        return this.#open(arg0, payload.toString().replace(/\0$/, ''))
      case OKAY:
        return this.#streams.get(arg1)?.acknowledged()
      case WRTE: {
        const stream = this.#streams.get(arg1)
        stream?.heard.push(payload)
        stream?.wake()
        return
      }
      case CLSE:
        if (this.#streams.delete(arg1)) this.#put(this.#encode(CLSE, arg1, arg0))
        return
      default:
        this.log.push(`? ${command.toString(16)}`)
    }
  }

  #auth(type: number, payload: Buffer): void {
    const { trusted = [], prompt = 'nothing' } = this.#options
    if (type === 2) {
      this.log.push('signature')
      if (trusted.some((key) => this.#signedBy(key, payload))) this.#welcome()
      else this.#ask()
      return
    }
    this.log.push('public key')
    this.offered = payload.toString()
    if (prompt === 'allow') this.#welcome()
    if (prompt === 'refuse') this.#ask()
    if (prompt === 'hang-up') this.pull()
  }

  #signedBy(base64: string, signature: Buffer): boolean {
    const blob = Buffer.from(base64, 'base64')
    const n = Buffer.from(blob.subarray(8, 264)).reverse().toString('base64url')
    const key = createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' })
    try {
      return publicDecrypt(key, signature).subarray(15).equals(this.#token)
    } catch {
      return false
    }
  }

  #ask(): void {
    this.#asked += 1
    this.#token = Buffer.alloc(20, this.#asked)
    this.#put(this.#encode(AUTH, 1, 0, this.#token))
  }

  #welcome(): void {
    const {
      version = 0x01000001,
      maxPayload = 1024 * 1024,
      banner = 'device::features=shell_v2',
    } = this.#options
    this.#put(this.#encode(CNXN, version, maxPayload, Buffer.from(banner)))
  }

  #open(remote: number, name: string): void {
    this.log.push(name)
    const service = this.#options.services?.[name] ?? this.#options.services?.['*']
    if (!service) {
      this.#put(this.#encode(CLSE, 0, remote))
      return
    }
    const local = this.#next++
    const open: Open = { local, remote, heard: [], acknowledged: () => {}, wake: () => {} }
    this.#streams.set(local, open)
    this.#put(this.#encode(OKAY, local, remote))
    const ended = () => this.#streams.delete(local) && this.#put(this.#encode(CLSE, local, remote))
    void service(this.#stream(open)).then(ended, () => {})
  }

  #stream(open: Open): DoubleStream {
    return {
      say: async (bytes) => {
        const acknowledged = new Promise<void>((resolve) => {
          open.acknowledged = resolve
        })
        this.#put(this.#encode(WRTE, open.local, open.remote, Buffer.from(bytes)))
        await acknowledged
      },
      hear: async () => {
        for (;;) {
          const piece = open.heard.shift()
          if (piece) {
            this.#put(this.#encode(OKAY, open.local, open.remote))
            return piece
          }
          await new Promise<void>((resolve) => {
            open.wake = resolve
          })
        }
      },
    }
  }

  #encode(command: number, arg0: number, arg1: number, payload = Buffer.alloc(0)): Buffer {
    const header = Buffer.alloc(24)
    const sum = payload.reduce((all, byte) => all + byte, 0)
    const words = [command, arg0, arg1, payload.length, sum, (command ^ 0xffffffff) >>> 0]
    for (const [index, value] of words.entries()) header.writeUInt32LE(value, index * 4)
    return Buffer.concat([header, payload])
  }

  #put(bytes: Buffer): void {
    this.#out.push(bytes)
    this.#wake()
  }
}
