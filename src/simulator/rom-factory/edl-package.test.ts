// EDL packages, flashed by a raw host and looked at by other people's programs.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { requireTool } from '../../../test/tools.ts'
import { flashFolder, plugIn } from '../edl/test-edl-host.ts'
import { simulatorRootOfTrust } from '../make-images.ts'
import type { ProfileId } from '../profiles/index.ts'
import { SimulatedTerminal } from '../terminal.ts'
import { BUILD_2, testBuild, testProfile, testTerminal } from '../test-terminal.ts'
import type { EdlOptions } from './edl-package.ts'
import { writeRom } from './make-rom.ts'

const place = mkdtempSync(join(tmpdir(), 'slotbench-edl-'))
afterAll(() => rmSync(place, { recursive: true }))
let count = 0

async function packageOf(id: ProfileId, edl: EdlOptions = {}): Promise<string> {
  count += 1
  const out = join(place, String(count))
  const build = await testBuild(id, BUILD_2)
  await writeRom(testProfile(id), build, { kind: 'edl-folder', out, build: BUILD_2.build, edl })
  return out
}

const until = async (ready: () => boolean) => {
  while (!ready()) await new Promise((resolve) => setTimeout(resolve, 1))
}

/** Flashes the package onto the terminal, which is off. */
async function flash(terminal: SimulatedTerminal, folder: string): Promise<void> {
  const plugged = plugIn(terminal)
  await terminal.powerOn({ keys: 'edl' })
  const { edl } = terminal.profile
  if (!edl) throw new Error('no EDL')
  await (await plugged.host()).load(readFileSync(join(folder, edl.loaderName)))
  await until(() => terminal.state === 'programmer')
  const { programmer } = edl
  const host = programmer.reenumeratesAfterMs === null ? await again(plugged) : await plugged.host()
  host.trailing = programmer.trailingLogs
  const oem = programmer.oem ? 'Oem="ZTE"' : ''
  expect((await host.configure(oem, programmer.memory, programmer.maxPayload)).value).toBe('ACK')
  await flashFolder(host, folder, programmer.maxPayload)
  await until(() => terminal.state !== 'programmer' && terminal.state !== 'booting')
  plugged.bench.unplug(terminal)
}

/** The host that has the device already. */
async function again(plugged: ReturnType<typeof plugIn>) {
  plugged.bench.unplug(plugged.terminal)
  plugged.bench.plug(plugged.terminal, { bus: '1', ports: [1], link: { speed: 'high' } })
  return plugged.host()
}

describe('a package', () => {
  it.each<ProfileId>(['nx679j', 'nx789j', 'emmc-ab', 'a-only'])(
    'revives %s, whose storage is blank',
    { timeout: 60_000 },
    async (id) => {
      const folder = await packageOf(id)
      const model = testProfile(id)
      const terminal = await testTerminal(id)
      for (const [lun, { size }] of terminal.storage.luns) await terminal.storage.discard(lun, 0, size)
      await terminal.powerOn()
      expect(terminal.state).toBe('rom')
      terminal.cutPower()
      await flash(terminal, folder)
      // The boot chain of a terminal with one set of partitions is not part of the test builds.
      const expected = model.slotScheme === 'none' ? 'rom' : 'system'
      expect(terminal.state).toBe(expected)
      if (expected === 'system')
        expect(terminal.boots().at(-1)).toMatchObject({ build: BUILD_2.build, slot: 'a' })
    },
  )

  it('for one slot leaves the other as it was', async () => {
    const terminal = await testTerminal('nx679j')
    const before = await terminal.partitionDigest('boot_b')
    await flash(terminal, await packageOf('nx679j', { slots: ['a'] }))
    expect(await terminal.partitionDigest('boot_b')).toBe(before)
    expect(await terminal.partitionDigest('boot_a')).not.toBe(before)
  })

  it('of a donor shrinks userdata and brings its identity', async () => {
    const terminal = await testTerminal('nx679j')
    const persist = await terminal.partitionDigest('persist')
    const size = (await terminal.readPartition('userdata')).length
    await flash(terminal, await packageOf('nx679j', { donorUserdata: size / 2, donorIdentity: true }))
    expect((await terminal.readPartition('userdata')).length).toBe(size / 2)
    expect(await terminal.partitionDigest('persist')).not.toBe(persist)
  })

  it('in pieces names the same partition again and again', async () => {
    const folder = await packageOf('nx789j', { unsparse: ['super'] })
    const list = readFileSync(join(folder, 'rawprogram_unsparse0.xml'), 'utf8')
    expect(list.match(/label="super"/g)?.length).toBeGreaterThan(1)
    expect(readdirSync(folder)).not.toContain('rawprogram0.xml')
    const terminal = await testTerminal('nx789j')
    await flash(terminal, folder)
    expect(await terminal.wouldBoot()).toMatchObject({ verdict: 'booted', build: BUILD_2.build })
  })

  it('with sparse images says so, and they are what Android’s own program expands', async (test) => {
    const simg2img = requireTool('simg2img', test)
    const [raw, sparse] = [await packageOf('nx679j'), await packageOf('nx679j', { format: 'sparse' })]
    expect(readFileSync(join(sparse, 'rawprogram0.xml'), 'utf8')).toMatch(
      /filename="system.img"[^>]*sparse="true"/,
    )
    const expanded = join(place, 'expanded.img')
    execFileSync(simg2img, [join(sparse, 'system.img'), expanded])
    expect(Buffer.compare(readFileSync(expanded), readFileSync(join(raw, 'system.img')))).toBe(0)
  })

  it('comes as a zip with the same files', async (test) => {
    const unzip = requireTool('unzip', test)
    const [folder, out] = [await packageOf('nx679j'), join(place, 'package.zip')]
    const build = await testBuild('nx679j', BUILD_2)
    await writeRom(testProfile('nx679j'), build, { kind: 'edl-zip', out, build: BUILD_2.build })
    const names = execFileSync(unzip, ['-Z1', out], { encoding: 'utf8' }).trim().split('\n')
    expect(names.sort()).toEqual(readdirSync(folder).sort())
    const list = execFileSync(unzip, ['-p', out, 'rawprogram4.xml'])
    expect(list.equals(readFileSync(join(folder, 'rawprogram4.xml')))).toBe(true)
  })

  it('with flavours has lists for each of them', async () => {
    const folder = await packageOf('emmc-ab', { flavours: ['asic', 'lite'], loader: null })
    expect(readdirSync(join(folder, 'lite'))).toContain('rawprogram0.xml')
    expect(readdirSync(folder)).not.toContain('prog_emmc_firehose_8953_ddr.mbn')
    expect(readFileSync(join(folder, 'contents.xml'), 'utf8')).toContain(
      '<file_path flavor="lite">lite/</file_path>',
    )
  })
})

it('leaves tables that satisfy sgdisk and are those of the factory (512-byte sectors)', async (test) => {
  const sgdisk = requireTool('sgdisk', test)
  const fresh = await SimulatedTerminal.create({
    profile: testProfile('emmc-ab'),
    keys: await simulatorRootOfTrust(),
  })
  const { size } = fresh.storage.luns.get(0) ?? { size: 0 }
  const factory = await fresh.storage.read(0, 0, size)
  await fresh.storage.discard(0, 0, 1024 * 1024)
  await fresh.storage.discard(0, size - 1024 * 1024, 1024 * 1024)
  await flash(fresh, await packageOf('emmc-ab'))
  const now = await fresh.storage.read(0, 0, size)
  const image = join(place, 'emmc.img')
  writeFileSync(image, now)
  expect(execFileSync(sgdisk, ['-v', image], { encoding: 'utf8' })).toContain('No problems found')
  expect(execFileSync(sgdisk, ['-p', image], { encoding: 'utf8' })).toContain('userdata')
  for (const [from, to] of [[512, 34 * 512] as const, [size - 33 * 512, size] as const])
    expect(Buffer.compare(now.subarray(from, to), factory.subarray(from, to))).toBe(0)
})
