// Archives of other programs are read; archives that lie are refused; deflated members behave like files.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ZipFile } from 'yazl'
import { fixture } from '../../../../test/fixtures.ts'
import { damaged, memorySource, outcome } from '../../../../test/images.ts'
import type { ErrorCode } from '../../../shared/errors.ts'
import { openZip } from './zip.ts'

interface Member {
  readonly name: string
  readonly data: Uint8Array
  readonly compress?: boolean
  readonly mode?: number
}

async function zipOf(members: readonly Member[], forceZip64Format = false): Promise<Buffer> {
  const zip = new ZipFile()
  for (const { name, data, compress = false, mode = 0o100644 } of members)
    zip.addBuffer(Buffer.from(data), name, { compress, mode, forceZip64Format })
  zip.end()
  return buffer(zip.outputStream as unknown as AsyncIterable<Buffer>)
}

const BOOT = Buffer.alloc(5000, 'boot image ')
const open = (bytes: Uint8Array) => openZip(memorySource(bytes, 'package.zip'))

async function readAll(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  const zip = await open(bytes)
  const member = zip.find(name)
  if (member === undefined) throw new Error(`no member ${name}`)
  const source = await zip.open(member)
  return source.read(0, source.size)
}

describe('archives that are sound', () => {
  it.each([
    ['stored', false, false],
    ['deflated', true, false],
    ['stored zip64', false, true],
    ['deflated zip64', true, true],
  ])('%s members come out as they went in', async (_, compress, zip64) => {
    const archive = await zipOf(
      [
        { name: 'a/boot.img', data: BOOT, compress },
        { name: 'b', data: BOOT },
      ],
      zip64,
    )
    expect(Buffer.compare(await readAll(archive, 'a/boot.img'), BOOT)).toBe(0)
  })

  it.each(['otasigned_v1.zip', 'otasigned_v2.zip', 'otasigned_v3.zip'])(
    '%s of AOSP is read',
    async (name) => {
      const archive = readFileSync(fixture(`ota-signed/${name}`))
      expect(Buffer.from(await readAll(archive, 'a')).toString()).toMatch(/^\w+\n$/)
      expect((await open(archive)).find('META-INF/MANIFEST.MF')?.method).toBe('deflated')
    },
  )

  it('a deflated member is read in any order, by several readers at once', async () => {
    const data = Buffer.concat([randomBytes(700_000), Buffer.alloc(900_000, 'text'), randomBytes(400_000)])
    const zip = await open(await zipOf([{ name: 'payload.bin', data, compress: true }]))
    const member = zip.find('payload.bin')
    if (member === undefined) throw new Error('no member')
    const source = await zip.open(member)
    const ranges = fc.array(fc.tuple(fc.nat(data.length), fc.nat(50_000)), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(ranges, async (wanted) => {
        const reads = wanted.map(async ([offset, length]) => {
          const size = Math.min(length, data.length - offset)
          expect(Buffer.compare(await source.read(offset, size), data.subarray(offset, offset + size))).toBe(
            0,
          )
        })
        await Promise.all(reads)
      }),
      { numRuns: 20 },
    )
    await source.close()
  })
})

/** Changes one record of the central directory. */
function inDirectory(archive: Buffer, change: (record: Buffer) => void): Buffer {
  const copy = Buffer.from(archive)
  change(copy.subarray(copy.indexOf(Buffer.from('PK\x01\x02', 'latin1'))))
  return copy
}

const renamed = (archive: Buffer, to: string) =>
  Buffer.from(archive.toString('latin1').replaceAll('abcdefgh', to), 'latin1')

describe('archives that lie', () => {
  const cases: readonly (readonly [string, ErrorCode, () => Promise<Buffer>])[] = [
    ...[
      '../aaaaa',
      '/absolut',
      'C:/windo',
      'a/../../',
      'a\\..\\bcd',
      'abc\0defg',
      'a//bcdef',
      './abcdef',
    ].map(
      (name) =>
        [
          `the name ${JSON.stringify(name)}`,
          'package-unsafe',
          async () => renamed(await zipOf([{ name: 'abcdefgh', data: BOOT }]), name),
        ] as const,
    ),
    [
      'a name twice',
      'package-unsafe',
      async () =>
        renamed(
          await zipOf([
            { name: 'abcdefgh', data: BOOT },
            { name: 'boot.img', data: BOOT },
          ]),
          'boot.img',
        ),
    ],
    ['a symbolic link', 'package-unsafe', () => zipOf([{ name: 'link', data: BOOT, mode: 0o120777 }])],
    [
      'an encrypted member',
      'package-unsafe',
      async () =>
        inDirectory(await zipOf([{ name: 'boot.img', data: BOOT }]), (r) =>
          r.writeUInt16LE(r.readUInt16LE(8) | 1, 8),
        ),
    ],
    [
      'a bomb’s promise',
      'package-unsafe',
      async () =>
        inDirectory(await zipOf([{ name: 'boot.img', data: BOOT, compress: true }]), (r) =>
          r.writeUInt32LE(0xf0000000, 24),
        ),
    ],
    [
      'two sizes of a stored member',
      'zip-invalid',
      async () =>
        inDirectory(await zipOf([{ name: 'boot.img', data: BOOT }]), (r) => r.writeUInt32LE(4999, 24)),
    ],
    [
      'members on the same bytes',
      'zip-invalid',
      async () =>
        inDirectory(
          await zipOf([
            { name: 'boot.img', data: BOOT },
            { name: 'b', data: BOOT },
          ]),
          (r) => {
            r.writeUInt32LE(9000, 20)
            r.writeUInt32LE(9000, 24)
          },
        ),
    ],
    [
      'no directory',
      'source-truncated',
      async () => (await zipOf([{ name: 'b', data: BOOT }])).subarray(0, 4000),
    ],
    ['an end in the comment', 'zip-invalid', async () => readFileSync(fixture('ota-signed/fake-eocd.zip'))],
  ]
  it.each(cases)('%s is %s', async (_, code, make) => {
    await expect(open(await make())).rejects.toMatchObject({ code })
  })

  const contents: readonly (readonly [string, ErrorCode, (archive: Buffer) => Buffer])[] = [
    [
      'other bytes than the CRC-32 says',
      'digest-mismatch',
      (z) => inDirectory(z, (r) => r.writeUInt32LE(1, 16)),
    ],
    [
      'more bytes than the directory says',
      'zip-invalid',
      (z) => inDirectory(z, (r) => r.writeUInt32LE(4000, 24)),
    ],
    [
      'fewer bytes than the directory says',
      'zip-invalid',
      (z) => inDirectory(z, (r) => r.writeUInt32LE(5001, 24)),
    ],
    [
      'another method in its own header',
      'zip-invalid',
      (z) => {
        const copy = Buffer.from(z)
        copy.writeUInt16LE(0, 8)
        return copy
      },
    ],
    ['damaged data', 'decode-failed', (z) => Buffer.from(z).fill(0xff, 50, 60)],
  ]
  it.each(contents)('a deflated member with %s is %s', async (_, code, change) => {
    const archive = change(await zipOf([{ name: 'boot.img', data: BOOT, compress: true }]))
    await expect(readAll(archive, 'boot.img')).rejects.toMatchObject({ code })
  })

  it('never give anything but members or an error of ours', async () => {
    const valid = await zipOf([
      { name: 'payload.bin', data: BOOT, compress: true },
      { name: 'b', data: BOOT.subarray(0, 100) },
    ])
    await fc.assert(
      fc.asyncProperty(damaged(valid), async (bytes) => {
        await outcome(async () => {
          const zip = await open(bytes)
          for (const member of zip.members) {
            const source = await zip.open(member)
            await source.read(0, Math.min(source.size, 1 << 20))
            await source.close()
          }
        })
      }),
      { numRuns: 400 },
    )
  })
})
