import { describe, expect, it } from 'vitest'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import type { Transport } from '../transport.ts'
import { FastbootClient } from './client.ts'

const io = (): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(5_000) })

/** A terminal whose replies wait in the link until somebody reads them. */
class Link implements Transport {
  readonly #answers: Readonly<Record<string, string>>
  readonly replies: string[]
  readonly asked: string[] = []

  constructor(leftOver: readonly string[], answers: Readonly<Record<string, string>> = {}) {
    this.replies = [...leftOver]
    this.#answers = { version: 'OKAY0.4', product: 'OKAYNX679J', serialno: 'OKAYSERIAL', ...answers }
  }

  async send(data: Uint8Array): Promise<void> {
    const name = Buffer.from(data).toString().replace('getvar:', '')
    this.asked.push(name)
    this.replies.push(this.#answers[name] ?? 'FAILunknown')
  }

  async receive(_most: number, { deadline }: IoOptions): Promise<Uint8Array<ArrayBuffer>> {
    // A reply takes a turn of the event loop, as on a wire.
    await new Promise((resolve) => setImmediate(resolve))
    const reply = this.replies.shift()
    if (reply !== undefined) return new Uint8Array(Buffer.from(reply))
    await new Promise((resolve) => setTimeout(resolve, deadline.remainingMs))
    throw new SlotbenchError('terminal-silent', 'nothing comes')
  }

  async close(): Promise<void> {}
}

describe('the beginning on a link that has none', () => {
  it.each<[string, string[]]>([
    ['nothing', []],
    ['the late end of a flash', ['OKAYflashed']],
    ['a failure', ['FAILno space']],
    ['an empty reply', ['OKAY']],
    ['the answer to the first question', ['OKAY0.4']],
    ['the answer to the last question', ['OKAYNX679J']],
    ['the end of a list', ['INFOpartition-size:boot_a: 0x6000000', 'OKAY']],
    ['garbage', ['HELLO']],
    ['two replies', ['OKAY0.4', 'OKAYNX679J']],
    ['the same reply twice', ['OKAY', 'OKAY']],
    ['our own questions of a program that crashed', ['OKAY0.4', 'OKAY0.4', 'OKAYNX679J']],
  ])('is in step whatever was left over: %s', async (_, leftOver) => {
    const link = new Link(leftOver)
    const client = new FastbootClient(link)
    await client.synchronise(io())
    expect(link.replies).toEqual([])
    expect(await client.getvar('serialno', io())).toBe('SERIAL')
  })

  it.each<[string, Record<string, string>]>([
    ['answers both', {}],
    ['does not know its version', { version: 'FAILunknown variable' }],
    ['does not know its product', { product: 'FAILunknown variable' }],
    ['has no product', { product: 'OKAY' }],
  ])('waits for nothing where nothing is left over and the terminal %s', async (_, answers) => {
    const link = new Link([], answers)
    await new FastbootClient(link).synchronise(io())
    expect(link.asked).toEqual(['version', 'version', 'product'])
  })

  it('waits for silence where all answers are the same', async () => {
    const link = new Link([], { version: 'FAILno', product: 'FAILno' })
    const client = new FastbootClient(link)
    await client.synchronise(io())
    expect(await client.getvar('serialno', io())).toBe('SERIAL')
  })
})
