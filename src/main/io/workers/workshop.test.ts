// The codecs against the programs that define them, and threads that fail.
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, describe, expect, it, type TestContext } from 'vitest'
import { NEVER } from '../../../../test/images.ts'
import { requireTool } from '../../../../test/tools.ts'
import { sha256 } from '../../../shared/units.ts'
import type { Codec, DecodeJob, Workshop } from '../../core/workshop.ts'
import { createWorkshop } from './workshop.ts'

const folder = mkdtempSync(join(tmpdir(), 'slotbench-workshop-'))
const workshop = createWorkshop({ width: 2 })
afterAll(async () => {
  await workshop.close()
  rmSync(folder, { recursive: true })
})

/** Noise, then text: shrinks, but not to nothing. */
function sample(noise: number, text: number): Buffer {
  return Buffer.concat([randomBytes(noise), Buffer.alloc(text, 'slot a, slot b, ')])
}

const MIB = 1024 * 1024
const SMALL = sample(MIB, MIB)
/** Larger than what travels in one message. */
const LARGE = sample(MIB, 16 * MIB)

const PROGRAMS: readonly (readonly [Codec, string, readonly string[]])[] = [
  ['xz', 'xz', ['-1', '--check=crc32', '-c']],
  ['bzip2', 'bzip2', ['-1', '-c']],
  ['zstd', 'zstd', ['-q', '-c']],
]

const compressed = new Map<string, Buffer>()

function compress(program: string, args: readonly string[], data: Buffer, test: TestContext) {
  const path = requireTool(program, test)
  const key = [path, ...args, data.length].join(' ')
  const known = compressed.get(key) ?? execFileSync(path, args, { input: data, maxBuffer: 64 * MIB })
  compressed.set(key, known)
  return new Uint8Array(known)
}

const jobOf = (codec: Codec, input: Uint8Array<ArrayBuffer>, outputBytes: number): DecodeJob => ({
  codec,
  input,
  inputBytes: input.length,
  outputBytes,
})

async function* pieces(bytes: Uint8Array<ArrayBuffer>) {
  for (let at = 0; at < bytes.length; at += 300_000) yield bytes.slice(at, at + 300_000)
}

async function decoded(job: DecodeJob, shop: Workshop = workshop): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of shop.decode(job, NEVER)) {
    expect(part.length).toBeLessThanOrEqual(4 * MIB)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

describe.each(PROGRAMS)('%s', (codec, program, args) => {
  it('expands small jobs and streams', async (test) => {
    const small = compress(program, args, SMALL, test)
    expect(Buffer.compare(await decoded(jobOf(codec, small.slice(), SMALL.length)), SMALL)).toBe(0)
    const large = compress(program, args, LARGE, test)
    const job = { ...jobOf(codec, large, LARGE.length), input: pieces(large) }
    expect(Buffer.compare(await decoded(job), LARGE)).toBe(0)
  })

  it('refuses a byte more, a byte less, damage, truncation and another digest', async (test) => {
    const input = compress(program, args, SMALL, test)
    const refused = async (job: DecodeJob, code: string) =>
      expect(
        await decoded(job).then(
          () => 'expanded',
          (error: unknown) => error,
        ),
      ).toMatchObject({ code })
    await refused(jobOf(codec, input.slice(), SMALL.length - 1), 'decode-failed')
    await refused(jobOf(codec, input.slice(), SMALL.length + 1), 'decode-failed')
    const flipped = input.slice()
    flipped[1000] = (flipped[1000] ?? 0) ^ 0x10
    const promised = { inputSha256: sha256(createHash('sha256').update(input).digest('hex')) }
    await refused({ ...jobOf(codec, flipped, SMALL.length), ...promised }, 'decode-failed')
    await refused(jobOf(codec, input.slice(0, -100), SMALL.length), 'decode-failed')
    await refused(jobOf(codec, new Uint8Array(50), SMALL.length), 'decode-failed')
    const wrong = { ...jobOf(codec, input.slice(), SMALL.length), inputSha256: sha256('0'.repeat(64)) }
    await refused(wrong, 'digest-mismatch')
    const streamed = { ...jobOf(codec, input, 18 * MIB), input: pieces(input) }
    await refused(streamed, 'decode-failed')
  })
})

// AOSP's generator writes CRC-32 or none, because update_engine's own decoder (xz-embedded, as here) knows no SHA-256.
describe('xz checks', () => {
  it.for(['none', 'crc32', 'crc64'])('%s is accepted', async (check, test) => {
    const input = compress('xz', ['-1', `--check=${check}`, '-c'], SMALL, test)
    expect(Buffer.compare(await decoded(jobOf('xz', input, SMALL.length)), SMALL)).toBe(0)
  })

  it.for(['crc32', 'crc64'])('%s is compared', async (check, test) => {
    const input = compress('xz', ['-0', `--check=${check}`, '-c'], SMALL, test)
    // The block's check stands just before the index and the footer of 12 bytes; the index of one block has 16 here.
    const at = input.length - 12 - 16 - 1
    input[at] = (input[at] ?? 0) ^ 1
    const error = await decoded(jobOf('xz', input, SMALL.length)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'decode-failed' })
  })

  it('sha256 is refused rather than left unchecked', async (test) => {
    const input = compress('xz', ['-1', '--check=sha256', '-c'], SMALL, test)
    await expect(decoded(jobOf('xz', input, SMALL.length))).rejects.toMatchObject({ code: 'decode-failed' })
  })
})

describe('streams', () => {
  it('several on one thread advance in any order', async (test) => {
    const shop = createWorkshop({ width: 1 })
    const input = compress('xz', ['-1', '--check=crc32', '-c'], LARGE, test)
    const open = () => shop.decode({ ...jobOf('xz', input, LARGE.length), input: pieces(input) }, NEVER)
    const [first, second] = [open()[Symbol.asyncIterator](), open()[Symbol.asyncIterator]()]
    const sizes = [0, 0]
    for (let i = 0; i < 5; i++) {
      sizes[0] = (sizes[0] ?? 0) + ((await first.next()).value?.length ?? 0)
      sizes[1] = (sizes[1] ?? 0) + ((await second.next()).value?.length ?? 0)
    }
    expect(sizes).toEqual([5 * MIB, 5 * MIB])
    await first.return?.()
    await second.return?.()
    await shop.close()
  })

  it('pass on what goes wrong with their input, and end it when the reader leaves', async (test) => {
    const input = compress('xz', ['-1', '--check=crc32', '-c'], LARGE, test)
    let ended = 0
    async function* failing() {
      try {
        yield* pieces(input)
      } finally {
        ended++
      }
    }
    const job = () => ({ ...jobOf('xz', input, LARGE.length), input: failing() })
    for await (const _ of workshop.decode(job(), NEVER)) break
    expect(ended).toBe(1)
    const stop = new AbortController()
    const cancelled = async () => {
      for await (const _ of workshop.decode(job(), stop.signal)) stop.abort()
    }
    await expect(cancelled()).rejects.toMatchObject({ code: 'cancelled' })
    expect(ended).toBe(2)
    async function* broken() {
      yield input.slice(0, 100_000)
      throw new Error('the disk is gone')
    }
    const bad = { ...jobOf('xz', input, LARGE.length), input: broken() }
    await expect(decoded(bad)).rejects.toMatchObject({ message: 'the disk is gone' })
  })
})

describe('hashers', () => {
  it('count bytes and fills, and give the bytes back', async () => {
    const hasher = workshop.hasher()
    const bytes = new Uint8Array(randomBytes(100_000))
    const expected = createHash('sha256')
      .update(bytes)
      .update(Buffer.alloc(3_000_001, Buffer.from([4, 3, 2, 1])))
    const [back] = await Promise.all([hasher.update(bytes.slice()), hasher.fill(0x01020304, 3_000_001)])
    expect(Buffer.compare(back, bytes)).toBe(0)
    expect(await hasher.digest()).toBe(expected.digest('hex'))
    await expect(hasher.fill(0, 4)).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('hash a part of a buffer without taking the rest along', async () => {
    const whole = new Uint8Array(1000).fill(7)
    const { sha256: digest } = await workshop.sha256(whole.subarray(100, 200))
    expect(digest).toBe(createHash('sha256').update(whole.subarray(100, 200)).digest('hex'))
    expect(whole.length).toBe(1000)
  })

  it('answer while every decoder is busy', async (test) => {
    const shop = createWorkshop({ width: 1 })
    const input = compress('xz', ['-9', '--check=crc32', '-c'], SMALL, test)
    await decoded(jobOf('xz', input.slice(), SMALL.length), shop)
    await shop.sha256(new Uint8Array(1000))
    let running = 12
    const jobs = Array.from({ length: running }, () =>
      decoded(jobOf('xz', input.slice(), SMALL.length), shop).finally(() => running--),
    )
    await shop.sha256(new Uint8Array(1000))
    expect(running).toBeGreaterThan(0)
    await Promise.all(jobs)
    await shop.close()
  })
})

describe('threads that die', () => {
  let shop: Workshop | undefined
  afterEach(() => shop?.close())

  it('fail their jobs clearly and are replaced', async () => {
    const marker = join(folder, 'died')
    const program = join(folder, 'mortal.mjs')
    // Dies on its first job ever; its successor answers.
    writeFileSync(
      program,
      `import { existsSync, writeFileSync } from 'node:fs'
       import { parentPort } from 'node:worker_threads'
       parentPort.on('message', ({ kind, job }) => {
         if (kind === 'forget') return
         if (!existsSync(${JSON.stringify(marker)})) { writeFileSync(${JSON.stringify(marker)}, ''); throw new Error('struck') }
         parentPort.postMessage({ kind: 'decoded', job, pieces: [new Uint8Array([42])] })
       })`,
    )
    shop = createWorkshop({ width: 1, worker: pathToFileURL(program) })
    const job = () => jobOf('xz', new Uint8Array(10), 1)
    await expect(decoded(job(), shop)).rejects.toMatchObject({ code: 'internal', message: /struck/ })
    expect(await decoded(job(), shop)).toEqual(Buffer.from([42]))
  })

  it('a closed workshop ends what waits for it', async () => {
    shop = createWorkshop({ width: 1 })
    const waiting = decoded(jobOf('xz', new Uint8Array(10), 1), shop)
    const hashing = shop.sha256(new Uint8Array(10))
    const results = Promise.allSettled([waiting, hashing])
    await shop.close()
    for (const result of await results) expect(result).toMatchObject({ reason: { code: 'cancelled' } })
    await expect(decoded(jobOf('xz', new Uint8Array(10), 1), shop)).rejects.toMatchObject({
      code: 'cancelled',
    })
  })
})
