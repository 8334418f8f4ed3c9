// Terminals in EDL that misbehave in every way there is, and loaders that are the wrong ones: one error that says what to do, nothing
// proven lost, and a job that goes through when it is resumed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/shared/error-catalogue.ts'
import { SlotbenchError } from '../../src/shared/errors.ts'
import { loaderFor, spoiltLoader } from '../../src/simulator/edl/make-loader.ts'
import { type ProfileId, profile } from '../../src/simulator/profiles/index.ts'
import type { FlashBench } from '../flash-bench.ts'
import { TEST_ALL } from '../sampling.ts'
import {
  backInEdl,
  carriedOut,
  dead,
  type EdlPlace,
  eachStrikes,
  expectBoots,
  IMPATIENT,
  openEdlPlace,
  ownContent,
  planned,
  type Striking,
  strike,
} from './bench.ts'

const PROFILES = ['nx679j', 'nx789j', 'emmc-ab'] as const
const places = new Map<ProfileId, EdlPlace>()
beforeAll(async () => {
  await Promise.all(PROFILES.map(async (id) => places.set(id, await openEdlPlace(id))))
})
afterAll(async () => {
  for (const place of places.values()) await place.close()
})

function at(id: ProfileId): EdlPlace {
  const place = places.get(id)
  if (place === undefined) throw new Error(`no workplace for ${id}`)
  return place
}

const LIMIT = { timeout: 400_000 }

function hears({ terminal }: FlashBench): string[] {
  const heard: string[] = []
  terminal.on((event) => void (event.kind === 'command' && heard.push(event.command)))
  return heard
}

async function errorOf(work: Promise<unknown>): Promise<SlotbenchError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(thrown instanceof SlotbenchError)) throw thrown ?? new Error('nothing was thrown')
  expect(thrown.code).not.toBe('internal')
  expect(thrown.next).toMatch(/\w/)
  return thrown
}

type Loader = Uint8Array<ArrayBuffer>

describe('a loader that is not the right one', LIMIT, () => {
  const own = (id: ProfileId) => loaderFor(profile(id))
  const NOT_SENT: readonly (readonly [string, ProfileId, readonly Loader[], ErrorCode])[] = [
    ['of another maker', 'nx679j', [loaderFor(profile('nx679j'), { vendor: 'other' })], 'loader-mismatch'],
    ['of another model, also by ZTE', 'nx679j', [own('emmc-ab')], 'loader-mismatch'],
    ['of another chip under the same key', 'emmc-ab', [own('a-only')], 'loader-mismatch'],
    ['cut off', 'nx679j', [spoiltLoader(own('nx679j'), 'truncated')], 'loader-invalid'],
    ['that is no loader', 'nx679j', [new Uint8Array(50_000).fill(7)], 'loader-invalid'],
    ['that is empty', 'nx679j', [new Uint8Array(0)], 'loader-invalid'],
    ['not there', 'nx679j', [], 'loader-missing'],
    [
      'among others that are no better',
      'nx679j',
      [own('emmc-ab'), spoiltLoader(own('nx679j'), 'truncated')],
      'loader-mismatch',
    ],
  ]
  it.each(NOT_SENT)(
    '%s is never sent (%s), and the right one works afterwards',
    async (_, id, wrong, code) => {
      const loaders = [...wrong]
      const bench = await dead(at(id), { loaders, firehose: IMPATIENT })
      const heard = hears(bench)
      let sent = 0
      bench.terminal.setFaults({
        hooks: {
          onDownloadBytes: (total) => {
            sent = total
          },
        },
      })
      expect((await errorOf(bench.plan())).code).toBe(code)
      expect([sent, heard.filter((command) => command.startsWith('firehose:'))]).toEqual([0, []])
      expect(bench.terminal.state).toBe('rom')
      // Without touching the terminal.
      loaders.push(own(id))
      await carriedOut(bench, await planned(bench))
      await expectBoots(bench)
      await bench.close()
    },
  )

  const REFUSED: readonly (readonly [string, ProfileId, Loader])[] = [
    ['changed', 'nx679j', spoiltLoader(own('nx679j'), 'tampered')],
    ['wrongly signed', 'nx679j', spoiltLoader(own('nx679j'), 'wrong-signature')],
    ['without hashes', 'nx679j', spoiltLoader(own('nx679j'), 'no-hash-segment')],
    [
      'of another maker, where the terminal keeps its key secret',
      'nx789j',
      loaderFor(profile('nx789j'), { vendor: 'other' }),
    ],
    ['changed', 'nx789j', spoiltLoader(own('nx789j'), 'tampered')],
    ['changed', 'emmc-ab', spoiltLoader(own('emmc-ab'), 'tampered')],
  ]
  it.each(REFUSED)(
    '%s (%s): said as such, tried once, and the right one works afterwards',
    async (_, id, wrong) => {
      const loaders = [wrong]
      const bench = await dead(at(id), { loaders, firehose: IMPATIENT, patience: { open: 20_000 } })
      const error = await errorOf(bench.plan())
      expect(['loader-not-accepted', 'loader-invalid']).toContain(error.code)
      loaders.splice(0, 1, own(id))
      await backInEdl(bench)
      await carriedOut(bench, await planned(bench))
      await expectBoots(bench)
      await bench.close()
    },
  )

  it('that only reads gives a plan that says so, and no job', async () => {
    const loaders = [loaderFor(profile('nx679j'), { maxPayload: 0 })]
    const bench = await dead(at('nx679j'), { loaders })
    const heard = hears(bench)
    const plan = await bench.plan()
    expect(plan.blockers.map(({ code }) => code)).toEqual(['loader-read-only'])
    expect(plan.blockers[0]?.next).toMatch(/\w/)
    expect(() => bench.engine().create(plan)).toThrowError(expect.objectContaining({ code: 'plan-blocked' }))
    expect(heard.filter((command) => /firehose:(program|erase|patch)/.test(command))).toEqual([])
    loaders.splice(0, 1, own('nx679j'))
    await backInEdl(bench)
    await carriedOut(bench, await planned(bench))
    await bench.close()
  })

  const LATER: readonly (readonly [string, readonly Loader[], ErrorCode])[] = [
    ['only reads', [loaderFor(profile('nx679j'), { maxPayload: 0 })], 'loader-read-only'],
    ['is of another maker', [loaderFor(profile('nx679j'), { vendor: 'other' })], 'loader-mismatch'],
    ['is gone', [], 'loader-missing'],
  ]
  it.each(LATER)(
    'when a job is resumed: one that %s ends it, and it is resumed again',
    async (_, wrong, code) => {
      const loaders = [own('nx679j')]
      const bench = await dead(at('nx679j'), { loaders, firehose: IMPATIENT, patience: { attempts: 1 } })
      const content = await ownContent(bench)
      const { id } = bench.engine().create(await planned(bench))
      bench.terminal.setFaults({
        faults: [{ kind: 'power-cut', at: { startsWith: 'firehose:program', nth: 4 }, when: 'after' }],
      })
      expect((await bench.run(id)).state).toBe('interrupted')
      loaders.splice(0, 1, ...wrong)
      await backInEdl(bench)
      expect((await bench.run(id)).problem?.code).toBe(code)
      loaders.splice(0, loaders.length, own('nx679j'))
      await backInEdl(bench)
      expect((await bench.run(id)).state).toBe('done')
      await expectBoots(bench)
      expect(await ownContent(bench)).toEqual(content)
      await bench.close()
    },
  )
})

/** The distinct commands of a job that nothing happens to. */
async function commandsOf(
  place: EdlPlace,
  policy: Striking['policy'] = 'rescue',
): Promise<readonly string[]> {
  const heard = new Set<string>()
  await strike(place, { policy, hooks: { onCommand: (command) => void heard.add(command) } })
  return [...heard].filter((command) => /^(sahara|firehose):/.test(command))
}

/** The first of each kind, and every third of the others, which differ in where they write; all of them with SLOTBENCH_TEST_ALL=1. */
function sampled(commands: readonly string[]): readonly string[] {
  if (TEST_ALL) return commands
  const kinds = new Set<string>()
  return commands.filter((command, i) => {
    const kind = command.replace(/ .*/, '')
    const isFirst = !kinds.has(kind)
    kinds.add(kind)
    return isFirst || i % 3 === 0
  })
}

const NAK_CODES: readonly ErrorCode[] = [
  ...(['terminal-refused', 'firehose-refused', 'loader-not-accepted', 'plan-stale', 'gpt-invalid'] as const),
  ...(['storage-unreliable', 'terminal-garbled', 'terminal-silent', 'super-invalid'] as const),
  // Of a boot ROM that does not begin to load.
  'terminal-wrong-mode',
]

describe('a NAK', LIMIT, () => {
  it.each([
    ['nx679j', 'rescue'],
    ['emmc-ab', 'seamless'],
  ] as const)('at every command of a job (%s, %s)', async (id, policy) => {
    const all = await commandsOf(at(id), policy)
    expect(all.length).toBeGreaterThan(50)
    const commands = sampled(all)
    const strikes = commands.map((startsWith) => ({
      policy,
      faults: [{ kind: 'refuse' as const, at: { startsWith }, words: 'not today' }],
    }))
    const jobs = await eachStrikes(at(id), strikes, NAK_CODES)
    expect(jobs.filter(({ state }) => state !== 'done').length).toBeGreaterThan(commands.length / 4)
  })

  it('after all data of every write', async () => {
    const commands = await commandsOf(at('nx679j'))
    const writes = sampled(commands.filter((command) => /^firehose:(program|read)/.test(command)))
    const strikes = writes.map((startsWith) => ({
      faults: [{ kind: 'refuse-after-data' as const, at: { startsWith }, words: 'storage says no' }],
    }))
    const jobs = await eachStrikes(at('nx679j'), strikes, NAK_CODES)
    const said = jobs
      .map(({ problem }) => problem?.detail ?? '')
      .filter((detail) => detail.includes('storage says no'))
    expect(said.length).toBeGreaterThan(writes.length / 3)
  })
})
