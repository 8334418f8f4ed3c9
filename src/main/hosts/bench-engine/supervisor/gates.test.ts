// Every command that is a supervisor's, as a window sends it: refused by the engine while the window is locked, whatever it shows.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EngineBench, TestWindow } from '../../../../../test/engine-bench.ts'
import type { BenchState, Choice } from '../../../../shared/contract.ts'
import { GATES } from './gates.ts'

let bench: EngineBench
let window: TestWindow
beforeEach(async () => {
  bench = new EngineBench()
  window = new TestWindow(bench)
  await window.until(() => true)
})
afterEach(async () => {
  window.client.close()
  await bench.close()
})

const PIN = '2580'
const USUAL: Choice = { policy: 'seamless', wipe: false }
const DEVIATING: readonly Choice[] = [
  { ...USUAL, wipe: true },
  { ...USUAL, assumedModel: 'NX679J' },
  { ...USUAL, giveUpOtherSlot: true },
]
const NEEDED = { code: 'supervisor-needed', next: expect.stringContaining('PIN') }
const call: TestWindow['client']['call'] = (command, params) => window.client.call(command, params)
const readOn = (bay: string) => (s: BenchState) => s.bays.some((b) => b.bay === bay && b.facts !== undefined)

/** Another window of the same bench sets the PIN, so that ours was never unlocked. */
async function withPin(): Promise<TestWindow> {
  const supervisor = new TestWindow(bench)
  await supervisor.until(() => true)
  await supervisor.client.call('supervisor.set-pin', { pin: PIN })
  return supervisor
}

async function plugAndPlan(choice: Choice): Promise<string> {
  const { rom } = await call('rom.add', { path: await bench.rom() })
  const { plan } = await call('plan.make', { bay: 'usb:1-2', rom, choice, survey: true })
  expect(plan.blockers).toEqual([])
  return plan.id
}

it('the commands that are held back are those of the tests below', () => {
  const held = Object.entries(GATES).flatMap(([command, gate]) => (gate === 'anybody' ? [] : [command]))
  expect(held.sort()).toEqual(['job.again', 'job.start', 'session.go', 'session.start', 'settings.set'])
})

describe('a locked window', () => {
  it('starts no job that departs from the usual, and every job that does not', async () => {
    await bench.plug({ serial: 'NX0001', port: 2 })
    await window.until(readOn('usb:1-2'))
    const supervisor = await withPin()
    for (const choice of DEVIATING) {
      const plan = await plugAndPlan(choice)
      await expect(call('job.start', { plan })).rejects.toMatchObject(NEEDED)
      // Another window that is unlocked changes nothing for this one, and the plan is still there for it.
      await expect(call('job.start', { plan })).rejects.toMatchObject(NEEDED)
    }
    expect(bench.engine.bench.journal.list()).toEqual([])
    const plan = await plugAndPlan(USUAL)
    const { job } = await call('job.start', { plan })
    await window.until((s) => s.jobs.some(({ id, state }) => id === job && state === 'done'))
    supervisor.client.close()
  }, 60_000)

  it('starts no session that departs from the usual', async () => {
    const { rom } = await call('rom.add', { path: await bench.rom() })
    const supervisor = await withPin()
    for (const choice of DEVIATING)
      await expect(call('session.start', { rom, choice, countdown: 0 })).rejects.toMatchObject(NEEDED)
    expect(bench.engine.model.state.session.active).toBe(false)
    await call('session.start', { rom, choice: USUAL, countdown: 0 })
    supervisor.client.close()
  }, 30_000)

  it('lowers no limit, and raises it', async () => {
    const supervisor = await withPin()
    await expect(call('settings.set', { batteryLimit: 29 })).rejects.toMatchObject(NEEDED)
    await call('settings.set', { batteryLimit: 40, theme: 'dark' })
    await expect(call('settings.set', { batteryLimit: 30, theme: 'light' })).rejects.toMatchObject(NEEDED)
    expect(bench.engine.settings.settings).toMatchObject({ batteryLimit: 40, theme: 'dark' })
    supervisor.client.close()
  })

  it('repeats no job that a supervisor stood behind, and finishes it', async () => {
    const terminal = await bench.plug({
      ...{ serial: 'NX0001', port: 2 },
      faults: { faults: [{ kind: 'refuse', at: { startsWith: 'flash:boot_b' }, words: 'failure' }] },
    })
    await window.until(readOn('usb:1-2'))
    await call('supervisor.set-pin', { pin: PIN })
    const { job } = await call('job.start', { plan: await plugAndPlan({ ...USUAL, wipe: true }) })
    await window.until((s) =>
      s.jobs.some(({ id, state }) => id === job && ['failed', 'interrupted'].includes(state)),
    )
    await call('supervisor.lock', {})
    terminal.setFaults({})
    await expect(call('job.again', { job })).rejects.toMatchObject(NEEDED)
    // The job tells its end a moment before it has let go of the bay.
    await expect.poll(() => bench.engine.runner.isRunning(job)).toBe(false)
    await call('job.resume', { job })
    await window.until((s) => s.jobs.some(({ id, state }) => id === job && state === 'done'))
  }, 60_000)
})

describe('a window that a supervisor unlocked', () => {
  it('starts what departs from the usual until it is locked; a new connection begins locked', async () => {
    await bench.plug({ serial: 'NX0001', port: 2 })
    await window.until(readOn('usb:1-2'))
    const supervisor = await withPin()
    const plan = await plugAndPlan({ ...USUAL, wipe: true })
    await expect(call('supervisor.unlock', { pin: '0000' })).rejects.toMatchObject({ code: 'pin-wrong' })
    await expect(call('job.start', { plan })).rejects.toMatchObject(NEEDED)
    await call('supervisor.unlock', { pin: PIN })
    expect(window.events.findLast(({ type }) => type === 'role')).toMatchObject({
      role: { pin: true, unlockedUntil: expect.any(String) },
    })
    await call('job.start', { plan })
    const reloaded = new TestWindow(bench)
    await reloaded.until(() => true)
    await expect(reloaded.client.call('settings.set', { batteryLimit: 5 })).rejects.toMatchObject(NEEDED)
    expect(reloaded.events.findLast(({ type }) => type === 'role')).toEqual({
      type: 'role',
      role: { pin: true },
    })
    await window.until((s) => s.jobs.some(({ state }) => state === 'done'))
    for (const { client } of [supervisor, reloaded]) client.close()
  }, 60_000)
})

describe('a terminal of a session whose plan shows more than was chosen', () => {
  it('waits for a supervisor, and starts once one says so', async () => {
    const { rom } = await call('rom.add', { path: await bench.rom() })
    const supervisor = await withPin()
    // What its makers allow to go back: only the package and the plan know.
    const { planner } = bench.engine
    const real = planner.plan.bind(planner)
    planner.plan = async (request, recipe) => {
      const plan = await real(request, recipe)
      return { ...plan, rom: { ...plan.rom, downgrade: true } }
    }
    await call('session.start', { rom, choice: USUAL, countdown: 1 })
    await bench.plug({ serial: 'NX0001', port: 2 })
    const waits = await window.until((s) => s.session.bays.some(({ state }) => state === 'unfit'))
    expect(waits.session.bays[0]?.problem).toMatchObject({
      code: 'supervisor-needed',
      detail: expect.stringContaining('downgrade'),
    })
    await expect(call('session.go', { bay: 'usb:1-2' })).rejects.toMatchObject(NEEDED)
    expect(bench.engine.bench.journal.list()).toEqual([])
    await call('supervisor.unlock', { pin: PIN })
    await call('session.go', { bay: 'usb:1-2' })
    await window.until((s) => s.session.bays.some(({ state }) => state === 'finished'))
    supervisor.client.close()
  }, 60_000)
})

it('without a PIN nothing is held back', async () => {
  await bench.plug({ serial: 'NX0001', port: 2 })
  await window.until(readOn('usb:1-2'))
  await call('settings.set', { batteryLimit: 5 })
  const { job } = await call('job.start', { plan: await plugAndPlan({ ...USUAL, wipe: true }) })
  await window.until((s) => s.jobs.some(({ id, state }) => id === job && state === 'done'))
}, 60_000)

it('the operator of the moment goes into the job, the certificate and the history', async () => {
  await bench.plug({ serial: 'NX0001', port: 2 })
  await window.until(readOn('usb:1-2'))
  await call('settings.set', { operators: ['Ana', ' Zoë ', 'Ana'] })
  await call('settings.set', { operator: 'Zoë' })
  const { job } = await call('job.start', { plan: await plugAndPlan(USUAL) })
  await call('settings.set', { operators: ['Ana'] })
  const done = await window.until((s) => s.jobs.some(({ id, state }) => id === job && state === 'done'))
  expect(done.settings).toMatchObject({ operator: '', operators: ['Ana'] })
  expect(done.jobs[0]).toMatchObject({ operator: 'Zoë' })
  const { certificate, page } = await call('job.report', { job })
  expect([certificate.operator, page.includes('Zoë')]).toEqual(['Zoë', true])
  expect(await call('jobs.search', { text: 'zoë', limit: 5, offset: 0 })).toMatchObject({
    total: 1,
    jobs: [{ operator: 'Zoë' }],
  })
  expect((await call('jobs.csv', {})).csv).toMatch(/,operator\r\n.*,Zoë\r\n/)
}, 60_000)
