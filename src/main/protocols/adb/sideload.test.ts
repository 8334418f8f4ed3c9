import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AdbDouble, type DoubleService, type DoubleStream } from '../../../../test/adb-double.ts'
import { counting } from '../../../../test/scripted-transport.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { Deadline, type IoOptions } from '../../../shared/io-options.ts'
import { bytes } from '../../../shared/units.ts'
import type { ByteSource } from '../../core/source.ts'
import { connectAdb } from './connection.ts'
import { BLOCK_BYTES, type SideloadOptions, sideload } from './sideload.ts'

const io = (ms = 2_000): IoOptions => ({ signal: new AbortController().signal, deadline: Deadline.after(ms) })
const file = counting(20 * BLOCK_BYTES + 777)
const BLOCKS = 21

function source(content = file): ByteSource & { reads: number } {
  return {
    name: 'ota.zip',
    size: bytes(content.length),
    reads: 0,
    async read(offset, length) {
      this.reads += 1
      return content.slice(offset, offset + length)
    },
    close: async () => undefined,
  }
}

async function ask(stream: DoubleStream, block: number): Promise<Buffer> {
  const end = Math.min((block + 1) * BLOCK_BYTES, file.length)
  await stream.say(String(block).padStart(8, '0'))
  let got = Buffer.alloc(0)
  while (got.length < end - block * BLOCK_BYTES) got = Buffer.concat([got, await stream.hear()])
  return got
}

/** What becomes of a sideload to a recovery that does this. */
async function run(service: DoubleService, o: SideloadOptions = io(), content = source()) {
  const device = new AdbDouble({ banner: 'sideload::', services: { '*': service } })
  const credentials = { keys: () => Promise.reject(new Error('no key is needed')) }
  const connection = await connectAdb(device, { ...io(), credentials, lingers: false })
  const progress: number[] = []
  const onProgress = (done: number) => progress.push(done)
  try {
    const receipt = await sideload(connection, 'sideload-host', content, { ...o, onProgress })
    return { device, progress, receipt, code: 'done', message: '' }
  } catch (thrown) {
    const error = thrown instanceof SlotbenchError ? thrown : undefined
    return { device, progress, code: error?.code ?? `not ours: ${thrown}`, message: error?.message }
  } finally {
    await connection.close()
  }
}

describe('sideload', () => {
  it('gives the blocks that are asked for, the last one short, and counts what was read twice', async () => {
    const got = Buffer.alloc(file.length)
    const content = source()
    const { device, receipt, progress } = await run(
      async (stream) => {
        for (const block of [20, 0, 19, ...Array(BLOCKS).keys()])
          (await ask(stream, block)).copy(got, block * BLOCK_BYTES)
        await stream.say('DONEDONE')
      },
      io(),
      content,
    )
    expect(device.log[1]).toBe(`sideload-host:${file.length}:65536`)
    expect(got.equals(Buffer.from(file))).toBe(true)
    expect(receipt?.sentBytes).toBe(file.length + 777 + 2 * BLOCK_BYTES)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    expect(progress.at(-1)).toBe(file.length)
    expect(content.reads).toBeLessThanOrEqual(4)
  })

  it.each([4096, 256 * 1024, 1024 * 1024])(
    'gives blocks of %d bytes where they are wanted',
    async (blockBytes) => {
      const blocks = Math.ceil(file.length / blockBytes)
      const got: Buffer[] = []
      const { device, receipt } = await run(
        async (stream) => {
          for (let block = 0; block < blocks; block++) {
            await stream.say(String(block).padStart(8, '0'))
            const end = Math.min((block + 1) * blockBytes, file.length)
            for (let length = block * blockBytes; length < end; length += got.at(-1)?.length ?? 0)
              got.push(await stream.hear())
          }
          await stream.say('DONEDONE')
        },
        { ...io(), blockBytes },
      )
      expect(device.log[1]).toBe(`sideload-host:${file.length}:${blockBytes}`)
      expect(Buffer.concat(got).equals(Buffer.from(file))).toBe(true)
      expect(receipt?.sentBytes).toBe(file.length)
      expect(
        (await run((stream) => stream.say(String(blocks).padStart(8, '0')), { ...io(), blockBytes })).code,
      ).toBe('terminal-garbled')
    },
  )

  it('reads requests however they are cut into packets', async () => {
    const { code } = await run(async (stream) => {
      for (const block of Array(BLOCKS - 1).keys()) await ask(stream, block)
      await stream.say('0000')
      await stream.say('0020')
      await stream.hear()
      await stream.say('DONE')
      await stream.say('DONE')
    })
    expect(code).toBe('done')
  })

  it('takes FAILFAIL, an end without a verdict, and DONEDONE after a glance for refusals, with how far it got', async () => {
    const cases: readonly (readonly [DoubleService, RegExp])[] = [
      [(stream) => stream.say('FAILFAIL'), /could not install.* 1 of 21/],
      [async () => {}, /without a verdict.* 1 of 21/],
      [(stream) => stream.say('DONEDONE'), /says it is done.* 1 of 21/],
    ]
    for (const [end, words] of cases) {
      const result = await run(async (stream) => {
        await ask(stream, 20)
        await end(stream)
      })
      expect(result.code).toBe('sideload-refused')
      expect(result.message).toMatch(words)
    }
  })

  it.each(['00000021', '99999999', '-0000001', '0x000001', 'GARBAGE!'])(
    'does not follow a request for %s',
    async (words) => {
      expect((await run((stream) => stream.say(words))).code).toBe('terminal-garbled')
    },
  )

  it('ends at a stall, at a pulled cable, and when it is cancelled', async () => {
    expect((await run(() => new Promise(() => {}), io(40))).code).toBe('terminal-silent')
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 20)
    expect((await run(() => new Promise(() => {}), { ...io(), signal: stop.signal })).code).toBe('cancelled')
    const device = new AdbDouble({
      banner: 'sideload::',
      services: {
        '*': async (stream) => {
          await ask(stream, 0)
          device.pull()
          await new Promise(() => {})
        },
      },
    })
    const connection = await connectAdb(device, {
      ...io(),
      credentials: { keys: () => Promise.reject(new Error('no key')) },
      lingers: false,
    })
    await expect(sideload(connection, 'sideload-host', source(), io())).rejects.toMatchObject({
      code: 'terminal-gone',
    })
    await connection.close()
  })

  it('passes on that the file cannot be read', async () => {
    const broken = {
      ...source(),
      read: async () => {
        throw new SlotbenchError('source-truncated', 'too short')
      },
    }
    expect((await run((stream) => stream.say('00000000'), io(), broken)).code).toBe('source-truncated')
  })

  it('whatever is asked for, the end is a receipt or one of our errors', async () => {
    const request = fc.oneof(
      fc.nat(25).map((block) => String(block).padStart(8, '0')),
      fc.constantFrom('DONEDONE', 'FAILFAIL'),
      fc.string({ maxLength: 12 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 6 }), async (requests) => {
        const { code } = await run(async (stream) => {
          for (const words of requests) {
            await stream.say(words)
            await Promise.race([stream.hear(), new Promise((resolve) => setTimeout(resolve, 2))])
          }
        }, io(200))
        expect(code).toMatch(/^(done|sideload-refused|terminal-)/)
      }),
      { numRuns: 40 },
    )
  })
})
