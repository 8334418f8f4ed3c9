// A package of another layout of super: its tables take the place of the terminal's, and the power goes meanwhile.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SuperBuilder } from '../../src/main/core/formats/super-builder.ts'
import type { Job } from '../../src/shared/job.ts'
import type { Fault } from '../../src/simulator/faults.ts'
import { Disk } from '../../src/simulator/storage/disk.ts'
import { readTables, updateAllTables } from '../../src/simulator/super/tables.ts'
import type { SimulatedTerminal } from '../../src/simulator/terminal.ts'
import { NEW_BUILD, OLD_BUILD, type Workplace } from '../flash-bench.ts'
import { Killed, KillSwitch } from '../power-cuts/kill-switch.ts'
import { ModeBench, openPlace, outcome, withPackage } from './bench.ts'

const KIB = 1024
const GIVE_UP = { giveUpOtherSlot: true }

let base: Workplace
let place: Workplace
beforeAll(async () => {
  base = await openPlace('nx769j')
  const set = await withPackage(base, 'set.zip', { kind: 'fastboot-zip' })
  const { dynamic } = set.profile
  if (!dynamic) throw new Error('no super')
  // Its tables can be read, as planning needs it.
  const fastbootd = { ...dynamic.fastbootd, maxFetch: 1024 * KIB, fetchesAll: true }
  place = { ...set, profile: { ...set.profile, dynamic: { ...dynamic, fastbootd } } }
})
afterAll(() => base.close())

/** Slot b is empty, and its group may hold less than the new system needs. */
async function narrow(terminal: SimulatedTerminal): Promise<void> {
  const disk = await Disk.load(terminal.storage)
  const tables = await readTables(disk, 0)
  if (!tables) throw new Error('super has no tables')
  const builder = SuperBuilder.from(tables.geometry, tables.metadata)
  for (const { name } of builder.partitions) if (name.endsWith('_b')) builder.resize(name, 0)
  const metadata = builder.build()
  const groups = metadata.groups.map((group) =>
    group.name.endsWith('_b') ? { ...group, maximumSize: 256 * KIB } : group,
  )
  await updateAllTables(disk, { geometry: tables.geometry, metadata: { ...metadata, groups } })
}

const open = () => ModeBench.open(place, { prepare: narrow })

/** As a person would, with the keys of the bootloader: nothing else may start any more. */
async function carriedThrough(bench: ModeBench): Promise<Job> {
  if (bench.terminal.state === 'off') await bench.terminal.powerOn({ keys: 'bootloader' })
  const job = await bench.bench.run(bench.id)
  expect(job.state, outcome(job)).toBe('done')
  await bench.boots(NEW_BUILD, 'b')
  for (const step of job.plan.steps)
    if (step.kind === 'write')
      expect(await bench.terminal.partitionDigest(step.partition), step.partition).toBe(step.sha256)
  return job
}

describe('a terminal whose groups are too small for the package', () => {
  it('is not written before somebody gives the other slot up, and both ways are named', async () => {
    const bench = await open()
    const plan = await bench.bench.plan()
    expect(plan.blockers).toMatchObject([
      {
        code: 'super-space',
        detail: expect.stringMatching(/group qti_dynamic_partitions_b/),
        next: expect.stringMatching(/--policy sideload.*--give-up-other-slot/),
      },
    ])
    await bench.boots(OLD_BUILD, 'a')
    await bench.close()
  })

  it('gets the tables of the package after all that can be written before, and boots the new build', async () => {
    const bench = await open()
    const plan = await bench.planned(GIVE_UP)
    expect(plan.warnings.find(({ code }) => code === 'other-slot-given-up')?.detail).toMatch(/no way back/)
    const kinds = plan.steps.map(({ kind }) => kind)
    const at = kinds.indexOf('update-super')
    expect(kinds.slice(at - 1, at + 2)).toEqual(['enter-mode', 'update-super', 'resize-logical'])
    expect(kinds).not.toContain('delete-logical')
    expect(plan.steps.at(-1)).not.toHaveProperty('fallback')
    await bench.resumes()
    await bench.boots(NEW_BUILD, 'b')
    const groups = (await readTables(await Disk.load(bench.terminal.storage), 0))?.metadata.groups
    expect(groups?.find(({ name }) => name.endsWith('_b'))?.maximumSize).toBeGreaterThan(256 * KIB)
    await bench.close()
  })

  it.each([
    ['before', OLD_BUILD],
    ['after', undefined],
  ] as const)('loses power %s the tables are replaced, and is finished by resuming', async (when, boots) => {
    const bench = await open()
    await bench.planned(GIVE_UP)
    bench.terminal.setFaults({ faults: [{ kind: 'power-cut', at: { startsWith: 'update-super:' }, when }] })
    await interrupted(bench)
    const boot = await bench.terminal.wouldBoot({ toldToRestart: true })
    expect(boot.verdict === 'booted' ? boot.build : undefined).toBe(boots)
    const job = await carriedThrough(bench)
    const step = job.steps.find(({ id }) => id.endsWith('update-super'))
    expect(step?.attempts).toBe(2)
    await bench.close()
  })

  it.each([
    ['before', 2],
    ['after', 1],
  ] as const)('survives that the computer dies %s it is in the journal', async (moment, times) => {
    const bench = await open()
    const { steps } = await bench.planned(GIVE_UP)
    const updates: string[] = []
    const hooks = {
      onCommand: (words: string) => void (words.startsWith('update-super') && updates.push(words)),
    }
    bench.terminal.setFaults({ hooks })
    // The state, and then the start and the proof of each step.
    const proof = 1 + 2 * (steps.findIndex(({ kind }) => kind === 'update-super') + 1)
    const killed = bench.bench.run(bench.id, new KillSwitch(bench.bench.journal(), proof, moment))
    await expect(killed).rejects.toThrow(Killed)
    expect(updates).toHaveLength(1)
    await carriedThrough(bench)
    expect(updates).toHaveLength(times)
    await bench.close()
  })

  it('loses power between the copies of the tables, and is finished by resuming', async () => {
    const moments = await writesOfTables()
    expect(moments.length).toBeGreaterThanOrEqual(4)
    for (const afterBytes of moments) {
      const bench = await open()
      await bench.planned(GIVE_UP)
      bench.terminal.setFaults({ faults: [{ kind: 'power-cut-in-write', afterBytes }] })
      await interrupted(bench)
      await carriedThrough(bench)
      await bench.close()
    }
  })

  it('loses power once partitions are in the new tables: those are not replaced a second time', async () => {
    const bench = await open()
    await bench.planned(GIVE_UP)
    const commands: string[] = []
    const faults: Fault[] = [{ kind: 'power-cut', at: { startsWith: 'flash:vendor_b' }, when: 'after' }]
    bench.terminal.setFaults({ faults, hooks: { onCommand: (words) => void commands.push(words) } })
    await interrupted(bench)
    await carriedThrough(bench)
    expect(commands.filter((words) => words.startsWith('update-super'))).toHaveLength(1)
    await bench.close()
  })
})

async function interrupted(bench: ModeBench): Promise<void> {
  const job = await bench.bench.run(bench.id)
  expect([job.state, job.problem?.code], outcome(job)).toEqual(['interrupted', 'terminal-gone'])
  expect(bench.terminal.state).toBe('off')
}

/** Bytes written in the job when each write of a copy of the tables is half through. */
async function writesOfTables(): Promise<readonly number[]> {
  const bench = await open()
  await bench.planned(GIVE_UP)
  const moments: number[] = []
  let last = ''
  bench.terminal.setFaults({
    hooks: {
      onCommand: (words) => {
        last = words
      },
      onStorageWrite: ({ bytes, total }) => {
        if (last.startsWith('update-super')) moments.push(total + Math.floor(bytes / 2))
      },
    },
  })
  await bench.resumes()
  await bench.close()
  return moments
}

describe('a terminal that hides how small its groups are', () => {
  it('is not left without a system by a refusal once the other slot is given up', async () => {
    const tight = await openPlace('nx769j-tight')
    const bench = await ModeBench.open(tight, { prepare: narrow })
    const plan = await bench.planned(GIVE_UP)
    const kinds = plan.steps.map(({ kind }) => kind)
    expect(kinds).toContain('delete-logical')
    expect(kinds).not.toContain('update-super')
    const commands: string[] = []
    const hooks = { onCommand: (words: string) => void commands.push(words) }
    bench.terminal.setFaults({ hooks })
    await bench.resumes()
    // Made anew outside the group, after the terminal had refused the size inside it.
    expect(commands.filter((words) => words === 'create-logical-partition:system_b:0')).toHaveLength(1)
    await bench.boots(NEW_BUILD, 'b')
    await bench.close()
    await tight.close()
  })
})
