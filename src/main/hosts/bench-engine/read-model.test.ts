// What is told in batches leads every window to the same state as the host's, whatever was changed in whatever order.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  applyChange,
  type BenchState,
  type Change,
  FIRST_SETTINGS,
  NO_FIRMWARE,
} from '../../../shared/contract.ts'
import { clip, clipAll } from './clip.ts'
import { NO_SESSION } from './flash-session.ts'
import { LogBook } from './log-book.ts'
import { ReadModel } from './read-model.ts'
import { Throughput } from './throughput.ts'

const EMPTY: BenchState = {
  host: { kind: 'station', version: '1', platform: 'test' },
  ...{ bays: [], jobs: [], roms: [], session: NO_SESSION, settings: FIRST_SETTINGS, notices: [], log: [] },
  update: { phase: 'unsupported' },
  firmware: NO_FIRMWARE,
}

const id = fc.constantFrom('a', 'b', 'c', 'd')
const job = (name: string, written: number): Change => ({
  kind: 'job',
  job: {
    ...{ id: name, bay: 'usb:1-1', rom: { path: '/x' }, policy: 'seamless', wipe: false, state: 'running' },
    ...{ createdAt: '', updatedAt: String(written), steps: [], acknowledged: true },
  },
})
const progress = (name: string, done: number): Change => ({
  kind: 'progress',
  id: name,
  progress: { done, total: 100, jobDone: done, jobTotal: 100, bytesPerSecond: 1 },
})
let lines = 0
const change: fc.Arbitrary<Change> = fc.oneof(
  fc
    .tuple(id, fc.string())
    .map(([bay, name]): Change => ({ kind: 'bay', bay: { bay, name, simulated: false } })),
  id.map((bay): Change => ({ kind: 'bay-gone', id: bay })),
  fc.shuffledSubarray(['a', 'b', 'c', 'd']).map((ids): Change => ({ kind: 'bay-order', ids })),
  fc.tuple(id, fc.nat(99)).map(([name, n]) => job(name, n)),
  id.map((name): Change => ({ kind: 'job-gone', id: name })),
  fc.tuple(id, fc.nat(99)).map(([name, n]) => progress(name, n)),
  fc.tuple(id, fc.constantFrom('opened', 'verified')).map(
    ([name, state]): Change => ({
      kind: 'rom',
      rom: { id: name, path: '/x', name, state: state as 'opened' },
    }),
  ),
  id.map((name): Change => ({ kind: 'rom-gone', id: name })),
  fc.constant(0).map((): Change => {
    lines += 1
    return { kind: 'log', lines: [{ n: lines, at: '', level: 'info', event: { kind: 'left' } }] }
  }),
)

describe('the read model', () => {
  it('tells nothing that leads elsewhere', () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 12 }), (rounds) => {
        const model = new ReadModel(EMPTY)
        let seen = model.snapshot()
        model.follow(({ seq, changes }) => {
          expect(seq).toBe(seen.seq + 1)
          seen = { seq, state: changes.reduce(applyChange, seen.state) }
        })
        for (const round of rounds) {
          for (const one of round) model.change(one)
          model.flush()
          // Bays come in an order that the host tells after each new one; the model alone promises the same ones.
          expect(byId(seen.state)).toEqual(byId(model.state))
        }
        expect(model.snapshot().seq).toBe(seen.seq)
      }),
      { numRuns: 300 },
    )
  })
})

function byId({ bays, jobs, roms, log }: BenchState) {
  const sorted = <T>(list: readonly T[], key: (item: T) => string) =>
    [...list].sort((x, y) => key(x).localeCompare(key(y)))
  return {
    bays: sorted(bays, ({ bay }) => bay),
    jobs: sorted(jobs, (j) => j.id),
    roms: sorted(roms, (r) => r.id),
    log,
  }
}

it('texts are cut and cleaned, however deep they lie', () => {
  const evil = `a\u202eb\x1b[2J${'x'.repeat(10_000)}`
  expect(clip(evil, 10)).toBe('ab[2Jxxx…')
  const cut = clipAll({ list: [{ deep: evil }], [evil]: 1 }, 10)
  expect(JSON.stringify(cut).length).toBeLessThan(80)
  expect(clipAll({ list: Array.from({ length: 5_000 }, () => 1) }).list.length).toBe(2_000)
})

it('the log is a ring, read backwards by page', () => {
  const book = new LogBook(() => {}, 100)
  for (let n = 0; n < 1_000; n++) book.write({ kind: 'left' }, { bay: n % 2 === 0 ? 'even' : 'odd' })
  const last = book.read({ limit: 10 })
  expect(last.lines.map(({ n }) => n)).toEqual([991, 992, 993, 994, 995, 996, 997, 998, 999, 1000])
  expect(last.more).toBe(true)
  const before = book.read({ limit: 3, before: 991, bay: 'even' })
  expect(before.lines.map(({ n }) => n)).toEqual([985, 987, 989])
  expect(book.read({ limit: 1_000 }).lines.length).toBeLessThanOrEqual(110)
})

it('a chart of a long job is thinned out, not cut', () => {
  const chart = new Throughput()
  for (let second = 0; second < 20_000; second++) chart.note('write', second, new Date(second * 1000))
  expect(chart.samples.length).toBeLessThan(600)
  expect(chart.samples[0]?.at).toBe(0)
  expect(chart.samples.at(-1)?.at).toBeGreaterThan(19_900_000)
})
