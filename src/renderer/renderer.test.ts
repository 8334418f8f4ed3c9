// What the interface makes of the state, without a browser: the one word of a tile, the cells of a slot, sizes, and words.
import { describe, expect, it } from 'vitest'
import type { BayView, JobView, SessionBayView, StepView } from '../shared/contract.ts'
import { CATALOGUE } from '../shared/error-catalogue.ts'
import { en } from './i18n/en.ts'
import { clock, formatsFor } from './i18n/format.ts'
import type { Translate } from './i18n/index.ts'
import { cellsOf } from './screens/terminal/slot-lanes.tsx'
import { tileStatus } from './screens/wall/tile-status.ts'

const t: Translate = (key, values) => `${key}${values === undefined ? '' : JSON.stringify(values)}`
const NOW = Date.parse('2026-11-25T10:00:00Z')
const step = (id: string, more: Partial<StepView> = {}): StepView => ({
  ...{ id, kind: 'write', state: 'pending', attempts: 0, partition: 'boot_b', bytes: 100 },
  ...more,
})
const job = (more: Partial<JobView> = {}): JobView => ({
  ...{ id: 'j1', bay: 'usb:1-2', serial: 'S1', rom: { path: '/x.zip' }, policy: 'seamless', wipe: false },
  ...{ state: 'running', createdAt: '', updatedAt: '', steps: [step('1')], step: '1', acknowledged: true },
  ...more,
})
const empty: BayView = { bay: 'usb:1-2', simulated: false }
const there: BayView = {
  ...empty,
  sighting: { bay: 'usb:1-2', mode: 'bootloader', protocol: 'fastboot', serial: 'S1' },
}
const status = (bay: BayView, more: Partial<Parameters<typeof tileStatus>[0]> = {}) =>
  tileStatus({ bay, job: undefined, place: undefined, now: NOW, ...more }, t)

describe('the one word of a tile', () => {
  it('is what presses most', () => {
    expect(status(empty)).toMatchObject({ tone: 'calm', words: 'status.empty' })
    expect(status(there)).toMatchObject({ tone: 'ready', words: 'status.ready' })
    const unfit: SessionBayView = {
      ...{ bay: 'usb:1-2', state: 'unfit' },
      reasons: [{ code: 'wrong-model', detail: 'x' }],
    }
    expect(status(there, { place: unfit })).toMatchObject({ tone: 'warn', reason: 'finding.wrong-model' })
    const failed = job({ state: 'failed', acknowledged: false })
    expect(status(there, { place: unfit, job: failed })).toMatchObject({ tone: 'bad', words: 'state.failed' })
    expect(status(empty, { job: failed })).toMatchObject({ tone: 'bad' })
    expect(status(there, { job: { ...failed, acknowledged: true } })).toMatchObject({ tone: 'ready' })
    expect(status(empty, { job: job() })).toMatchObject({ tone: 'work', words: 'step.write.short' })
  })

  it('asks for hands where hands are needed, and not while a terminal boots', () => {
    expect(status(there, { job: job({ waiting: { reason: 'boot' } }) }).tone).toBe('work')
    expect(status(there, { job: job({ waiting: { reason: 'hands' } }) })).toMatchObject({
      tone: 'warn',
      icon: 'hands',
    })
  })

  it('counts down to zero, and no further', () => {
    const place = (startsAt: string) => ({ bay: 'usb:1-2', state: 'counting', startsAt }) as const
    expect(status(there, { place: place('2026-11-25T10:00:04.2Z') }).words).toContain('"seconds":5')
    expect(status(there, { place: place('2026-11-25T09:00:00Z') }).words).toContain('"seconds":0')
  })
})

describe('the cells of a slot', () => {
  const facts = undefined
  const verify = step('2', { kind: 'verify' })

  it('fill as they are written, and are proven only when verified', () => {
    const share = (more: Partial<JobView>) =>
      cellsOf('b', facts, job({ steps: [step('1'), verify], ...more }))[0]
    expect(share({ step: '0' })).toMatchObject({ state: 'pending', share: 0 })
    const progress = { done: 25, total: 100, jobDone: 25, jobTotal: 100, bytesPerSecond: 1 }
    expect(share({ progress })).toMatchObject({ state: 'writing', share: 0.25 })
    expect(share({ step: '2', steps: [step('1', { state: 'proven' }), verify] })).toMatchObject({
      state: 'written',
    })
    const all = [step('1', { state: 'proven' }), { ...verify, state: 'proven' as const }]
    expect(share({ step: '3', steps: all })).toMatchObject({ state: 'verified', share: 1 })
  })

  it('belong to their slot', () => {
    expect(cellsOf('a', facts, job())).toEqual([])
    expect(cellsOf('b', facts, job()).map(({ name }) => name)).toEqual(['boot'])
  })
})

it('sizes and times are as the language writes them', () => {
  expect(formatsFor('en').bytes(1_536_000)).toBe('1.5 MB')
  expect(formatsFor('fr').bytes(1_536_000)).toMatch(/^1,5\sMo$/)
  expect(formatsFor('ar').percent(0.5)).toMatch(/50/)
  expect([clock(75.4), clock(3_661), clock(-1)]).toEqual(['1:15', '1:01:01', '0:00'])
})

it('nobody at a window is sent to the command line', () => {
  const words: Readonly<Record<string, string>> = en
  for (const [code, { meaning, next }] of Object.entries(CATALOGUE)) {
    const shown = `${words[`error.${code}.meaning`] ?? meaning} ${words[`error.${code}.next`] ?? next}`
    expect(shown, code).not.toMatch(/`slotbench | --[a-z]|command line/)
  }
})
