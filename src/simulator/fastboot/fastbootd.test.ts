// Userspace fastboot over a link without a wire: its own words, and what its commands leave in super.
import { describe, expect, it } from 'vitest'
import { memoryImage } from '../../main/core/formats/raw-image.ts'
import { SuperBuilder } from '../../main/core/formats/super-builder.ts'
import { encodeSuperEmpty } from '../../main/core/formats/super-writer.ts'
import { randomBytes } from '../randomness.ts'
import { sparseFileBytes } from '../rom-factory/sparse-file.ts'
import { superEmptyImage } from '../rom-factory/super-image.ts'
import { Disk } from '../storage/disk.ts'
import { readTables } from '../super/tables.ts'
import type { SimulatedTerminal } from '../terminal.ts'
import { TestHost, testTerminal } from '../test-terminal.ts'

async function inFastbootd(terminal: SimulatedTerminal): Promise<TestHost> {
  await terminal.powerOn({ keys: 'bootloader' })
  const bootloader = new TestHost(terminal)
  expect(await bootloader.command('reboot-fastboot')).toBe('OKAY')
  await expect.poll(() => terminal.state).toBe('fastbootd')
  return new TestHost(terminal)
}

describe.each(['nx769j', 'nx769j-tight'] as const)('fastbootd of %s', (id) => {
  it('is reached from the bootloader and says what it is', async () => {
    const terminal = await testTerminal(id)
    const host = await inFastbootd(terminal)
    expect(await host.command('getvar:is-userspace')).toBe('OKAYyes')
    expect(await host.command('getvar:product')).toBe('OKAYPQ83A01')
    expect(await host.command('getvar:is-logical:system_a')).toBe('OKAYyes')
    expect(await host.command('getvar:partition-size:system_a')).toBe('OKAY0x100000')
    expect(await host.command('getvar:has-slot:system')).toBe('OKAYyes')
    expect(await host.command('getvar:slot-retry-count:a')).toBe('FAILUnknown variable')
    expect(await host.command('getvar:snapshot-update-status')).toBe('OKAYnone')
    expect(await host.command('reboot')).toBe('OKAYRebooting')
    await expect.poll(() => terminal.state).toBe('system')
    expect(terminal.boots().at(-1)).toMatchObject({ slot: 'a', verdict: 'booted' })
  })
})

describe('the tables of super', () => {
  const slotOf = async (terminal: SimulatedTerminal, slot: number) =>
    (await readTables(await Disk.load(terminal.storage), slot))?.metadata.partitions.map(({ name }) => name)

  it('are the same for both slots after every change, and the third is left alone', async () => {
    const terminal = await testTerminal('nx769j')
    const host = await inFastbootd(terminal)
    expect(await host.command('create-logical-partition:extra_b:8192')).toBe('OKAYPartition created')
    expect(await host.command('create-logical-partition:extra_b:8192')).toBe('FAILPartition already exists')
    expect(await host.command('resize-logical-partition:extra_b:0x3000')).toBe('OKAYPartition resized')
    expect(await host.command('getvar:partition-size:extra_b')).toBe('OKAY0x3000')
    for (const slot of [0, 1]) expect(await slotOf(terminal, slot)).toContain('extra_b')
    expect(await slotOf(terminal, 2)).not.toContain('extra_b')
    expect(await host.command('delete-logical-partition:extra_b')).toBe('OKAYPartition deleted')
    expect(await host.command('delete-logical-partition:extra_b')).toBe('OKAYPartition deleted')
    expect(await host.command('getvar:is-logical:extra_b')).toBe('FAILPartition not found')
    expect(await host.command('resize-logical-partition:extra_b:1')).toBe('FAILPartition does not exist')
    expect(await host.command('create-logical-partition:x')).toBe('FAILInvalid partition name and size')
    expect(await host.command('create-logical-partition:x:many')).toBe('FAILInvalid partition size')
    expect(await terminal.wouldBoot()).toMatchObject({ verdict: 'booted' })
  })

  it('have no more room than there is', async () => {
    const terminal = await testTerminal('nx769j-tight')
    const host = await inFastbootd(terminal)
    const words = await host.command('resize-logical-partition:system_b:1048576')
    expect(words).toBe('FAILNot enough space to resize partition')
    expect(await host.command('create-logical-partition:big:999999999')).toBe(
      'FAILNot enough space for partition',
    )
    expect(await host.command('getvar:partition-size:system_b')).toBe('OKAY0x0')
    expect(await host.flash('system_b', new Uint8Array(4096).fill(1))).toBe('FAILNo such file or directory')
  })

  it('are whole after a power cut at every write of a change, and the old slot boots', async () => {
    for (let cut = 0; ; cut++) {
      const terminal = await testTerminal('nx769j')
      const host = await inFastbootd(terminal)
      let writes = 0
      terminal.setFaults({
        seed: cut + 1,
        hooks: { onStorageWrite: () => void (writes++ === cut && terminal.cutPower()) },
      })
      const reply = await host.command('resize-logical-partition:system_b:0').catch(() => 'cut')
      terminal.setFaults({})
      expect(await terminal.wouldBoot(), `cut ${cut}`).toMatchObject({ slot: 'a', verdict: 'booted' })
      if (reply !== 'cut') break
      expect(await slotOf(terminal, 1)).toContain('system_b')
    }
  })

  it('are read from the backup when the first copy is torn, and without both the slot does not boot', async () => {
    const terminal = await testTerminal('nx769j')
    const metadata = 4096 * 3
    await terminal.writePartitionRaw('super', new Uint8Array(512).fill(7), metadata)
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'a', verdict: 'booted' })
    await terminal.writePartitionRaw('super', new Uint8Array(512).fill(7), metadata + 3 * 65536)
    const record = await terminal.wouldBoot()
    expect(record.verdict).toBe('kernel-crashed')
    // Recovery runs from memory, so a terminal with a broken super still has its fastbootd.
    const host = await inFastbootd(terminal)
    expect(await host.command('getvar:is-logical:system_a')).toBe('FAILPartition not found')
    expect(await host.command('resize-logical-partition:system_a:0')).toBe(
      'FAILCould not open super partition',
    )
  })
})

describe('flashing in fastbootd', () => {
  it('needs full names and enough room, and fills the partition before it says so', async () => {
    const terminal = await testTerminal('nx769j')
    const host = await inFastbootd(terminal)
    const image = randomBytes('flash', 300_000)
    expect(await host.flash('vendor_b', image)).toBe('OKAYFlashing succeeded')
    expect(Buffer.compare((await terminal.readPartition('vendor_b')).subarray(0, image.length), image)).toBe(
      0,
    )
    expect(await host.flash('vendor', image)).toBe('FAILNo such file or directory')
    expect(await host.flash('product_b', image)).toBe('FAILNo space left on device')
    const size = 256 << 10
    expect(Buffer.compare(await terminal.readPartition('product_b'), image.subarray(0, size))).toBe(0)
    expect(await host.command('flash:vendor_b')).toBe('FAILInvalid argument')
  })

  it('is refused on a locked terminal, as everything that changes something is', async () => {
    const terminal = await testTerminal('nx769j', { unlocked: false })
    const host = await inFastbootd(terminal)
    expect(await host.command('download:00001000')).toBe('FAILDownload is not allowed on locked devices')
    expect(await host.command('flash:boot_b')).toBe('FAILFlashing is not allowed on locked devices')
    expect(await host.command('erase:boot_b')).toBe('FAILErase is not allowed on locked devices')
    expect(await host.command('set_active:b')).toBe('FAILset_active command is not allowed on locked devices')
    for (const command of [
      'create-logical-partition:x:1',
      'delete-logical-partition:x',
      'update-super:super',
    ])
      expect(await host.command(command)).toBe('FAILCommand not available on locked devices')
    expect(await host.command('flashing unlock')).toBe('FAILUnrecognized command flashing unlock')
  })

  it('moves the AVB footer of a smaller boot image to the end of its partition', async () => {
    const terminal = await testTerminal('nx769j')
    const host = await inFastbootd(terminal)
    const image = randomBytes('boot', 8192)
    image.set(Buffer.from('AVBf'), 8192 - 64)
    expect(await host.flash('boot_b', image)).toBe('OKAYFlashing succeeded')
    const stored = await terminal.readPartition('boot_b')
    expect(Buffer.compare(stored.subarray(-64), image.subarray(-64))).toBe(0)
    expect(Buffer.compare(stored.subarray(0, 8192), image)).toBe(0)
  })

  it('goes to recovery without a restart, and to the other modes with one', async () => {
    const terminal = await testTerminal('nx769j')
    const host = await inFastbootd(terminal)
    const boots = terminal.boots().length
    expect(await host.command('reboot-recovery')).toBe('OKAYRebooting to recovery')
    await expect.poll(() => terminal.state).toBe('recovery')
    expect(terminal.boots()).toHaveLength(boots)
    terminal.cutPower()
    for (const [command, state] of [
      ['reboot-bootloader', 'bootloader'],
      ['reboot-fastboot', 'fastbootd'],
      ['shutdown', 'off'],
    ] as const) {
      const next = await inFastbootd(terminal)
      expect(await next.command(command)).toMatch(/^OKAY/)
      await next.served
      await expect.poll(() => terminal.state).toBe(state)
      if (state !== 'off') terminal.cutPower()
    }
  })
})

describe('update-super', () => {
  it('replaces the tables, keeps what belongs to no slot, and refuses what is not a raw metadata image', async () => {
    const terminal = await testTerminal('nx769j')
    const host = await inFastbootd(terminal)
    const fresh = superEmptyImage(terminal.profile)
    const update = async (bytes: Uint8Array<ArrayBuffer>, command: string) => {
      expect(await host.download(bytes)).toBe('OKAY')
      return host.command(command)
    }
    expect(await host.command('create-logical-partition:common:8192')).toBe('OKAYPartition created')
    expect(await host.command('update-super:super')).toBe('FAILNo data available')
    const wrong = 'FAILData is not a valid logical partition metadata image'
    expect(await update(new Uint8Array(8192), 'update-super:super')).toBe(wrong)
    const parts: Uint8Array[] = []
    const signal = new AbortController().signal
    for await (const part of sparseFileBytes(memoryImage(fresh), { zeros: 'fill', signal })) parts.push(part)
    const sparse = Buffer.concat(parts)
    expect(await update(new Uint8Array(sparse), 'update-super:super')).toBe(wrong)
    expect(await update(fresh, 'update-super:nowhere')).toMatch(/^FAILCannot find nowhere/)
    expect(await update(fresh, 'update-super:super')).toBe('OKAYSuccessfully updated partition table')
    expect(await host.command('getvar:partition-size:system_a')).toBe('OKAY0x0')
    expect(await host.command('getvar:partition-size:common')).toBe('OKAY0x2000')
    expect(await update(fresh, 'update-super:super:wipe')).toBe('OKAYSuccessfully flashed partition table')
    expect(await host.command('getvar:is-logical:common')).toBe('FAILPartition not found')
    const other = SuperBuilder.create({ size: 1 << 21, metadataSlots: 2 })
    const foreign = encodeSuperEmpty(other.geometry, other.build())
    expect(await update(foreign, 'update-super:super')).toBe('FAILUnable to write new partition table')
  })
})
