// What belongs to a terminal alone is kept before anything is written, goes back to that terminal only, and is written in no other way.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { planRestore, planWriteFile } from '../../src/main/core/plan/file-plan.ts'
import { isProtected } from '../../src/main/core/plan/protected.ts'
import { FileBackupStore } from '../../src/main/io/files/backup-store.ts'
import type { Plan, Step } from '../../src/shared/plan.ts'
import type { ProfileId } from '../../src/simulator/profiles/index.ts'
import { type FlashBench, OLD_BUILD } from '../flash-bench.ts'
import {
  backInEdl,
  carriedOut,
  dead,
  type EdlPlace,
  expectBoots,
  inEdl,
  openEdlPlace,
  ownContent,
  planned,
} from './bench.ts'

const PROFILES = ['nx679j', 'emmc-ab', 'a-only'] as const
const places = new Map<ProfileId, EdlPlace>()
beforeAll(async () => {
  await Promise.all(PROFILES.map(async (id) => places.set(id, await openEdlPlace(id))))
})
afterAll(async () => {
  for (const place of places.values()) await place.close()
})

function at(id: ProfileId): EdlPlace {
  const place = places.get(id)
  if (place === undefined) throw new Error(`no workplace for ${id}`)
  return place
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const backups = (place: EdlPlace) => new FileBackupStore(join(place.folder, 'backups'))

async function inputFor(bench: FlashBench) {
  const { facts } = await bench.plan()
  return { facts, host: { freeBytes: 1e9 }, batteryLimit: 30, now: '2026-01-01T00:00:00Z' }
}

/** The plan that would bring back these partitions of a kept backup. */
async function restoring(bench: FlashBench, id: string, names: readonly string[]): Promise<Plan> {
  const store = backups(at(bench.place.profile.id as ProfileId))
  const backup = await store.find(id)
  await store.check(backup)
  const files = backup.partitions
    .filter(({ name }) => names.includes(name))
    .map(({ name, file, bytes, sha256: digest }) => {
      return { partition: name, path: join(backup.folder, file), bytes, sha256: digest }
    })
  expect(files).toHaveLength(names.length)
  return planRestore(await inputFor(bench), backup, { folder: backup.folder, files })
}

async function rescuedOnce(bench: FlashBench): Promise<string> {
  const { id } = await carriedOut(bench, await planned(bench))
  await backInEdl(bench)
  return id
}

describe('backups', { timeout: 120_000 }, () => {
  it.each(['nx679j', 'emmc-ab'] as const)('are in the journal before the first write (%s)', async (id) => {
    const bench = await dead(at(id))
    const plan = await planned(bench)
    const job = bench.engine().create(plan)
    const names = bench.terminal.profile.partitions.map(({ name }) => name).filter(isProtected)
    const contents = new Map<string, string>()
    for (const name of names) contents.set(name, await bench.terminal.partitionDigest(name))
    let atFirstWrite: unknown
    bench.terminal.setFaults({
      hooks: {
        onCommand: (command) => {
          if (!/^firehose:(program|erase|patch|setboot)/.test(command) || atFirstWrite !== undefined) return
          const { steps } = bench.journal().get(job.id)
          atFirstWrite = steps.flatMap(({ receipt }) => (receipt?.kind === 'backup' ? [receipt.sha256] : []))
        },
      },
    })
    expect((await bench.run(job.id)).state).toBe('done')
    expect(atFirstWrite).toHaveLength(names.length)
    expect(new Set(atFirstWrite as string[])).toEqual(new Set(contents.values()))
    const kept = await backups(at(id)).find(job.id)
    for (const { name, file, sha256: digest } of kept.partitions) {
      expect(digest, name).toBe(contents.get(name))
      expect(sha256(readFileSync(join(kept.folder, file))), name).toBe(digest)
    }
    await bench.close()
  })

  it.each(['nx679j', 'emmc-ab'] as const)('bring a spoilt modemst1 back byte for byte (%s)', async (id) => {
    const bench = await dead(at(id))
    const before = await ownContent(bench)
    const backup = await rescuedOnce(bench)
    await bench.terminal.writePartitionRaw('modemst1', new Uint8Array(8192).fill(0xff))
    await bench.terminal.writePartitionRaw('persist', new Uint8Array(8192).fill(0xff), 4096)
    expect(await ownContent(bench)).not.toEqual(before)
    const plan = await restoring(bench, backup, ['modemst1', 'persist'])
    expect(plan.blockers).toEqual([])
    const job = await carriedOut(bench, plan)
    expect(await ownContent(bench)).toEqual(before)
    // What was there is kept, too.
    const kept = await backups(at(id)).find(job.id)
    expect(kept.partitions.map(({ name }) => name).toSorted()).toEqual(['modemst1', 'persist'])
    await expectBoots(bench)
    await bench.close()
  })

  it('go back after a cut in the middle, too', async () => {
    const bench = await dead(at('nx679j'), { patience: { attempts: 1 } })
    const before = await ownContent(bench)
    const backup = await rescuedOnce(bench)
    await bench.terminal.writePartitionRaw('modemst1', new Uint8Array(65536).fill(0xff))
    const { id } = bench.engine().create(await restoring(bench, backup, ['modemst1']))
    bench.terminal.setFaults({
      faults: [{ kind: 'power-cut', at: { startsWith: 'firehose:program' }, when: 'after' }],
    })
    expect((await bench.run(id)).state).toBe('interrupted')
    await backInEdl(bench)
    expect((await bench.run(id)).state).toBe('done')
    expect(await ownContent(bench)).toEqual(before)
    await bench.close()
  })

  it('of another terminal are refused', async () => {
    const mine = await dead(at('nx679j'))
    const backup = await rescuedOnce(mine)
    const other = await inEdl(at('nx679j'), { serial: 'OTHER' })
    const content = await ownContent(other)
    const plan = await restoring(other, backup, ['modemst1'])
    expect(plan.blockers.map(({ code }) => code)).toEqual(['another-terminal'])
    expect(plan.blockers[0]?.next).toMatch(/\w/)
    expect(() => other.engine().create(plan)).toThrowError(expect.objectContaining({ code: 'plan-blocked' }))
    expect(await ownContent(other)).toEqual(content)
    await Promise.all([mine.close(), other.close()])
  })

  it('that were changed on the disk are not written', async () => {
    const bench = await dead(at('nx679j'))
    const backup = await rescuedOnce(bench)
    const before = await ownContent(bench)
    const plan = await restoring(bench, backup, ['modemst1'])
    const step = plan.steps.find((one) => one.kind === 'write-file')
    if (step?.kind !== 'write-file') throw new Error('no write-file')
    const bytes = readFileSync(step.file)
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100)
    writeFileSync(step.file, bytes)
    const job = await bench.run(bench.engine().create(plan).id)
    expect([job.state, job.problem?.code]).toEqual(['failed', 'digest-mismatch'])
    expect(await ownContent(bench)).toEqual(before)
    await bench.close()
  })
})

describe('a partition that belongs to the terminal alone', { timeout: 120_000 }, () => {
  const refused = async (bench: FlashBench, steps: readonly Step[], plan: Plan) => {
    const before = await ownContent(bench)
    const written: string[] = []
    bench.terminal.on(
      (event) =>
        void (
          event.kind === 'command' &&
          /:(program|erase)/.test(event.command) &&
          written.push(event.command)
        ),
    )
    const changed = { ...plan, blockers: [], steps: [...steps] }
    const job = await bench.run(bench.engine().create(changed).id)
    expect([job.state, job.problem?.code]).toEqual(['failed', 'partition-protected'])
    expect(written).toEqual([])
    expect(await ownContent(bench)).toEqual(before)
    expect(await bench.terminal.wouldBoot()).toMatchObject({ verdict: 'booted', build: OLD_BUILD })
  }

  it('is no target for a file: by the plan, and by the session whatever the plan says', async () => {
    const place = at('nx679j')
    const bench = await inEdl(place)
    const content = new Uint8Array(4096).fill(5)
    const path = join(place.folder, 'modemst1.bin')
    writeFileSync(path, content)
    for (const partition of ['modemst1', 'persist', 'fsg']) {
      const file = { partition, path, bytes: content.length, sha256: sha256(content) }
      const plan = planWriteFile(await inputFor(bench), file, { activeSlot: true })
      expect(plan.blockers.map(({ code }) => code)).toEqual(['partition-protected'])
      expect(() => bench.engine().create(plan)).toThrowError(
        expect.objectContaining({ code: 'plan-blocked' }),
      )
      await refused(bench, plan.steps, plan)
    }
    await bench.close()
  })

  it('is not written, erased or moved by a plan that was made to', async () => {
    const bench = await inEdl(at('nx679j'))
    const plan = await bench.plan()
    const write = plan.steps.find((step) => step.kind === 'write')
    if (write?.kind !== 'write') throw new Error('no write')
    const table = plan.facts.edl?.luns.find(({ lun }) => lun === 5)?.table
    if (table === undefined) throw new Error('no table')
    const entries = table.entries.map((entry) =>
      entry.name === 'modemst1' ? { ...entry, firstLba: entry.firstLba + 1 } : entry,
    )
    const bad: readonly Step[] = [
      { ...write, id: '1', partition: 'modemst1', bytes: write.bytes },
      { kind: 'erase', id: '1', partition: 'modemst2' },
      { kind: 'write-table', id: '1', lun: 5, source: 'package', table: { ...table, entries } },
    ]
    for (const step of bad) {
      await backInEdl(bench)
      await refused(bench, [step], plan)
    }
    await bench.close()
  })
})
