import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sampleJob } from '../../../../test/sample-job.ts'
import type { Job } from '../../../shared/job.ts'
import { openDatabase } from './database.ts'
import { SqliteJobJournal } from './job-journal.ts'
import { MIGRATIONS } from './migrations.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slotbench-journal-'))
  path = join(folder, 'sub folder', 'bench.sqlite')
})
afterEach(() => rmSync(folder, { recursive: true }))

function job(id: string, more: { bay?: string; serial?: string } = {}): Job {
  const { bay = 'usb:1-1', serial } = more
  return sampleJob({ id, terminal: { bay, ...(serial === undefined ? {} : { serial }) } })
}

function open(alive?: (pid: number) => boolean): SqliteJobJournal {
  return new SqliteJobJournal(openDatabase(path), alive === undefined ? {} : { alive })
}

describe('what is written', () => {
  it('is there for the next process: jobs, steps, receipts, problems', () => {
    const first = open()
    first.create(job('one', { serial: 'S1' }))
    first.stepStarted('one', '1-identify', 't1')
    first.stepProven('one', '1-identify', { kind: 'done' }, 't2')
    first.stepStarted('one', '2-reboot-system', 't3')
    first.setState('one', 'interrupted', {
      code: 'terminal-gone',
      detail: 'd',
      meaning: 'm',
      next: 'n',
      at: 't4',
    })
    const again = open().get('one')
    expect(again.state).toBe('interrupted')
    expect(again.problem?.code).toBe('terminal-gone')
    expect(again.steps).toEqual([
      {
        id: '1-identify',
        state: 'proven',
        attempts: 1,
        startedAt: 't1',
        provenAt: 't2',
        receipt: { kind: 'done' },
      },
      { id: '2-reboot-system', state: 'started', attempts: 1, startedAt: 't3' },
    ])
    expect(open().list()[0]).toMatchObject({ id: 'one', serial: 'S1', steps: 2, stepsProven: 1 })
  })

  it('survives being read without the writer having closed anything', () => {
    const database = openDatabase(path)
    new SqliteJobJournal(database).create(job('one'))
    const reader = new DatabaseSync(path)
    expect(reader.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    expect(reader.prepare('SELECT COUNT(*) AS n FROM jobs').get()).toEqual({ n: 1 })
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
  })

  it('a proven step is never taken back by a late start', () => {
    const journal = open()
    journal.create(job('one'))
    journal.stepProven('one', '1-identify', { kind: 'done' }, 't')
    expect(() => journal.stepStarted('one', '1-identify', 't')).toThrow()
    expect(journal.get('one').steps[0]?.state).toBe('proven')
  })

  it('a terminal moved to another bay keeps its job', () => {
    const journal = open()
    journal.create(job('one', { serial: 'S1' }))
    journal.rebind('one', 'usb:2-4')
    expect(journal.get('one').plan.terminal).toEqual({ bay: 'usb:2-4', serial: 'S1' })
  })
})

it('tells what steps took in earlier jobs that ended well with the same package and policy', () => {
  const journal = open()
  const done = (id: string, seconds: number, more: Partial<Parameters<typeof sampleJob>[0]> = {}) => {
    journal.create(sampleJob({ id, ...more }))
    journal.stepStarted(id, '1-identify', '2026-01-01T10:00:00.000Z')
    journal.stepProven(
      id,
      '1-identify',
      { kind: 'done' },
      new Date(Date.UTC(2026, 0, 1, 10, 0, seconds)).toISOString(),
    )
    journal.setState(id, 'done')
  }
  const { plan } = sampleJob({ id: 'asked', rom: { build: 'V2.11' } })
  done('same', 4, { rom: { build: 'V2.11' } })
  done('again', 6, { rom: { build: 'V2.11' } })
  done('other-package', 50, { rom: { build: 'V2.11', fingerprint: 'e'.repeat(64) } })
  done('other-build', 50)
  done('other-policy', 50, { rom: { build: 'V2.11' }, plan: { recipe: { ...plan.recipe, policy: 'both' } } })
  done('failed', 50, { rom: { build: 'V2.11' } })
  journal.setState('failed', 'failed')
  done('repeated', 50, { rom: { build: 'V2.11' } })
  journal.stepStarted('repeated', '2-reboot-system', '2026-01-01T10:00:00.000Z')
  journal.stepStarted('repeated', '2-reboot-system', '2026-01-01T10:00:01.000Z')
  journal.stepProven('repeated', '2-reboot-system', { kind: 'done' }, '2026-01-01T11:00:00.000Z')
  const times = journal.stepTimes(plan)
  expect(
    times
      .filter(({ step }) => step === '1-identify')
      .map(({ ms }) => ms)
      .sort(),
  ).toEqual([4_000, 50_000, 6_000])
  expect(times.some(({ step }) => step === '2-reboot-system')).toBe(false)
  expect(new Set(times.map(({ step }) => step))).toEqual(new Set(['1-identify']))
})

describe('one process per terminal', () => {
  it('refuses a second claim on the job, its bay or its serial, while the first process lives', () => {
    const journal = open(() => true)
    journal.create(job('one', { bay: 'usb:1-1', serial: 'S1' }))
    journal.create(job('same-bay', { bay: 'usb:1-1' }))
    journal.create(job('same-serial', { bay: 'usb:9-9', serial: 'S1' }))
    journal.create(job('other', { bay: 'usb:2-2', serial: 'S2' }))
    const release = journal.claim('one')
    for (const id of ['one', 'same-bay', 'same-serial'])
      expect(() => journal.claim(id), id).toThrowError(expect.objectContaining({ code: 'job-busy' }))
    expect(() => journal.checkFree('usb:1-1', undefined)).toThrowError(/works on job one/)
    expect(() => journal.checkFree('usb:7-7', 'S1')).toThrowError(/works on job one/)
    journal.checkFree('usb:7-7', undefined)
    journal.claim('other')()
    release()
    journal.checkFree('usb:1-1', 'S1')
    journal.claim('same-bay')()
  })

  it('takes over from a process that died', () => {
    open().create(job('one'))
    open(() => true).claim('one')
    expect(() => open(() => false).claim('one')()).not.toThrow()
  })
})

describe('bad files', () => {
  const opening = (file: string) => () => openDatabase(file)
  it('a file that is no database', () => {
    const file = join(folder, 'noise')
    writeFileSync(file, 'x'.repeat(5000))
    expect(opening(file)).toThrowError(expect.objectContaining({ code: 'journal-invalid' }))
  })

  it('a journal of a newer Slotbench', () => {
    openDatabase(path).exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`)
    expect(opening(path)).toThrowError(expect.objectContaining({ code: 'journal-invalid' }))
  })

  it('a place that cannot be written', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(opening(join(folder, 'file', 'bench.sqlite'))).toThrowError(
      expect.objectContaining({ code: 'host-io' }),
    )
  })

  it('a job whose plan was damaged', () => {
    const database = openDatabase(path)
    const journal = new SqliteJobJournal(database)
    journal.create(job('one'))
    database.exec("UPDATE jobs SET plan = '{broken'")
    expect(() => journal.get('one')).toThrowError(expect.objectContaining({ code: 'journal-invalid' }))
    expect(() => journal.get('two')).toThrowError(expect.objectContaining({ code: 'job-not-found' }))
  })

  it('a file of version 1 is brought up to date and keeps its jobs', () => {
    mkdirSync(dirname(path))
    const database = new DatabaseSync(path)
    database.exec(`${MIGRATIONS[0]}; PRAGMA user_version = 1`)
    // As the first version wrote it.
    const { id, createdAt, updatedAt, state, plan } = job('one')
    database
      .prepare('INSERT INTO jobs (id, created_at, updated_at, state, bay, plan) VALUES (?,?,?,?,?,?)')
      .run(id, createdAt, updatedAt, state, plan.terminal.bay, JSON.stringify(plan))
    database.close()
    expect(open().get('one').id).toBe('one')
    expect(new DatabaseSync(path).prepare('PRAGMA user_version').get()).toEqual({
      user_version: MIGRATIONS.length,
    })
  })
})
