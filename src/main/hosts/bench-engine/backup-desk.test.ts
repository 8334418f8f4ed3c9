// Backups as a window has them made, checked, copied elsewhere and brought back, on simulated terminals in EDL.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { EngineBench, TestWindow } from '../../../../test/engine-bench.ts'
import { loaderFor } from '../../../simulator/edl/make-loader.ts'
import { profile } from '../../../simulator/profiles/index.ts'
import type { SimulatedTerminal } from '../../../simulator/terminal.ts'

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

const bay = 'usb:1-2'
const call: TestWindow['client']['call'] = (command, params) => window.client.call(command, params)

async function inEdl(serial: string, port: number): Promise<SimulatedTerminal> {
  const terminal = await bench.plug({ serial, port, startIn: 'edl' })
  await window.until((s) => s.bays.some((b) => b.bay === `usb:1-${port}` && b.sighting?.mode === 'edl'))
  return terminal
}

async function withProgrammer(): Promise<void> {
  const path = join(bench.folder, 'prog_firehose.elf')
  writeFileSync(path, loaderFor(profile('nx679j')))
  await call('loader.add', { path })
}

const spoil = (terminal: SimulatedTerminal) =>
  terminal.writePartitionRaw('modemst1', new Uint8Array(8192).fill(0xff))

it('a backup is made, told to be whole, and brought back by a supervisor bit for bit', async () => {
  const terminal = await inEdl('NX0001', 2)
  await withProgrammer()
  const own = await terminal.partitionDigest('modemst1')
  expect(await call('backups.list', { bay })).toMatchObject({ backups: [], canKeep: true })
  const { backup } = await call('backups.make', { bay })
  expect(backup.partitions.map(({ name }) => name)).toContain('modemst1')
  expect(await call('backups.list', { bay })).toMatchObject({ backups: [backup], nameless: false })
  await call('backups.check', { backup: backup.id })

  await spoil(terminal)
  const supervisor = new TestWindow(bench)
  await supervisor.until(() => true)
  await supervisor.client.call('supervisor.set-pin', { pin: '2580' })
  const { plan } = await call('backups.plan', { bay, backup: backup.id })
  expect(plan).toMatchObject({ blockers: [], deviations: ['restore'] })
  await expect(call('job.start', { plan: plan.id })).rejects.toMatchObject({ code: 'supervisor-needed' })
  expect(await terminal.partitionDigest('modemst1')).not.toBe(own)
  await call('supervisor.unlock', { pin: '2580' })
  const { job } = await call('job.start', { plan: plan.id })
  await window.until((s) => s.jobs.some(({ id, state }) => id === job && state === 'done'))
  expect(await terminal.partitionDigest('modemst1')).toBe(own)
  // What was there before is a backup of its own, and the job can be done once more.
  expect((await call('backups.list', { bay })).backups.map(({ id }) => id)).toEqual([job, backup.id])
  await spoil(terminal)
  await expect.poll(() => bench.engine.runner.isRunning(job)).toBe(false)
  const again = await call('job.again', { job })
  await window.until((s) => s.jobs.some(({ id, state }) => id === again.job && state === 'done'))
  expect(await terminal.partitionDigest('modemst1')).toBe(own)
  supervisor.client.close()
}, 60_000)

it('the backup of another terminal is not listed, and goes nowhere', async () => {
  const theirs = await inEdl('NX0001', 2)
  const ours = await inEdl('NX0002', 3)
  await withProgrammer()
  const { backup } = await call('backups.make', { bay })
  expect((await call('backups.list', { bay: 'usb:1-3' })).backups).toEqual([])
  const before = await ours.partitionDigest('modemst1')
  const { folder } = await call('backups.export', { backup: backup.id, folder: bench.folder })
  await spoil(theirs)
  for (const from of [backup.id, folder]) {
    const { plan } = await call('backups.plan', { bay: 'usb:1-3', backup: from })
    expect(plan.blockers.map(({ code }) => code)).toEqual(['another-terminal'])
    await expect(call('job.start', { plan: plan.id })).rejects.toMatchObject({ code: 'plan-blocked' })
  }
  expect(await ours.partitionDigest('modemst1')).toBe(before)
  expect(bench.engine.bench.journal.list()).toEqual([])
  // The copy does for its own terminal.
  expect((await call('backups.plan', { bay, backup: folder })).plan.blockers).toEqual([])
}, 60_000)

it('a backup that has changed since is told, and is neither planned nor copied', async () => {
  await inEdl('NX0001', 2)
  await withProgrammer()
  const { backup } = await call('backups.make', { bay })
  const image = join(bench.engine.bench.data, 'backups', backup.id, 'modemst1.img')
  writeFileSync(image, new Uint8Array(4096))
  const damaged = { code: 'backup-damaged', message: expect.stringContaining('modemst1') }
  await expect(call('backups.check', { backup: backup.id })).rejects.toMatchObject(damaged)
  await expect(call('backups.plan', { bay, backup: backup.id })).rejects.toMatchObject(damaged)
  const copying = call('backups.export', { backup: backup.id, folder: bench.folder })
  await expect(copying).rejects.toMatchObject(damaged)
  await expect(call('backups.check', { backup: 'none' })).rejects.toMatchObject({ code: 'backup-not-found' })
}, 60_000)

it('a terminal whose mode gives nothing out says so', async () => {
  await bench.plug({ serial: 'NX0001', port: 2, startIn: 'system' })
  await window.until((s) => s.bays.some((b) => b.bay === bay && b.facts !== undefined))
  expect(await call('backups.list', { bay })).toMatchObject({ canKeep: false, nameless: false })
  await expect(call('backups.make', { bay })).rejects.toMatchObject({ code: 'terminal-wrong-mode' })
}, 60_000)
