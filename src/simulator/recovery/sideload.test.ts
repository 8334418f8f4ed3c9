import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { requireTool } from '../../../test/tools.ts'
import type { AdbDaemonOptions } from '../adb/daemon.ts'
import { adbDaemon } from '../adb/daemon.ts'
import { TestAdbHost } from '../adb/test-host.ts'
import { makeBuild } from '../make-images.ts'
import type { ProfileId } from '../profiles/index.ts'
import { programCompressor } from '../rom-factory/compressors.ts'
import { makeRom, type RomOptions } from '../rom-factory/make-rom.ts'
import type { SimulatedTerminal } from '../terminal.ts'
import { BUILD_1, BUILD_2, testProfile, testTerminal } from '../test-terminal.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slotbench-sideload-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

type Order = Partial<RomOptions> & { readonly id?: ProfileId }
let made = 0

/** A package of build 2, newer than build 1. */
async function packageOf({ id = 'nx679j', ...changes }: Order = {}): Promise<Buffer> {
  made += 1
  const out = join(folder, `${made}.zip`)
  await makeRom(testProfile(id), {
    ...BUILD_2,
    kind: 'ota-zip',
    securityPatch: '2026-02-01',
    ...changes,
    out,
  })
  return readFile(out)
}

interface Bench {
  readonly terminal: SimulatedTerminal
  readonly host: TestAdbHost
  readonly screen: string[]
}

async function inSideload(
  options: AdbDaemonOptions & { readonly id?: ProfileId; readonly wish?: string } = {},
): Promise<Bench> {
  const { id = 'nx679j', wish = 'sideload', ...rest } = options
  const screen: string[] = []
  const adb = adbDaemon({ onScreen: (text) => screen.push(text), ...rest })
  const terminal = await testTerminal(id, { adb })
  await terminal.powerOn()
  const first = TestAdbHost.to(terminal)
  await first.connect()
  void first.ask(`reboot:${wish}`).catch(() => {})
  const mode = wish === 'rescue' ? 'rescue' : 'sideload'
  await vi.waitFor(() => expect(terminal.state).toBe(mode))
  const host = TestAdbHost.to(terminal)
  expect(await host.connect()).toMatch(new RegExp(`^${mode}::ro.product.name=`))
  return { terminal, host, screen }
}

/** Everything of slot a. */
async function slotA(terminal: SimulatedTerminal): Promise<readonly string[]> {
  const names = terminal.profile.partitions.filter(({ slotted }) => slotted).map(({ name }) => `${name}_a`)
  return Promise.all(names.map((name) => terminal.partitionDigest(name)))
}

/** Recovery has dealt with the package, and with what told it to. */
async function inMenu(terminal: SimulatedTerminal): Promise<void> {
  await vi.waitFor(() => expect(terminal.state).toBe('recovery'))
}

describe('a package that holds', () => {
  it('is written to the other slot, which boots; the old slot stays as it was', async () => {
    const { terminal, host, screen } = await inSideload()
    const before = await slotA(terminal)
    const { verdict, asked } = await host.sideload(await packageOf())
    expect(verdict).toBe('DONEDONE')
    expect(asked.length).toBeGreaterThan(20)
    // The directory of the archive is at its end, so that is what is read first.
    expect(asked[0]).toBeGreaterThan(20)
    expect(screen.at(-1)).toBe('Install from ADB complete (status: 0).')
    await inMenu(terminal)
    expect(await slotA(terminal)).toEqual(before)
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b', build: 'BUILD-2', verdict: 'booted' })
  })

  it('restarts by itself where that was asked for', async () => {
    const { terminal, host } = await inSideload({ wish: 'sideload-auto-reboot' })
    expect((await host.sideload(await packageOf())).verdict).toBe('DONEDONE')
    await vi.waitFor(() => expect(terminal.state).toBe('system'))
    expect(terminal.boots().at(-1)).toMatchObject({ slot: 'b', build: 'BUILD-2' })
  })

  it.each(['unisoc-ab', 'a-only'] as const)('installs on %s', async (id) => {
    const { terminal, host, screen } = await inSideload({ id })
    expect((await host.sideload(await packageOf({ id }))).verdict).toBe('DONEDONE')
    expect(screen).not.toContain('Installation aborted.')
    await inMenu(terminal)
    expect(await terminal.wouldBoot()).toMatchObject({ build: 'BUILD-2', verdict: 'booted' })
  })

  it.each(['nx769j', 'nx769j-tight'] as const)('is staged in super on %s', async (id) => {
    const { terminal, host, screen } = await inSideload({ id })
    const partitions = terminal.profile.partitions.filter(({ logical }) => logical).map(({ name }) => name)
    const dynamicGroups = [{ name: 'qti_dynamic_partitions', size: 1 << 26, partitions }]
    const { verdict } = await host.sideload(await packageOf({ id, dynamicGroups }))
    expect(verdict, screen.join('\n')).toBe('DONEDONE')
    await inMenu(terminal)
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b', build: 'BUILD-2', verdict: 'booted' })
  })

  it('is read in the blocks that the host names', async () => {
    const { terminal, host } = await inSideload()
    expect((await host.sideload(await packageOf(), { block: 4096 })).verdict).toBe('DONEDONE')
    expect(await terminal.wouldBoot()).toMatchObject({ build: 'BUILD-2' })
  })

  it('keeps blocks in memory where there is some', async () => {
    const { host } = await inSideload({ behaviour: { recovery: { cacheBlocks: 10_000 } } })
    const { asked } = await host.sideload(await packageOf())
    expect(new Set(asked).size).toBe(asked.length)
  })

  it('may hold bzip2, xz, zstd, zeros and discarded blocks', async (context) => {
    const compressors = {
      xz: programCompressor(requireTool('xz', context), ['-c']),
      bzip2: programCompressor(requireTool('bzip2', context), ['-c']),
    }
    for (const compress of ['xz', 'bzip2', 'zstd', 'replace'] as const) {
      const operations = { compress: [compress], discard: true, largeOperations: compress === 'xz' } as const
      const rom = await packageOf({
        operations: compress === 'xz' || compress === 'bzip2' ? { ...operations, compressors } : operations,
      })
      const { terminal, host, screen } = await inSideload()
      expect((await host.sideload(rom)).verdict, screen.join('\n')).toBe('DONEDONE')
      expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b', build: 'BUILD-2' })
    }
  })

  it('may be a delta of what runs', async () => {
    const partitions = ['system', 'vendor', 'modem']
    const images = await makeBuild(testProfile('nx679j'), BUILD_1)
    const delta = { from: { build: BUILD_1.build, images }, operations: { chunkBytes: 64 * 1024 } }
    const unchanged = { since: BUILD_1, partitions }
    const rom = await packageOf({ ...delta, ...{ unchanged } })
    expect(rom.length).toBeLessThan((await packageOf()).length * 0.6)
    const { terminal, host, screen } = await inSideload()
    expect((await host.sideload(rom)).verdict, screen.join('\n')).toBe('DONEDONE')
    await inMenu(terminal)
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b', build: 'BUILD-2', verdict: 'booted' })

    const other = await inSideload()
    await other.terminal.writePartitionRaw('vendor_a', Uint8Array.of(1, 2, 3), 100_000)
    expect((await other.host.sideload(rom)).verdict).toBe('FAILFAIL')
    expect(other.screen).toContain('E:vendor is not what this package starts from')
  })
})

describe('a package that does not hold', () => {
  const refused = async (rom: Buffer, bench?: Bench) => {
    const { terminal, host, screen } = bench ?? (await inSideload())
    expect((await host.sideload(rom)).verdict).toBe('FAILFAIL')
    await inMenu(terminal)
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'a', build: 'BUILD-1', verdict: 'booted' })
    return screen.find((line) => line.startsWith('E:'))
  }

  it('for another model', async () => {
    expect(await refused(await packageOf({ models: ['NX789J'] }))).toBe(
      'E:Package is for product NX789J but expected NX679J',
    )
  })

  it('older than what runs, unless its makers allow it', async () => {
    const securityPatch = '2020-01-01'
    expect(await refused(await packageOf({ securityPatch }))).toMatch(/older than the current build/)
    const { host } = await inSideload()
    const rom = await packageOf({ securityPatch, ota: { downgrade: true } })
    expect((await host.sideload(rom)).verdict).toBe('DONEDONE')
  })

  it('made from another build', async () => {
    const images = await makeBuild(testProfile('nx679j'), BUILD_1)
    const from = { build: 'BUILD-0', images }
    expect(await refused(await packageOf({ from }))).toBe(
      'E:Package is for source build BUILD-0 but expected BUILD-1',
    )
  })

  it('without a signature', async () => {
    expect(await refused(await packageOf({ signed: false }))).toMatch(/signature verification failed/)
  })

  it('compressed within the archive', async () => {
    expect(await refused(await packageOf({ ota: { deflatePayload: true } }))).toMatch(/read in place/)
  })

  it('damaged in any part of the payload', async () => {
    const rom = await packageOf()
    const payload = rom.indexOf('CrAU')
    const end = rom.indexOf('PK\x01\x02', payload, 'latin1')
    for (const at of [payload + 30, Math.floor((payload + end) / 2), end - 100]) {
      const damaged = Buffer.from(rom)
      damaged[at] = (damaged[at] ?? 0) ^ 4
      expect(await refused(damaged)).toMatch(/^E:/)
    }
  })

  it('that is no archive, cut short, or empty', async () => {
    const rom = await packageOf()
    expect(await refused(Buffer.alloc(200_000, 7))).toMatch(/^E:/)
    expect(await refused(rom.subarray(0, rom.length - 5000))).toMatch(/^E:/)
    const { host } = await inSideload()
    expect((await host.sideload(Buffer.alloc(0))).verdict).toBeUndefined()
  })

  it('is DONEDONE all the same to a recovery like AOSP’s, but not in rescue', async () => {
    const rom = await packageOf({ models: ['NX789J'] })
    const behaviour = { recovery: { verdict: 'always-done' } } as const
    const sideload = await inSideload({ behaviour })
    expect((await sideload.host.sideload(rom)).verdict).toBe('DONEDONE')
    const rescue = await inSideload({ behaviour, wish: 'rescue' })
    const service = 'rescue-install'
    expect((await rescue.host.sideload(rom, { service })).verdict).toBe('FAILFAIL')
    expect(rescue.terminal.state).toBe('rescue')
  })
})

describe('planned faults', () => {
  it.each(['signature', 'model', 'older'] as const)('refuses for %s', async (reason) => {
    const { host } = await inSideload({ behaviour: { recovery: { faults: [{ kind: 'refuse', reason }] } } })
    expect((await host.sideload(await packageOf())).verdict).toBe('FAILFAIL')
  })

  it.each([
    ['block-outside', 'outside'],
    ['garbage-request', '\xff?-1;\x00zz'],
  ] as const)('%s', async (kind, verdict) => {
    const { terminal, host } = await inSideload({
      behaviour: { recovery: { faults: [{ kind, request: 9 }] } },
    })
    const result = await host.sideload(await packageOf())
    expect(result.verdict).toBe(verdict)
    expect(await terminal.wouldBoot()).toMatchObject({ build: 'BUILD-1' })
  })

  // The first requests are for the directory of the zip, which is read by a library of its own.
  it.each([1, 2, 3, 4, 5, 6, 12])('drop-link at request %i', async (request) => {
    const { terminal, host } = await inSideload({
      behaviour: { recovery: { faults: [{ kind: 'drop-link', request }] } },
    })
    await expect(host.sideload(await packageOf())).rejects.toThrow('the link is closed')
    await inMenu(terminal)
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'a', build: 'BUILD-1' })
  })

  it.each([1, 70_000, 140_000, 200_000, 300_000])('power cut after %i bytes', async (afterBytes) => {
    const { terminal, host } = await inSideload()
    terminal.setFaults({ faults: [{ kind: 'power-cut-in-download', afterBytes }] })
    await expect(host.sideload(await packageOf())).rejects.toThrow()
    expect(terminal.state).toBe('off')
    expect(await terminal.wouldBoot({ toldToRestart: true })).toMatchObject({ slot: 'a', build: 'BUILD-1' })
  })

  it('stall', async () => {
    const { terminal, host } = await inSideload({
      behaviour: { recovery: { faults: [{ kind: 'stall', request: 5 }] } },
    })
    const end = host.sideload(await packageOf())
    end.catch(() => {})
    const waited = await Promise.race([end, new Promise((done) => setTimeout(done, 100, 'waited'))])
    expect(waited).toBe('waited')
    host.hangUp()
    await expect(end).rejects.toThrow()
    await inMenu(terminal)
  })

  it('a power cut at any write leaves a terminal that boots', async () => {
    const rom = await packageOf()
    for (const afterBytes of [0, 5000, 300_000, 900_000, 1_800_000]) {
      const { terminal, host } = await inSideload()
      terminal.setFaults({ faults: [{ kind: 'power-cut-in-write', afterBytes }] })
      await host.sideload(rom).catch(() => undefined)
      await vi.waitFor(() => expect(terminal.state).toBe('off'))
      expect(await terminal.wouldBoot()).toMatchObject({ verdict: 'recovery', build: 'BUILD-1' })
    }
  })
})

describe('rescue mode', () => {
  it('tells a few properties, and wipes', async () => {
    const { terminal, host } = await inSideload({ wish: 'rescue' })
    expect((await host.ask('rescue-getprop:rescue.battery_level'))?.toString()).toBe('83\n')
    expect((await host.ask('rescue-getprop:ro.build.fingerprint'))?.toString()).toBe('BUILD-1\n')
    expect((await host.ask('rescue-getprop:ro.serialno'))?.toString()).toBe('\n')
    expect((await host.ask('rescue-wipe:everything:8'))?.toString()).toBe('FAILFAIL')
    expect((await terminal.readPartition('userdata')).some((byte) => byte !== 0)).toBe(true)
    expect((await host.ask('rescue-wipe:userdata:8'))?.toString()).toBe('DONEDONE')
    expect((await terminal.readPartition('userdata')).some((byte) => byte !== 0)).toBe(false)
    expect(await host.ask('shell:id')).toBeUndefined()
  })
})
