// What stands in the way before and beside the terminal: locked, another model, a flat battery, no room, a package that changes, a full disk.
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plan as makePlan } from '../../src/main/core/plan/plan.ts'
import type { BackupStore } from '../../src/main/flash/journal.ts'
import { FileBackupStore } from '../../src/main/io/files/backup-store.ts'
import { openFastbootSession } from '../../src/main/terminals/fastboot/session.ts'
import { SlotbenchError } from '../../src/shared/errors.ts'
import { Deadline } from '../../src/shared/io-options.ts'
import type { FindingCode } from '../../src/shared/plan.ts'
import { factoryImages, simulatorRootOfTrust } from '../../src/simulator/make-images.ts'
import { profile } from '../../src/simulator/profiles/index.ts'
import { makeRom } from '../../src/simulator/rom-factory/make-rom.ts'
import { type BatteryState, SimulatedTerminal } from '../../src/simulator/terminal.ts'
import {
  FlashBench,
  NEW_BUILD,
  OLD_BUILD,
  openWorkplace,
  RECIPE,
  type SetUp,
  type Workplace,
} from '../flash-bench.ts'
import { BadBench, openPlace } from './bench.ts'

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

const IO = () => ({ signal: new AbortController().signal, deadline: Deadline.after(5_000) })

/** The plan has this blocker, no job comes of it, and the terminal hears no command that changes anything. */
async function expectBlocked(at: Workplace, blocker: FindingCode, setUp?: SetUp, battery?: BatteryState) {
  const bench = await FlashBench.open(at, setUp)
  if (battery) {
    const weak = await SimulatedTerminal.create({
      ...{ profile: at.profile, serial: 'WEAK', unlocked: true, keys: await simulatorRootOfTrust(), battery },
      image: factoryImages(at.profile, at.old),
    })
    await weak.powerOn({ keys: 'bootloader' })
    bench.usb.swap(bench.terminal, weak)
    await bench.discovery.waitFor((s) => s.serial === 'WEAK', IO())
  }
  const heard: string[] = []
  bench.terminal.on((event) => void (event.kind === 'command' && heard.push(event.command)))
  const plan = await bench.plan()
  expect(plan.blockers.map(({ code }) => code)).toContain(blocker)
  expect(plan.blockers.find(({ code }) => code === blocker)?.next).toMatch(/\w/)
  expect(() => bench.engine().create(plan)).toThrowError(expect.objectContaining({ code: 'plan-blocked' }))
  expect(bench.journal().list()).toEqual([])
  expect(heard.filter((command) => !command.startsWith('getvar:'))).toEqual([])
  expect(await bench.terminal.wouldBoot()).toMatchObject({ verdict: 'booted', build: OLD_BUILD })
  await bench.close()
}

describe.concurrent('nothing is begun', () => {
  it('on a locked terminal', () => expectBlocked(place, 'bootloader-locked', { unlocked: false }))
  it('on another model', () => expectBlocked({ ...place, rom: unisoc.rom }, 'wrong-model'))
  it('with a battery that the terminal calls low', () =>
    expectBlocked(place, 'battery-low', {}, { millivolts: 3400, percent: 12, ok: false }))

  it('with images that are larger than their partitions', async () => {
    const large = await openWorkplace(profile('nx679j', { sizes: { system: 2 << 20, boot: 1 << 20 } }))
    await expectBlocked({ ...place, rom: large.rom }, 'image-too-large')
    await large.close()
  })

  it('without room for the backups', async () => {
    const bench = await FlashBench.open(readable)
    const { facts, rom } = await bench.plan()
    const host = { freeBytes: 1_000 }
    const plan = makePlan({ facts, rom, recipe: RECIPE, host, now: '2026-01-01T00:00:00Z' })
    expect(plan.blockers.map(({ code }) => code)).toEqual(['host-space'])
    await bench.close()
  })
})

describe.concurrent('the terminal changed since the plan was made', () => {
  async function planned(at: Workplace) {
    const bench = await FlashBench.open(at)
    const plan = await bench.plan({ proofTimeout: 3 })
    await bench.close()
    return plan
  }

  it('it is locked now: it refuses, and keeps what it has', async () => {
    const bench = await BadBench.open(place, { plan: await planned(place), terminal: { unlocked: false } })
    const job = await bench.run()
    expect([job.state, job.problem?.code]).toEqual(['failed', 'terminal-refused'])
    expect(job.problem?.detail).toContain('not allowed in locked state')
    await bench.expectBoots(OLD_BUILD)
    await bench.bench.terminal.storage.setState({ unlocked: true, unlockedCritical: true })
    await bench.carryThrough()
    await bench.close()
  })

  it('the other slot is active now: the plan is stale, and nothing is written', async () => {
    const bench = await BadBench.open(place, { plan: await planned(place) })
    const sighting = await bench.bench.discovery.waitFor((s) => s.mode === 'bootloader', IO())
    const opened = await openFastbootSession(sighting, IO())
    await opened.setActive('b', IO())
    await opened.close()
    const before = await bench.bench.terminal.partitionDigest('system_b')
    const job = await bench.run()
    expect([job.state, job.problem?.code]).toEqual(['failed', 'plan-stale'])
    expect(await bench.bench.terminal.partitionDigest('system_b')).toBe(before)
    await bench.expectBoots(OLD_BUILD)
    await bench.close()
  })
})

describe.concurrent('the package changes', () => {
  /** The workplace with a copy of the package of its own. */
  function withCopy(name: string): Workplace & { readonly genuine: Buffer } {
    const path = join(place.folder, `${name}.zip`)
    copyFileSync(place.romPath, path)
    return { ...place, romPath: path, rom: { ...place.rom, path }, genuine: readFileSync(path) }
  }

  it('between plan and run, to another build: refused before the first write', async () => {
    const own = withCopy('other build')
    const bench = await BadBench.open(own)
    await makeRom(place.profile, {
      ...{ build: 'build-3', rollbackIndex: 3, seed: 3, kind: 'ota-zip', out: own.romPath },
    })
    const before = await bench.bench.terminal.partitionDigest('system_b')
    const job = await bench.run()
    expect([job.state, job.problem?.code]).toEqual(['failed', 'source-changed'])
    expect(await bench.bench.terminal.partitionDigest('system_b')).toBe(before)
    writeFileSync(own.romPath, own.genuine)
    await bench.carryThrough()
    await bench.expectBoots(NEW_BUILD)
    await bench.close()
  })

  it('between plan and run, to half of it', async () => {
    const own = withCopy('half')
    const bench = await BadBench.open(own)
    truncateSync(own.romPath, Math.floor(own.genuine.length / 2))
    const job = await bench.run()
    expect(job.state).toBe('failed')
    expect(['zip-invalid', 'source-truncated']).toContain(job.problem?.code)
    await bench.expectBoots(OLD_BUILD)
    writeFileSync(own.romPath, own.genuine)
    await bench.carryThrough()
    await bench.close()
  })

  it('to nothing: it was deleted', async () => {
    const own = { ...place, rom: { ...place.rom, path: join(place.folder, 'gone.zip') } }
    const bench = await BadBench.open(own)
    const job = await bench.run()
    expect([job.state, job.problem?.code]).toEqual(['failed', 'package-not-found'])
    await bench.expectBoots(OLD_BUILD)
    await bench.close()
  })

  it.each([
    ['is cut short', (path: string, genuine: Buffer) => truncateSync(path, Math.floor(genuine.length / 3))],
    [
      'gets other bytes',
      (path: string, genuine: Buffer) =>
        writeFileSync(
          path,
          genuine.map((byte) => byte ^ 0x55),
        ),
    ],
  ])('in mid-flash: it %s; what was proven stays, the switch does not come', async (name, spoil) => {
    const own = withCopy(name)
    const bench = await BadBench.open(own, {
      hooks: {
        onCommand: (command) => {
          if (command === 'flash:vendor_b') spoil(own.romPath, own.genuine)
        },
      },
    })
    const job = await bench.run()
    expect(job.state, job.problem?.detail).toBe('failed')
    expect(['source-truncated', 'digest-mismatch', 'decode-failed'], job.problem?.detail).toContain(
      job.problem?.code,
    )
    expect(job.steps.find(({ id }) => id.endsWith('write-system_b'))?.state).toBe('proven')
    await bench.expectBoots(OLD_BUILD)
    bench.bench.terminal.setFaults({})
    writeFileSync(own.romPath, own.genuine)
    await bench.carryThrough()
    await bench.expectBoots(NEW_BUILD)
    await bench.close()
  })
})

describe.concurrent('the backups', () => {
  it('find the disk full: nothing is written, and with room the job goes on', async () => {
    let full = true
    const room = new FileBackupStore(join(readable.folder, 'room'))
    const backups: BackupStore = {
      save: (of, partition, content) =>
        full && partition === 'fsg'
          ? Promise.reject(new SlotbenchError('host-space', 'no space left on device'))
          : room.save(of, partition, content),
    }
    const bench = await BadBench.open(readable, { backups })
    const before = await bench.bench.terminal.partitionDigest('system_b')
    const job = await bench.run()
    expect([job.state, job.problem?.code]).toEqual(['failed', 'host-space'])
    expect(job.steps.some((step) => step.receipt?.kind === 'backup')).toBe(true)
    expect(await bench.bench.terminal.partitionDigest('system_b')).toBe(before)
    await bench.expectBoots(OLD_BUILD)
    full = false
    await bench.carryThrough()
    await bench.expectBoots(NEW_BUILD)
    await bench.close()
  })

  it('cannot be reproduced: nothing is written', async () => {
    const backups: BackupStore = {
      save: async (_job, partition, content) => {
        for await (const _piece of content) void _piece
        return { file: partition, bytes: 1, sha256: '0'.repeat(64) }
      },
    }
    const bench = await BadBench.open(readable, { backups })
    const before = await bench.bench.terminal.partitionDigest('system_b')
    const job = await bench.run()
    expect([job.state, job.problem?.code]).toEqual(['interrupted', 'storage-unreliable'])
    expect(await bench.bench.terminal.partitionDigest('system_b')).toBe(before)
    await bench.close()
  })
})
