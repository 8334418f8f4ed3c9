// Links that break, terminals that come back as others, storage that is slow or lies.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fault } from '../../src/simulator/faults.ts'
import { NEW_BUILD, OLD_BUILD, type Workplace } from '../flash-bench.ts'
import { BadBench, expectOutcome, openPlace, sideBySide } from './bench.ts'

let place: Workplace
let readable: Workplace
let unisoc: Workplace

beforeAll(async () => {
  ;[place, readable, unisoc] = await Promise.all([
    openPlace('nx679j'),
    openPlace('nx679j-fetch'),
    openPlace('unisoc-ab'),
  ])
})
afterAll(() => Promise.all([place, readable, unisoc].map((one) => one.close())))

/** What a job that nothing happens to does: its commands, and which bytes of storage each of them wrote. */
async function dryRun(at: Workplace) {
  const commands: { readonly text: string; from: number; to: number }[] = []
  let downloaded = 0
  const bench = await BadBench.open(at, {
    hooks: {
      onCommand: (text) => void commands.push({ text, from: -1, to: -1 }),
      onStorageWrite: ({ bytes, total }) => {
        const last = commands.at(-1)
        if (last === undefined) return
        if (last.from < 0) last.from = total
        last.to = total + bytes
      },
      onDownloadBytes: (total) => {
        downloaded = total
      },
    },
  })
  expect((await bench.run()).state).toBe('done')
  await bench.close()
  return { commands, downloaded }
}

/** Many jobs in one test, on a machine that may be busy. */
const LIMIT = { timeout: 180_000 }

describe('the link breaks', LIMIT, () => {
  it('before and after each command that does something: the job goes on by itself', async () => {
    const { commands } = await dryRun(place)
    const faults = commands.flatMap(({ text }, i): Fault[] => {
      if (text.startsWith('getvar:') && i % 40 !== 0) return []
      const at = { command: i + 1 }
      return [
        { kind: 'disconnect', at, when: 'before' },
        { kind: 'disconnect', at, when: 'after' },
      ]
    })
    expect(faults.length).toBeGreaterThan(60)
    await sideBySide(faults, (fault) =>
      expectOutcome(place, { faults: [fault], attempts: 3 }, { state: 'done' }),
    )
  })

  it('in mid-download: the job goes on by itself, or is interrupted and resumed', async () => {
    const { downloaded } = await dryRun(place)
    const samples = Array.from({ length: 12 }, (_, i) => Math.floor(((i + 0.5) / 12) * downloaded))
    await sideBySide(samples, async (afterBytes) => {
      const faults: Fault[] = [{ kind: 'disconnect-in-download', afterBytes }]
      await expectOutcome(place, { faults, attempts: 3 }, { state: 'done' })
      const codes = ['terminal-gone', 'usb-failed'] as const
      await expectOutcome(place, { faults }, { state: 'interrupted', codes })
    })
  })

  it('again and again, more often than a job tries', async () => {
    const faults = Array.from({ length: 4 }, (_, i): Fault => {
      return { kind: 'disconnect', at: { startsWith: 'flash:boot_b', nth: i + 1 }, when: 'before' }
    })
    await expectOutcome(place, { faults, attempts: 3 }, { state: 'interrupted', codes: ['terminal-gone'] })
  })
})

describe.concurrent('what comes back', () => {
  it('is a stranger on the same port: it is not touched, and the right one is resumed', async () => {
    const stranger = await BadBench.open(place, { terminal: { serial: 'STRANGER' } })
    const bench = await BadBench.open(place, {
      attempts: 3,
      hooks: {
        onCommandDone: (command) => {
          if (command === 'flash:boot_b') swapIn()
        },
      },
    })
    let swapped = false
    const swapIn = () => {
      if (swapped) return
      swapped = true
      stranger.bench.usb.unplug(stranger.bench.terminal)
      bench.bench.usb.swap(bench.bench.terminal, stranger.bench.terminal)
    }
    const heard: string[] = []
    stranger.bench.terminal.on((event) => {
      if (event.kind === 'command') heard.push(event.command)
    })
    const job = await bench.run()
    expect([job.state, job.problem?.code]).toEqual(['interrupted', 'terminal-stranger'])
    expect(job.problem?.detail).toContain('STRANGER')
    expect(heard.length).toBeGreaterThan(0)
    expect(heard.filter((command) => !command.startsWith('getvar:'))).toEqual([])
    await bench.expectBoots(OLD_BUILD)
    bench.bench.usb.swap(stranger.bench.terminal, bench.bench.terminal)
    await bench.carryThrough()
    await bench.expectBoots(NEW_BUILD)
    await stranger.expectBoots(OLD_BUILD)
    await Promise.all([bench.close(), stranger.close()])
  })

  it('shows no serial number on the bus, but says it when asked', async () => {
    const faults: Fault[] = [
      { kind: 'disconnect', at: { startsWith: 'flash:', nth: 3 }, when: 'after' },
      { kind: 'serial-missing', fromEnumeration: 1 },
    ]
    await expectOutcome(place, { faults, attempts: 3 }, { state: 'done' })
  })

  it('has no serial number at all any more: it may be a stranger', async () => {
    const faults: Fault[] = [
      { kind: 'disconnect', at: { startsWith: 'flash:', nth: 3 }, when: 'after' },
      { kind: 'serial-missing', fromEnumeration: 1 },
      ...[1, 2, 3].map(
        (nth): Fault => ({
          kind: 'refuse',
          at: { startsWith: 'getvar:serialno', nth: nth + 1 },
          words: 'no',
        }),
      ),
    ]
    const bench = await BadBench.open(unisoc, { faults, attempts: 3 })
    const job = await bench.run()
    expect([job.state, job.problem?.code]).toEqual(['interrupted', 'terminal-stranger'])
    expect(job.problem?.detail).toContain('missing')
    await bench.expectBoots(OLD_BUILD)
    bench.bench.terminal.setFaults({})
    await bench.carryThrough()
    await bench.close()
  })

  it('has another address each time', async () => {
    const addresses = new Set<number | undefined>()
    const bench = await BadBench.open(place, {
      attempts: 3,
      faults: [2, 7, 13].map((nth): Fault => {
        return { kind: 'disconnect', at: { startsWith: 'flash:', nth }, when: 'before' }
      }),
    })
    const { discovery } = bench.bench
    discovery.onChange(() => addresses.add(discovery.sightings()[0]?.usb?.address))
    expect((await bench.run()).state).toBe('done')
    expect(addresses.size).toBeGreaterThan(4)
    await bench.close()
  })
})

describe('the storage', LIMIT, () => {
  it('is slow', async () => {
    await expectOutcome(
      place,
      { faults: [{ kind: 'slow-storage', bytesPerSecond: 700_000 }] },
      { state: 'done' },
    )
  })

  it('turns a bit over where nothing reads it back: the boot refuses it, and the old build boots', async () => {
    const { commands } = await dryRun(place)
    const written = commands.filter(({ text, from }) => from >= 0 && /^flash:(?!xbl|abl)/.test(text))
    expect(written.length).toBeGreaterThan(10)
    const states: string[] = []
    await sideBySide(written, async ({ text, from, to }) => {
      const afterBytes = text.startsWith('flash:vbmeta') ? from + 300 : Math.floor((from + to) / 2)
      const bench = await BadBench.open(place, { faults: [{ kind: 'bit-flip', afterBytes }] })
      const { state } = await bench.run()
      states.push(state)
      expect(['fell-back', 'done'], text).toContain(state)
      // Bits that nothing vouches for (between an image and its footer) harm nothing.
      await bench.expectBoots(state === 'done' ? NEW_BUILD : OLD_BUILD)
      await bench.close()
    })
    expect(states.filter((state) => state === 'fell-back').length).toBeGreaterThan(written.length / 2)
  })

  it('turns a bit over where it can be read back: found before the switch, mended by the next run', async () => {
    const { commands } = await dryRun(readable)
    const written = commands.filter(({ text, from }) => from >= 0 && text.startsWith('flash:'))
    await sideBySide(written, async ({ text, from, to }) => {
      const bench = await BadBench.open(readable, {
        faults: [{ kind: 'bit-flip', afterBytes: Math.floor((from + to) / 2) }],
      })
      const job = await bench.run()
      expect([job.state, job.problem?.code], text).toEqual(['interrupted', 'storage-unreliable'])
      await bench.expectBoots(OLD_BUILD)
      await bench.carryThrough()
      await bench.expectBoots(NEW_BUILD)
      await bench.close()
    })
  })
})
