import { describe, expect, it } from 'vitest'
import { sampleJob } from '../../../test/sample-job.ts'
import { certificateSchema } from '../../shared/certificate.ts'
import { JOB_STATES, type Job, type Receipt } from '../../shared/job.ts'
import { certify } from './certificate.ts'
import { certificatePage } from './certificate-page.ts'

const DIGEST = 'cd'.repeat(32)
const WRITTEN: Receipt = {
  kind: 'write',
  imageBytes: 10,
  wireBytes: 7,
  sha256: DIGEST,
  pieces: 1,
  durationMs: 42,
}
const EVIL = '<script>alert("x")</script>&'

const STEP = { partition: 'boot_b', slot: 'b', bytes: 10, sha256: DIGEST } as const

function job(more: Partial<Job> = {}): Job {
  return sampleJob({
    id: 'one',
    terminal: { bay: 'usb:1-2', serial: EVIL, product: 'NX679J' },
    rom: { path: `/roms/${EVIL}.zip` },
    plan: {
      steps: [
        { kind: 'write', id: '1-write-boot_b', image: { name: 'boot' }, ...STEP },
        { kind: 'verify', id: '2-verify-boot_b', method: 'stream', ...STEP },
      ],
      warnings: [{ code: 'no-read-back', detail: 'cannot be read back' }],
    },
    job: {
      updatedAt: '2026-01-01T00:01:15.000Z',
      state: 'done',
      steps: [
        { id: '1-write-boot_b', state: 'proven', attempts: 2, receipt: WRITTEN },
        { id: '2-verify-boot_b', state: 'started', attempts: 1 },
      ],
      ...more,
    },
  })
}

describe('a certificate', () => {
  it('holds the steps with their proofs, and adds them up', () => {
    const certificate = certify(job(), '1.2.3')
    expect(certificateSchema.parse(certificate)).toEqual(certificate)
    expect(certificate.totals).toEqual({ imageBytes: 10, wireBytes: 7, seconds: 75 })
    expect(certificate.steps.map((s) => [s.what, s.state])).toEqual([
      ['Write boot_b', 'proven'],
      ['Verify boot_b by the digest of what was sent', 'started'],
    ])
  })

  it('says success for no state but done', () => {
    for (const state of JOB_STATES) {
      const certificate = certify(job({ state }), '1.2.3')
      expect(certificate.verdict === 'success', state).toBe(state === 'done')
      expect(certificatePage(certificate).includes('seen booting</h1>'), state).toBe(state === 'done')
    }
  })

  it('never calls read back what was only sent', () => {
    const page = certificatePage(certify(job(), '1.2.3'))
    expect(page).not.toContain('read back<br>')
    expect(page).toContain('cannot be read back')
  })

  it('shows what packages and terminals call themselves as text, never as markup', () => {
    const page = certificatePage(certify(job(), '1.2.3'))
    expect(page).not.toContain('<script')
    expect(page).toContain('&#60;script&#62;')
  })

  it('shows the problem with the next action', () => {
    const problem = {
      code: 'terminal-gone',
      detail: 'it went',
      meaning: 'The terminal disconnected.',
      next: 'Check the cable.',
      at: 't',
    }
    const page = certificatePage(certify(job({ state: 'interrupted', problem }), '1.2.3'))
    expect(page).toContain('The terminal disconnected.')
    expect(page).toContain('Check the cable.')
  })
})
