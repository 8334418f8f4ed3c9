// Packages that are damaged, contradict themselves or were made to do harm: each ends in one error of its own, before
// anything could have been written.
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ZipMember, zipBytes } from '../src/main/core/formats/zip-writer.ts'
import { EXIT } from '../src/shared/error-catalogue.ts'
import { type ErrorCode, SlotbenchError } from '../src/shared/errors.ts'
import type { Compressor } from '../src/simulator/rom-factory/compressors.ts'
import { bitFlipped, type Damage } from '../src/simulator/rom-factory/damage.ts'
import { PAYLOAD_DAMAGES } from '../src/simulator/rom-factory/payload-damage.ts'
import { DEFLATE_DAMAGES, memberRenamed, ZIP_DAMAGES } from '../src/simulator/rom-factory/zip-damage.ts'
import { collect, outcome } from './images.ts'
import { RomWorkplace } from './rom-workplace.ts'

let place: RomWorkplace
let payload: Buffer
let otaZip: Buffer
let deflatedOta: Buffer
let setZip: Buffer

beforeAll(async () => {
  place = await RomWorkplace.open()
  const operations = { compress: ['zstd'] } as const
  payload = readFileSync(await place.write({ kind: 'payload', operations }))
  otaZip = readFileSync(await place.write({ kind: 'ota-zip' }))
  deflatedOta = readFileSync(await place.write({ kind: 'ota-zip', ota: { deflatePayload: true } }))
  setZip = readFileSync(await place.write({ kind: 'fastboot-zip' }))
})
afterAll(() => place.close())

type Codes = Readonly<Record<string, ErrorCode | readonly ErrorCode[]>>

async function expectRefusal(content: Uint8Array, codes: ErrorCode | readonly ErrorCode[] | undefined) {
  const error = await place.refusal(place.put(content))
  expect(error.exitCode).toBe(EXIT.package)
  expect([codes].flat(), error.message).toContain(error.code)
}

const PAYLOAD_CODES = {
  'other magic': 'package-unknown',
  'other version': 'payload-unsupported',
  'manifest of 2^63 bytes': 'payload-invalid',
  'manifest as long as the file': 'source-truncated',
  'metadata signature of 4 GiB': 'payload-invalid',
  'manifest cut short': 'payload-invalid',
  'bit in the first tag of the manifest': 'payload-invalid',
  'truncated in the prefix': 'source-truncated',
  'truncated in the manifest': 'source-truncated',
  'truncated in the data': 'source-truncated',
  'last byte missing': 'source-truncated',
  'bit in the data of an operation': ['digest-mismatch', 'decode-failed'],
  'other digest of an operation': 'digest-mismatch',
  'other digest of a partition': 'digest-mismatch',
  'digest of 31 bytes': 'payload-invalid',
  'data beyond the end': 'source-truncated',
  'data at 2^53': 'source-truncated',
  'data of 2^63 bytes': 'payload-invalid',
  'extent of 2^63 blocks': 'payload-invalid',
  'extent beyond the partition': 'payload-invalid',
  'empty extent': 'payload-invalid',
  'overlapping extents': 'payload-invalid',
  'gap between operations': 'payload-invalid',
  'partition listed twice': 'payload-invalid',
  'partition named as a path': 'payload-invalid',
  'partition of 4 PiB': 'payload-invalid',
  'blocks of 0 bytes': 'payload-invalid',
  'signature in front of the data': 'payload-invalid',
  'unknown operation': 'payload-unsupported',
  'operation of another encoding': 'decode-failed',
  'operation of a delta': 'payload-delta',
  'digest of an old image': 'payload-delta',
  'minor version of a delta': 'payload-delta',
} as const satisfies Record<keyof typeof PAYLOAD_DAMAGES, Codes[string]>

const ZIP_CODES = {
  'truncated in a member': 'source-truncated',
  'truncated in the directory': 'source-truncated',
  'last byte missing': ['zip-invalid', 'source-truncated'],
  'bit in the directory': 'zip-invalid',
  'bit in the header of a member': 'zip-invalid',
  'bit in the data of a member': ['digest-mismatch', 'decode-failed', 'zip-invalid'],
  'directory beyond the end': ['zip-invalid', 'source-truncated'],
  '65,000 members': ['zip-invalid', 'source-truncated'],
  'member of 4 GiB': 'zip-invalid',
  'member far beyond the end': 'zip-invalid',
  'all members on the same bytes': 'zip-invalid',
  'unknown compression': 'zip-invalid',
  // The zip reader expects an encrypted member to be longer than a stored one, and says so first.
  'encrypted member': ['package-unsafe', 'zip-invalid'],
} as const satisfies Record<keyof typeof ZIP_DAMAGES, Codes[string]>

const DEFLATE_CODES = {
  'more bytes than deflate can give': 'package-unsafe',
  'more bytes than the directory says': 'zip-invalid',
  'fewer bytes than the directory says': 'zip-invalid',
  'other CRC-32': 'digest-mismatch',
} as const satisfies Record<keyof typeof DEFLATE_DAMAGES, Codes[string]>

const cases = (damages: Readonly<Record<string, Damage>>, codes: Codes) =>
  Object.entries(damages).map(([name, damage]) => ({ name, damage, codes: codes[name] }))

describe('a damaged payload', () => {
  it.each(cases(PAYLOAD_DAMAGES, PAYLOAD_CODES))('is refused: $name', async ({ damage, codes }) => {
    await expectRefusal(damage(payload), codes)
  })

  it('is refused when an operation expands to more than its blocks hold', async () => {
    const expandsTo64MiB = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024))
    const bomb: Compressor = {
      streams: true,
      async *compress() {
        yield expandsTo64MiB
      },
    }
    const operations = { compress: ['zstd'], compressors: { zstd: bomb } } as const
    const error = await place.refusal(await place.write({ kind: 'payload', operations }))
    expect(error.code).toBe('decode-failed')
  })
})

describe('a damaged OTA zip', () => {
  it.each(cases(ZIP_DAMAGES, ZIP_CODES))('is refused: $name', async ({ damage, codes }) => {
    await expectRefusal(damage(otaZip), codes)
  })

  it.each(cases(ZIP_DAMAGES, ZIP_CODES))(
    'is refused with a deflated payload: $name',
    async ({ damage, codes }) => {
      await expectRefusal(damage(deflatedOta), codes)
    },
  )

  // Sizes in the directory are refused against payload_properties.txt before anything is expanded.
  it.each(
    cases(DEFLATE_DAMAGES, {
      ...DEFLATE_CODES,
      'more bytes than the directory says': ['zip-invalid', 'source-truncated'],
      'fewer bytes than the directory says': ['zip-invalid', 'payload-invalid'],
    }),
  )('is refused with a deflated payload: $name', async ({ damage, codes }) => {
    await expectRefusal(damage(deflatedOta), codes)
  })

  it('is refused for any bit of its payload', async () => {
    const start = otaZip.indexOf('CrAU')
    const size = Number(/FILE_SIZE=(\d+)/.exec(otaZip.toString('latin1'))?.[1])
    const places = fc.tuple(fc.nat(size - 1), fc.nat(7))
    await fc.assert(
      fc.asyncProperty(places, async ([at, bit]) => {
        const error = await place.refusal(place.put(bitFlipped(start + at, bit)(otaZip)))
        expect(error.exitCode).toBe(EXIT.package)
      }),
      { numRuns: 40 },
    )
  })

  it('never gives other images, whatever bits are turned over anywhere', async () => {
    const flips = fc.array(fc.tuple(fc.nat(otaZip.length - 1), fc.nat(7)), { minLength: 1, maxLength: 4 })
    const { images } = (await place.prove(place.put(otaZip))).info
    await fc.assert(
      fc.asyncProperty(flips, async (all) => {
        const content = all.reduce((bytes: Uint8Array, [at, bit]) => bitFlipped(at, bit)(bytes), otaZip)
        const result = await outcome(() => place.prove(place.put(content)))
        if (result instanceof SlotbenchError) expect(result.exitCode).toBe(EXIT.package)
        else expect(result.info.images).toEqual(images)
      }),
      { numRuns: 40 },
    )
  })

  it('is refused when its payload is not the one that payload_properties.txt describes', async () => {
    const at = otaZip.indexOf('METADATA_HASH=') + 'METADATA_HASH='.length
    const other = Buffer.from(otaZip)
    other[at] = other[at] === 0x41 ? 0x42 : 0x41
    await expectRefusal(other, 'digest-mismatch')
    const file = Buffer.from(otaZip)
    const fileAt = file.indexOf('FILE_HASH=') + 'FILE_HASH='.length
    file[fileAt] = file[fileAt] === 0x41 ? 0x42 : 0x41
    await expectRefusal(file, 'digest-mismatch')
  })
})

describe('a damaged fastboot zip', () => {
  it.each(cases(ZIP_DAMAGES, ZIP_CODES))('is refused: $name', async ({ damage, codes }) => {
    await expectRefusal(damage(setZip), codes)
  })

  it.each(cases(DEFLATE_DAMAGES, DEFLATE_CODES))('is refused: $name', async ({ damage, codes }) => {
    await expectRefusal(damage(setZip), codes)
  })
})

async function zipOf(...members: (Partial<ZipMember> & { readonly name: string })[]): Promise<Buffer> {
  const content = Buffer.alloc(4096, 'image')
  return Buffer.concat(await collect(zipBytes(members.map((one) => ({ content, compress: false, ...one })))))
}

describe('a zip made to do harm', () => {
  it.each([
    ['../boot.img', 'xx/boot.img'],
    ['a/../../b.img', 'a/xx/xx/b.img'],
    ['./boot.img', 'x/boot.img'],
    ['/boot.img', 'xboot.img'],
    ['C:boot.img', 'CCboot.img'],
    ['a\\boot.img', 'a_boot.img'],
    ['boot\0.img', 'boot_.img'],
    ['system.img', 'vendor.img'],
  ])('is refused for the name %j', async (name, placeholder) => {
    const zip = await zipOf({ name: 'system.img' }, { name: placeholder })
    await expectRefusal(memberRenamed(placeholder, name)(zip), 'package-unsafe')
  })

  it('is refused for a symbolic link', async () => {
    const content = Buffer.from('/etc/passwd')
    await expectRefusal(await zipOf({ name: 'boot.img', mode: 0o120777, content }), 'package-unsafe')
  })

  it('is refused for links inside the inner zip of a factory image', async () => {
    const inner = await zipOf({ name: 'boot.img', mode: 0o120777 })
    const outer = await zipOf({ name: 'f/flash-all.sh' }, { name: 'f/image-x-1.zip', content: inner })
    await expectRefusal(outer, 'package-unsafe')
  })

  it('is refused when two images are for the same partition', async () => {
    await expectRefusal(await zipOf({ name: 'system_other.img' }, { name: 'system_b.img' }), 'package-unsafe')
  })

  it('is refused when it names images that it lacks', async () => {
    const info = { name: 'fastboot-info.txt', content: Buffer.from('version 1\nflash boot\nflash dtbo\n') }
    await expectRefusal(await zipOf({ name: 'boot.img' }, info), 'package-incomplete')
  })

  it('is not a package when it holds neither payload nor images', async () => {
    await expectRefusal(await zipOf({ name: 'readme.txt' }), 'package-unknown')
    await expectRefusal(await zipOf(), ['package-unknown', 'zip-invalid'])
    await expectRefusal(Buffer.alloc(0), 'package-unknown')
    await expectRefusal(Buffer.from('hello'), 'package-unknown')
  })
})

describe('a folder', () => {
  it('is refused for a link that leads out of it', async () => {
    const folder = await place.write({ kind: 'fastboot-folder' })
    symlinkSync('/etc/passwd', join(folder, 'persist.img'))
    expect((await place.refusal(folder)).code).toBe('package-unsafe')
  })

  it('is refused when an image is missing, cut short or garbled', async () => {
    const sparse = await place.write({ kind: 'fastboot-folder', set: { format: 'sparse' } })
    const system = join(sparse, 'system.img')
    const whole = readFileSync(system)
    writeFileSync(system, whole.subarray(0, whole.length - 100))
    expect(['sparse-invalid', 'source-truncated']).toContain((await place.refusal(sparse)).code)
    writeFileSync(
      system,
      Buffer.concat([whole.subarray(0, 32), Buffer.from([0xff, 0xff]), whole.subarray(34)]),
    )
    expect((await place.refusal(sparse)).code).toBe('sparse-invalid')
    writeFileSync(join(sparse, 'android-info.txt'), 'require product\n')
    expect((await place.refusal(sparse)).code).toBe('android-info-invalid')
  })

  it('is not there', async () => {
    const error = await place.refusal(join(place.folder, 'nowhere'))
    expect(error).toBeInstanceOf(SlotbenchError)
    expect(error.code).toBe('package-not-found')
  })
})
