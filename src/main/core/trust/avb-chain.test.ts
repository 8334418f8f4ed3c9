// Chains over images in memory: what they demand, and what damaged ones come to.
import { createPrivateKey, hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { damaged, expand, NEVER, outcome } from '../../../../test/images.ts'
import type { AvbDescriptor } from '../formats/avb-descriptors.ts'
import { AVB_FOOTER_SIZE, buildFooter } from '../formats/avb-footer.ts'
import { HashtreeBuilder } from '../formats/avb-hashtree.ts'
import { avbPublicKeyBlob } from '../formats/avb-key.ts'
import { memoryImage } from '../formats/raw-image.ts'
import { StreamDigests } from '../formats/stream-digests.ts'
import { buildVbmeta } from '../formats/vbmeta-writer.ts'
import { type ChainImage, readAvbChains } from './avb-chain.ts'
import { type AvbChainEvidence, trustEvidenceSchema } from './evidence.ts'
import { judge } from './verdict.ts'

const KEY = createPrivateKey(readFileSync(fixture('avb/testkey_rsa4096.pem')))
const CHAINED = createPrivateKey(readFileSync(fixture('avb/testkey_rsa2048.pem')))
const SALT = Uint8Array.of(1, 2, 3, 4)
const CONTENT = Buffer.alloc(20_000, 'an image; ')

const bootDescriptor: AvbDescriptor = {
  ...{
    kind: 'hash',
    imageSize: CONTENT.length,
    algorithm: 'sha256',
    partition: 'boot',
    salt: SALT,
    flags: 0,
  },
  digest: hash('sha256', Buffer.concat([SALT, CONTENT]), 'buffer'),
}

/** An image with its hash tree behind the data, as avbtool leaves it. */
function systemImage() {
  const levels: Buffer[][] = [[], []]
  const shape = {
    imageSize: 1024 * 1024,
    dataBlockSize: 4096,
    hashBlockSize: 4096,
    algorithm: 'sha256',
    salt: SALT,
  }
  const data = Buffer.alloc(shape.imageSize, 'system data; ')
  const builder = new HashtreeBuilder(shape, (level, block) => levels[level]?.push(Buffer.from(block)))
  builder.update(data)
  const { root } = builder.finish()
  const tree = Buffer.concat(levels.flat())
  const descriptor: AvbDescriptor = {
    ...{ kind: 'hashtree', dmVerityVersion: 1, ...shape, treeOffset: data.length, treeSize: tree.length },
    ...{ fecNumRoots: 2, fecOffset: data.length + tree.length, fecSize: 8192 },
    ...{ partition: 'system', rootDigest: Buffer.from(root, 'hex'), flags: 0 },
  }
  return { bytes: Buffer.concat([data, tree, Buffer.alloc(8192, 9)]), descriptor }
}

const SYSTEM = systemImage()

const CHAINED_VBMETA = buildVbmeta({
  ...{ algorithm: 'sha256-rsa2048', privateKey: CHAINED, rollbackIndex: 8, flags: 0 },
  descriptors: [SYSTEM.descriptor],
})

const TOP = buildVbmeta({
  ...{ algorithm: 'sha512-rsa4096', privateKey: KEY, rollbackIndex: 7, flags: 0 },
  descriptors: [
    bootDescriptor,
    {
      ...{ kind: 'chain', rollbackLocation: 3, partition: 'recovery', flags: 0 },
      publicKey: avbPublicKeyBlob(CHAINED),
    },
  ],
})

/** A vbmeta at the end of an image, where its footer says. */
function withFooter(vbmeta: Uint8Array): Uint8Array {
  const image = new Uint8Array(65_536)
  image.set(CONTENT)
  image.set(vbmeta, 24_576)
  const footer = { originalSize: CONTENT.length, vbmetaOffset: 24_576, vbmetaSize: vbmeta.length }
  image.set(buildFooter(footer), image.length - AVB_FOOTER_SIZE)
  return image
}

const image = (name: string, bytes: Uint8Array, slot?: 'a' | 'b'): ChainImage => ({
  ...{ name, image: memoryImage(bytes) },
  ...(slot === undefined ? {} : { slot }),
})

const IMAGES = [
  image('vbmeta', TOP),
  image('boot', CONTENT),
  image('recovery', withFooter(CHAINED_VBMETA)),
  image('system', SYSTEM.bytes),
]

/** What the chains come to, digested without threads. */
async function evidenceOf(images: readonly ChainImage[]): Promise<readonly AvbChainEvidence[]> {
  const chains = await readAvbChains(images, NEVER)
  for (const { probes } of chains)
    for (const { image: one, specs, take } of probes) {
      const digests = new StreamDigests(specs)
      digests.update(await expand(one.image))
      take(digests.results())
    }
  const evidence = chains.map((chain) => chain.evidence())
  // What is kept in the database must come back as it was.
  const whole = { images: { read: images.length, promised: 0 }, delta: false, avb: evidence }
  expect(trustEvidenceSchema.parse(JSON.parse(JSON.stringify(whole)))).toEqual(whole)
  return evidence
}

describe('a chain', () => {
  it('is followed into footers, with the rollback location of its descriptor', async () => {
    const [chain, ...others] = await evidenceOf(IMAGES)
    expect(others).toEqual([])
    expect(chain).toMatchObject({
      vbmetas: [
        {
          partition: 'vbmeta',
          algorithm: 'sha512-rsa4096',
          signature: 'valid',
          rollbackIndex: '7',
          rollbackLocation: 0,
        },
        {
          partition: 'recovery',
          algorithm: 'sha256-rsa2048',
          signature: 'valid',
          rollbackIndex: '8',
          rollbackLocation: 3,
        },
      ],
      missing: [],
      digests: [
        { partition: 'boot', kind: 'hash', by: 'vbmeta', state: 'holds', fec: 0 },
        { partition: 'system', kind: 'hashtree', by: 'recovery', state: 'holds', fec: 8192 },
      ],
      uncovered: [],
    })
    const verdict = judge({ images: { read: 4, promised: 0 }, delta: false, avb: chain ? [chain] : [] }, [])
    expect(verdict.reasons.find(({ partition }) => partition === 'system')?.text).toContain(
      '8192 bytes of error correction',
    )
  })

  it('of each slot is judged by the images of that slot', async () => {
    const other = Buffer.from(CONTENT)
    other[5] = 0
    const [a, b] = await evidenceOf([
      ...[
        image('vbmeta', TOP, 'a'),
        image('vbmeta', TOP, 'b'),
        image('boot', CONTENT, 'a'),
        image('boot', other, 'b'),
      ],
      ...IMAGES.slice(2),
    ])
    expect(a).toMatchObject({ slot: 'a', digests: [{ partition: 'boot', state: 'holds' }, {}] })
    expect(b).toMatchObject({
      slot: 'b',
      digests: [{ partition: 'boot', state: 'differs' }, { state: 'holds' }],
    })
  })

  it('is none without a vbmeta', async () => {
    expect(await evidenceOf(IMAGES.slice(1))).toEqual([])
  })

  it('whose images change while they are read is an error', async () => {
    const [chain] = await readAvbChains(IMAGES, NEVER)
    const [probe] = chain?.probes ?? []
    const digests = new StreamDigests(probe?.specs ?? [])
    digests.update(new Uint8Array(TOP.length))
    expect(() => probe?.take(digests.results())).toThrow(expect.objectContaining({ code: 'source-changed' }))
  })

  it('that demands digests without end is refused', async () => {
    const descriptors = Array.from({ length: 9 }, () => bootDescriptor)
    const many = buildVbmeta({ algorithm: 'none', rollbackIndex: 0, flags: 0, descriptors })
    const chains = readAvbChains([image('vbmeta', many), image('boot', CONTENT)], NEVER)
    await expect(chains).rejects.toMatchObject({ code: 'package-unsafe' })
    const chain = {
      kind: 'chain',
      rollbackLocation: 1,
      partition: 'recovery',
      flags: 0,
      publicKey: new Uint8Array(8),
    } as const
    const wide = Array.from({ length: 40 }, () => chain)
    const endless = buildVbmeta({ algorithm: 'none', rollbackIndex: 0, flags: 0, descriptors: wide })
    await expect(readAvbChains([image('vbmeta', endless)], NEVER)).rejects.toMatchObject({
      code: 'package-unsafe',
    })
  })

  it('to an image that carries no vbmeta is an error', async () => {
    const images = [image('vbmeta', TOP), image('recovery', new Uint8Array(4096))]
    await expect(readAvbChains(images, NEVER)).rejects.toMatchObject({ code: 'vbmeta-invalid' })
  })

  it('that is damaged anywhere is told, or refused with one error', async () => {
    const where = fc.constantFrom('vbmeta', 'recovery')
    const bytesOf = { vbmeta: TOP, recovery: withFooter(CHAINED_VBMETA) }
    await fc.assert(
      fc.asyncProperty(
        where.chain((name) => fc.tuple(fc.constant(name), damaged(bytesOf[name]))),
        async ([name, bytes]) => {
          const images = IMAGES.map((one) => (one.name === name ? image(name, bytes) : one))
          await outcome(() => evidenceOf(images))
        },
      ),
      { numRuns: 80 },
    )
  })
})
