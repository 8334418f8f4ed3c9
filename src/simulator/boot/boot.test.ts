import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProfileId } from '../profiles/index.ts'
import type { SimulatedTerminal } from '../terminal.ts'
import { BUILD_1, BUILD_2, install, TestHost, tamper, testBuild, testTerminal } from '../test-terminal.ts'

const AB: readonly ProfileId[] = ['nx679j', 'unisoc-ab']

async function inBootloader(terminal: SimulatedTerminal): Promise<TestHost> {
  await terminal.powerOn({ keys: 'bootloader' })
  expect(terminal.state).toBe('bootloader')
  return new TestHost(terminal)
}

/** Gives a slot fresh tries and makes it the active one, as a flashing program does. */
async function activate(terminal: SimulatedTerminal, slot: 'a' | 'b'): Promise<void> {
  const host = await inBootloader(terminal)
  expect(await host.command(`set_active:${slot}`)).toBe('OKAY')
  host.hangUp()
  await host.served
  terminal.cutPower()
}

describe.each(AB)('the boot decision of %s', (id) => {
  it('boots the active slot and says which build that is', async () => {
    const terminal = await testTerminal(id)
    await terminal.powerOn()
    expect(terminal.state).toBe('system')
    expect(terminal.boots()).toMatchObject([{ slot: 'a', verdict: 'booted', build: 'BUILD-1' }])
  })

  it('boots a new build after set_active and marks the slot successful', async () => {
    const terminal = await testTerminal(id)
    await install(terminal, await testBuild(id, BUILD_2), 'b')
    await activate(terminal, 'b')
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b', verdict: 'booted', build: 'BUILD-2' })
    await terminal.powerOn()
    expect(terminal.boots().at(-1)).toMatchObject({ slot: 'b', build: 'BUILD-2' })
    terminal.cutPower()
    // Proven slots are not counted down: it boots for ever.
    for (let i = 0; i < 9; i++) {
      await terminal.powerOn()
      terminal.cutPower()
    }
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b' })
  })

  it.each([
    ['boot_b', 4096],
    ['dtbo_b', 8192],
    ['system_b', 500_000],
    ['product_b', 4096],
    ['vbmeta_b', 300],
    ['vbmeta_system_b', 300],
  ])('falls back to a when one bit of %s is wrong, locked or not', async (name, offset) => {
    for (const unlocked of [true, false]) {
      const terminal = await testTerminal(id)
      await install(terminal, await testBuild(id, BUILD_2), 'b')
      await activate(terminal, 'b')
      if (!unlocked) await terminal.storage.setState({ unlocked })
      await tamper(terminal, name, offset)
      await terminal.powerOn()
      const boots = terminal.boots().filter(({ verdict }) => verdict !== 'bootloader')
      if (unlocked && name.startsWith('vbmeta')) {
        // An unlocked bootloader does not mind a signature that is wrong; a descriptor that is wrong crashes the kernel.
        expect(['booted', 'kernel-crashed']).toContain(boots[0]?.verdict)
        if (boots[0]?.verdict === 'booted') continue
      }
      expect(boots[0]).toMatchObject({ slot: 'b' })
      expect(boots[0]?.verdict).not.toBe('booted')
      expect(boots.at(-1)).toMatchObject({ slot: 'a', verdict: 'booted', build: 'BUILD-1' })
      const crashes = boots.filter(({ slot }) => slot === 'b').length
      // A bootloader that refuses gives up at once; a kernel that crashes uses up every try.
      expect(crashes).toBe(boots[0]?.verdict === 'kernel-crashed' ? (id === 'unisoc-ab' ? 6 : 7) : 1)
    }
  })

  it('stays in the bootloader when neither slot is right', async () => {
    const terminal = await testTerminal(id, { unlocked: false })
    await tamper(terminal, 'boot_a')
    await tamper(terminal, 'boot_b')
    await terminal.powerOn()
    expect(terminal.state).toBe('bricked')
    expect(terminal.boots().map(({ verdict }) => verdict)).toEqual([
      'verify-failed',
      'verify-failed',
      'no-bootable-slot',
    ])
    expect(await new TestHost(terminal).command('getvar:product')).toBe(`OKAY${terminal.profile.product}`)
  })

  it('refuses an older rollback index once a newer one has booted, but only while locked', async () => {
    const terminal = await testTerminal(id)
    await install(terminal, await testBuild(id, BUILD_2), 'b')
    await activate(terminal, 'b')
    await terminal.storage.setState({ unlocked: false })
    await terminal.powerOn()
    expect(terminal.storage.state.rollback).toEqual({ 0: 2, 1: 2 })
    terminal.cutPower()
    await terminal.storage.setState({ unlocked: true })
    await activate(terminal, 'a')
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'a', verdict: 'booted' })
    await terminal.storage.setState({ unlocked: false })
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b', verdict: 'booted' })
    await terminal.powerOn()
    expect(terminal.boots().map(({ verdict }) => verdict)).toContain('rollback-refused')
  })

  it('does not boot a slot whose partitions come from two builds', async () => {
    const terminal = await testTerminal(id)
    const build = await testBuild(id, BUILD_2)
    await install(terminal, new Map([...build].filter(([name]) => name !== 'vendor')), 'b')
    await activate(terminal, 'b')
    await terminal.powerOn()
    expect(terminal.boots().at(-1)).toMatchObject({ slot: 'a', build: 'BUILD-1' })
  })

  it('answers wouldBoot without changing a byte', async () => {
    const terminal = await testTerminal(id)
    await install(terminal, await testBuild(id, BUILD_2), 'b')
    await activate(terminal, 'b')
    await tamper(terminal, 'boot_b')
    const before = await Promise.all(
      [...terminal.storage.luns].map(([lun, { size }]) => terminal.storage.read(lun, 0, size)),
    )
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'a' })
    const after = await Promise.all(
      [...terminal.storage.luns].map(([lun, { size }]) => terminal.storage.read(lun, 0, size)),
    )
    expect(before.every((bytes, i) => Buffer.compare(bytes, after[i] ?? new Uint8Array(0)) === 0)).toBe(true)
    expect(terminal.boots().filter(({ verdict }) => verdict !== 'bootloader')).toEqual([])
  })

  it('has a boot chain: without the bootloader of the active slot only the boot ROM is left', async () => {
    const terminal = await testTerminal(id)
    const stage = id === 'nx679j' ? 'abl' : 'uboot'
    await tamper(terminal, `${stage}_b`)
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'a', verdict: 'booted' })
    await tamper(terminal, `${stage}_a`)
    await terminal.powerOn({ keys: 'bootloader' })
    expect(terminal.state).toBe('rom')
  })

  it('honours bootonce-bootloader once and boot-recovery', async () => {
    const terminal = await testTerminal(id)
    const message = (text: string) => {
      const bytes = new Uint8Array(32)
      bytes.set(Buffer.from(text))
      return bytes
    }
    await terminal.writePartitionRaw('misc', message('bootonce-bootloader'))
    await terminal.powerOn()
    expect(terminal.state).toBe('bootloader')
    terminal.cutPower()
    await terminal.powerOn()
    expect(terminal.state).toBe('system')
    terminal.cutPower()
    await terminal.writePartitionRaw('misc', message('boot-recovery'))
    await terminal.powerOn()
    expect(terminal.state).toBe('recovery')
  })
})

describe('a terminal without slots', () => {
  it('boots, and when tampered with stays in the bootloader (locked) or restarts for ever (unlocked)', async () => {
    const terminal = await testTerminal('a-only', { unlocked: false })
    expect(await terminal.wouldBoot()).toMatchObject({
      slot: undefined,
      verdict: 'booted',
      build: BUILD_1.build,
    })
    await tamper(terminal, 'boot')
    await terminal.powerOn()
    expect(terminal.state).toBe('bricked')
    terminal.cutPower()
    await terminal.storage.setState({ unlocked: true })
    await terminal.powerOn()
    expect(terminal.state).toBe('booting')
    expect(terminal.boots().at(-1)?.verdict).toBe('kernel-crashed')
    const rest = new Promise((resolve) =>
      terminal.on((event) => event.kind === 'state' && resolve(event.state)),
    )
    terminal.holdKeys('bootloader')
    expect(await rest).toBe('bootloader')
  })
})

describe('a vbmeta with any bytes changed', () => {
  it('boots, or fails with a verdict, but never breaks the terminal', async () => {
    const terminal = await testTerminal('nx679j')
    const original = await terminal.readPartition('vbmeta_a')
    const used = original.findLastIndex((byte) => byte !== 0)
    const change = fc.tuple(fc.nat(used), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (changes, unlocked) => {
          const bytes = original.slice()
          for (const [at, byte] of changes) bytes[at] = byte
          await terminal.storage.setState({ unlocked })
          await terminal.writePartitionRaw('vbmeta_a', bytes)
          const { verdict } = await terminal.wouldBoot()
          expect(['booted', 'kernel-crashed']).toContain(verdict)
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('slot metadata', () => {
  it('survives a power cut at every write of set_active, on the old or the new slot', async () => {
    for (const id of AB) {
      for (let cut = 0; ; cut++) {
        const terminal = await testTerminal(id)
        const host = await inBootloader(terminal)
        let writes = 0
        terminal.setFaults({
          seed: cut + 1,
          hooks: { onStorageWrite: () => void (writes++ === cut && terminal.cutPower()) },
        })
        const reply = await host.command('set_active:b').catch(() => 'cut')
        if (reply === 'OKAY') break
        expect(reply).toBe('cut')
        expect(await terminal.wouldBoot()).toMatchObject({ verdict: 'booted', build: 'BUILD-1' })
        // And again, now that one table may be damaged.
        await activate(terminal, 'b')
        expect(await terminal.wouldBoot()).toMatchObject({ slot: 'b', verdict: 'booted' })
      }
    }
  })
})
