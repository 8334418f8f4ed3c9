// A terminal that follows a transcript to the letter, for protocol tests that read like one.

import type { Transport } from '../src/main/protocols/transport.ts'
import { abortError, SlotbenchError } from '../src/shared/errors.ts'
import type { IoOptions } from '../src/shared/io-options.ts'

type Line =
  | { readonly from: 'host'; readonly text: string }
  | { readonly from: 'host'; readonly bytes: number }
  | { readonly from: 'terminal'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly from: 'gone' }

/** Lines of a transcript:
 * `> text` the host sends a command · `> #N` the host sends N bytes in any number of transfers ·
 * `< text` a reply · `< #N` N bytes 0, 1, 2, … 255, 0, … in one transfer · `gone` the cable is pulled ·
 * `0x…` instead of a text is that many hexadecimal digits. Lines of data may follow one another; a read waits for its line. */
export class ScriptedTransport implements Transport {
  readonly #lines: Line[]
  /** Everything the host sent as data. */
  readonly received: Uint8Array[] = []
  closed = false
  #dataLeft = 0
  /** Woken when the host has done what the transcript wants of it. */
  #waiting = new Set<() => void>()

  constructor(transcript: string) {
    this.#lines = transcript
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .map(parseLine)
  }

  /** Whether every line was played. */
  get finished(): boolean {
    return this.#lines.length === 0 && this.#dataLeft === 0
  }

  async send(data: Uint8Array<ArrayBuffer>, o: IoOptions): Promise<void> {
    if (o.signal.aborted) throw abortError(o.signal)
    if (this.#dataLeft === 0) this.#expect(data)
    if (this.#dataLeft > 0) {
      if (data.length > this.#dataLeft)
        throw new Error(`the host sends ${data.length} bytes, ${this.#dataLeft} are expected`)
      this.#dataLeft -= data.length
      this.received.push(data.slice())
    }
    for (const wake of this.#waiting) wake()
  }

  async receive(maxBytes: number, o: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    if (o.signal.aborted) throw abortError(o.signal)
    let line = this.#lines[0]
    while (this.#dataLeft > 0 || line?.from === 'host' || line === undefined) {
      await nothing(o, this.#waiting)
      line = this.#lines[0]
    }
    if (line.from === 'gone') throw new SlotbenchError('terminal-gone', 'the cable was pulled')
    if (line.bytes.length <= maxBytes) {
      this.#lines.shift()
      return line.bytes
    }
    this.#lines[0] = { from: 'terminal', bytes: line.bytes.slice(maxBytes) }
    return line.bytes.slice(0, maxBytes)
  }

  async close(): Promise<void> {
    this.closed = true
  }

  #expect(data: Uint8Array): void {
    const line = this.#lines[0]
    if (line?.from === 'gone') throw new SlotbenchError('terminal-gone', 'the cable was pulled')
    if (line?.from !== 'host')
      throw new Error(`the host speaks out of turn: ${Buffer.from(data).toString('latin1')}`)
    this.#lines.shift()
    if ('bytes' in line) {
      this.#dataLeft = line.bytes
      return
    }
    const text = Buffer.from(data).toString('latin1')
    if (/^0x/.test(line.text) && hex(data) === line.text) return
    if (text !== line.text)
      throw new Error(
        `the host says ${JSON.stringify(/^0x/.test(line.text) ? hex(data) : text)} instead of ${JSON.stringify(line.text)}`,
      )
  }
}

function parseLine(line: string): Line {
  if (line === 'gone') return { from: 'gone' }
  const text = line.slice(2)
  const count = /^#(\d+)$/.exec(text)?.[1]
  if (line.startsWith('> ')) return count ? { from: 'host', bytes: Number(count) } : { from: 'host', text }
  if (!line.startsWith('< ')) throw new Error(`no line of a transcript: ${line}`)
  return {
    from: 'terminal',
    bytes: count ? counting(Number(count)) : literal(text),
  }
}

function literal(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    text.startsWith('0x') ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text, 'latin1'),
  )
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`
}

/** 0, 1, 2, … 255, 0, … */
export function counting(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map((_, index) => index)
}

/** A terminal that says nothing for now: waits as a real link does, until the transcript goes on. */
async function nothing(o: IoOptions, waiting: Set<() => void>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const silent = () => reject(new SlotbenchError('terminal-silent', 'nothing came'))
  const timer = setTimeout(silent, Math.min(o.deadline.remainingMs, 0x7fff_ffff))
  const abort = () => reject(abortError(o.signal))
  waiting.add(resolve)
  o.signal.addEventListener('abort', abort, { once: true })
  try {
    await promise
  } finally {
    waiting.delete(resolve)
    clearTimeout(timer)
    o.signal.removeEventListener('abort', abort)
  }
}
