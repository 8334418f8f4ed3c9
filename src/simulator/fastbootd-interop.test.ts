// Google's own fastboot drives the simulated fastbootd over TCP: the server keeps its port from mode to mode.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, type TestContext } from 'vitest'
import { requireTool } from '../../test/tools.ts'
import { SuperBuilder } from '../main/core/formats/super-builder.ts'
import { encodeSuperEmpty } from '../main/core/formats/super-writer.ts'
import { serveFastbootTcp } from './fastboot-tcp-server.ts'
import { randomBytes } from './randomness.ts'
import { writeRom } from './rom-factory/make-rom.ts'
import { Disk } from './storage/disk.ts'
import { readTables } from './super/tables.ts'
import type { SimulatedTerminal } from './terminal.ts'
import { BUILD_2, install, testBuild, testTerminal } from './test-terminal.ts'

interface Bench {
  readonly terminal: SimulatedTerminal
  readonly folder: string
  /** Output (both streams) of fastboot with these arguments. @throws when it fails. */
  fastboot(...args: string[]): Promise<string>
}

async function withFastbootd(test: TestContext, run: (bench: Bench) => Promise<void>): Promise<void> {
  const tool = requireTool('fastboot', test)
  const terminal = await testTerminal('nx769j')
  await terminal.powerOn({ keys: 'bootloader' })
  const server = await serveFastbootTcp(terminal, { port: 0, host: '127.0.0.1' })
  const folder = await mkdtemp(join(tmpdir(), 'slotbench-fastbootd-'))
  const fastboot = async (...args: string[]) => {
    const all = ['-s', `tcp:127.0.0.1:${server.port}`, ...args]
    const { stdout, stderr } = await promisify(execFile)(tool, all, { timeout: 30_000 })
    return stdout + stderr
  }
  try {
    await fastboot('reboot', 'fastboot')
    expect(terminal.state).toBe('fastbootd')
    await run({ terminal, folder, fastboot })
  } finally {
    await server.close()
    await rm(folder, { recursive: true })
  }
}

describe("Google's fastboot in fastbootd", { timeout: 60_000 }, () => {
  it('comes there by itself and reads all variables', async (test) => {
    await withFastbootd(test, async ({ fastboot }) => {
      const all = await fastboot('getvar', 'all')
      for (const line of [
        'is-userspace:yes',
        'super-partition-name:super',
        'snapshot-update-status:none',
        'has-slot:system:yes',
        'has-slot:super:no',
        'is-logical:system_b:yes',
        'is-logical:boot_b:no',
        'partition-size:vendor_a:0x80000',
        'partition-size:boot_a:0x40000',
        'max-download-size:0x10000000',
      ])
        expect(all).toContain(`(bootloader) ${line}\n`)
      expect(all).not.toMatch(/retry-count|max-fetch-size/)
    })
  })

  it('makes, resizes, flashes and deletes logical partitions', async (test) => {
    await withFastbootd(test, async ({ terminal, folder, fastboot }) => {
      await fastboot('delete-logical-partition', 'product_b')
      await fastboot('create-logical-partition', 'product_b', '0')
      await fastboot('resize-logical-partition', 'product_b', String(192 << 10))
      expect(await fastboot('getvar', 'partition-size:product_b')).toContain('0x30000')
      const image = randomBytes('system', 700_000)
      await writeFile(join(folder, 'system.img'), image)
      const commands: string[] = []
      terminal.on((event) => event.kind === 'command' && commands.push(event.command))
      await fastboot('flash', 'system_b', join(folder, 'system.img'))
      // It makes a logical partition as large as its image.
      expect(commands).toContain('resize-logical-partition:system_b:700000')
      const stored = await terminal.readPartition('system_b')
      expect(stored.length).toBe(Math.ceil(700_000 / 4096) * 4096)
      expect(Buffer.compare(stored.subarray(0, image.length), image)).toBe(0)
      await expect(fastboot('resize-logical-partition', 'system_b', String(1 << 30))).rejects.toThrow(
        /Not enough space to resize partition/,
      )
      await fastboot('reboot', 'bootloader')
      expect(await fastboot('getvar', 'product')).toContain('PQ83A01')
      expect(terminal.state).toBe('bootloader')
    })
  })

  it('brings a whole build into slot b and boots it', async (test) => {
    await withFastbootd(test, async ({ terminal, folder, fastboot }) => {
      const build = await testBuild('nx769j', BUILD_2)
      const logical = terminal.profile.partitions.filter((partition) => partition.logical)
      await install(
        terminal,
        new Map([...build].filter(([name]) => !logical.some((p) => p.name === name))),
        'b',
      )
      for (const { name } of logical) {
        const bytes: Uint8Array[] = []
        for await (const extent of build.get(name)?.image.extents({
          signal: new AbortController().signal,
        }) ?? [])
          bytes.push(extent.kind === 'data' ? extent.bytes : new Uint8Array(extent.length))
        await writeFile(join(folder, `${name}.img`), Buffer.concat(bytes))
        await fastboot('flash', `${name}_b`, join(folder, `${name}.img`))
      }
      await fastboot('--set-active=b')
      await fastboot('reboot')
      await expect.poll(() => terminal.state).toBe('system')
      expect(terminal.boots().at(-1)).toMatchObject({ slot: 'b', verdict: 'booted', build: BUILD_2.build })
    })
  })

  it('flashes a whole set: physical images, fastbootd, tables, logical images', async (test) => {
    await withFastbootd(test, async ({ terminal, folder, fastboot }) => {
      const build = await testBuild('nx769j', BUILD_2)
      // What this fastboot does not know by name is put there by hand.
      const unknown = ['init_boot', 'xbl', 'abl', 'modem']
      await install(terminal, new Map([...build].filter(([name]) => unknown.includes(name))), 'a')
      const out = join(folder, 'set.zip')
      const rom = {
        ...BUILD_2,
        kind: 'fastboot-zip',
        out,
        set: { format: 'sparse', requirements: [] },
      } as const
      await writeRom(terminal.profile, build, rom)
      const commands: string[] = []
      terminal.on((event) => event.kind === 'command' && commands.push(event.command))
      await fastboot('update', out)
      expect(commands).toContain('update-super:super')
      await expect.poll(() => terminal.state).toBe('system')
      expect(terminal.boots().at(-1)).toMatchObject({ slot: 'a', verdict: 'booted', build: BUILD_2.build })
    })
  })

  it('reads the tables that our writer made, and puts them in place', async (test) => {
    await withFastbootd(test, async ({ terminal, folder, fastboot }) => {
      const size = terminal.profile.partitions.find(({ name }) => name === 'super')?.size ?? 0
      // Version 10.0: what every liblp reads, also that of an old fastboot.
      const builder = SuperBuilder.create({ size, metadataSlots: 2, alignment: 65536 })
      builder
        .addGroup('main_a', size / 2)
        .addPartition('system_a', 'main_a', 1)
        .addPartition('odm_a', 'main_a', 1)
      const file = join(folder, 'super_empty.img')
      await writeFile(file, encodeSuperEmpty(builder.geometry, builder.build()))
      // Google's liblp parses the tables, writes them anew as a sparse super, and flashes that.
      await fastboot('wipe-super', file)
      const tables = await readTables(await Disk.load(terminal.storage), 0)
      expect(tables).toEqual({ geometry: builder.geometry, metadata: builder.build() })
      expect(await fastboot('getvar', 'partition-size:odm_a')).toContain('0x0')
      expect(await fastboot('getvar', 'is-logical:vendor_a')).toContain('Partition not found')
      await writeFile(join(folder, 'broken.img'), randomBytes('broken', 8192))
      await expect(fastboot('wipe-super', join(folder, 'broken.img'))).rejects.toThrow()
    })
  })
})
