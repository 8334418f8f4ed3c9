import { describe, expect, it } from 'vitest'
import { sampleJob } from '../../../../test/sample-job.ts'
import type { Plan, Recipe } from '../../../shared/plan.ts'
import { planDeviations, recipeDeviations } from './deviations.ts'

const USUAL = { batteryLimit: 30 }
const { plan } = sampleJob({ id: 'one' })
const recipe = (more: Partial<Recipe>): Recipe => ({ ...plan.recipe, ...more })

describe('what departs from the usual', () => {
  it('is every field of a recipe that takes something away or vouches for something', () => {
    expect(recipeDeviations(plan.recipe, USUAL)).toEqual([])
    for (const policy of ['seamless', 'both', 'single', 'rescue', 'sideload'] as const)
      expect(recipeDeviations(recipe({ policy, proofTimeout: 1 }), USUAL)).toEqual([])
    expect(recipeDeviations(recipe({ wipe: true }), USUAL)).toEqual(['wipe'])
    expect(recipeDeviations(recipe({ batteryLimit: 29 }), USUAL)).toEqual(['battery'])
    expect(recipeDeviations(recipe({ batteryLimit: 31 }), USUAL)).toEqual([])
    expect(recipeDeviations(recipe({ assumedModel: 'NX679J' }), USUAL)).toEqual(['vouched-model'])
    expect(recipeDeviations(recipe({ giveUpOtherSlot: true }), USUAL)).toEqual(['other-slot'])
    const tables = recipe({ packageTables: true, extendUserdata: true, giveUpOtherSlot: false })
    expect(recipeDeviations(tables, USUAL)).toEqual(['package-tables', 'extend-userdata'])
  })

  it('is what only the plan shows, each once', () => {
    const more = (change: Partial<Plan>) => planDeviations({ ...plan, ...change }, USUAL)
    const warned = (...codes: readonly Plan['warnings'][number]['code'][]) =>
      more({ warnings: codes.map((code) => ({ code, detail: code })) })
    expect(warned('battery-unknown', 'no-read-back', 'rollback-unknown')).toEqual([])
    expect(warned('trust-alarming', 'avb-key-differs')).toEqual(['verdict', 'foreign-key'])
    expect(warned('rollback-lower', 'patch-level-lower')).toEqual(['downgrade'])
    expect(more({ rom: { ...plan.rom, downgrade: true } })).toEqual(['downgrade'])
    const file = {
      kind: 'write-file',
      id: '1',
      partition: 'dtbo_b',
      file: '/x',
      bytes: 1,
      sha256: '',
    } as const
    expect(more({ steps: [{ ...file, restore: false }] })).toEqual(['raw-write'])
    expect(more({ steps: [{ ...file, restore: true }] })).toEqual(['restore'])
  })
})
