// The engine as a window drives it, over the contract's own messages, on simulated terminals.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EngineBench, TestWindow } from '../../../../test/engine-bench.ts'
import type { BenchState } from '../../../shared/contract.ts'

let bench: EngineBench
let window: TestWindow
beforeEach(() => {
  bench = new EngineBench()
  window = new TestWindow(bench)
})
afterEach(async () => {
  window.client.close()
  await bench.close()
})

const CHOICE = { policy: 'seamless', wipe: false } as const
const bayOf = (state: BenchState, id: string) => state.bays.find(({ bay }) => bay === id)
const jobOf = (state: BenchState, id: string) => state.jobs.find((job) => job.id === id)

async function addRom(model: Parameters<EngineBench['rom']>[0] = 'nx679j'): Promise<string> {
  const { rom } = await window.client.call('rom.add', { path: await bench.rom(model) })
  return rom
}

describe('a terminal that is plugged in', () => {
  it('is seen, read, flashed and certified, and every window shows the same', async () => {
    await bench.plug({ serial: 'NX0001', port: 2 })
    const read = await window.until((s) => bayOf(s, 'usb:1-2')?.facts !== undefined)
    expect(bayOf(read, 'usb:1-2')).toMatchObject({
      simulated: false,
      sighting: { serial: 'NX0001', mode: 'bootloader' },
      facts: { unlocked: true, currentSlot: 'a', names: expect.arrayContaining(['NX679J']) },
    })
    const rom = await addRom()
    const { plan } = await window.client.call('plan.make', {
      ...{ bay: 'usb:1-2', rom, choice: CHOICE, survey: true },
    })
    expect(plan.blockers).toEqual([])
    expect(plan.steps.filter(({ kind }) => kind === 'write').length).toBeGreaterThan(5)
    const { job } = await window.client.call('job.start', { plan: plan.id })
    const late = new TestWindow(bench)
    const done = await window.until((s) => jobOf(s, job)?.state === 'done')
    expect(jobOf(done, job)?.steps.every(({ state }) => state === 'proven')).toBe(true)
    await late.until((s) => jobOf(s, job)?.state === 'done')
    bench.engine.model.flush()
    await late.until((s) => s.log.length === window.state?.log.length)
    expect({ ...late.state, log: [] }).toEqual({ ...bench.engine.model.state, log: [] })
    const report = await window.client.call('job.report', { job })
    expect(report.certificate).toMatchObject({ verdict: 'success', terminal: { serial: 'NX0001' } })
    expect(report.page).toContain('NX0001')
    const found = await window.client.call('jobs.search', { text: 'nx0001', limit: 10, offset: 0 })
    expect(found).toMatchObject({ total: 1, passed: 1, failed: 0 })
    const { csv } = await window.client.call('jobs.csv', {})
    expect(csv.split('\r\n')[1]).toContain('NX0001')
    const { samples } = await window.client.call('job.throughput', { job })
    expect(samples.length).toBeGreaterThan(0)
    late.client.close()
  }, 60_000)

  it('cannot be planned for twice with one plan, nor started where it was never planned', async () => {
    await bench.plug({ serial: 'NX0001', port: 2 })
    await window.until((s) => bayOf(s, 'usb:1-2')?.facts !== undefined)
    await expect(window.client.call('job.start', { plan: 'no-such-plan' })).rejects.toMatchObject({
      code: 'plan-expired',
    })
    const rom = await addRom('unisoc-ab')
    const { plan } = await window.client.call('plan.make', {
      ...{ bay: 'usb:1-2', rom, choice: CHOICE, survey: true },
    })
    expect(plan.blockers.map(({ code }) => code)).toContain('wrong-model')
    await expect(window.client.call('job.start', { plan: plan.id })).rejects.toMatchObject({
      code: 'plan-blocked',
    })
  }, 60_000)
})

it('what a job will take is known from an earlier one with the same package, until it has a speed of its own', async () => {
  await bench.plug({ serial: 'NX0001', port: 1 })
  await bench.plug({ serial: 'NX0002', port: 2, link: { bytesPerSecond: 1_500_000, speed: 'high' } })
  const rom = await addRom()
  const start = async (bay: string) => {
    await window.until((s) => bayOf(s, bay)?.facts !== undefined)
    const { plan } = await window.client.call('plan.make', { bay, rom, choice: CHOICE, survey: true })
    return (await window.client.call('job.start', { plan: plan.id })).job
  }
  const first = await start('usb:1-1')
  const done = await window.until((s) => jobOf(s, first)?.state === 'done')
  expect(jobOf(done, first)?.expected).toBeUndefined()
  const second = await start('usb:1-2')
  const runs = await window.until((s) => jobOf(s, second)?.state === 'running')
  expect(jobOf(runs, second)?.expected?.seconds).toBeGreaterThan(0)
  const ended = await window.until((s) => jobOf(s, second)?.state === 'done')
  expect(jobOf(ended, second)?.expected).toBeUndefined()
}, 60_000)

describe('a job that is cut off', () => {
  it('calls for somebody, also after a restart of the bench, and goes on from its first unproven step', async () => {
    const terminal = await bench.plug({
      ...{ serial: 'NX0001', port: 2 },
      faults: {
        faults: [{ kind: 'refuse', at: { startsWith: 'flash:vendor_boot_b' }, words: 'flash write failure' }],
      },
    })
    await window.until((s) => bayOf(s, 'usb:1-2')?.facts !== undefined)
    const rom = await addRom()
    const request = { bay: 'usb:1-2', rom, choice: CHOICE, survey: true }
    const { plan } = await window.client.call('plan.make', request)
    const { job } = await window.client.call('job.start', { plan: plan.id })
    const failed = await window.until((s) => ['failed', 'interrupted'].includes(jobOf(s, job)?.state ?? ''))
    expect(jobOf(failed, job)).toMatchObject({ acknowledged: false, problem: { next: expect.any(String) } })

    await bench.restart()
    window.client.close()
    window = new TestWindow(bench)
    const again = await window.until(
      (s) => jobOf(s, job) !== undefined && bayOf(s, 'usb:1-2')?.facts !== undefined,
    )
    expect(jobOf(again, job)).toMatchObject({ acknowledged: false })
    terminal.setFaults({})
    await window.client.call('job.resume', { job })
    const done = await window.until((s) => jobOf(s, job)?.state === 'done')
    expect(jobOf(done, job)?.acknowledged).toBe(true)
  }, 60_000)

  it('is stopped by hand and resumed', async () => {
    await bench.plug({ serial: 'NX0001', port: 2, link: { bytesPerSecond: 1_500_000, speed: 'high' } })
    await window.until((s) => bayOf(s, 'usb:1-2')?.facts !== undefined)
    const rom = await addRom()
    const { plan } = await window.client.call('plan.make', {
      ...{ bay: 'usb:1-2', rom, choice: CHOICE, survey: true },
    })
    const { job } = await window.client.call('job.start', { plan: plan.id })
    await window.until((s) => (jobOf(s, job)?.progress?.jobDone ?? 0) > 0)
    await expect(window.client.call('terminal.facts', { bay: 'usb:1-2', fresh: true })).rejects.toMatchObject(
      {
        code: 'bay-busy',
      },
    )
    await window.client.call('job.cancel', { job })
    const stopped = await window.until((s) => jobOf(s, job)?.state === 'interrupted')
    expect(jobOf(stopped, job)?.problem?.code).toBe('cancelled')
    await window.client.call('job.resume', { job })
    await window.until((s) => jobOf(s, job)?.state === 'done')
  }, 60_000)
})

describe('a session', () => {
  it('starts what fits after the countdown, and keeps what does not, with the reason', async () => {
    const rom = await addRom()
    await window.client.call('session.start', { rom, choice: CHOICE, countdown: 1 })
    await bench.plug({ serial: 'NX0001', port: 1 })
    await bench.plug({ serial: 'NX0002', port: 2 })
    await bench.plug({ serial: 'UNI001', port: 3, model: 'unisoc-ab' })
    const seen = await window.until((s) => s.session.bays.some(({ state }) => state === 'unfit'))
    expect(seen.session.bays.find(({ state }) => state === 'unfit')).toMatchObject({
      bay: 'usb:1-3',
      reasons: expect.arrayContaining([expect.objectContaining({ code: 'wrong-model' })]),
    })
    const done = await window.until(
      (s) => s.session.bays.filter(({ state }) => state === 'finished').length === 2,
    )
    expect(
      done.jobs
        .filter(({ state }) => state === 'done')
        .map(({ serial }) => serial)
        .sort(),
    ).toEqual(['NX0001', 'NX0002'])
    await window.client.call('session.stop', {})
    await window.until((s) => !s.session.active)
  }, 60_000)

  it('waits for the key where there is no countdown, and leaves alone what is held', async () => {
    const rom = await addRom()
    await window.client.call('session.start', { rom, choice: CHOICE, countdown: 0 })
    await bench.plug({ serial: 'NX0001', port: 1 })
    await bench.plug({ serial: 'NX0002', port: 2 })
    await window.until((s) => s.session.bays.filter(({ state }) => state === 'ready').length === 2)
    await window.client.call('session.hold', { bay: 'usb:1-2' })
    await window.client.call('session.go', { bay: 'usb:1-1' })
    const done = await window.until((s) => s.session.bays.some(({ state }) => state === 'finished'))
    expect(done.session.bays.find(({ bay }) => bay === 'usb:1-2')?.state).toBe('aside')
    expect(done.jobs.length).toBe(1)
  }, 60_000)
})

describe('the wall', () => {
  it('keeps ports, names and order, and forgets only what is empty', async () => {
    const terminal = await bench.plug({ serial: 'NX0001', port: 10 })
    await bench.plug({ serial: 'NX0002', port: 2 })
    await window.until((s) => s.bays.length === 2)
    await window.client.call('bays.order', { bays: ['usb:1-10', 'usb:1-2'] })
    await window.client.call('bays.rename', { bay: 'usb:1-10', name: 'Left' })
    await expect(window.client.call('bays.forget', { bay: 'usb:1-10' })).rejects.toMatchObject({
      code: 'bay-busy',
    })
    await bench.restart()
    window.client.close()
    window = new TestWindow(bench)
    const again = await window.until(
      (s) => s.bays.every(({ facts }) => facts !== undefined) && s.bays.length === 2,
    )
    expect(again.bays.map(({ bay, name }) => [bay, name])).toEqual([
      ['usb:1-10', 'Left'],
      ['usb:1-2', undefined],
    ])
    bench.usb.unplug(terminal)
    await window.until((s) => bayOf(s, 'usb:1-10')?.sighting === undefined)
    await window.client.call('bays.forget', { bay: 'usb:1-10' })
    await window.until((s) => s.bays.length === 1)
  }, 30_000)

  it('takes a terminal into another mode', async () => {
    await bench.plug({ serial: 'NX0001', port: 2 })
    await window.until((s) => bayOf(s, 'usb:1-2')?.facts !== undefined)
    await window.client.call('terminal.reboot', { bay: 'usb:1-2', to: 'system' })
    await window.until((s) => bayOf(s, 'usb:1-2')?.sighting?.mode === 'system')
    const { facts } = await window.client.call('terminal.facts', { bay: 'usb:1-2', fresh: true })
    expect(facts?.mode).toBe('system')
  }, 30_000)
})

describe('the library', () => {
  it('lists what cannot be read with the reason, and verifies what can', async () => {
    const rom = await addRom()
    await window.client.call('rom.verify', { rom })
    await window.until((s) => s.roms.find(({ id }) => id === rom)?.state === 'verified')
    const { rom: none } = await window.client.call('rom.add', { path: '/no/such/package.zip' })
    const seen = await window.until((s) => s.roms.find(({ id }) => id === none)?.state === 'bad')
    expect(seen.roms.find(({ id }) => id === none)?.problem?.code).toBe('package-not-found')
    await window.client.call('rom.remove', { rom: none })
    await window.until((s) => s.roms.length === 1)
    const { info } = await window.client.call('rom.detail', { rom })
    expect(info.images.length).toBeGreaterThan(5)
  }, 30_000)
})

it('a simulated terminal comes on request, with a package for it', async () => {
  const { bay } = await window.client.call('simulation.add', { profile: 'nx679j' })
  const seen = await window.until((s) => bayOf(s, bay)?.sighting !== undefined && s.roms.length === 1)
  expect(bayOf(seen, bay)?.simulated).toBe(true)
  await window.client.call('simulation.remove', { bay })
  await window.until((s) => bayOf(s, bay)?.sighting === undefined)
}, 60_000)
