// Every kind of package that the ROM factory writes is read by the product byte for byte; AOSP's and other programs'
// are the judges of both.
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes, verify, X509Certificate } from 'node:crypto'
import { createWriteStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openPayload } from '../src/main/core/formats/payload.ts'
import { memoryImage } from '../src/main/core/formats/raw-image.ts'
import { openFile } from '../src/main/io/files/open-file.ts'
import type { PackageKind } from '../src/shared/rom.ts'
import { programCompressor } from '../src/simulator/rom-factory/compressors.ts'
import { type RomOptions, writeRom } from '../src/simulator/rom-factory/make-rom.ts'
import { OTA_TEST_CERTIFICATE } from '../src/simulator/rom-factory/ota-test-key.ts'
import { otaZipBytes } from '../src/simulator/rom-factory/ota-zip.ts'
import { writePayload } from '../src/simulator/rom-factory/payload-writer.ts'
import { fixture } from './fixtures.ts'
import { collect, expand, NEVER } from './images.ts'
import { BUILD, PROFILE, RomWorkplace } from './rom-workplace.ts'
import { requireTool } from './tools.ts'

type Variant = Omit<RomOptions, 'out' | 'build'>

const VARIANTS: readonly (readonly [string, Variant])[] = [
  ['OTA zip', { kind: 'ota-zip' }],
  ['OTA zip with a deflated payload', { kind: 'ota-zip', ota: { deflatePayload: true } }],
  ['unsigned OTA zip', { kind: 'ota-zip', signed: false }],
  ['payload', { kind: 'payload' }],
  ['payload of zstd operations', { kind: 'payload', operations: { compress: ['zstd'] } }],
  [
    'payload of REPLACE and DISCARD',
    { kind: 'payload', operations: { compress: ['replace'], discard: true } },
  ],
  ['payload of every kind in turn', { kind: 'payload', operations: { compress: ['replace', 'zstd'] } }],
  ['payload of large operations', { kind: 'payload', operations: { largeOperations: true } }],
  [
    'payload of large raw operations',
    { kind: 'payload', operations: { largeOperations: true, compress: ['replace'] } },
  ],
  ['folder', { kind: 'fastboot-folder' }],
  ['folder of sparse images', { kind: 'fastboot-folder', set: { format: 'sparse' } }],
  ['fastboot zip', { kind: 'fastboot-zip' }],
  [
    'fastboot zip with don’t-care',
    {
      kind: 'fastboot-zip',
      set: { format: (name) => (name === 'system' ? 'sparse' : 'raw'), sparseZeros: 'dont-care' },
    },
  ],
  ['factory zip', { kind: 'factory-zip' }],
  ['factory zip, inner zip deflated', { kind: 'factory-zip', factory: { deflateInner: true } }],
]

/** Fewer processes. */
const LARGER = { chunkBytes: 512 * 1024 }

let place: RomWorkplace

beforeAll(async () => {
  place = await RomWorkplace.open()
})
afterAll(() => place.close())

/** Every image of the build, from the package, byte for byte; then all of it against its digests. */
async function expectWhole(path: string, kind: PackageKind): Promise<void> {
  const rom = await place.open(path)
  try {
    expect(rom.info.images.map((image) => image.name).sort()).toEqual([...place.build.keys()].sort())
    for (const info of rom.info.images) {
      const made = place.build.get(info.name)
      if (made === undefined) throw new Error(`no image ${info.name} was made`)
      expect(info.size).toBe(made.size)
      const expected = Buffer.from(await expand(made.image))
      expect(expected.equals(await expand(rom.image(info))), info.name).toBe(true)
      if (info.sha256 !== undefined)
        expect(info.sha256).toBe(createHash('sha256').update(expected).digest('hex'))
    }
    // A bare payload does not say what it is for.
    const models = kind === 'payload' ? [] : [PROFILE.product]
    expect(rom.info).toMatchObject({ kind, path, full: true, downgrade: false, models })
    expect(rom.info.rollback).toMatchObject({ 0: 3 })
    // What the simulator's own AVB profile signs: every image but the boot chain.
    expect(rom.info.avbPartitions?.toSorted()).toEqual([
      'boot',
      'dtbo',
      'modem',
      'product',
      'system',
      'vbmeta_system',
      'vendor',
      'vendor_boot',
    ])
  } finally {
    await rom.close()
  }
  const proven = await place.prove(path)
  for (const image of proven.info.images) expect(proven.image(image).sha256).toMatch(/^[0-9a-f]{64}$/)
}

async function operationTypes(path: string): Promise<Set<string>> {
  const source = await openFile(path)
  try {
    const payload = await openPayload(source)
    return new Set(payload.partitions.flatMap((one) => one.operations.map((operation) => operation.kind)))
  } finally {
    await source.close()
  }
}

describe('a package that the factory writes', () => {
  it.each(VARIANTS)('is read whole: %s', async (_label, variant) => {
    await expectWhole(await place.write(variant), variant.kind)
  })

  it('is read whole when the bzip2 and xz programs made its operations', async (test) => {
    const compressors = {
      bzip2: programCompressor(requireTool('bzip2', test), ['-c']),
      xz: programCompressor(requireTool('xz', test), ['-c', '--check=crc32', '-2']),
    }
    const small = await place.write({
      kind: 'payload',
      operations: { ...LARGER, compress: ['bzip2', 'xz'], compressors },
    })
    expect(await operationTypes(small)).toEqual(new Set(['bzip2', 'xz']))
    await expectWhole(small, 'payload')
    const operations = { compress: ['bzip2', 'xz'], compressors, largeOperations: true } as const
    const large = await place.write({ kind: 'payload', operations })
    expect(await operationTypes(large)).toEqual(new Set(['bzip2', 'xz']))
    await expectWhole(large, 'payload')
  })

  it('takes for each chunk what is smallest, and nothing for zeros', async (test) => {
    const KIB64 = 64 * 1024
    const chunks = [randomBytes(KIB64), Buffer.alloc(KIB64), Buffer.alloc(KIB64, 'text '), randomBytes(8190)]
    const image = memoryImage(Buffer.concat(chunks))
    const xz = programCompressor(requireTool('xz', test), ['-c', '--check=none'])
    const operations = { chunkBytes: KIB64, compressors: { xz } }
    const path = place.path('')
    const images = [{ name: 'boot', image }]
    await writePayload(createWriteStream(path), { images, operations, maxTimestamp: 5, signal: NEVER })
    const source = await openFile(path)
    const [partition] = (await openPayload(source)).partitions
    await source.close()
    expect(partition?.operations.map((operation) => operation.kind)).toEqual([
      'replace',
      'zero',
      'xz',
      'replace',
    ])
    // Padded to whole blocks, as AOSP's generator does.
    expect(partition?.size).toBe(3 * KIB64 + 8192)
    const rom = await place.open(path)
    const content = await expand(rom.image({ name: 'boot' }))
    await rom.close()
    expect(Buffer.concat([...chunks, Buffer.alloc(8192 - 8190)]).equals(content)).toBe(true)
  })

  it('is the same for the same input', async () => {
    for (const kind of ['ota-zip', 'factory-zip'] as const) {
      const [first, second] = [await place.write({ kind }), await place.write({ kind })]
      expect(readFileSync(first).equals(readFileSync(second))).toBe(true)
    }
  })

  it('says of itself what it was told to', async () => {
    const dynamicGroups = [{ name: 'main', size: 2 ** 33, partitions: ['system', 'vendor'] }]
    const models = ['NX679J', 'NX679S']
    const path = await place.write({ kind: 'ota-zip', models, dynamicGroups, ota: { downgrade: true } })
    const rom = await place.open(path)
    await rom.close()
    expect(rom.info).toMatchObject({
      ...{ models, build: BUILD, timestamp: 1_790_000_000, securityPatch: '2026-10-01', downgrade: true },
      dynamicGroups: [{ name: 'main', size: 2 ** 33, partitions: ['system', 'vendor'] }],
    })
    expect(rom.info.images.find((image) => image.name === 'system')?.placement).toBe('logical')
    expect(rom.info.images.find((image) => image.name === 'boot')?.placement).toBe('physical')
  })

  it('brings the requirements of its android-info.txt', async () => {
    const requirements = ['require partition-exists=boot', 'reject version-bootloader=0.1']
    const rom = await place.open(await place.write({ kind: 'factory-zip', set: { requirements } }))
    await rom.close()
    expect(rom.info.requirements).toEqual([
      { variable: 'product', anyOf: ['NX679J'], reject: false },
      { variable: 'partition-exists', anyOf: ['boot'], reject: false },
      { variable: 'version-bootloader', anyOf: ['0.1'], reject: true },
    ])
  })

  it('keeps the bootloader that lies beside the inner zip', async () => {
    const bootloader = Buffer.alloc(8192, 'bootloader package')
    const rom = await place.open(await place.write({ kind: 'factory-zip', factory: { bootloader } }))
    try {
      expect(bootloader.equals(await expand(rom.image({ name: 'bootloader' })))).toBe(true)
    } finally {
      await rom.close()
    }
  })

  it('replaces a package and leaves nothing beside it', async () => {
    const out = place.put(Buffer.from('what was there before'), '.zip')
    await writeRom(PROFILE, place.build, { kind: 'ota-zip', build: BUILD, out })
    await place.prove(out)
    expect(() => readFileSync(`${out}.part`)).toThrow('ENOENT')
  })
})

describe('writing a package', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it.each(['ota-zip', 'factory-zip', 'fastboot-folder'] as const)('stops on request: %s', async (kind) => {
    const stop = new AbortController()
    const folder = place.path('')
    mkdirSync(folder)
    vi.stubEnv('TMPDIR', folder)
    const out = join(folder, 'package')
    const [first] = place.build
    if (first === undefined) throw new Error('the build has no images')
    const [name, { size, image }] = first
    const stopping: typeof image = {
      ...image,
      async *extents(options) {
        yield* image.extents(options)
        stop.abort()
      },
    }
    const build = new Map([...place.build, [name, { size, image: stopping }]])
    const written = writeRom(PROFILE, build, { kind, build: BUILD, out, signal: stop.signal })
    await expect(written).rejects.toMatchObject({ code: 'cancelled' })
    const left = kind === 'fastboot-folder' ? readdirSync(out) : readdirSync(folder)
    expect(left.filter((entry) => !entry.endsWith('.txt'))).toEqual([])
  })

  it('says that it cannot write there', async () => {
    const out = join(place.path(''), 'no such folder', 'package')
    for (const kind of ['payload', 'fastboot-zip'] as const)
      await expect(writeRom(PROFILE, place.build, { kind, build: BUILD, out })).rejects.toMatchObject({
        code: 'host-io',
      })
  })
})

describe('other programs', () => {
  const ZIPS: readonly Variant[] = [
    { kind: 'ota-zip' },
    { kind: 'ota-zip', ota: { deflatePayload: true } },
    { kind: 'fastboot-zip' },
    { kind: 'factory-zip' },
  ]

  it.for(ZIPS)('unzip and zipinfo accept %o', async (variant, test) => {
    const path = await place.write(variant)
    expect(execFileSync(requireTool('unzip', test), ['-t', path], { encoding: 'utf8' })).toContain(
      'No errors',
    )
    const listing = execFileSync(requireTool('zipinfo', test), [path], { encoding: 'utf8' })
    expect(listing).toMatch(variant.kind === 'ota-zip' ? /payload\.bin\n/ : /\.(img|zip)\n/)
  })

  it('simg2img expands the sparse images of a set', async (test) => {
    const simg2img = requireTool('simg2img', test)
    for (const sparseZeros of ['fill', 'dont-care'] as const) {
      const set = { format: 'sparse', sparseZeros } as const
      const folder = await place.write({ kind: 'fastboot-folder', set })
      for (const [name, { image }] of place.build) {
        const expanded = place.path('.img')
        execFileSync(simg2img, [join(folder, `${name}.img`), expanded])
        expect(readFileSync(expanded).equals(await expand(image)), name).toBe(true)
      }
    }
  })
})

describe('an OTA zip', () => {
  /** The bytes at the places that `ota-property-files` names, which a downloader fetches without reading the zip. */
  it('lists where its members lie', async () => {
    const path = await place.write({ kind: 'ota-zip' })
    const zip = readFileSync(path)
    const line = /ota-property-files=(.*?) *$/m.exec(zip.toString('latin1'))?.[1] ?? ''
    const files = new Map(
      line.split(',').map((entry) => {
        const [name = '', offset, size] = entry.split(':')
        return [name, zip.subarray(Number(offset), Number(offset) + Number(size))]
      }),
    )
    expect(files.get('metadata')?.toString()).toMatch(
      /^ota-property-files=[^\n]*\n(.*\n)*pre-device=NX679J\n$/,
    )
    const payload = files.get('payload.bin') ?? Buffer.alloc(0)
    const metadata = files.get('payload_metadata.bin') ?? Buffer.alloc(0)
    const metadataSize = 24 + Number(payload.readBigUInt64BE(12))
    expect(payload.indexOf(metadata)).toBe(0)
    expect(metadata.length).toBe(metadataSize + payload.readUInt32BE(20))
    const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64')
    expect(files.get('payload_properties.txt')?.toString()).toBe(
      `FILE_HASH=${digest(payload)}\nFILE_SIZE=${payload.length}\n` +
        `METADATA_HASH=${digest(payload.subarray(0, metadataSize))}\nMETADATA_SIZE=${metadataSize}\n`,
    )
  })

  /** The layout that AOSP's verifier expects: the message ends with the raw signature and its size as fixed32. */
  it('carries a payload whose two signatures fit its certificate', async () => {
    const payload = readFileSync(await place.write({ kind: 'payload' }))
    const metadataSize = 24 + Number(payload.readBigUInt64BE(12))
    const signatureSize = payload.readUInt32BE(20)
    const key = new X509Certificate(OTA_TEST_CERTIFICATE).publicKey
    const check = (signed: Uint8Array, message: Buffer) => {
      expect(message.subarray(0, 6).toString('hex')).toBe('0a8802128002')
      expect(message.subarray(-5).toString('hex')).toBe('1d00010000')
      expect(verify('sha256', signed, key, message.subarray(6, -5))).toBe(true)
    }
    const [metadata, data] = [
      payload.subarray(0, metadataSize),
      payload.subarray(metadataSize + signatureSize),
    ]
    check(metadata, payload.subarray(metadataSize, metadataSize + signatureSize))
    check(
      Buffer.concat([metadata, data.subarray(0, -signatureSize)]),
      data.subarray(data.length - signatureSize),
    )
  })
})

describe('AOSP’s sample payloads', () => {
  it('the full one is read, alone and in an OTA zip; the delta is refused', async (test) => {
    requireTool('xz', test)
    const folder = place.folder
    execFileSync(requireTool('tar', test), ['-xf', fixture('payload/sample_payloads.tar.xz'), '-C', folder])
    const full = join(folder, 'full_payload.bin')
    const proven = await place.prove(full)
    expect(proven.info.images.map((image) => image.name)).not.toEqual([])
    const zip = place.path('.zip')
    writeFileSync(zip, await wrapped(full))
    const wrappedRom = await place.prove(zip)
    expect(wrappedRom.info).toMatchObject({ kind: 'ota-zip', build: 'AOSP sample', models: ['sample'] })
    expect(wrappedRom.info.images).toEqual(proven.info.images)

    const delta = join(folder, 'delta_payload.bin')
    expect((await place.refusal(delta)).code).toBe('payload-delta')
    writeFileSync(zip, await wrapped(delta))
    const described = await place.prove(zip)
    expect(described.info).toMatchObject({ full: false, delta: true })
    for (const image of described.info.images)
      expect(() => described.image(image)).toThrow(expect.objectContaining({ code: 'payload-delta' }))
  })
})

/** A payload made by somebody else in an OTA zip of ours. */
async function wrapped(path: string): Promise<Buffer> {
  const content = readFileSync(path)
  const metadataSize = 24 + Number(content.readBigUInt64BE(12))
  const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
  const payload = {
    ...{ size: content.length, sha256: digest(content), partitions: [] },
    ...{ metadataSize, metadataSha256: digest(content.subarray(0, metadataSize)) },
    metadataSignatureSize: content.readUInt32BE(20),
    async *bytes() {
      yield content
    },
    close: async () => {},
  }
  const description = { devices: ['sample'], build: 'AOSP sample', timestamp: 1 }
  return Buffer.concat(await collect(otaZipBytes({ payload, ...description })))
}
