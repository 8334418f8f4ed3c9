// Up to three faults at once, drawn at random: whatever they are, one whole build boots after every run, and the job can be finished.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fault, FaultTrigger } from '../../src/simulator/faults.ts'
import type { ProfileId } from '../../src/simulator/profiles/index.ts'
import { NEW_BUILD, type Workplace } from '../flash-bench.ts'
import { BadBench, openPlace, SILENCE_MS, sideBySide } from './bench.ts'

const SEED = 20261001
const SEQUENCES = 30
/** About what a job of the small profile does. */
const COMMANDS = 150
const BYTES = 1_000_000

const trigger: fc.Arbitrary<FaultTrigger> = fc.oneof(
  fc.record({ command: fc.integer({ min: 1, max: COMMANDS }) }),
  fc.record({
    startsWith: fc.constantFrom('getvar:', 'download:', 'flash:', 'set_active:', 'reboot'),
    nth: fc.integer({ min: 1, max: 6 }),
  }),
)
const moment = fc.constantFrom('before' as const, 'after' as const)
const bytes = fc.integer({ min: 1, max: BYTES })

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constant('disconnect' as const), at: trigger, when: moment }),
  fc.record({ kind: fc.constant('power-cut' as const), at: trigger, when: moment }),
  fc.record({ kind: fc.constant('disconnect-in-download' as const), afterBytes: bytes }),
  fc.record({ kind: fc.constant('power-cut-in-download' as const), afterBytes: bytes }),
  fc.record({ kind: fc.constant('power-cut-in-write' as const), afterBytes: bytes }),
  fc.record({ kind: fc.constant('stall' as const), at: trigger }),
  fc.record({ kind: fc.constant('refuse' as const), at: trigger, words: fc.string({ maxLength: 60 }) }),
  fc.record({
    kind: fc.constant('reply' as const),
    at: trigger,
    how: fc.constantFrom(
      { kind: 'lost' as const },
      { kind: 'duplicated' as const },
      { kind: 'garbage' as const },
      { kind: 'late' as const, ms: 400 },
      { kind: 'too-long' as const, bytes: 300 },
    ),
  }),
)
const sequences = fc.sample(fc.array(fault, { minLength: 1, maxLength: 3 }), {
  seed: SEED,
  numRuns: SEQUENCES,
})

describe.each(['nx679j', 'unisoc-ab'] satisfies ProfileId[])(
  'any three faults (%s)',
  { timeout: 180_000 },
  (id) => {
    let place: Workplace
    beforeAll(async () => {
      place = await openPlace(id)
    })
    afterAll(() => place.close())

    it('leave a terminal that boots, and a job that can be finished', async () => {
      let disturbed = 0
      await sideBySide(sequences, async (faults) => {
        try {
          if (await survive(place, faults)) disturbed += 1
        } catch (cause) {
          throw new Error(`after ${JSON.stringify(faults)}`, { cause })
        }
      })
      // Faults that never strike prove nothing.
      expect(disturbed).toBeGreaterThan(SEQUENCES / 2)
    })
  },
)

/** @returns whether any of the faults was noticed. */
async function survive(place: Workplace, faults: readonly Fault[]): Promise<boolean> {
  const bench = await BadBench.open(place, { faults, attempts: 2, silenceMs: SILENCE_MS })
  const { terminal } = bench.bench
  let { state } = await bench.run()
  const disturbed = bench.bench.events.some(({ type }) => type === 'problem')
  await bench.expectBoots()
  for (let run = 0; run < 2 && state !== 'done'; run++) {
    expect(state).not.toBe('fell-back')
    if (terminal.state === 'off') await terminal.powerOn({ keys: 'bootloader' })
    state = (await bench.run()).state
    await bench.expectBoots()
  }
  terminal.setFaults({})
  await bench.carryThrough()
  await bench.expectBoots(NEW_BUILD)
  await bench.close()
  return disturbed
}
