import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reached, rolloutPosition } from './rollout.ts'

describe('rolloutPosition', () => {
  // printf 'slotbench-rollout-1\nspring\nabc123' | sha256sum | cut -c1-8, and the same with autumn.
  it.each([
    ['spring', 'abc123', 0xe9eca252],
    ['autumn', 'abc123', 0x0c54d8fb],
  ])('of %s and %s is what sha256sum says', (id, serial, expected) => {
    expect(rolloutPosition(id, serial)).toBe(expected)
  })

  it('does not hang on how a mode writes the serial number', () => {
    expect(rolloutPosition('spring', ' ABC123 ')).toBe(rolloutPosition('spring', 'abc123'))
  })

  it('spreads serial numbers evenly', () => {
    const inside = Array.from({ length: 20_000 }, (_, i) => rolloutPosition('spread', `serial${i}`)).filter(
      (position) => reached(position, 25),
    )
    // Four standard deviations of the binomial distribution.
    expect(Math.abs(inside.length - 5000)).toBeLessThan(4 * Math.sqrt(20_000 * 0.25 * 0.75))
  })

  it('chooses others for another id', () => {
    const inBoth = Array.from({ length: 10_000 }, (_, i) => `serial${i}`).filter(
      (serial) => reached(rolloutPosition('one', serial), 10) && reached(rolloutPosition('two', serial), 10),
    )
    expect(inBoth.length).toBeGreaterThan(50)
    expect(inBoth.length).toBeLessThan(150)
  })
})

describe('reached', () => {
  it('is nobody at 0 and everybody at 100', () => {
    expect(reached(0, 0)).toBe(false)
    expect(reached(2 ** 32 - 1, 100)).toBe(true)
  })

  it('decides at the exact border', () => {
    expect(reached(2 ** 31 - 1, 50)).toBe(true)
    expect(reached(2 ** 31, 50)).toBe(false)
  })

  it('never loses a terminal when the percentage rises', () => {
    const percent = fc.double({ min: 0, max: 100, noNaN: true })
    fc.assert(
      fc.property(fc.string(), fc.string(), percent, percent, (id, serial, p, q) => {
        const position = rolloutPosition(id, serial)
        const [low, high] = p <= q ? [p, q] : [q, p]
        if (reached(position, low)) expect(reached(position, high)).toBe(true)
      }),
    )
  })
})

it('uses the whole text, and nothing else', () => {
  const text = 'slotbench-rollout-1\nid\nserial'
  expect(rolloutPosition('id', 'serial')).toBe(createHash('sha256').update(text).digest().readUInt32BE(0))
})
