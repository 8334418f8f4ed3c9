import { describe, expect, it } from 'vitest'
import { backupNeeds, deltaNeeds, downloadNeeds, requireSpace, spaceFor, spaceProblem } from './space.ts'

const GB = 1e9

describe('room on this computer', () => {
  it('is needed for what is not there yet', () => {
    expect(spaceFor(downloadNeeds({ size: 4 * GB, have: 0 }))).toBeGreaterThan(4 * GB)
    const rest = downloadNeeds({ size: 4 * GB, have: 3 * GB })
    expect(rest).toEqual([{ what: 'the package', bytes: GB }])
    expect(spaceFor(downloadNeeds({ size: 4, have: 5 }))).toBe(0)
  })

  it('of a delta is the new package and the largest old image that is expanded', () => {
    expect(deltaNeeds({ size: 9 * GB, made: 4 * GB, expanded: [GB, 3 * GB, 2 * GB] })).toEqual([
      { what: 'the new package', bytes: 5 * GB },
      { what: 'the old image that is being read', bytes: 3 * GB },
    ])
    expect(spaceFor(deltaNeeds({ size: 1, made: 2, expanded: [] }))).toBe(0)
  })

  it('that lacks is said need by need, and nothing is refused without a need', () => {
    expect(spaceProblem(backupNeeds([]), 0)).toBeUndefined()
    expect(spaceProblem(backupNeeds([{ size: GB }]), 2 * GB)).toBeUndefined()
    const needs = [...backupNeeds([{ size: GB }, { size: GB }]), ...downloadNeeds({ size: 3, have: 3 })]
    const problem = spaceProblem(needs, GB)
    expect(problem).toBe('2.1 GB are needed (2.0 GB for backups, and a margin), 1.0 GB are free')
    expect(() => requireSpace(needs, GB, '/data')).toThrow(
      expect.objectContaining({ code: 'host-space', message: `/data: ${problem}` }) as Error,
    )
  })
})
