import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AdbDouble, type AdbDoubleOptions } from '../../../../test/adb-double.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { connectAdb } from './connection.ts'
import type { AdbCredentials, AdbKey } from './credentials.ts'
import { adbKey } from './rsa-key.ts'

const io = (ms = 1_000): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(ms) })

function newKey(name: string): AdbKey {
  const pem = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
  const key = adbKey(createPrivateKey(pem), name)
  if (!key) throw new Error('the key is none')
  return key
}

const ours = newKey('ours@bench')
const second = newKey('second@bench')
const credentials: AdbCredentials = { keys: async () => [ours, second] }
const base64 = (key: AdbKey) => key.publicKey.split(' ')[0] ?? ''

/** Promises that nobody attended, of ours or of the library. */
const unattended: unknown[] = []
const notice = (reason: unknown) => unattended.push(reason)
beforeEach(() => {
  unattended.length = 0
  process.on('unhandledRejection', notice)
})
afterEach(async () => {
  await new Promise((resolve) => setTimeout(resolve, 5))
  process.off('unhandledRejection', notice)
  expect(unattended).toEqual([])
})

async function connect(options: AdbDoubleOptions = {}, ms = 1_000, lingers = true) {
  const device = new AdbDouble(options)
  const prompts: string[] = []
  const connecting = connectAdb(device, {
    ...io(ms),
    credentials,
    onPrompt: () => prompts.push(device.log.at(-1) ?? ''),
    lingers,
  })
  return { device, prompts, connecting }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  return thrown instanceof SlotbenchError ? thrown.code : `not ours: ${String(thrown)}`
}

describe('letting this computer in', () => {
  it('asks no key where the terminal asks nobody', async () => {
    const device = new AdbDouble({ banner: 'sideload::ro.product.device=NX679J;features=' })
    const keys = () => Promise.reject(new Error('nobody should ask'))
    const connection = await connectAdb(device, { ...io(), credentials: { keys }, lingers: true })
    expect(connection.state).toBe('sideload')
    expect([...connection.names]).toEqual([['ro.product.device', 'NX679J']])
    expect([device.framed, device.checksums]).toEqual([true, true])
    await connection.close()
    await connection.close()
    expect(device.closed).toBe(true)
    expect(device.receiving).toBe(0)
  })

  it('signs with our key, and with the next one where ours is unknown', async () => {
    for (const [key, log] of [
      [ours, ['CNXN', 'signature']],
      [second, ['CNXN', 'signature', 'signature']],
    ] as const) {
      const { device, prompts, connecting } = await connect({ trusted: [base64(key)] })
      const connection = await connecting
      expect(device.log).toEqual(log)
      expect(prompts).toEqual([])
      await connection.close()
    }
  })

  it('offers our key when no signature is known, says so, and waits for the answer on the screen', async () => {
    const { device, prompts, connecting } = await connect({ trusted: [], prompt: 'allow' })
    await (await connecting).close()
    expect(device.log.slice(0, 4)).toEqual(['CNXN', 'signature', 'signature', 'public key'])
    expect(prompts).toEqual(['signature'])
    expect(device.offered).toBe(`${ours.publicKey}\0`)
  })

  it.each(['refuse', 'hang-up', 'nothing'] as const)(
    'is not let in when the prompt ends with: %s',
    async (prompt) => {
      const { device, connecting } = await connect({ trusted: [], prompt }, 100)
      expect(await codeOf(connecting)).toBe('adb-unauthorised')
      expect(device.closed).toBe(true)
      expect(device.receiving).toBe(0)
    },
  )

  it('gives up the prompt when the work is cancelled', async () => {
    const device = new AdbDouble({ trusted: [], prompt: 'nothing' })
    const stop = new AbortController()
    const o = { signal: stop.signal, deadline: Deadline.after(5_000) }
    const connecting = connectAdb(device, { ...o, credentials, onPrompt: () => stop.abort(), lingers: true })
    expect(await codeOf(connecting)).toBe('cancelled')
    expect(device.closed).toBe(true)
  })

  it('passes on what is wrong with our key', async () => {
    const keys = async () => {
      throw new SlotbenchError('adb-key-invalid', 'broken')
    }
    const device = new AdbDouble({ trusted: [] })
    const connecting = connectAdb(device, { ...io(), credentials: { keys }, lingers: true })
    expect(await codeOf(connecting)).toBe('adb-key-invalid')
    expect(device.closed).toBe(true)
  })
})

describe('a dirty start', () => {
  it('finds the greeting behind the rest of a payload and packets for an earlier program', async () => {
    const stale = new AdbDouble()
    const leftover = Buffer.concat([
      Buffer.alloc(5_001, 'WRTE'),
      stale.packet('OKAY', 3, 9),
      stale.packet('WRTE', 3, 9, 'old news'),
      stale.packet('CLSE', 3, 9),
    ])
    const { connecting } = await connect({ leftover })
    const connection = await connecting
    expect(connection.state).toBe('device')
    await connection.close()
  })

  it('greets again a terminal that waits for the rest of a payload', async () => {
    const { device, connecting } = await connect({ owed: 20 }, 5_000)
    const connection = await connecting
    expect(device.log).toEqual(['CNXN'])
    await connection.close()
  })

  it('leaves no read under way, so that the interface is free for the next program', async () => {
    const { device, connecting } = await connect()
    const connection = await connecting
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(device.receiving).toBe(1)
    await connection.close()
    expect(device.receiving).toBe(0)
    expect(device.log).toEqual(['CNXN', 'CNXN'])
  })
})

describe('terminals that do not behave', () => {
  it('says terminal-silent to silence and terminal-garbled to other noises', async () => {
    expect(await codeOf((await connect({ garbage: new Uint8Array(0) }, 60)).connecting)).toBe(
      'terminal-silent',
    )
    const noise = Buffer.alloc(3 * 1024 * 1024, 'HTTP/1.1 400')
    expect(await codeOf((await connect({ garbage: noise })).connecting)).toBe('terminal-garbled')
  })

  it.each([
    ['a payload of nothing', { maxPayload: 0 }],
    ['a version before the first', { version: 3 }],
  ])('refuses a greeting with %s', async (_, options) => {
    expect(await codeOf((await connect(options)).connecting)).toBe('terminal-garbled')
  })

  it('says terminal-refused for a service that is not there, and goes on', async () => {
    const { connecting } = await connect({ services: { 'exec:ok': (stream) => stream.say('fine') } })
    const connection = await connecting
    expect(await codeOf(connection.text('exec:nothing', io()))).toBe('terminal-refused')
    expect(await connection.text('exec:ok', io())).toBe('fine')
    await connection.close()
  })

  it('ends everything with terminal-gone when the cable is pulled', async () => {
    const { device, connecting } = await connect({ services: { '*': () => new Promise(() => {}) } })
    const connection = await connecting
    const reading = codeOf(connection.text('exec:hang', io()))
    const stream = await connection.open('exec:other', io())
    await stream.write(new Uint8Array(10), io())
    const writing = codeOf(stream.write(new Uint8Array(10), io()))
    device.pull()
    expect([await reading, await writing]).toEqual(['terminal-gone', 'terminal-gone'])
    expect(await codeOf(connection.open('exec:late', io()))).toBe('terminal-gone')
    await stream.close()
    await connection.close()
  })

  it('is silent at its deadline, cancelled at its signal, and usable after both', async () => {
    const { connecting } = await connect({
      services: { 'exec:hang': () => new Promise(() => {}), 'exec:ok': (stream) => stream.say('fine') },
    })
    const connection = await connecting
    expect(await codeOf(connection.text('exec:hang', io(30)))).toBe('terminal-silent')
    const stop = new AbortController()
    const cancelled = connection.text('exec:hang', { ...io(), signal: stop.signal })
    stop.abort()
    expect(await codeOf(cancelled)).toBe('cancelled')
    expect(await connection.text('exec:ok', io())).toBe('fine')
    await connection.close()
  })

  it('takes a new greeting in the middle for what it is: the terminal started anew', async () => {
    const { device, connecting } = await connect()
    const connection = await connecting
    device.blurt(device.packet('CNXN', 0x01000001, 4096, 'device::'))
    expect(await codeOf(connection.text('exec:x', io()))).toBe('terminal-gone')
    await connection.close()
  })

  it('splits what is written at the payload that the terminal takes, with sums where it is old', async () => {
    const sizes: number[] = []
    const service = async (stream: { hear(): Promise<Buffer> }) => {
      while (sizes.reduce((all, size) => all + size, 0) < 10_000) sizes.push((await stream.hear()).length)
    }
    const { device, connecting } = await connect({
      version: 0x01000000,
      maxPayload: 4096,
      services: { 'exec:eat': service },
    })
    const connection = await connecting
    const stream = await connection.open('exec:eat', io())
    await stream.write(new Uint8Array(10_000).fill(201), io())
    expect(await stream.read(io())).toBeUndefined()
    expect(sizes).toEqual([4096, 4096, 1808])
    expect(device.checksums).toBe(true)
    await connection.close()
  })
})

describe('whatever a terminal sends', () => {
  const command = fc.constantFrom('CNXN', 'AUTH', 'OPEN', 'OKAY', 'WRTE', 'CLSE', 'STLS')
  const number = fc.oneof(fc.nat(4), fc.integer({ min: 0, max: 0xffff_ffff }))
  const packet = fc
    .tuple(command, number, number, fc.uint8Array({ maxLength: 40 }))
    .map(([name, arg0, arg1, payload]) => new AdbDouble().packet(name, arg0, arg1, payload))

  it('instead of a greeting, the end is a connection or one of our errors', async () => {
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(packet, { maxLength: 5 }).map((packets) => Buffer.concat(packets)),
    )
    await fc.assert(
      fc.asyncProperty(garbage, async (bytes) => {
        const { connecting } = await connect({ garbage: bytes }, 15, false)
        const end = await connecting.then(
          async (connection) => {
            const code = await codeOf(connection.text('exec:x', io(15)))
            await connection.close()
            return code
          },
          (thrown: unknown) => (thrown instanceof SlotbenchError ? thrown.code : String(thrown)),
        )
        expect(end).toMatch(/^(terminal-|adb-unauthorised)/)
      }),
      { numRuns: 80 },
    )
  })

  it('in the middle of a service, the end is its text or one of our errors', async () => {
    const noise = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 60 }), packet)
    await fc.assert(
      fc.asyncProperty(fc.array(noise, { maxLength: 4 }), async (pieces) => {
        const service = async () => {
          for (const piece of pieces) device.blurt(piece)
        }
        const { device, connecting } = await connect({ services: { 'exec:x': service } }, 500, false)
        const connection = await connecting
        const end = await connection.text('exec:x', io(15)).then(
          () => 'text',
          (thrown: unknown) => (thrown instanceof SlotbenchError ? thrown.code : String(thrown)),
        )
        expect(end).toMatch(/^(text$|terminal-)/)
        await connection.close()
      }),
      { numRuns: 80 },
    )
  })
})
