import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { requireTool } from '../../../test/tools.ts'
import { FaultInjector } from '../fault-injector.ts'
import { profile } from '../profiles/index.ts'
import { randomBytes } from '../randomness.ts'
import { Disk } from './disk.ts'
import { geometryOf, partition } from './layout.ts'
import { PowerLost, SimulatedStorage } from './storage.ts'

const KIB = 1024
const GEOMETRY = { sectorSize: 4096, luns: [8 * 1024 * KIB] } as const

async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'slotbench-storage-'))
  try {
    return await run(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe.each(['memory', 'file'] as const)('storage in %s', (kind) => {
  const using = <T>(run: (storage: SimulatedStorage) => Promise<T>): Promise<T> =>
    kind === 'memory'
      ? run(SimulatedStorage.inMemory(GEOMETRY))
      : withFolder(async (folder) => {
          const storage = await SimulatedStorage.inFolder(folder, GEOMETRY)
          return run(storage).finally(() => storage.close())
        })

  it('gives back what was written, across pages, and zeros elsewhere', async () => {
    await using(async (storage) => {
      const bytes = randomBytes('across', 300 * KIB)
      await storage.write(0, 60 * KIB + 17, bytes)
      expect(Buffer.compare(await storage.read(0, 60 * KIB + 17, bytes.length), bytes)).toBe(0)
      expect((await storage.read(0, 0, 60 * KIB + 17)).every((byte) => byte === 0)).toBe(true)
      await storage.discard(0, 64 * KIB, 100 * KIB + 5)
      expect((await storage.read(0, 64 * KIB, 100 * KIB + 5)).every((byte) => byte === 0)).toBe(true)
      const rest = await storage.read(0, 164 * KIB + 5, 100)
      expect(Buffer.compare(rest, bytes.subarray(104 * KIB + 5 - 17, 104 * KIB + 105 - 17))).toBe(0)
    })
  })

  it('keeps copies apart, whichever side writes', async () => {
    await using(async (storage) => {
      await storage.write(0, 0, randomBytes('base', 200 * KIB))
      const base = await storage.read(0, 0, 200 * KIB)
      const fork = storage.fork()
      await fork.write(0, 100, Uint8Array.of(1, 2, 3))
      await fork.discard(0, 128 * KIB, 1000)
      await fork.setState({ bootLun: 'b' })
      expect(Buffer.compare(await storage.read(0, 0, 200 * KIB), base)).toBe(0)
      expect(storage.state.bootLun).toBe('a')
      expect([...(await fork.read(0, 100, 3))]).toEqual([1, 2, 3])
      expect((await fork.read(0, 128 * KIB, 1000)).every((byte) => byte === 0)).toBe(true)
      if (kind === 'file') return
      const second = storage.fork()
      await storage.write(0, 0, Uint8Array.of(9))
      expect((await second.read(0, 0, 1))[0]).toBe(base[0])
    })
  })

  it('keeps a prefix of whole sectors when the power goes in a write, and nothing afterwards', async () => {
    const lengths = new Set<number>()
    for (let seed = 1; seed <= 12; seed++) {
      await using(async (bare) => {
        const old = randomBytes('old', 256 * KIB)
        const fresh = randomBytes('new', 256 * KIB)
        await bare.write(0, 0, old)
        const injector = new FaultInjector({
          seed,
          faults: [{ kind: 'power-cut-in-write', afterBytes: 5000 }],
        })
        let alive = true
        const storage = bare.gated({ admit: (bytes, size) => injector.write(bytes, size, () => alive) })
        await expect(storage.write(0, 0, fresh)).rejects.toThrow(PowerLost)
        alive = false
        const stored = await bare.read(0, 0, 256 * KIB)
        const sector = (bytes: Uint8Array, i: number) => Buffer.from(bytes.subarray(i * 4096, (i + 1) * 4096))
        const isNew = Array.from({ length: 64 }, (_, i) => sector(stored, i).equals(sector(fresh, i)))
        const kept = isNew.indexOf(false)
        lengths.add(kept)
        expect(isNew.lastIndexOf(true)).toBe(kept - 1)
        expect(Buffer.compare(stored.subarray(kept * 4096), old.subarray(kept * 4096))).toBe(0)
        await expect(storage.write(0, 0, fresh)).rejects.toThrow(PowerLost)
        await expect(storage.discard(0, 0, 4096)).rejects.toThrow(PowerLost)
        await expect(storage.setState({ bootLun: 'b' })).rejects.toThrow(PowerLost)
        expect(Buffer.compare(await bare.read(0, 0, 256 * KIB), stored)).toBe(0)
      })
    }
    expect(lengths.size).toBeGreaterThan(3)
  })

  it('flips exactly one bit where it is told to', async () => {
    await using(async (bare) => {
      const injector = new FaultInjector({ faults: [{ kind: 'bit-flip', afterBytes: 70_000 }] })
      const storage = bare.gated({ admit: (bytes, size) => injector.write(bytes, size, () => true) })
      const bytes = randomBytes('flip', 128 * KIB)
      await storage.write(0, 0, bytes)
      const stored = await bare.read(0, 0, bytes.length)
      const wrong = [...stored.keys()].filter((i) => stored[i] !== bytes[i])
      expect(wrong).toEqual([70_000])
      const difference = (stored[70_000] ?? 0) ^ (bytes[70_000] ?? 0)
      expect(difference & (difference - 1)).toBe(0)
    })
  })

  it('remembers an answer only until somebody writes there', async () => {
    await using(async (storage) => {
      const range = { lun: 0, offset: 1024 * KIB, size: 1024 * KIB }
      const first = async (from: SimulatedStorage) =>
        from.remember([range], 'first byte', async () => (await from.read(0, range.offset, 1))[0])
      expect(await first(storage)).toBe(0)
      const fork = storage.fork()
      await storage.write(0, range.offset, Uint8Array.of(7))
      await fork.write(0, range.offset, Uint8Array.of(8))
      expect([await first(storage), await first(fork), await first(storage)]).toEqual([7, 8, 7])
    })
  })
})

it('keeps a terminal in its folder over a restart of the program', async () => {
  await withFolder(async (folder) => {
    const model = profile('unisoc-ab')
    const before = await SimulatedStorage.inFolder(folder, geometryOf(model))
    await partition(before, model)
    await before.setState({ unlocked: true, rollback: { 0: 4 } })
    const disk = await Disk.load(before)
    await disk.write(disk.get('boot_b'), 4096, Uint8Array.of(1, 2, 3))
    await before.close()
    const after = await SimulatedStorage.inFolder(folder, geometryOf(model))
    expect(after.state).toMatchObject({ unlocked: true, rollback: { 0: 4 } })
    const reloaded = await Disk.load(after)
    expect([...(await reloaded.read(reloaded.get('boot_b'), 4096, 3))]).toEqual([1, 2, 3])
    await after.close()
  })
})

describe('partition tables', () => {
  it('satisfy sgdisk (512-byte sectors) and show it the same partitions', async (test) => {
    const sgdisk = requireTool('sgdisk', test)
    await withFolder(async (folder) => {
      const model = profile('unisoc-ab')
      const storage = await SimulatedStorage.inFolder(folder, geometryOf(model))
      await partition(storage, model)
      const disk = await Disk.load(storage)
      await disk.changeEntries((entry) => ({ ...entry, attributes: entry.attributes | (1n << 50n) }))
      await storage.close()
      const image = join(folder, 'lun0.img')
      const { stdout } = await promisify(execFile)(sgdisk, ['-v', image])
      expect(stdout).toContain('No problems found')
      const listed = (await promisify(execFile)(sgdisk, ['-p', image])).stdout
      for (const { name, offset } of disk.partitions)
        expect(listed).toMatch(new RegExp(`^ +\\d+ +${offset / 512} .* ${name}$`, 'm'))
    })
  })

  it('leave one whole copy at every tear of a rewrite, also when one copy is damaged already', async () => {
    const model = profile('nx679j')
    const factory = SimulatedStorage.inMemory(geometryOf(model))
    await partition(factory, model)
    for (const damaged of ['none', 'primary', 'backup'] as const) {
      for (let seed = 1; seed <= 20; seed++) {
        for (const afterBytes of [0, 21_000]) {
          const bare = factory.fork()
          const size = bare.luns.get(4)?.size ?? 0
          if (damaged === 'primary') await bare.write(4, 4096, new Uint8Array(4096))
          if (damaged === 'backup') await bare.write(4, size - 4096, new Uint8Array(4096))
          const injector = new FaultInjector({ seed, faults: [{ kind: 'power-cut-in-write', afterBytes }] })
          const storage = bare.gated({ admit: (bytes, sector) => injector.write(bytes, sector, () => true) })
          const disk = await Disk.load(storage)
          const change = disk.changeEntries((entry) =>
            entry.name === 'boot_b' ? { ...entry, attributes: entry.attributes ^ (0xffn << 48n) } : entry,
          )
          await expect(change).rejects.toThrow(PowerLost)
          const after = await Disk.load(bare)
          expect(after.find('boot_a')).toEqual(disk.find('boot_a'))
        }
      }
    }
  })
})
