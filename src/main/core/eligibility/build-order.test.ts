import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBuilds } from './build-order.ts'

describe('compareBuilds', () => {
  it.each([
    ['NX679J_CNCommon_V3.09', 'NX679J_CNCommon_V3.11'],
    ['V9', 'V10'],
    ['V3.1', 'V3.1.1'],
    ['V3.1.9', 'V3.2'],
    ['P855A01V1.0.0B12', 'P855A01V1.0.0B13'],
    ['P855A01V1.0.0B12', 'P855A01V1.1.0B02'],
    ['20240101.123', '20240102.001'],
    ['build99999999999999999998', 'build99999999999999999999'],
  ])('%s comes before %s', (earlier, later) => {
    expect(compareBuilds(earlier, later)).toBeLessThan(0)
    expect(compareBuilds(later, earlier)).toBeGreaterThan(0)
  })

  it.each([
    ['V3.11', 'v3.11'],
    ['V03.1', 'V3.01'],
  ])('%s and %s are the same', (a, b) => {
    expect(compareBuilds(a, b)).toBe(0)
  })

  it.each([
    ['NX679J_CN_V3.11', 'NX679J_EU_V3.12'],
    ['V3.11', 'NX679J_V3.11'],
    ['V3.11', 'V3.11-beta'],
    ['V1.0.0B12', 'V1.0.1C12'],
    ['V3', ''],
  ])('%s and %s cannot be ordered', (a, b) => {
    expect(compareBuilds(a, b)).toBeUndefined()
    expect(compareBuilds(b, a)).toBeUndefined()
  })

  it('orders consistently', () => {
    const build = fc
      .array(fc.constantFrom('V', '.', '0', '1', '2', '10', 'B'), { maxLength: 7 })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(build, build, build, (a, b, c) => {
        const [ab, ba, bc, ac] = [
          compareBuilds(a, b),
          compareBuilds(b, a),
          compareBuilds(b, c),
          compareBuilds(a, c),
        ]
        expect(ab === undefined).toBe(ba === undefined)
        if (ab !== undefined && ba !== undefined) expect(Math.sign(ab) + Math.sign(ba)).toBe(0)
        if (ab !== undefined && bc !== undefined && ab <= 0 && bc <= 0 && ac !== undefined)
          expect(ac).toBeLessThanOrEqual(0)
      }),
      { numRuns: 2000 },
    )
  })
})
