import { describe, expect, it } from 'vitest'
import type { StepView } from '../../../shared/contract.ts'
import { expectedSeconds, expectedTimes } from './expected-time.ts'

const step = (id: string, state: StepView['state'] = 'pending'): StepView => ({
  ...{ id, state, kind: 'write', attempts: 0 },
})

describe('the time that is left', () => {
  const times = expectedTimes([
    { step: '1-identify', ms: 1_000 },
    { step: '2-write-boot_a', ms: 4_000 },
    { step: '3-write-boot_b', ms: 6_000 },
    { step: '2-write-boot_b', ms: 3_600_000 },
  ])

  it('is what the steps that are left took before, in whichever slot and place, and not what one slow job took', () => {
    expect(expectedSeconds([step('1-identify'), step('7-write-boot_b')], times)).toBe(7)
    expect(expectedSeconds([step('1-identify', 'proven'), step('7-write-boot_b', 'started')], times)).toBe(6)
  })

  it('is between the two middle ones of an even number', () => {
    expect(
      expectedSeconds([step('1-x')], expectedTimes([1_000, 2_000].map((ms) => ({ step: '9-x', ms })))),
    ).toBe(1.5)
  })

  it('is not known where nothing is', () => {
    expect(expectedSeconds([step('1-erase-userdata')], times)).toBeUndefined()
    expect(expectedSeconds([step('1-identify')], expectedTimes([]))).toBeUndefined()
  })
})
