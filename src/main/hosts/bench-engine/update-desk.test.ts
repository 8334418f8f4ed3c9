// When updates are looked for, fetched and installed, as the windows see it.
import { describe, expect, it } from 'vitest'
import { type BenchState, FIRST_SETTINGS, NO_FIRMWARE } from '../../../shared/contract.ts'
import type { UpdateOrder } from '../update-messages.ts'
import { NO_SESSION } from './flash-session.ts'
import { ReadModel } from './read-model.ts'
import { UpdateDesk } from './update-desk.ts'

const EMPTY: BenchState = {
  host: { kind: 'electron', version: '0.1.0', platform: 'test' },
  ...{ bays: [], jobs: [], roms: [], session: NO_SESSION, settings: FIRST_SETTINGS, notices: [], log: [] },
  firmware: NO_FIRMWARE,
  update: { phase: 'unsupported' },
}

function desk({ attached = true } = {}) {
  const model = new ReadModel(EMPTY)
  const orders: UpdateOrder['update'][] = []
  const jobs = { running: 0 }
  const updates = new UpdateDesk({ model, running: () => jobs.running })
  if (attached) updates.attach(({ update }) => orders.push(update))
  return { updates, orders, jobs, now: () => model.state.update }
}

describe('the update desk', () => {
  it('asks nobody where the package has no address', () => {
    const { updates, orders, now } = desk()
    updates.take({ update: 'ready', configured: false })
    expect(now()).toEqual({ phase: 'off' })
    expect(orders).toEqual([])
    expect(() => updates.check()).toThrow(expect.objectContaining({ code: 'update-busy' }))
    updates.close()
  })

  it('asks nothing of a host that does not renew itself', () => {
    const { updates, orders, now } = desk({ attached: false })
    for (const ask of [() => updates.check(), () => updates.download(), () => updates.install()])
      expect(ask).toThrow(expect.objectContaining({ code: 'update-busy' }))
    expect(now()).toEqual({ phase: 'unsupported' })
    expect(orders).toEqual([])
  })

  it('says when it last found nothing, and what went wrong when it could not ask', () => {
    const { updates, orders, now } = desk()
    updates.take({ update: 'ready', configured: true })
    expect(now()).toEqual({ phase: 'checking' })
    updates.take({ update: 'none' })
    expect(now()).toEqual({ phase: 'idle', checkedAt: expect.any(String) })
    updates.check()
    updates.take({ update: 'failed', detail: `net::ERR \u202e${'x'.repeat(5_000)}` })
    const view = now()
    expect(view.phase === 'failed' && view.problem.code).toBe('update-failed')
    expect(view.phase === 'failed' && view.problem.detail.length).toBeLessThanOrEqual(2_000)
    expect(JSON.stringify(view)).not.toContain('\u202e')
    updates.check()
    expect(orders).toEqual(['check', 'check', 'check'])
    updates.close()
  })

  it('drops what comes late from a download that was given up', () => {
    const { updates, orders, jobs, now } = desk()
    updates.take({ update: 'ready', configured: true })
    updates.take({ update: 'found', version: '9.9.9' })
    updates.download()
    jobs.running = 1
    updates.jobStarted()
    for (const late of ['downloaded', 'none'] as const) updates.take({ update: late })
    updates.take({ update: 'failed', detail: 'cancelled' })
    updates.take({ update: 'progress', done: 1, total: 2 })
    expect(now()).toEqual({ phase: 'waiting', version: '9.9.9' })
    updates.jobEnded()
    expect(now().phase).toBe('waiting')
    jobs.running = 0
    updates.jobEnded()
    expect(now()).toEqual({ phase: 'downloading', version: '9.9.9', done: 0, total: 0 })
    expect(orders).toEqual(['check', 'download', 'cancel', 'download'])
    updates.close()
  })

  it('lets jobs start again when an installation has failed', () => {
    const { updates, now } = desk()
    updates.take({ update: 'ready', configured: true })
    updates.take({ update: 'found', version: '9.9.9' })
    updates.download()
    updates.take({ update: 'downloaded' })
    updates.install()
    expect(() => updates.checkJobMayStart()).toThrow(expect.objectContaining({ code: 'update-busy' }))
    updates.take({ update: 'failed', detail: 'not signed' })
    expect(now().phase).toBe('failed')
    expect(() => updates.checkJobMayStart()).not.toThrow()
    updates.close()
  })
})
