import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { counting, ScriptedTransport } from '../../../../test/scripted-transport.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import type { Transport } from '../transport.ts'
import type { FastbootMessage } from './channel.ts'
import { FastbootClient } from './client.ts'

const io = (ms = 1_000): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(ms) })

function play(transcript: string) {
  const transport = new ScriptedTransport(transcript)
  const messages: FastbootMessage[] = []
  const client = new FastbootClient(transport, (message) => messages.push(message))
  return { transport, client, messages }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  return thrown instanceof SlotbenchError ? thrown.code : `not ours: ${String(thrown)}`
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part)
  return Buffer.concat(all)
}

describe('getvar', () => {
  it('tells a value, an empty one and a refused one apart', async () => {
    const { client, transport } = play(`
      > getvar:product
      < OKAY NX679J
      > getvar:old
      < OKAY
      > getvar:none
      < FAILGetVar Variable Not found
    `)
    expect(await client.getvar('product', io())).toBe('NX679J')
    expect(await client.getvar('old', io())).toBe('')
    expect(await client.getvar('none', io())).toBeUndefined()
    expect(transport.finished).toBe(true)
    expect(client.failure).toBeUndefined()
  })

  it('reads the lines of getvar all, whose names have colons', async () => {
    const { client, messages } = play(`
      > getvar:all
      < INFOpartition-size:boot_a: 0x6000000
      < INFOpartition-type:boot_a:raw
      < INFOhas-slot:boot:yes
      < INFOversion-baseband: MPSS.DE.2.0:x
      < INFOkernel:uefi
      < TEXTraw words
      < INFOno variable here
      < OKAYdone!
    `)
    const variables = await client.getvarAll(io())
    expect([...variables]).toEqual([
      ['partition-size:boot_a', '0x6000000'],
      ['partition-type:boot_a', 'raw'],
      ['has-slot:boot', 'yes'],
      ['version-baseband', 'MPSS.DE.2.0:x'],
      ['kernel', 'uefi'],
    ])
    expect(messages).toHaveLength(7)
    expect(messages[5]).toEqual({ kind: 'text', text: 'raw words' })
  })

  it('takes getvar all that answers nothing, or is refused, as an empty list', async () => {
    const { client } = play(`
      > getvar:all
      < OKAY
      > getvar:all
      < FAILunknown variable
    `)
    expect((await client.getvarAll(io())).size).toBe(0)
    expect((await client.getvarAll(io())).size).toBe(0)
  })
})

describe('download', () => {
  it('joins small parts and cuts large ones into transfers of 1 MiB', async () => {
    const sizes = [10, 3 * 1024 * 1024, 7, 600_000, 600_000]
    const total = sizes.reduce((a, b) => a + b)
    const { client, transport } = play(`
      > download:${total.toString(16).padStart(8, '0')}
      < DATA${total.toString(16).padStart(8, '0')}
      > #${total}
      < INFOchecking
      < OKAY
      > flash:boot_b
      < INFOerasing
      < INFOwriting
      < OKAY
    `)
    const whole = counting(total)
    const ends = sizes.map((_, index) => sizes.slice(0, index + 1).reduce((a, b) => a + b))
    const parts = ends.map((end, index) => whole.subarray(ends[index - 1] ?? 0, end))
    const progress: number[] = []
    await client.download(total, parts, { ...io(), onSent: (sent) => progress.push(sent) })
    await client.flash('boot_b', io())
    expect(transport.finished).toBe(true)
    expect(Buffer.concat(transport.received).equals(Buffer.from(whole))).toBe(true)
    expect(transport.received.slice(0, -1).every((part) => part.length === 1024 * 1024)).toBe(true)
    expect(progress.at(-1)).toBe(total)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  })

  it('gives the terminal’s words when it refuses, and can go on', async () => {
    const { client } = play(`
      > download:00000004
      < FAILdata too large
      > getvar:product
      < OKAYx
    `)
    await expect(client.download(4, [counting(4)], io())).rejects.toMatchObject({
      code: 'terminal-refused',
      message: 'download:00000004: data too large',
    })
    expect(await client.getvar('product', io())).toBe('x')
  })

  it.each([
    ['DATA00000005', 'another size'],
    ['OKAY', 'OKAY instead of DATA'],
    ['DATA4', 'a short size'],
    ['DATAzzzzzzzz', 'a size that is none'],
  ])('ends the connection on %s (%s)', async (reply) => {
    const { client } = play(`
      > download:00000004
      < ${reply}
    `)
    expect(await codeOf(client.download(4, [counting(4)], io()))).toBe('terminal-garbled')
    expect(await codeOf(client.getvar('product', io()))).toBe('terminal-garbled')
  })

  it('ends the connection when the parts are not what was announced', async () => {
    for (const length of [3, 5]) {
      const { client } = play(`
        > download:00000004
        < DATA00000004
        > #4
      `)
      expect(await codeOf(client.download(4, [counting(length)], io()))).toBe('internal')
      expect(client.failure).toBeDefined()
    }
  })
})

describe('fetch and upload', () => {
  it('reads a range in the data phase', async () => {
    const { client, transport } = play(`
      > fetch:boot_a:0x00001000:0x0000012c
      < DATA0000012c
      < #300
      < OKAY
      > fetch:empty
      < OKAYPartition empty has size 0
      > upload
      < DATA00000002
      < hi
      < OKAY
    `)
    const bytes = await collect(client.fetch('boot_a', io(), { offset: 4096, length: 300 }))
    expect(bytes.equals(Buffer.from(counting(300)))).toBe(true)
    expect((await collect(client.fetch('empty', io()))).length).toBe(0)
    expect((await collect(client.upload(io()))).toString()).toBe('hi')
    expect(transport.finished).toBe(true)
  })

  it('refuses another size than asked for, and more data than announced is no reply', async () => {
    const wrong = play(`
      > fetch:boot_a:0x00000000:0x00000010
      < DATA00000011
    `)
    expect(await codeOf(collect(wrong.client.fetch('boot_a', io(), { offset: 0, length: 16 })))).toBe(
      'terminal-garbled',
    )
    const more = play(`
      > fetch:boot_a:0x00000000:0x00000010
      < DATA00000010
      < #20
    `)
    expect(await codeOf(collect(more.client.fetch('boot_a', io(), { offset: 0, length: 16 })))).toBe(
      'terminal-garbled',
    )
  })

  it('cannot be used after the data was left half way', async () => {
    const { client } = play(`
      > fetch:boot_a
      < DATA00000200
      < #256
      < #256
      < OKAY
    `)
    for await (const _ of client.fetch('boot_a', io())) break
    expect(await codeOf(client.getvar('product', io()))).toBe('cancelled')
  })
})

describe('commands', () => {
  it('says every command as the protocol has it', async () => {
    const commands = [
      'erase:userdata',
      'set_active:b',
      'oem device-info',
      'flashing get_unlock_ability',
      'create-logical-partition:system_b:4096',
      'resize-logical-partition:system_b:8192',
      'delete-logical-partition:system_b-cow',
      'update-super:super',
      'update-super:super:wipe',
      'snapshot-update:cancel',
      'snapshot-update:merge',
      'gsi:status',
    ]
    const { client, transport } = play(commands.map((command) => `> ${command}\n< OKAY`).join('\n'))
    await client.erase('userdata', io())
    await client.setActive('b', io())
    await client.oem('device-info', io())
    await client.flashing('get_unlock_ability', io())
    await client.createLogicalPartition('system_b', 4096, io())
    await client.resizeLogicalPartition('system_b', 8192, io())
    await client.deleteLogicalPartition('system_b-cow', io())
    await client.updateSuper('super', { ...io(), wipe: false })
    await client.updateSuper('super', { ...io(), wipe: true })
    await client.snapshotUpdate('cancel', io())
    await client.snapshotUpdate('merge', io())
    await client.gsi('status', io())
    expect(transport.finished).toBe(true)
  })

  it.each([
    ['reboot', (c: FastbootClient) => c.reboot(io())],
    ['reboot-bootloader', (c: FastbootClient) => c.reboot(io(), 'bootloader')],
    ['reboot-recovery', (c: FastbootClient) => c.reboot(io(), 'recovery')],
    ['reboot-fastboot', (c: FastbootClient) => c.reboot(io(), 'fastboot')],
    ['continue', (c: FastbootClient) => c.continue(io())],
    ['powerdown', (c: FastbootClient) => c.powerdown(io())],
    ['boot', (c: FastbootClient) => c.boot(io())],
  ])('%s ends the connection, with or without a last OKAY', async (command, run) => {
    for (const ending of ['< OKAY\ngone', 'gone']) {
      const { client } = play(`> ${command}\n${ending}`)
      await run(client)
      expect(await codeOf(client.getvar('product', io()))).toBe('terminal-gone')
    }
    const refused = play(`> ${command}\n< FAILunknown command\n> getvar:product\n< OKAYx`)
    expect(await codeOf(run(refused.client))).toBe('terminal-refused')
    expect(await refused.client.getvar('product', io())).toBe('x')
  })

  it('does not claim a reboot when the terminal was gone before', async () => {
    const { client } = play('gone')
    expect(await codeOf(client.reboot(io()))).toBe('terminal-gone')
  })

  it('refuses commands that no terminal could read, and stays usable', async () => {
    const { client } = play('> getvar:product\n< OKAYx')
    expect(await codeOf(client.oem('a\nb', io()))).toBe('usage')
    expect(await codeOf(client.oem('é', io()))).toBe('usage')
    expect(await codeOf(client.oem('x'.repeat(5000), io()))).toBe('usage')
    expect(await client.getvar('product', io())).toBe('x')
  })

  it('names the limit of old bootloaders when a long command is refused', async () => {
    const words = 'x'.repeat(80)
    const { client } = play(`> oem ${words}\n< FAILunknown`)
    await expect(client.oem(words, io())).rejects.toThrow(/old bootloaders read only 64/)
  })

  it('does one command at a time', async () => {
    const { client } = play('> getvar:a\n< OKAY1')
    const first = client.getvar('a', io())
    expect(await codeOf(client.getvar('b', io()))).toBe('internal')
    expect(await first).toBe('1')
  })
})

describe('deadlines', () => {
  it('never takes a late reply for the answer to the next command', async () => {
    const { client } = play('> getvar:a')
    expect(await codeOf(client.getvar('a', io(20)))).toBe('terminal-silent')
    expect(await codeOf(client.getvar('b', io()))).toBe('terminal-silent')
  })

  it('never takes a reply that came twice for the answer to the next command', async () => {
    const { client } = play(
      '> download:00000004\n< DATA00000004\n> #4\n< OKAY\n< OKAY\n> flash:boot_b\n< FAILno',
    )
    await client.download(4, [counting(4)], io())
    expect(await codeOf(client.flash('boot_b', io()))).toBe('terminal-garbled')
  })

  it('ends with the signal', async () => {
    const { client } = play('> flash:boot_b\n< INFOwriting')
    const stop = new AbortController()
    const flashing = client.flash('boot_b', { signal: stop.signal, deadline: Deadline.after(5_000) })
    setTimeout(() => stop.abort(), 10)
    expect(await codeOf(flashing)).toBe('cancelled')
    expect(client.failure?.code).toBe('cancelled')
  })

  it('restarts with each INFO', async () => {
    const seen: number[] = []
    const replies = ['INFO1', 'INFO2', 'TEXT3', 'OKAY']
    const transport: Transport = {
      send: async () => undefined,
      receive: async (_max, o) => {
        seen.push(o.deadline.remainingMs)
        await new Promise((resolve) => setTimeout(resolve, 30))
        return new Uint8Array(Buffer.from(replies.shift() ?? 'FAIL'))
      },
      close: async () => undefined,
    }
    await new FastbootClient(transport).erase('userdata', io(Number.POSITIVE_INFINITY))
    expect(seen).toHaveLength(4)
    for (const left of seen) expect(left).toBeGreaterThan(299_980)
  })
})

describe('garbage', () => {
  it('stops a terminal that never comes to an end', async () => {
    let count = 0
    const transport: Transport = {
      send: async () => undefined,
      receive: async () => {
        count += 1
        return new Uint8Array(Buffer.from('INFOstill busy'))
      },
      close: async () => undefined,
    }
    expect(await codeOf(new FastbootClient(transport).erase('userdata', io(60_000)))).toBe('terminal-garbled')
    expect(count).toBeLessThanOrEqual(20_000)
  })

  it.each(['', 'OKA', 'okay', 'HELLO', `OKAY${'x'.repeat(260)}`, 'DATA00000004'])(
    'ends on %j',
    async (reply) => {
      const transport: Transport = {
        send: async () => undefined,
        receive: async (max) => new Uint8Array(Buffer.from(reply)).subarray(0, max),
        close: async () => undefined,
      }
      const client = new FastbootClient(transport)
      expect(await codeOf(client.flash('boot', io()))).toBe('terminal-garbled')
      expect(await codeOf(client.getvar('product', io()))).toBe('terminal-garbled')
    },
  )

  it('takes a reply of exactly 256 bytes, and keeps control characters from the screen', async () => {
    const { client } = play(`> getvar:long\n< OKAY${'y'.repeat(252)}\n> getvar:esc\n< OKAY\x1b[2Jx\x00rest`)
    expect(await client.getvar('long', io())).toHaveLength(252)
    expect(await client.getvar('esc', io())).toBe('[2Jx')
  })

  it('whatever arrives, every command ends with a result or one of our errors', async () => {
    const reply = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(
          fc.constantFrom('OKAY', 'FAIL', 'INFO', 'TEXT', 'DATA', 'DATA0000', 'DATA00000008'),
          fc.uint8Array({ maxLength: 300 }),
        )
        .map(([word, rest]) => new Uint8Array(Buffer.concat([Buffer.from(word), rest]))),
    )
    const command = fc.constantFrom<(c: FastbootClient) => Promise<unknown>>(
      (c) => c.getvar('product', io()),
      (c) => c.getvarAll(io()),
      (c) => c.download(8, [counting(8)], io()),
      (c) => c.flash('boot_a', io()),
      (c) => collect(c.fetch('boot_a', io(), { offset: 0, length: 8 })),
      (c) => collect(c.upload(io())),
      (c) => c.reboot(io()),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(reply, { maxLength: 8 }),
        fc.array(command, { minLength: 1, maxLength: 4 }),
        async (replies, commands) => {
          const queue = [...replies]
          const client = new FastbootClient({
            send: async () => undefined,
            receive: async (max) => {
              const next = queue.shift()
              if (!next) throw new SlotbenchError('terminal-gone', 'the end')
              if (next.length > max) queue.unshift(new Uint8Array(next.subarray(max)))
              return new Uint8Array(next.subarray(0, max))
            },
            close: async () => undefined,
          })
          for (const run of commands) {
            try {
              await run(client)
            } catch (thrown) {
              expect(thrown).toBeInstanceOf(SlotbenchError)
              expect((thrown as SlotbenchError).code).toMatch(/^terminal-/)
            }
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
