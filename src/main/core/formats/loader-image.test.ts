import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, type TestContext } from 'vitest'
import {
  certificateChain,
  elfLoader,
  type HashVersion,
  hashSegment,
  mbnLoader,
  memorySource,
} from '../../../../test/loader-files.ts'
import { requireTool } from '../../../../test/tools.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { type LoaderImage, loaderFits, readLoader } from './loader-image.ts'

const UNITS = [
  '01 0000000000000003 SW_ID',
  '02 000460E100040000 HW_ID',
  '03 0000000000000002 DEBUG',
  '04 0004 OEM_ID',
  '05 00000168 SW_SIZE',
  '06 0000 MODEL_ID',
  '07 0001 SHA256',
]
const HW_ID = '000460e100040000'

const chains = new Map<string, readonly Uint8Array[]>()
function chainOf(test: TestContext, key: 'rsa' | 'p384', count = 2): readonly Uint8Array[] {
  const name = `${key} ${count}`
  const made =
    chains.get(name) ?? certificateChain(requireTool('openssl', test), { key, units: UNITS, count })
  chains.set(name, made)
  return made
}

const digest = (algorithm: string, content: Uint8Array | undefined) =>
  createHash(algorithm)
    .update(content ?? '')
    .digest('hex')
const read = (file: Uint8Array<ArrayBuffer>) => readLoader(memorySource(file))

async function codeOf(work: Promise<unknown>): Promise<string> {
  const thrown = await work.then(
    () => new Error('a result'),
    (error: unknown) => error,
  )
  return thrown instanceof SlotbenchError ? thrown.code : `not ours: ${String(thrown)}`
}

describe('reading', () => {
  it.for([
    [64, 3, 'rsa', 2],
    [32, 3, 'rsa', 3],
    [64, 5, 'rsa', 2],
    [64, 6, 'p384', 2],
    [64, 7, 'p384', 3],
  ] as const)(
    'an ELF%i with a hash segment of version %i and %s certificates',
    async ([bits, version, key, count], test) => {
      const chain = chainOf(test, key, count)
      const file = elfLoader(bits, hashSegment(version, chain))
      const loader = await read(file)
      expect(loader).toMatchObject({
        format: `elf${bits}`,
        size: file.length,
        sha256: digest('sha256', file),
      })
      expect(loader.segments.map(({ kind }) => kind)).toEqual(['headers', 'hash', 'load'])
      expect(loader.signature).toMatchObject({
        version,
        root: {
          sha256: digest('sha256', chain.at(-1)),
          sha384: digest('sha384', chain.at(-1)),
          isRoot: true,
        },
        ids: { swId: '0000000000000003', hwId: HW_ID, oemId: '0004', modelId: '0000' },
      })
      expect(loader.signature?.certificates.map(({ sha256 }) => sha256)).toEqual(
        chain.map((der) => digest('sha256', der)),
      )
    },
  )

  it.for([false, true])('an MBN, with its long header: %s', async (long, test) => {
    const chain = chainOf(test, 'rsa')
    const loader = await read(mbnLoader(chain, long))
    expect(loader.format).toBe('mbn')
    expect(loader.signature).toMatchObject({
      root: { sha256: digest('sha256', chain[1]) },
      ids: { hwId: HW_ID },
    })
    expect((await read(mbnLoader([], long))).signature).toBeUndefined()
  })

  it('an unsigned image, and one signed in a way that is not known', async () => {
    expect((await read(elfLoader(64, undefined))).signature).toBeUndefined()
    const later = hashSegment(7, [])
    later[4] = 9
    expect((await read(elfLoader(64, later))).signature).toBeUndefined()
    expect((await read(elfLoader(64, hashSegment(6, [])))).signature).toBeUndefined()
  })

  it('agrees with readelf about the segments and with openssl about the certificates', async (test) => {
    const readelf = requireTool('readelf', test)
    const openssl = requireTool('openssl', test)
    const folder = mkdtempSync(join(tmpdir(), 'slotbench-loader-'))
    try {
      for (const bits of [32, 64] as const) {
        const chain = chainOf(test, 'p384')
        const file = elfLoader(bits, hashSegment(6, chain))
        writeFileSync(join(folder, 'loader.elf'), file)
        const text = execFileSync(readelf, ['-lW', join(folder, 'loader.elf')], { encoding: 'utf8' })
        const theirs = [...text.matchAll(/^ {2}(?:NULL|LOAD)\s+(0x\w+) 0x\w+ 0x\w+ (0x\w+)/gm)]
        const loader = await read(file)
        expect(theirs.map(([, offset, size]) => [Number(offset), Number(size)])).toEqual(
          loader.segments.map(({ offset, size }) => [offset, size]),
        )
        writeFileSync(join(folder, 'root.der'), chain[1] ?? '')
        const print = (hash: string) =>
          execFileSync(
            openssl,
            ['x509', '-inform', 'DER', '-in', join(folder, 'root.der'), '-noout', '-fingerprint', hash],
            {
              encoding: 'utf8',
            },
          )
        const plain = (line: string) => line.split('=')[1]?.replaceAll(':', '').trim().toLowerCase()
        expect(plain(print('-sha256'))).toBe(loader.signature?.root.sha256)
        expect(plain(print('-sha384'))).toBe(loader.signature?.root.sha384)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('what is no loader', () => {
  const valid = elfLoader(64, hashSegment(3, []))
  const changed = (change: (view: DataView) => void): Uint8Array<ArrayBuffer> => {
    const copy = valid.slice()
    change(new DataView(copy.buffer))
    return copy
  }

  it.each([
    ['nothing', new Uint8Array(0)],
    ['text', new Uint8Array(Buffer.from('<?xml version="1.0"?><data></data>'.repeat(10)))],
    ['a file that ends in its headers', valid.slice(0, 100)],
    ['a file that ends in its last segment', valid.slice(0, -1)],
    ['65535 program headers', changed((view) => view.setUint16(56, 0xffff, true))],
    ['program headers behind the end', changed((view) => view.setBigUint64(32, 1n << 40n, true))],
    ['program headers of no size', changed((view) => view.setUint16(54, 1, true))],
    ['a segment of an exabyte', changed((view) => view.setBigUint64(64 + 56 + 32, 1n << 60n, true))],
    ['big-endian', changed((view) => view.setUint8(5, 2))],
    [
      'a certificate chain that is larger than its segment',
      changed((view) => view.setUint32(0x1000 + 36, 5000, true)),
    ],
    ['a hash table of 4 GiB', changed((view) => view.setUint32(0x1000 + 20, 0xffff_ffff, true))],
  ])('%s', async (_what, file) => {
    expect(await codeOf(read(file))).toBe('loader-invalid')
  })

  it('a certificate that is longer than its place', async (test) => {
    const chain = chainOf(test, 'rsa')
    const short = [chain[0] ?? new Uint8Array(0), (chain[1] ?? new Uint8Array(0)).slice(0, 500)]
    expect(await codeOf(read(elfLoader(64, hashSegment(3, short))))).toBe('loader-invalid')
  })

  it('a file that is far too large for one', async () => {
    const huge = { ...memorySource(valid), size: memorySource(new Uint8Array(1)).size }
    Object.assign(huge, { size: 2 ** 40 })
    expect(await codeOf(readLoader(huge))).toBe('loader-invalid')
  })

  it('whatever the bytes, it is read or refused with one error', async (test) => {
    const chain = chainOf(test, 'rsa')
    const versions: readonly HashVersion[] = [3, 5, 6, 7]
    const seeds = [
      ...versions.map((version) => elfLoader(64, hashSegment(version, chain))),
      elfLoader(32, hashSegment(3, chain)),
      mbnLoader(chain),
      mbnLoader(chain, true),
    ]
    const mutated = fc
      .tuple(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(0x2000), fc.nat(255)), { maxLength: 12 }),
        fc.option(fc.nat(0x4000)),
      )
      .map(([seed, changes, length]) => {
        const copy = seed.slice(0, length ?? seed.length)
        for (const [at, byte] of changes) if (at < copy.length) copy[at] = byte
        return copy
      })
    const any = fc.uint8Array({ maxLength: 600 }).map((given) => new Uint8Array(given))
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, any), async (file) => {
        try {
          const { segments } = await read(file)
          for (const { offset, size } of segments)
            if (size > 0) expect(offset + size).toBeLessThanOrEqual(file.length)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(SlotbenchError)
          expect((thrown as SlotbenchError).code).toBe('loader-invalid')
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('whether a terminal will start it', () => {
  const signed = async (test: TestContext, key: 'rsa' | 'p384' = 'rsa', count = 2) => {
    const chain = chainOf(test, key, count)
    return { chain, loader: await read(elfLoader(64, hashSegment(key === 'rsa' ? 3 : 6, chain))) }
  }
  const kindOf = (loader: LoaderImage, pkHash: string | undefined, hwId: string | undefined = HW_ID) =>
    loaderFits(loader, { pkHash, hwId }).kind

  it('fits by the hash of its root, whatever its length and whatever follows it', async (test) => {
    const { chain, loader } = await signed(test)
    const [short, long] = [digest('sha256', chain[1]), digest('sha384', chain[1])]
    for (const hash of [
      short,
      short.toUpperCase(),
      short + short,
      `${short}${'00'.repeat(16)}`,
      long,
      long.slice(0, 64),
    ])
      expect(kindOf(loader, hash)).toBe('fits')
    expect(kindOf(loader, short, undefined)).toBe('fits')
    expect(kindOf(loader, short, '0000000000000000')).toBe('fits')
  })

  it('does not fit under another key, and says both', async (test) => {
    const { loader } = await signed(test)
    const fit = loaderFits(loader, { pkHash: 'd741a1a1'.repeat(8), hwId: HW_ID })
    expect(fit.kind).toBe('misfit')
    expect(fit.why).toContain('d741a1a1d741a1a1')
    expect(fit.why).toContain(loader.signature?.root.sha256.slice(0, 16))
  })

  it('does not fit another chip under the same key: one key signs for several products', async (test) => {
    const { chain, loader } = await signed(test)
    const hash = digest('sha256', chain[1])
    const fit = loaderFits(loader, { pkHash: hash, hwId: '001990e100040000' })
    expect(fit).toEqual({
      kind: 'misfit',
      why: 'the loader is signed for chip 000460e1, the terminal is chip 001990e1',
    })
    expect(kindOf(loader, hash, '000460e100730000')).toBe('misfit')
    expect(kindOf(loader, hash, '000460e100041234')).toBe('fits')
  })

  it('stays unknown where one of both does not say', async (test) => {
    const { loader } = await signed(test)
    const unsigned = await read(elfLoader(64, undefined))
    expect(kindOf(unsigned, 'ab'.repeat(32))).toBe('unknown')
    for (const hash of [undefined, '', '00'.repeat(32), 'ab'.repeat(8), 'no hash'.repeat(20)])
      expect(kindOf(loader, hash)).toBe('unknown')
  })

  it('takes any of several roots, and all of them together', async (test) => {
    const first = chainOf(test, 'rsa')
    const second = chainOf(test, 'p384')
    const roots = [first[1] ?? new Uint8Array(0), second[1] ?? new Uint8Array(0)]
    const loader = await read(elfLoader(64, hashSegment(3, [first[0] ?? new Uint8Array(0), ...roots])))
    for (const root of [...roots, Buffer.concat(roots)]) {
      expect(kindOf(loader, digest('sha256', root))).toBe('fits')
      expect(kindOf(loader, digest('sha384', root))).toBe('fits')
    }
    expect(kindOf(loader, 'ab'.repeat(32))).toBe('unknown')
  })

  it('whatever it is asked with, it answers', async (test) => {
    const { loader } = await signed(test)
    const text = fc.option(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{0,130}$/)), { nil: undefined })
    fc.assert(
      fc.property(text, text, (pkHash, hwId) => {
        expect(['fits', 'misfit', 'unknown']).toContain(loaderFits(loader, { pkHash, hwId }).kind)
      }),
    )
  })
})
