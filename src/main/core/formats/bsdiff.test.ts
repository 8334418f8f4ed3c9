// Patches by the `bsdiff` program are applied as `bspatch` does, and bspatch takes those of the simulator's encoder.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { collect, damaged, memorySource, NEVER, outcome } from '../../../../test/images.ts'
import { requireTool } from '../../../../test/tools.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import {
  BROTLI,
  bsdf2Patch,
  bsdiff40Patch,
  UNCOMPRESSED,
} from '../../../simulator/rom-factory/bsdiff-encoder.ts'
import { createWorkshop } from '../../io/workers/workshop.ts'
import { CONTROL_ENTRY_SIZE, maxControlBytes, parseControl, parsePatchHeader } from './bsdiff.ts'
import { applyPatch } from './bsdiff-patch.ts'

const folder = mkdtempSync(join(tmpdir(), 'slotbench-bsdiff-'))
const workshop = createWorkshop({ width: 1 })
afterAll(async () => {
  await workshop.close()
  rmSync(folder, { recursive: true })
})

const MIB = 1024 * 1024

async function patched(patch: Uint8Array, old: Uint8Array, maxOutput = 16 * MIB): Promise<Buffer> {
  const tools = { workshop, signal: NEVER, maxOutput }
  return Buffer.concat(
    await collect(applyPatch(memorySource(patch, 'patch'), memorySource(old, 'old'), tools)),
  )
}

/** Bytes that no compressor shortens, the same for one seed. */
function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

/** A build and the next: single bytes changed, a stretch inserted, one taken out, two swapped. */
function builds(length: number): { readonly old: Uint8Array; readonly changed: Uint8Array } {
  const old = noise(length, 1)
  const part = (from: number, to: number) => old.slice(length * from, length * to)
  const changed = Buffer.concat([part(0, 0.25), noise(5000, 2), part(0.6, 0.9), part(0.3, 0.6)])
  for (let i = 100; i < changed.length; i += 997) changed[i] = (changed[i] ?? 0) + 3
  return { old, changed }
}

const PAIRS: readonly (readonly [string, Uint8Array, Uint8Array])[] = [
  ['a changed build', builds(3 * MIB).old, builds(3 * MIB).changed],
  ['the same bytes', noise(70_000, 3), noise(70_000, 3)],
  ['nothing made', noise(100, 4), new Uint8Array(0)],
  ['nothing to start from', new Uint8Array(0), noise(100, 5)],
  ['nothing in common', noise(5000, 6), noise(6000, 7)],
]

const bzip2 = (path: string) => ({
  id: 1 as const,
  compress: async (bytes: Uint8Array) => execFileSync(path, ['-c'], { input: bytes, maxBuffer: 64 * MIB }),
})

for (const [name, old, changed] of PAIRS)
  describe(name, () => {
    const [a, b, p] = ['old', 'new', 'patch'].map((kind) => join(folder, `${name} ${kind}`)) as [
      string,
      string,
      string,
    ]

    // It maps its files into memory, which does not go with empty ones.
    if (old.length > 0 && changed.length > 0)
      it('from a patch of the bsdiff program', async (test) => {
        writeFileSync(a, old)
        writeFileSync(b, changed)
        execFileSync(requireTool('bsdiff', test), [a, b, p])
        expect(Buffer.compare(await patched(readFileSync(p), old), changed)).toBe(0)
      })

    it('as bspatch makes it of the simulator’s patch', async (test) => {
      const bspatch = requireTool('bspatch', test)
      const patch = await bsdiff40Patch(old, changed, bzip2(requireTool('bzip2', test)))
      writeFileSync(a, old)
      writeFileSync(p, patch)
      execFileSync(bspatch, [a, b, p])
      expect(Buffer.compare(readFileSync(b), changed)).toBe(0)
      expect(Buffer.compare(await patched(patch, old), changed)).toBe(0)
    })

    it.each([BROTLI, UNCOMPRESSED])('as BSDF2 with compressor $id', async (compressor) => {
      expect(Buffer.compare(await patched(await bsdf2Patch(old, changed, compressor), old), changed)).toBe(0)
    })
  })

it('makes a patch of few changes short', async () => {
  const { old, changed } = builds(MIB)
  expect((await bsdf2Patch(old, changed, BROTLI)).length).toBeLessThan(MIB / 20)
})

/** A patch whose three streams are not compressed. */
function plainPatch(
  control: readonly bigint[],
  diff: Uint8Array,
  more: Partial<{ extra: Uint8Array; size: bigint }>,
) {
  const numbers = (values: readonly bigint[]) => {
    const bytes = Buffer.alloc(values.length * 8)
    for (const [i, value] of values.entries()) {
      bytes.writeBigUInt64LE(value < 0n ? -value : value, i * 8)
      if (value < 0n) bytes[i * 8 + 7] = (bytes[i * 8 + 7] ?? 0) | 0x80
    }
    return bytes
  }
  const controls = numbers(control)
  const extra = more.extra ?? new Uint8Array(0)
  const size = more.size ?? BigInt(diff.length + extra.length)
  const head = numbers([BigInt(controls.length), BigInt(diff.length), size])
  return Buffer.concat([Buffer.from('BSDF2\0\0\0'), head, controls, diff, extra])
}

describe('positions outside the old image', () => {
  const old = Uint8Array.of(10, 20, 30)
  it('have nothing to add to', async () => {
    const before = plainPatch([0n, 0n, -2n, 6n, 0n, 0n], Uint8Array.of(1, 1, 1, 1, 1, 1), {})
    expect([...(await patched(before, old))]).toEqual([1, 1, 11, 21, 31, 1])
    const far = plainPatch([0n, 0n, 2n ** 40n, 2n, 0n, 0n], Uint8Array.of(7, 8), {})
    expect([...(await patched(far, old))]).toEqual([7, 8])
  })

  it('wrap around at 256', async () => {
    expect([...(await patched(plainPatch([3n, 0n, 0n], Uint8Array.of(246, 236, 255), {}), old))]).toEqual([
      0, 0, 29,
    ])
  })
})

describe('a lying patch', () => {
  const old = noise(64, 8)
  const diff = new Uint8Array(8)
  const HUGE = 2n ** 63n - 1n
  it.each<[string, Uint8Array]>([
    ['no header', Buffer.from('BSDF2')],
    ['another magic', Buffer.concat([Buffer.from('BSDIFF99'), Buffer.alloc(24)])],
    ['a size near 2^63', plainPatch([8n, 0n, 0n], diff, { size: HUGE })],
    ['a negative size', plainPatch([8n, 0n, 0n], diff, { size: -8n })],
    ['more than there is room for', plainPatch([8n, 0n, 0n], diff, { size: 2n ** 40n })],
    ['a copy near 2^63', plainPatch([HUGE, 0n, 0n], diff, {})],
    ['a copy of more than is made', plainPatch([9n, 0n, 0n], diff, {})],
    ['a negative copy', plainPatch([-8n, 16n, 0n], diff, {})],
    ['a negative insertion', plainPatch([16n, -8n, 0n], diff, {})],
    ['an insertion near 2^63', plainPatch([1n, HUGE, 0n], diff, {})],
    ['a seek near 2^63', plainPatch([0n, 0n, HUGE, 8n, 0n, 0n], diff, {})],
    ['a seek near -2^63', plainPatch([0n, 0n, -HUGE, 8n, 0n, 0n], diff, {})],
    ['seeks that add up', plainPatch(Array.from({ length: 9 }, () => [0n, 0n, 2n ** 50n]).flat(), diff, {})],
    ['a control stream that ends early', plainPatch([4n, 0n, 0n], diff, {})],
    ['no control at all', plainPatch([], diff, {})],
    ['half an entry', plainPatch([4n, 0n, 0n, 4n], diff, {})],
    ['too little to add', plainPatch([8n, 0n, 0n], diff.subarray(1), { size: 8n })],
    ['too much to add', plainPatch([4n, 0n, 0n], diff, { size: 4n })],
    ['too little to insert', plainPatch([8n, 2n, 0n], diff, { extra: Uint8Array.of(1), size: 10n })],
  ])('with %s is refused', async (_, patch) => {
    expect(await outcome(() => patched(patch, old))).toMatchObject({ code: 'payload-invalid' })
  })

  it('with an unknown compressor is refused by name', async () => {
    const patch = plainPatch([8n, 0n, 0n], diff, {})
    patch[6] = 9
    expect(await outcome(() => patched(patch, old))).toMatchObject({ code: 'payload-unsupported' })
  })

  it('whose control stream is a bomb is stopped', async () => {
    const bomb = brotliCompressSync(Buffer.alloc(64 * MIB))
    const head = Buffer.alloc(32)
    head.write('BSDF2\x02\x02\x02', 'latin1')
    head.writeBigUInt64LE(BigInt(bomb.length), 8)
    head.writeBigUInt64LE(8n, 24)
    expect(maxControlBytes(8)).toBeLessThan(MIB)
    const result = await outcome(() => patched(Buffer.concat([head, bomb]), old))
    expect(result).toMatchObject({ code: 'decode-failed' })
  })
})

describe('arbitrary bytes', () => {
  const { old, changed } = builds(3000)
  const check = async (patch: Uint8Array) => {
    const result = await outcome(() => patched(patch, old, MIB))
    if (!(result instanceof SlotbenchError)) expect(result.length).toBeLessThanOrEqual(MIB)
  }

  it('give a result or an error of ours', async () => {
    for (const compressor of [BROTLI, UNCOMPRESSED]) {
      const valid = await bsdf2Patch(old, changed, compressor)
      await fc.assert(fc.asyncProperty(damaged(valid), check), { numRuns: 300 })
    }
  })

  it('as numbers of control and header too', async () => {
    const control = fc.uint8Array({ maxLength: 20 * CONTROL_ENTRY_SIZE })
    await fc.assert(
      fc.asyncProperty(control, fc.nat(1000), async (bytes, size) => {
        const result = await outcome(() => parseControl(bytes, size))
        if (!(result instanceof SlotbenchError)) expect(result.diffBytes + result.extraBytes).toBe(size)
      }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 24, maxLength: 24 }),
        fc.nat(10_000),
        async (bytes, size) => {
          const result = await outcome(() =>
            parsePatchHeader(Buffer.concat([Buffer.from('BSDIFF40'), bytes]), size),
          )
          if (!(result instanceof SlotbenchError))
            expect(result.extra.offset + result.extra.length).toBe(size)
        },
      ),
    )
  })

  it('make what a patch of any two images says', async () => {
    const image = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(3).map((n) => noise(n * 100, 9)),
    )
    await fc.assert(
      fc.asyncProperty(image, image, async (from, to) => {
        const patch = await bsdf2Patch(from, to, UNCOMPRESSED)
        expect(Buffer.compare(await patched(patch, from), to)).toBe(0)
      }),
      { numRuns: 200 },
    )
  })
})
