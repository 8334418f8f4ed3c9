import { describe, expect, it } from 'vitest'
import { facts, HELD, MIB, make, ROM, rom } from '../../../../test/super-cases.ts'
import { superUse } from './super-use.ts'

describe('what a plan makes of super', () => {
  it('is counted step by step, in whole units', () => {
    // system_b shrinks from 350 to 310 MiB and vendor_b grows from nothing to 121 units of 1 MiB.
    const p = make(facts(HELD), rom({ system: 310 * MIB, vendor: 120 * MIB + 1 }))
    expect(superUse(p)).toEqual({
      capacity: 999 * MIB,
      before: 750 * MIB,
      fullest: 831 * MIB,
      after: 831 * MIB,
      assumed: true,
    })
  })

  it('knows what is given up on the way', () => {
    const p = make(facts(HELD, { superSize: 800 * MIB }), rom({ system: 500 * MIB, vendor: 100 * MIB }), {
      giveUpOtherSlot: true,
    })
    expect(p.blockers).toEqual([])
    const use = superUse(p)
    expect(use?.after).toBe(600 * MIB)
    expect(use?.fullest).toBeLessThanOrEqual(use?.capacity ?? 0)
  })

  it('is nothing for a plan that leaves it alone, or a super of unknown size', () => {
    expect(superUse({ ...make(facts(HELD), ROM), steps: [] })).toBeUndefined()
    const p = make(facts(HELD), ROM)
    const silent = { ...p.facts, partitions: { ...p.facts.partitions, super: {} } }
    expect(superUse({ ...p, facts: silent })).toBeUndefined()
  })
})
