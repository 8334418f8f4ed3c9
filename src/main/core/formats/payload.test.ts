// AOSP's own generator made the fixtures; everything a manifest could lie about is refused by name.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { damaged, expand, memorySource, outcome } from '../../../../test/images.ts'
import type { ErrorCode } from '../../../shared/errors.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import { openPayload } from './payload.ts'
import { payloadImage } from './payload-image.ts'
import { decodeManifest, encodeManifest, encodePayloadHead, OPERATION_TYPE } from './payload-manifest.ts'

const folder = mkdtempSync(join(tmpdir(), 'slotbench-payload-'))
const workshop = createWorkshop({ width: 2 })
let full: Buffer
let delta: Buffer

beforeAll(() => {
  for (const archive of ['payload/sample_payloads.tar.xz', 'payload/sample_images.tar.bz2'])
    execFileSync('tar', ['xf', fixture(archive), '-C', folder])
  full = readFileSync(join(folder, 'full_payload.bin'))
  delta = readFileSync(join(folder, 'delta_payload.bin'))
})
afterAll(async () => {
  await workshop.close()
  rmSync(folder, { recursive: true })
})

const BLOCK = 4096
const DATA = Uint8Array.from({ length: 2 * BLOCK }, (_, i) => i % 251)
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

type Operation = NonNullable<
  NonNullable<Parameters<typeof encodeManifest>[0]['partitions']>[number]['operations']
>[number]

const REPLACE: Operation = {
  type: OPERATION_TYPE.replace,
  dataOffset: 0,
  dataLength: DATA.length,
  dataSha256: sha(DATA),
  dstExtents: [{ startBlock: 0, numBlocks: 2 }],
}
const ZERO: Operation = { type: OPERATION_TYPE.zero, dstExtents: [{ startBlock: 2, numBlocks: 1 }] }
const IMAGE = Uint8Array.from([...DATA, ...new Uint8Array(BLOCK)])
const PARTITION = {
  name: 'boot',
  newInfo: { size: IMAGE.length, hash: sha(IMAGE) },
  operations: [REPLACE, ZERO],
}

type ManifestInput = Parameters<typeof encodeManifest>[0]

function payloadOf(manifest: ManifestInput, data: Uint8Array = DATA) {
  return memorySource(
    Buffer.concat([encodePayloadHead({ blockSize: BLOCK, ...manifest }), data]),
    'payload.bin',
  )
}

const withOperation = (change: Operation): ManifestInput => ({
  partitions: [{ ...PARTITION, operations: [{ ...REPLACE, ...change }, ZERO] }],
})

async function refusal(manifest: ManifestInput): Promise<SlotbenchError> {
  const result = await outcome(() => openPayload(payloadOf(manifest)))
  if (result instanceof SlotbenchError) return result
  throw new Error('the payload was accepted')
}

describe('payloads of AOSP’s generator', () => {
  it('expands a full payload to the images it was made from', async () => {
    const payload = await openPayload(memorySource(full))
    const images = { kernel: 'disk_ext2_4k.img', root: 'disk_sqfs_default.img' }
    expect(payload.partitions.map(({ name }) => name).sort()).toEqual(Object.keys(images))
    for (const partition of payload.partitions) {
      const original = readFileSync(join(folder, images[partition.name as keyof typeof images]))
      const expanded = await expand(payloadImage(payload, partition, workshop))
      expect(Buffer.compare(expanded, original)).toBe(0)
      expect(partition.sha256).toBe(sha(original).toString('hex'))
    }
  })

  it('refuses a delta and names the partition and the operation that tell', async () => {
    const error = await outcome(() => openPayload(memorySource(delta)))
    expect(error).toMatchObject({ code: 'payload-delta' })
    expect((error as SlotbenchError).message).toMatch(/operation \d+ \(\w+\) of partition \w+/)
  })

  it('encodes a manifest so that it reads back the same', () => {
    const manifest = decodeManifest(new Uint8Array(full).subarray(24, 24 + 257))
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest)
    expect(manifest.partitions).toHaveLength(2)
  })

  it('never gives anything but a payload or an error of ours', async () => {
    await fc.assert(
      fc.asyncProperty(damaged(full), async (bytes) => {
        await outcome(() => openPayload(memorySource(bytes)))
      }),
      { numRuns: 500 },
    )
  })
})

describe('what tells a delta', () => {
  const cases: readonly (readonly [string, ManifestInput])[] = [
    ['an operation that reads the old image', withOperation({ type: OPERATION_TYPE.sourceCopy })],
    ['source extents', withOperation({ srcExtents: [{ startBlock: 0, numBlocks: 1 }] })],
    ['a source digest', withOperation({ srcSha256: new Uint8Array(32) })],
    ['the digest of an old image', { partitions: [{ ...PARTITION, oldInfo: { size: 1 } }] }],
    ['a minor version', { partitions: [PARTITION], minorVersion: 9 }],
  ]
  it.each(cases)('%s', async (_, manifest) => {
    expect(await refusal(manifest)).toMatchObject({ code: 'payload-delta' })
  })

  it('is not that only some partitions are updated', async () => {
    const payload = await openPayload(
      payloadOf({ partitions: [PARTITION], partialUpdate: true, minorVersion: 7 }),
    )
    expect(payload.partialUpdate).toBe(true)
  })
})

describe('manifests that cannot be true', () => {
  const target = (startBlock: number, numBlocks: number): Operation => ({
    dstExtents: [{ startBlock, numBlocks }],
  })
  const cases: readonly (readonly [string, ErrorCode, ManifestInput])[] = [
    ['an unknown operation', 'payload-unsupported', withOperation({ type: 99 })],
    ['a block size of 3', 'payload-invalid', { blockSize: 3, partitions: [PARTITION] }],
    ['data beyond the file', 'source-truncated', withOperation({ dataOffset: 1 })],
    ['data at 2^53', 'source-truncated', withOperation({ dataOffset: Number.MAX_SAFE_INTEGER })],
    ['data in the signature', 'payload-invalid', { partitions: [PARTITION], signaturesOffset: 4096 }],
    ['a signature beyond the file', 'source-truncated', { partitions: [PARTITION], signaturesOffset: 9000 }],
    ['no data', 'payload-invalid', withOperation({ dataLength: 0 })],
    ['less data than blocks', 'payload-invalid', withOperation({ dataLength: BLOCK })],
    ['a short digest', 'payload-invalid', withOperation({ dataSha256: new Uint8Array(31) })],
    ['an extent beyond the partition', 'payload-invalid', withOperation(target(2, 2))],
    ['an extent of 2^53 blocks', 'payload-invalid', withOperation(target(0, Number.MAX_SAFE_INTEGER))],
    ['an empty extent', 'payload-invalid', withOperation(target(0, 0))],
    ['no extent', 'payload-invalid', withOperation({ dstExtents: [] })],
    ['overlapping extents', 'payload-invalid', withOperation(target(1, 2))],
    ['a gap', 'payload-invalid', { partitions: [{ ...PARTITION, operations: [REPLACE] }] }],
    [
      'a hash tree left to the terminal',
      'payload-unsupported',
      {
        partitions: [
          { ...PARTITION, operations: [REPLACE], hashTreeExtent: { startBlock: 2, numBlocks: 1 } },
        ],
      },
    ],
    ['a partition twice', 'payload-invalid', { partitions: [PARTITION, PARTITION] }],
    ['a path as name', 'payload-invalid', { partitions: [{ ...PARTITION, name: '../boot' }] }],
    ['no size', 'payload-invalid', { partitions: [{ ...PARTITION, newInfo: { hash: sha(IMAGE) } }] }],
    [
      'half a block',
      'payload-invalid',
      { partitions: [{ ...PARTITION, newInfo: { size: 100, hash: sha(IMAGE) } }] },
    ],
    [
      'a partition in two groups',
      'payload-invalid',
      {
        partitions: [PARTITION],
        dynamic: { groups: ['x', 'y'].map((name) => ({ name, partitionNames: ['boot'] })) },
      },
    ],
  ]
  it.each(cases)('%s is %s', async (_, code, manifest) => {
    expect(await refusal(manifest)).toMatchObject({ code })
  })

  it('accepts the same manifest without the lie', async () => {
    const payload = await openPayload(payloadOf({ partitions: [PARTITION] }))
    const [partition] = payload.partitions
    if (partition === undefined) throw new Error('no partition')
    expect(Buffer.compare(await expand(payloadImage(payload, partition, workshop)), IMAGE)).toBe(0)
  })

  it('bounds the number of entries apart from their bytes', () => {
    const emptyPartition = [(13 << 3) | 2, 0]
    const many = Buffer.alloc(2_200_000, Buffer.from(emptyPartition))
    expect(() => decodeManifest(many)).toThrow(expect.objectContaining({ code: 'payload-invalid' }))
  })
})
