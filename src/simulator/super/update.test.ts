// An update in snapshots: staged, booted, merged, left, and cut anywhere in between.
import { describe, expect, it } from 'vitest'
import type { ProfileId } from '../profiles/index.ts'
import { Disk } from '../storage/disk.ts'
import type { SimulatedTerminal } from '../terminal.ts'
import { BUILD_1, BUILD_2, TestHost, testBuild, testTerminal } from '../test-terminal.ts'
import { writeMergeStatus } from './merge-status.ts'
import { readOta } from './ota-record.ts'
import { superVolumes } from './stage-update.ts'
import { readTables } from './tables.ts'

const IDS: readonly ProfileId[] = ['nx769j', 'nx769j-tight']

/** What recovery does with a full package while it runs on slot a. */
async function stage(terminal: SimulatedTerminal, id: ProfileId): Promise<void> {
  const disk = await Disk.load(terminal.storage)
  const build = await testBuild(id, BUILD_2)
  const volumes = superVolumes(disk, 'a')
  const logical = terminal.profile.partitions.filter((partition) => partition.logical).map(({ name }) => name)
  const sizes = new Map([...build].map(([name, { size }]) => [name, size]))
  const groups = [{ name: 'qti_dynamic_partitions', size: 1 << 26, partitions: logical }]
  expect(await volumes.prepare('b', { groups, sizes })).toBeUndefined()
  for (const [name, { image }] of build) {
    const volume = await volumes.open(name, 'b')
    if (!volume) throw new Error(`no volume ${name}`)
    for await (const extent of image.extents({ signal: new AbortController().signal }))
      await volume.write(extent.offset, extent.kind === 'data' ? extent.bytes : new Uint8Array(extent.length))
  }
  await volumes.finish('b')
}

async function activate(terminal: SimulatedTerminal, slot: 'a' | 'b'): Promise<void> {
  await terminal.powerOn({ keys: 'bootloader' })
  const host = new TestHost(terminal)
  expect(await host.command(`set_active:${slot}`)).toBe('OKAY')
  host.hangUp()
  await host.served
  terminal.cutPower()
}

/** Staged and chosen, off. */
async function updated(id: ProfileId, mergePauseMs: number): Promise<SimulatedTerminal> {
  const terminal = await testTerminal(id, { mergePauseMs })
  await stage(terminal, id)
  await activate(terminal, 'b')
  return terminal
}

async function fastbootd(terminal: SimulatedTerminal): Promise<TestHost> {
  await terminal.powerOn({ keys: 'bootloader' })
  expect(await new TestHost(terminal).command('reboot-fastboot')).toBe('OKAY')
  await expect.poll(() => terminal.state).toBe('fastbootd')
  return new TestHost(terminal)
}

const record = async (terminal: SimulatedTerminal) => readOta(await Disk.load(terminal.storage))

describe.each(IDS)('an update of %s', (id) => {
  it('boots out of its snapshots, is merged, and leaves nothing behind', async () => {
    const terminal = await updated(id, 0)
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b', verdict: 'booted', build: BUILD_2.build })
    await terminal.powerOn()
    expect(terminal.boots().at(-1)).toMatchObject({ slot: 'b', build: BUILD_2.build })
    await expect.poll(() => record(terminal)).toBeUndefined()
    terminal.cutPower()
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b', verdict: 'booted', build: BUILD_2.build })
    const tables = await readTables(await Disk.load(terminal.storage), 1)
    expect(tables?.metadata.partitions.some(({ name }) => name.endsWith('-cow'))).toBe(false)
    // The old slot's extents are the new slot's now.
    await activate(terminal, 'a')
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b', build: BUILD_2.build })
  })

  it('is thrown away when the old slot boots instead', async () => {
    const terminal = await updated(id, 0)
    await activate(terminal, 'a')
    await terminal.powerOn()
    expect(terminal.boots().at(-1)).toMatchObject({ slot: 'a', verdict: 'booted', build: BUILD_1.build })
    expect(await record(terminal)).toBeUndefined()
  })

  it('is finished by fastbootd, which until then protects what it stands on', async () => {
    const terminal = await updated(id, Number.POSITIVE_INFINITY)
    await terminal.powerOn()
    terminal.cutPower()
    expect((await record(terminal))?.state).toBe('merging')
    const host = await fastbootd(terminal)
    expect(await host.command('getvar:snapshot-update-status')).toBe('OKAYmerging')
    expect(await host.command('set_active:a')).toBe(
      'FAILCannot change slots while a snapshot update is in progress',
    )
    expect(await host.command('erase:userdata')).toBe(
      'FAILCannot erase userdata while a snapshot update is in progress',
    )
    expect(await host.command('snapshot-update:merge')).toBe('OKAYSuccess')
    expect(await host.command('getvar:snapshot-update-status')).toBe('OKAYnone')
    expect(await host.command('snapshot-update:merge')).toBe('FAILNo snapshot merge is in progress')
    terminal.cutPower()
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b', build: BUILD_2.build })
  })

  it('can be cancelled while it is staged, and the old slot boots', async () => {
    const terminal = await updated(id, 0)
    const host = await fastbootd(terminal)
    expect(await host.command('getvar:snapshot-update-status')).toBe('OKAYsnapshotted')
    expect(await host.command('snapshot-update:cancel')).toBe('OKAYSuccess')
    expect(await host.command('getvar:snapshot-update-status')).toBe('OKAYnone')
    expect(await host.command('set_active:a')).toBe('OKAY')
    terminal.cutPower()
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'a', build: BUILD_1.build })
  })

  it('cannot be cancelled without harm once its merge has begun', async () => {
    const terminal = await updated(id, 1)
    let writes = 0
    terminal.setFaults({ hooks: { onStorageWrite: () => void (writes++ === 9 && terminal.cutPower()) } })
    await terminal.powerOn().catch(() => {})
    await expect.poll(() => terminal.state).toBe('off')
    terminal.setFaults({})
    const ota = await record(terminal)
    expect(ota?.snapshots.some(({ merged, bytes }) => merged > 0 && merged < bytes)).toBe(true)
    await writeMergeStatus(await Disk.load(terminal.storage), 'b', 'cancelled')
    expect((await terminal.wouldBoot()).verdict).not.toBe('booted')
  })

  it('boots the new build after a power cut at any write of its first boot and merge', async () => {
    for (let cut = 0; ; cut++) {
      const terminal = await updated(id, 0)
      let writes = 0
      terminal.setFaults({
        seed: cut + 1,
        hooks: { onStorageWrite: () => void (writes++ === cut && terminal.cutPower()) },
      })
      await terminal.powerOn()
      await expect.poll(async () => terminal.state === 'off' || !(await record(terminal))).toBe(true)
      if (terminal.state !== 'off') break
      terminal.setFaults({})
      expect(await terminal.wouldBoot(), `cut ${cut}`).toMatchObject({ slot: 'b', build: BUILD_2.build })
      await terminal.powerOn()
      await expect.poll(() => record(terminal)).toBeUndefined()
      terminal.cutPower()
      expect(await terminal.wouldBoot(), `after cut ${cut}`).toMatchObject({ slot: 'b', verdict: 'booted' })
    }
  }, 60_000)
})
