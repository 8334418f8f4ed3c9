// AOSP's own generator made a delta (BSDF2 with brotli, SOURCE_COPY, REPLACE_BZ, REPLACE_XZ, ZERO) with the images around it.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { collect, damaged, expand, NEVER, outcome } from '../../../../test/images.ts'
import { requireTool } from '../../../../test/tools.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { BROTLI, bsdf2Patch } from '../../../simulator/rom-factory/bsdiff-encoder.ts'
import { openFile } from '../../io/files/open-file.ts'
import { openFolder } from '../../io/files/open-folder.ts'
import { openRomFolder } from '../../io/files/rom-folder.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import { hashtreeBytes } from '../formats/hashtree-bytes.ts'
import { encodePayloadHead, type ManifestInput, OPERATION_TYPE } from '../formats/payload-manifest.ts'
import { fecParity } from '../formats/verity-fec.ts'
import { type ApplyOptions, applyDelta } from './delta.ts'
import { openDeltaPackage, openRom } from './open.ts'
import type { RomFolder } from './rom-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'slotbench-delta-'))
const workshop = createWorkshop({ width: 2 })
const IMAGES = {
  kernel: { old: 'disk_ext2_4k_empty.img', new: 'disk_ext2_4k.img' },
  root: { old: 'disk_sqfs_empty.img', new: 'disk_sqfs_default.img' },
}
let count = 0
/** Many small jobs, each of which waits for the disk. */
const LONG = { timeout: 120_000 }

beforeAll(() => {
  for (const archive of ['payload/sample_payloads.tar.xz', 'payload/sample_images.tar.bz2'])
    execFileSync('tar', ['xf', fixture(archive), '-C', folder])
})
afterAll(async () => {
  await workshop.close()
  rmSync(folder, { recursive: true })
})

function fresh(name: string): string {
  count += 1
  return join(folder, `${name} ${count}`)
}

/** The old build as an image set. */
function baseFolder(change: (path: string) => void = () => {}): string {
  const path = fresh('base')
  mkdirSync(path)
  for (const [name, image] of Object.entries(IMAGES))
    copyFileSync(join(folder, image.old), join(path, `${name}.img`))
  change(path)
  return path
}

async function apply(delta: string, base: string, out: string, options: Partial<ApplyOptions> = {}) {
  const deps = { openFile, openFolder, workshop }
  const opened = await openDeltaPackage(delta, deps, NEVER)
  const rom = await openRom(base, deps, NEVER)
  try {
    const target = await openRomFolder(out)
    return await applyDelta(opened, rom, { workshop, folder: target, signal: NEVER, ...options })
  } finally {
    await rom.close()
    await opened.close()
  }
}

async function imagesOf(path: string): Promise<Map<string, Uint8Array>> {
  const rom = await openRom(path, { openFile, openFolder, workshop }, NEVER)
  try {
    const images = new Map<string, Uint8Array>()
    for (const image of rom.info.images) images.set(image.name, await expand(rom.image(image)))
    expect(rom.info).toMatchObject({ kind: 'payload', full: true })
    return images
  } finally {
    await rom.close()
  }
}

const AOSP_DELTA = () => join(folder, 'delta_payload.bin')

async function refusal(delta: string, base: string, out = fresh('out')): Promise<SlotbenchError> {
  const result = await outcome(() => apply(delta, base, out))
  if (result instanceof SlotbenchError) return result
  throw new Error('the delta was applied')
}

describe('AOSP’s delta', () => {
  it('applied to its images makes the images that it was made for', async () => {
    const out = fresh('out')
    const done = await apply(AOSP_DELTA(), baseFolder(), out)
    expect(done.resumed).toEqual([])
    const images = await imagesOf(out)
    for (const [name, image] of Object.entries(IMAGES))
      expect(Buffer.compare(images.get(name) ?? Buffer.of(), readFileSync(join(folder, image.new)))).toBe(0)
    const names = ['metadata', 'payload.bin', 'payload_properties.txt', 'slotbench-delta.json']
    expect(readdirSync(out).sort()).toEqual(names)
  })

  it('takes a zip of the images too, which can only be read forwards', async (test) => {
    const base = baseFolder()
    const zip = fresh('base.zip')
    execFileSync(requireTool('zip', test), [
      '-q',
      '-j',
      zip,
      ...readdirSync(base).map((name) => join(base, name)),
    ])
    const out = fresh('out')
    await apply(AOSP_DELTA(), base, out)
    const again = fresh('out')
    await apply(AOSP_DELTA(), zip, again)
    expect(
      Buffer.compare(readFileSync(join(again, 'payload.bin')), readFileSync(join(out, 'payload.bin'))),
    ).toBe(0)
    expect(readdirSync(again)).toEqual(readdirSync(out))
  })

  it('is not applied to another build, and says which partitions differ', async () => {
    const error = await refusal(AOSP_DELTA(), join(folder, 'full_payload.bin'))
    expect(error.code).toBe('delta-wrong-base')
    expect(error.message).toContain('kernel has another digest, root has 12288 bytes instead of 4096')
  })

  it('is not applied to an image that was changed without anybody saying so', async () => {
    const base = baseFolder((path) => {
      const image = readFileSync(join(path, 'kernel.img'))
      image[1_000_000] = 1
      writeFileSync(join(path, 'kernel.img'), image)
    })
    const error = await refusal(AOSP_DELTA(), base)
    expect(error.code).toBe('delta-wrong-base')
    expect(error.message).toContain('kernel: the base’s image has SHA-256')
  })

  it('misses a partition by name', async () => {
    const base = baseFolder((path) => rmSync(join(path, 'root.img')))
    expect((await refusal(AOSP_DELTA(), base)).message).toContain('root is missing')
  })

  it('is no base, and a full payload is no delta', async () => {
    expect(await refusal(join(folder, 'full_payload.bin'), baseFolder())).toMatchObject({ code: 'usage' })
    expect(await refusal(join(folder, 'disk_sqfs_empty.img'), baseFolder())).toMatchObject({
      code: 'package-unknown',
    })
  })

  it('that is damaged gives an error of ours, and never a package', LONG, async () => {
    const base = baseFolder()
    const delta = fresh('damaged')
    const whole = readFileSync(AOSP_DELTA())
    await fc.assert(
      fc.asyncProperty(damaged(whole), async (bytes) => {
        writeFileSync(delta, bytes)
        const out = fresh('out')
        const result = await outcome(() => apply(delta, base, out))
        if (result instanceof SlotbenchError) {
          if (existsSync(out)) expect(readdirSync(out)).not.toContain('payload.bin')
          return
        }
        // Bytes that nothing hangs on: what came out is proven.
        const images = await imagesOf(out)
        for (const [name, content] of images)
          expect(result.partitions).toContainEqual({ name, size: content.length, sha256: sha(content) })
      }),
      { numRuns: 60 },
    )
  })
})

describe('work that was stopped', () => {
  /** Stops after so many reports of progress, as Ctrl-C does at any moment. */
  async function stopped(out: string, base: string, reports: number): Promise<unknown> {
    const stop = new AbortController()
    let left = reports
    const onProgress = () => {
      if (left-- === 0) stop.abort()
    }
    return outcome(() => apply(AOSP_DELTA(), base, out, { signal: stop.signal, onProgress }))
  }

  it('goes on from wherever it was stopped, and gives the same bytes', LONG, async () => {
    const base = baseFolder()
    const whole = fresh('out')
    await apply(AOSP_DELTA(), base, whole)
    const expected = readFileSync(join(whole, 'payload.bin'))
    const resumed = new Set<number>()
    for (let reports = 0; ; reports++) {
      const out = fresh('out')
      const result = await stopped(out, base, reports)
      if (!(result instanceof SlotbenchError)) break
      expect(result.code).toBe('cancelled')
      expect(readdirSync(out)).not.toContain('payload.bin')
      const done = await apply(AOSP_DELTA(), base, out)
      resumed.add(done.resumed.length)
      expect(Buffer.compare(readFileSync(join(out, 'payload.bin')), expected)).toBe(0)
    }
    expect([...resumed].sort()).toEqual([0, 1, 2])
  })

  it('does not believe what it has on record without proving it', async () => {
    const base = baseFolder()
    const out = fresh('out')
    let reports = 0
    do await stopped(out, base, reports++)
    while (!readFileSync(join(out, 'slotbench-delta.json'), 'utf8').includes('kernel'))
    const part = join(out, 'payload.bin.part')
    const bytes = readFileSync(part)
    bytes.fill(0xa5, 100_000, 4_000_000)
    writeFileSync(part, bytes)
    const done = await apply(AOSP_DELTA(), base, out)
    expect(done.resumed).not.toContain('kernel')
    expect(sha((await imagesOf(out)).get('kernel') ?? Buffer.of())).toBe(
      sha(readFileSync(join(folder, IMAGES.kernel.new))),
    )
  })

  it('is not mixed with work on another delta, nor with another package', async () => {
    const out = fresh('out')
    await apply(AOSP_DELTA(), baseFolder(), out)
    const other = await simpleDelta({ operations: [copy([0, 1, 2, 3], [0, 1, 2, 3])], changed: OLD })
    expect(await refusal(other.delta, other.base, out)).toMatchObject({ code: 'usage' })
    expect((await apply(AOSP_DELTA(), baseFolder(), out)).resumed).toHaveLength(2)
    const full = fresh('full')
    mkdirSync(full)
    copyFileSync(join(folder, 'full_payload.bin'), join(full, 'payload.bin'))
    expect(await refusal(AOSP_DELTA(), baseFolder(), full)).toMatchObject({ code: 'usage' })
  })

  it('is not begun where there is no room for it', async () => {
    const out = fresh('out')
    const target = await openRomFolder(out)
    const full = { ...bound(target), freeBytes: async () => 1_000_000 }
    const result = await outcome(() => apply(AOSP_DELTA(), baseFolder(), out, { folder: full }))
    expect(result).toMatchObject({ code: 'host-space' })
    expect((result as SlotbenchError).message).toMatch(/4\.2 MB for the new package/)
    expect(readdirSync(out)).toEqual([])
  })
})

/** A folder whose functions can be replaced one by one. */
function bound(target: RomFolder): RomFolder {
  return {
    path: target.path,
    freeBytes: () => target.freeBytes(),
    workBytes: (name) => target.workBytes(name),
    work: (name, size) => target.work(name, size),
    publish: (name) => target.publish(name),
    has: (name) => target.has(name),
    readText: (name) => target.readText(name),
    saveText: (name, text) => target.saveText(name, text),
    discard: (name) => target.discard(name),
  }
}

const BLOCK = 4096
const OLD = Uint8Array.from({ length: 4 * BLOCK }, (_, i) => (i >> 12) * 50 + (i % 49))
const blocksOf = (image: Uint8Array, ...numbers: number[]) =>
  Buffer.concat(numbers.map((n) => image.subarray(n * BLOCK, (n + 1) * BLOCK)))
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const digest = (bytes: Uint8Array) => Buffer.from(sha(bytes), 'hex')
const extents = (numbers: readonly number[]) => numbers.map((n) => ({ startBlock: n, numBlocks: 1 }))

type Partition = NonNullable<ManifestInput['partitions']>[number]
type Operation = NonNullable<Partition['operations']>[number]

function copy(from: readonly number[], to: readonly number[], more: Operation = {}): Operation {
  return {
    type: OPERATION_TYPE.sourceCopy,
    srcExtents: extents(from),
    srcSha256: digest(blocksOf(OLD, ...from)),
    dstExtents: extents(to),
    ...more,
  }
}

interface SimpleDelta {
  readonly operations: readonly Operation[]
  readonly changed: Uint8Array
  readonly data?: Uint8Array
  readonly manifest?: ManifestInput
  readonly partition?: Partition
}

/** A delta of the one partition `boot`, whose old image is OLD. */
async function simpleDelta({ operations, changed, data, manifest, partition }: SimpleDelta) {
  const head = encodePayloadHead({
    blockSize: BLOCK,
    minorVersion: 4,
    ...manifest,
    partitions: [
      {
        name: 'boot',
        oldInfo: { size: OLD.length, hash: digest(OLD) },
        newInfo: { size: changed.length, hash: digest(changed) },
        operations,
        ...partition,
      },
    ],
  })
  const delta = fresh('delta')
  writeFileSync(delta, Buffer.concat([head, data ?? Buffer.of()]))
  const base = fresh('base')
  mkdirSync(base)
  writeFileSync(join(base, 'boot.img'), OLD)
  return { delta, base }
}

async function made(delta: SimpleDelta): Promise<Uint8Array> {
  const { delta: path, base } = await simpleDelta(delta)
  const out = fresh('out')
  await apply(path, base, out)
  return (await imagesOf(out)).get('boot') ?? Buffer.of()
}

async function refused(delta: SimpleDelta): Promise<SlotbenchError> {
  const { delta: path, base } = await simpleDelta(delta)
  return refusal(path, base)
}

describe('operations', () => {
  it('copy blocks to anywhere, several times', async () => {
    const changed = blocksOf(OLD, 3, 1, 1, 0, 2)
    const operations = [copy([1, 1], [1, 2]), copy([3, 0], [0, 3]), copy([2], [4])]
    expect(Buffer.compare(await made({ operations, changed }), changed)).toBe(0)
  })

  it('check the digest of what they read', async () => {
    const operations = [copy([0, 1, 2, 3], [0, 1, 2, 3], { srcSha256: new Uint8Array(32) })]
    const error = await refused({ operations, changed: OLD })
    expect(error.code).toBe('digest-mismatch')
    expect(error.message).toContain('partition boot, operation 0')
  })

  it('are proven by what comes out in the end', async () => {
    const operations = [copy([0, 1, 2, 3], [0, 1, 2, 3])]
    const error = await refused({ operations, changed: blocksOf(OLD, 3, 2, 1, 0) })
    expect(error.code).toBe('digest-mismatch')
    expect(error.message).toContain('the new boot')
  })

  it('patch in place, in their order, minor version 1', async () => {
    const patch = await bsdf2Patch(blocksOf(OLD, 2), blocksOf(OLD, 1), BROTLI)
    const move = (from: readonly number[], to: readonly number[]): Operation => ({
      type: OPERATION_TYPE.move,
      srcExtents: extents(from),
      dstExtents: extents(to),
    })
    const operations: Operation[] = [
      // Overlapping: all is read before anything is written.
      move([0, 1, 2], [1, 2, 3]),
      // Reads what the first one wrote: block 2 holds what was block 1, block 3 what was block 2.
      {
        type: OPERATION_TYPE.bsdiff,
        srcExtents: extents([3]),
        dstExtents: extents([0]),
        dataOffset: 0,
        dataLength: patch.length,
        dataSha256: digest(patch),
      },
      { type: OPERATION_TYPE.zero, dstExtents: extents([1]) },
    ]
    const changed = Buffer.concat([blocksOf(OLD, 1), Buffer.alloc(BLOCK), blocksOf(OLD, 1, 2)])
    const image = await made({ operations, changed, data: patch, manifest: { minorVersion: 1 } })
    expect(Buffer.compare(image, changed)).toBe(0)
  })

  it.each([
    ['puffdiff', OPERATION_TYPE.puffdiff],
    ['zucchini', OPERATION_TYPE.zucchini],
    ['lz4diffBsdiff', OPERATION_TYPE.lz4diffBsdiff],
    ['lz4diffPuffdiff', OPERATION_TYPE.lz4diffPuffdiff],
    ['move', OPERATION_TYPE.move],
    ['type 99', 99],
  ])('of the kind %s are named as not supported', async (name, type) => {
    const error = await refused({
      operations: [copy([0], [0]), { ...copy([1, 2, 3], [1, 2, 3]), type, dataOffset: 0, dataLength: 1 }],
      changed: OLD,
      data: Buffer.of(1),
    })
    expect(error.code).toBe('payload-unsupported')
    expect(error.message).toContain('operation 1')
    expect(error.message).toContain(name.replace('type 99', '99'))
  })

  it.each<[string, SimpleDelta]>([
    ['leave a gap', { operations: [copy([0, 1], [0, 1])], changed: OLD }],
    ['write a block twice', { operations: [copy([0, 1, 2, 3], [0, 1, 2, 2])], changed: OLD }],
    [
      'read behind the end',
      {
        operations: [copy([0, 1, 2], [0, 1, 2]), { ...copy([0], [3]), srcExtents: extents([4]) }],
        changed: OLD,
      },
    ],
    ['write behind the end', { operations: [copy([0, 1, 2, 3], [0, 1, 2, 4])], changed: OLD }],
    ['copy more than they write', { operations: [copy([0, 1, 2, 3], [0, 1, 2])], changed: OLD }],
    [
      'read nearly 2^53 blocks',
      {
        operations: [{ ...copy([0], [0]), srcExtents: [{ startBlock: 0, numBlocks: 2 ** 53 - 1 }] }],
        changed: OLD,
      },
    ],
    [
      'read over and over',
      {
        operations: [
          {
            ...copy([0], [0]),
            srcExtents: Array.from({ length: 100 }, () => ({ startBlock: 0, numBlocks: 4 })),
          },
        ],
        changed: OLD,
      },
    ],
    [
      'read an image that is not named',
      { operations: [copy([0, 1, 2, 3], [0, 1, 2, 3])], changed: OLD, partition: { oldInfo: undefined } },
    ],
  ])('that %s are refused before anything is written', async (_, delta) => {
    expect(await refused(delta)).toMatchObject({ code: 'payload-invalid' })
  })
})

describe('a verity partition', () => {
  const SALT = Uint8Array.of(1, 2, 3)
  /** Data, hash tree, error correction, and one more block, as of an AVB footer. */
  async function verityImage() {
    const data = blocksOf(OLD, 3, 2, 1, 0)
    const read = (bytes: Uint8Array) => async (offset: number, length: number) =>
      bytes.subarray(offset, offset + length)
    const { tree } = await hashtreeBytes({
      ...{ read: read(data), imageSize: data.length, algorithm: 'sha256', salt: SALT },
      ...{ dataBlockSize: BLOCK, hashBlockSize: BLOCK },
    })
    const protectedBytes = Buffer.concat([data, tree])
    const spec = { dataSize: protectedBytes.length, blockSize: BLOCK, roots: 2 }
    const parity = await collect(fecParity({ ...spec, read: read(protectedBytes) }))
    return Buffer.concat([protectedBytes, ...parity, OLD.subarray(0, BLOCK)])
  }
  const partition: Partition = {
    hashTreeDataExtent: { startBlock: 0, numBlocks: 4 },
    hashTreeExtent: { startBlock: 4, numBlocks: 1 },
    hashTreeAlgorithm: 'sha256',
    hashTreeSalt: SALT,
    fecDataExtent: { startBlock: 0, numBlocks: 5 },
    fecExtent: { startBlock: 5, numBlocks: 2 },
    fecRoots: 2,
  }
  const operations = [copy([3, 2, 1, 0], [0, 1, 2, 3]), copy([0], [7])]

  it('gets its hash tree and error correction computed, as the terminal would', async () => {
    const changed = await verityImage()
    expect(changed.length).toBe(8 * BLOCK)
    expect(Buffer.compare(await made({ operations, changed, partition }), changed)).toBe(0)
  })

  it.each<[string, Partition]>([
    ['of another size', { hashTreeDataExtent: { startBlock: 0, numBlocks: 1 } }],
    ['of an unknown kind', { hashTreeAlgorithm: 'md5' }],
    ['behind the end', { hashTreeExtent: { startBlock: 8, numBlocks: 1 } }],
    ['over what is written', { hashTreeExtent: { startBlock: 3, numBlocks: 2 } }],
    ['with too many roots', { fecRoots: 200 }],
    ['with error correction of nothing', { fecDataExtent: undefined }],
    ['with too little error correction', { fecRoots: 3 }],
  ])('whose hash tree is %s is refused', async (_, change) => {
    const changed = await verityImage()
    const error = await refused({ operations, changed, partition: { ...partition, ...change } })
    expect(error.code).toBe('payload-invalid')
  })
})

it('a partition of impossible size costs no memory', async () => {
  const size = 2 ** 50
  const error = await refused({
    operations: [{ type: OPERATION_TYPE.zero, dstExtents: [{ startBlock: 0, numBlocks: size / BLOCK }] }],
    changed: OLD,
    partition: { newInfo: { size, hash: new Uint8Array(32) } },
  })
  expect(error.code).toBe('payload-invalid')
  expect(error.message).toContain(String(size))
})

describe('a delta that changes only some partitions', () => {
  it('keeps the others of the base', async () => {
    const changed = blocksOf(OLD, 3, 2, 1, 0)
    const { delta, base } = await simpleDelta({
      operations: [copy([3, 2, 1, 0], [0, 1, 2, 3])],
      changed,
      manifest: { partialUpdate: true },
    })
    writeFileSync(join(base, 'dtbo.img'), OLD.subarray(0, BLOCK))
    const out = fresh('out')
    await apply(delta, base, out)
    const images = await imagesOf(out)
    expect([...images.keys()]).toEqual(['boot', 'dtbo'])
    expect(Buffer.compare(images.get('dtbo') ?? Buffer.of(), OLD.subarray(0, BLOCK))).toBe(0)
  })
})
