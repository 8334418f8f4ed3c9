// The bootloader under planned faults, and what no host may ever make it do.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Refused } from './fastboot/bootloader.ts'
import { looksSparse, writeSparse } from './fastboot/sparse.ts'
import type { Fault } from './faults.ts'
import { randomBytes } from './randomness.ts'
import { TestHost, testTerminal } from './test-terminal.ts'

const IMAGE = randomBytes('image', 100_000)

async function faulty(...faults: readonly Fault[]) {
  const terminal = await testTerminal('nx679j', { faults: { seed: 3, faults } })
  await terminal.powerOn({ keys: 'bootloader' })
  return { terminal, host: new TestHost(terminal) }
}

const holds = async (terminal: Awaited<ReturnType<typeof testTerminal>>, name: string) => {
  const stored = await terminal.readPartition(name)
  return Buffer.compare(stored.subarray(0, IMAGE.length), IMAGE) === 0
}

describe('planned faults', () => {
  it('refuses a command instead of executing it', async () => {
    const { terminal, host } = await faulty({ kind: 'refuse', at: { startsWith: 'flash:' }, words: 'no' })
    expect(await host.flash('boot_b', IMAGE)).toBe('FAILno')
    expect(await holds(terminal, 'boot_b')).toBe(false)
    expect(await host.command('flash:boot_b')).toBe('OKAY')
    expect(await holds(terminal, 'boot_b')).toBe(true)
  })

  it.each(['before', 'after'] as const)(
    'loses the link %s a command, and takes the next host',
    async (when) => {
      const { terminal, host } = await faulty({
        kind: 'disconnect',
        at: { startsWith: 'flash:boot_b' },
        when,
      })
      await expect(host.flash('boot_b', IMAGE)).rejects.toThrow('closed')
      expect(await holds(terminal, 'boot_b')).toBe(when === 'after')
      expect(terminal.state).toBe('bootloader')
      expect(await new TestHost(terminal).command('getvar:current-slot')).toBe('OKAYa')
    },
  )

  it.each(['before', 'after'] as const)('loses its power %s a command', async (when) => {
    const { terminal, host } = await faulty({ kind: 'power-cut', at: { command: 2 }, when })
    await expect(host.flash('boot_b', IMAGE)).rejects.toThrow('closed')
    expect(terminal.state).toBe('off')
    expect(await holds(terminal, 'boot_b')).toBe(when === 'after')
  })

  it('loses link or power within a download, and forgets what it had', async () => {
    for (const kind of ['disconnect-in-download', 'power-cut-in-download'] as const) {
      const { terminal, host } = await faulty({ kind, afterBytes: 50_000 })
      await expect(host.download(IMAGE)).rejects.toThrow('closed')
      expect(terminal.state).toBe(kind === 'power-cut-in-download' ? 'off' : 'bootloader')
      if (terminal.state === 'off') await terminal.powerOn({ keys: 'bootloader' })
      expect(await new TestHost(terminal).command('flash:boot_b')).toMatch(/^FAIL/)
    }
  })

  it('tears a write; the power is gone with it and the other slot still boots', async () => {
    const { terminal, host } = await faulty({ kind: 'power-cut-in-write', afterBytes: 10 })
    await expect(host.flash('boot_b', IMAGE)).rejects.toThrow('closed')
    expect(terminal.state).toBe('off')
    expect(await terminal.wouldBoot()).toMatchObject({ slot: 'a', verdict: 'booted' })
  })

  it('spoils replies', async () => {
    const at = (n: number) => ({ startsWith: 'getvar:', nth: n })
    const { host } = await faulty(
      { kind: 'reply', at: at(1), how: { kind: 'duplicated' } },
      { kind: 'reply', at: at(2), how: { kind: 'garbage' } },
      { kind: 'reply', at: at(3), how: { kind: 'too-long', bytes: 5000 } },
      { kind: 'reply', at: at(4), how: { kind: 'late', ms: 30 } },
      { kind: 'reply', at: at(5), how: { kind: 'lost' } },
    )
    expect([await host.command('getvar:product'), await host.reply()]).toEqual(['OKAYNX679J', 'OKAYNX679J'])
    expect(await host.command('getvar:product')).not.toMatch(/^(OKAY|FAIL|INFO|DATA|TEXT)/)
    expect((await host.command('getvar:product')).length).toBe(5000)
    const start = performance.now()
    expect(await host.command('getvar:product')).toBe('OKAYNX679J')
    expect(performance.now() - start).toBeGreaterThan(25)
    host.send('getvar:product')
    expect(await host.command('getvar:unlocked')).toBe('OKAYyes')
  })

  it('stalls until the host goes', async () => {
    const { terminal, host } = await faulty({ kind: 'stall', at: { startsWith: 'erase:' } })
    host.send('erase:boot_b')
    host.send('getvar:product')
    const silence = new Promise((resolve) => setTimeout(resolve, 30, 'silent'))
    expect(await Promise.race([host.reply(), silence])).toBe('silent')
    host.hangUp()
    await host.served
    expect(await new TestHost(terminal).command('getvar:product')).toBe('OKAYNX679J')
  })

  it('cuts the power exactly where a hook says, and comes back when asked', async () => {
    const terminal = await testTerminal('nx679j')
    await terminal.powerOn({ keys: 'bootloader' })
    terminal.setFaults({ hooks: { onDownloadBytes: () => terminal.cutPower() } })
    await expect(new TestHost(terminal).download(IMAGE)).rejects.toThrow('closed')
    terminal.setFaults({})
    await terminal.powerOn()
    expect(terminal.state).toBe('system')
  })
})

describe('the bootloader', () => {
  it('reboots where it is told to, and into nothing else', async () => {
    const terminal = await testTerminal('nx679j')
    for (const [command, state] of [
      ['reboot', 'system'],
      ['reboot-bootloader', 'bootloader'],
      ['continue', 'system'],
      ['reboot-recovery', 'recovery'],
    ] as const) {
      await terminal.powerOn({ keys: 'bootloader' })
      const rest = new Promise((resolve) =>
        terminal.on((event) => event.kind === 'state' && event.state !== 'booting' && resolve(event.state)),
      )
      const host = new TestHost(terminal)
      expect(await host.command(command)).toBe('OKAY')
      await host.served
      expect(host.closed).toBe(true)
      expect(await rest).toBe(state)
      terminal.cutPower()
    }
    // The word in misc stays until recovery is done, so a power cut brings the terminal back to it.
    await terminal.powerOn()
    expect(terminal.state).toBe('recovery')
  })

  it('continues past held keys, which catch a reboot', async () => {
    const terminal = await testTerminal('nx679j')
    terminal.holdKeys('bootloader')
    const settled = () =>
      new Promise((resolve) =>
        terminal.on((event) => event.kind === 'state' && event.state !== 'booting' && resolve(event.state)),
      )
    await terminal.powerOn()
    let rest = settled()
    await new TestHost(terminal).command('reboot')
    expect(await rest).toBe('bootloader')
    rest = settled()
    await new TestHost(terminal).command('continue')
    expect(await rest).toBe('system')
  })

  it('writes critical partitions only after unlock_critical', async () => {
    const terminal = await testTerminal('nx679j', { unlocked: false })
    await terminal.powerOn({ keys: 'bootloader' })
    const host = new TestHost(terminal)
    expect(await host.command('oem nubia_unlock NUBIA_NX679J')).toBe('OKAY')
    expect(await host.flash('abl_b', IMAGE)).toMatch(/^FAIL.*critical/)
    expect(await host.flash('boot_b', IMAGE)).toBe('OKAY')
    expect(await host.command('oem nubia_unlock_critical')).toBe('OKAY')
    expect(await host.flash('abl_b', IMAGE)).toBe('OKAY')
  })

  it('never answers with more than its profile allows', async () => {
    const terminal = await testTerminal('unisoc-ab')
    await terminal.powerOn({ keys: 'bootloader' })
    const host = new TestHost(terminal)
    const reply = await host.command(`flash:${'x'.repeat(200)}`)
    expect(reply).toMatch(/^FAIL/)
    expect(reply.length).toBe(64)
  })

  it('sends a sign of life during a long write', async () => {
    const options = { sizes: { system: 6 << 20 } }
    const faults = { faults: [{ kind: 'slow-storage', bytesPerSecond: 2 << 20 }] } as const
    const terminal = await testTerminal('nx679j', { options })
    await terminal.powerOn({ keys: 'bootloader' })
    terminal.setFaults(faults)
    const host = new TestHost(terminal)
    await host.download(new Uint8Array(6 << 20))
    const infos: string[] = []
    expect(await host.command('flash:system_b', infos)).toBe('OKAY')
    expect(new Set(infos)).toEqual(new Set(['writing system_b']))
  }, 20_000)

  it('answers any command with one final reply', async () => {
    const terminal = await testTerminal('nx679j-fetch')
    await terminal.powerOn({ keys: 'bootloader' })
    const host = new TestHost(terminal)
    const word = fc.constantFrom(
      'getvar',
      'download',
      'flash',
      'erase',
      'set_active',
      'fetch',
      'oem',
      'flashing',
      ':',
      ' ',
    )
    const any = fc.oneof(
      fc.string({ minLength: 1, maxLength: 100 }),
      fc.tuple(word, fc.string()).map(([a, b]) => `${a}:${b}`),
    )
    await fc.assert(
      fc.asyncProperty(any, async (line) => {
        if (/^(reboot|continue)/.test(line) || /^download:[0-9a-f]{8}/i.test(line)) return
        expect(await host.command(line)).toMatch(/^(OKAY|FAIL)/)
      }),
      { numRuns: 200 },
    )
  })
})

describe('sparse files in the download buffer', () => {
  const target = () => {
    const stored = new Uint8Array(64 << 10)
    return {
      stored,
      target: {
        size: stored.length,
        write: async (offset: number, bytes: Uint8Array) => {
          if (offset < 0 || offset + bytes.length > stored.length) throw new RangeError('beyond the target')
          stored.set(bytes, offset)
        },
      },
    }
  }
  const u32 = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer)
  const sparse = Buffer.concat([
    u32(0xed26ff3a, 1, 28 | (12 << 16), 4096, 5, 4, 0),
    u32(0xcac1, 1, 12 + 4096),
    randomBytes('block', 4096),
    u32(0xcac3, 1, 12),
    u32(0xcac2, 2, 16, 0xdeadbeef),
    u32(0xcac4, 0, 16, 0x12345678),
  ])

  it('are written chunk by chunk, and what is not cared for stays', async () => {
    const { stored, target: to } = target()
    stored.fill(7)
    expect(looksSparse(sparse)).toBe(true)
    await writeSparse(sparse, to)
    expect(Buffer.compare(stored.subarray(0, 4096), randomBytes('block', 4096))).toBe(0)
    expect(stored.subarray(4096, 8192).every((byte) => byte === 7)).toBe(true)
    expect(Buffer.compare(stored.subarray(8192, 8200), u32(0xdeadbeef, 0xdeadbeef))).toBe(0)
    expect(stored.subarray(16384, 16388).every((byte) => byte === 7)).toBe(true)
  })

  it('are refused or written, whatever is in them, and never beyond the partition', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(sparse.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(sparse.length),
        async (changes, length) => {
          const file = Buffer.from(sparse)
          for (const [at, byte] of changes) file[at] = byte
          const cut = file.subarray(0, length)
          if (!looksSparse(cut)) return
          await writeSparse(cut, target().target).catch((thrown: unknown) =>
            expect(thrown).toBeInstanceOf(Refused),
          )
        },
      ),
      { numRuns: 500 },
    )
  })
})
