// Single partitions as a window has them read and written, on a simulated terminal in EDL.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { EngineBench, TestWindow } from '../../../../test/engine-bench.ts'
import { loaderFor } from '../../../simulator/edl/make-loader.ts'
import { profile } from '../../../simulator/profiles/index.ts'
import type { SimulatedTerminal } from '../../../simulator/terminal.ts'

const bay = 'usb:1-2'
let bench: EngineBench
let window: TestWindow
let terminal: SimulatedTerminal
const call: TestWindow['client']['call'] = (command, params) => window.client.call(command, params)

beforeEach(async () => {
  bench = new EngineBench()
  window = new TestWindow(bench)
  terminal = await bench.plug({ serial: 'NX0001', port: 2, startIn: 'edl' })
  await window.until((s) => s.bays.some((b) => b.bay === bay && b.sighting?.mode === 'edl'))
  const loader = join(bench.folder, 'prog_firehose.elf')
  writeFileSync(loader, loaderFor(profile('nx679j')))
  await call('loader.add', { path: loader })
})
afterEach(async () => {
  window.client.close()
  await bench.close()
})

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

it('a partition is read into a new file, with the digest that the terminal has', async () => {
  const read = await call('partitions.read', { bay, partition: 'dtbo_b', folder: bench.folder })
  expect(read.sha256).toBe(await terminal.partitionDigest('dtbo_b'))
  expect(sha256(readFileSync(read.path))).toBe(read.sha256)
  const none = { bay, partition: 'nothing', folder: bench.folder }
  await expect(call('partitions.read', none)).rejects.toMatchObject({ code: 'partition-missing' })
  const elsewhere = { ...none, partition: '../dtbo_b' }
  await expect(call('partitions.read', elsewhere)).rejects.toMatchObject({ code: 'message-invalid' })
}, 60_000)

it('a file is written by a supervisor: kept before, read back after', async () => {
  const path = join(bench.folder, 'new.img')
  const inactive =
    (await call('terminal.facts', { bay, fresh: true })).facts?.currentSlot?.value === 'a' ? 'b' : 'a'
  const partition = `dtbo_${inactive}`
  const { sha256: before, bytes } = await call('partitions.read', { bay, partition, folder: bench.folder })
  writeFileSync(path, new Uint8Array(bytes).fill(0x5a))
  const supervisor = new TestWindow(bench)
  await supervisor.until(() => true)
  await supervisor.client.call('supervisor.set-pin', { pin: '2580' })
  const { plan } = await call('partitions.plan', { bay, partition, path })
  expect(plan).toMatchObject({ blockers: [], deviations: ['raw-write'] })
  await expect(call('job.start', { plan: plan.id })).rejects.toMatchObject({ code: 'supervisor-needed' })
  expect(await terminal.partitionDigest(partition)).toBe(before)
  await call('supervisor.unlock', { pin: '2580' })
  const { job } = await call('job.start', { plan: plan.id })
  await window.until((s) => s.jobs.some(({ id, state }) => id === job && state === 'done'))
  expect(await terminal.partitionDigest(partition)).toBe(sha256(readFileSync(path)))
  const kept = await bench.engine.bench.backups.find(job)
  expect(kept.partitions).toMatchObject([{ name: partition, sha256: before }])
  supervisor.client.close()
}, 60_000)

it('what belongs to the terminal alone, and the slot that boots, are refused', async () => {
  const path = join(bench.folder, 'new.img')
  writeFileSync(path, new Uint8Array(4096))
  const active = (await call('terminal.facts', { bay, fresh: true })).facts?.currentSlot?.value
  for (const [partition, code] of [
    ['modemst1', 'partition-protected'],
    [`dtbo_${active}`, 'active-slot'],
  ] as const) {
    const { plan } = await call('partitions.plan', { bay, partition, path })
    expect(plan.blockers.map((blocker) => blocker.code)).toContain(code)
    await expect(call('job.start', { plan: plan.id })).rejects.toMatchObject({ code: 'plan-blocked' })
  }
}, 60_000)
