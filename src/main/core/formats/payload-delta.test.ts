// What a delta's manifest may hold, and that whatever else it holds is an error of ours. AOSP's own generator made the fixture.
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fixture } from '../../../../test/fixtures.ts'
import { damaged, memorySource, outcome } from '../../../../test/images.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { openDelta } from './payload-delta.ts'
import { encodePayloadHead, type ManifestInput, OPERATION_TYPE } from './payload-manifest.ts'

const archive = fixture('payload/sample_payloads.tar.xz')
const delta = execFileSync('tar', ['xfO', archive, 'delta_payload.bin'])

it('reads the operations of AOSP’s delta', async () => {
  const { partitions, blockSize } = await openDelta(memorySource(delta))
  expect(blockSize).toBe(4096)
  expect(partitions.map(({ name, old, size }) => [name, old?.size, size])).toEqual([
    ['kernel', 4194304, 4194304],
    ['root', 4096, 12288],
  ])
  const [kernel] = partitions
  expect(kernel?.operations[0]).toMatchObject({ kind: 'patch', sourceBytes: 20480, outputBytes: 24576 })
  expect(kernel?.operations[3]).toMatchObject({ kind: 'copy', sourceBytes: 16384, outputBytes: 16384 })
  expect(kernel?.verity).toBeUndefined()
})

it('never gives anything but a delta that covers its partitions, or an error of ours', async () => {
  await fc.assert(
    fc.asyncProperty(damaged(delta), (bytes) => holds(bytes)),
    { numRuns: 1000 },
  )
})

it('holds for manifests of any numbers too', async () => {
  const number = fc.oneof(fc.nat(8), fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53 - 1))
  const extents = fc.array(fc.record({ startBlock: number, numBlocks: number }), { maxLength: 3 })
  const operation = fc.record(
    {
      type: fc.constantFrom(...Object.values(OPERATION_TYPE), 77),
      dataOffset: number,
      dataLength: number,
      srcExtents: extents,
      srcLength: number,
      dstExtents: extents,
      srcSha256: fc.uint8Array({ minLength: 32, maxLength: 33 }),
    },
    { requiredKeys: ['type', 'dstExtents'] },
  )
  const info = fc.record({
    size: fc.oneof(fc.constant(4 * 4096), number),
    hash: fc.constant(new Uint8Array(32)),
  })
  const extent = fc.record({ startBlock: number, numBlocks: number })
  const partition = fc.record(
    {
      ...{ name: fc.constant('boot'), oldInfo: info, newInfo: info },
      operations: fc.array(operation, { maxLength: 4 }),
      ...{ hashTreeDataExtent: extent, hashTreeExtent: extent, fecDataExtent: extent, fecExtent: extent },
      fecRoots: fc.nat(300),
    },
    { requiredKeys: ['name', 'newInfo', 'operations'] },
  )
  const manifest = fc.record({ minorVersion: fc.nat(9), partitions: fc.array(partition, { maxLength: 2 }) })
  await fc.assert(
    fc.asyncProperty(manifest, (content) =>
      holds(
        Buffer.concat([
          encodePayloadHead({ blockSize: 4096, ...content } as ManifestInput),
          Buffer.alloc(64),
        ]),
      ),
    ),
    { numRuns: 1000 },
  )
})

async function holds(bytes: Uint8Array): Promise<void> {
  const result = await outcome(() => openDelta(memorySource(bytes)))
  if (result instanceof SlotbenchError) return
  for (const { size, old, operations, inPlace, verity } of result.partitions) {
    for (const operation of operations) {
      for (const { offset, length } of operation.targets) expect(offset + length).toBeLessThanOrEqual(size)
      if (operation.kind !== 'copy' && operation.kind !== 'patch') continue
      const most = inPlace ? Math.max(size, old?.size ?? 0) : (old?.size ?? 0)
      for (const { offset, length } of operation.sources) expect(offset + length).toBeLessThanOrEqual(most)
    }
    if (inPlace) continue
    const computed = verity === undefined ? 0 : verity.tree.length + (verity.fec?.parity.length ?? 0)
    expect(operations.reduce((sum, { outputBytes }) => sum + outputBytes, computed)).toBe(size)
  }
}
