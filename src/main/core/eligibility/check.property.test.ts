import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Deployment, DeploymentSet, OfferedRom } from '../../../shared/deployment.ts'
import { type Eligibility, eligibilitySchema } from '../../../shared/eligibility.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import type { Mode, TerminalFacts } from '../../../shared/terminal.ts'
import { checkEligibility } from './check.ts'
import { compileDeployments, parseDeployments } from './compile.ts'

const MODELS = ['NX679J', 'NX741J', 'PQ85A01', 'A2017', 'A2017G', 'ZTE A2017', 'nobody']
const BUILDS = ['V1.0', 'V1.1', 'V2', 'other', 'a/b/c:1/x', 'a/b/c:2/x']
const DATES = ['2022-01-05', '2023-01-05', '2024-01-05']
const REGIONS = ['CN', 'EU']
const PARTS = [1_000, 2_000, 3_000]

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const some = <T>(...values: T[]) => fc.subarray(values, { minLength: 1 })
const model = fc.constantFrom(...MODELS)
const build = fc.constantFrom(...BUILDS)
const date = fc.constantFrom(...DATES)
const small = fc.integer({ min: 0, max: 3 })

/** Without the fields that are undefined. */
const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T
const fields = <T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(shape).map((value) => compact(value))

const when = fields({
  hwRevisions: maybe(some('1', '2')),
  variants: maybe(some('SM_ UFS', 'SM_ EMMC')),
  region: maybe(fc.record({ variables: fc.constant(['ro.region']), anyOf: some(...REGIONS) })),
  source: maybe(
    fields({
      anyOf: maybe(some(...BUILDS)),
      noneOf: maybe(some(...BUILDS)),
      minimum: maybe(build),
      maximum: maybe(build),
      builtFrom: maybe(small),
      builtUntil: maybe(small),
    }),
  ),
  securityPatch: maybe(fields({ minimum: maybe(date), maximum: maybe(date) })),
  rollback: maybe(fields({ '0': maybe(fields({ minimum: maybe(small), maximum: maybe(small) })) })),
  chip: maybe(fields({ oemIds: maybe(some('0004', '0029')), pkHashes: maybe(some('d741a1a1', 'c37eae7e')) })),
  storage: maybe(
    fields({
      types: maybe(some('ufs', 'emmc')),
      minimumBytes: maybe(fc.constantFrom(...PARTS)),
      maximumBytes: maybe(fc.constantFrom(...PARTS)),
    }),
  ),
  slots: maybe(fc.constantFrom('ab', 'a-only')),
  battery: maybe(fc.record({ minimumPercent: fc.constantFrom(0, 50, 100) })),
})

const rom = (id: string) =>
  fields({
    id: fc.constant(id),
    target: fc.constant(id),
    build,
    timestamp: maybe(small),
    securityPatch: maybe(date),
    rollback: maybe(fields({ '0': maybe(small) })),
  })

const deployment = (id: string) =>
  fields({
    id: fc.constant(id),
    rom: fc.constantFrom('r0', 'r1', 'r2'),
    channel: fc.constantFrom('stable', 'stable', 'beta'),
    priority: maybe(small),
    models: some(...MODELS),
    when: maybe(when),
    rollout: maybe(fc.record({ id: fc.constantFrom('x', 'y'), percent: fc.integer({ min: 0, max: 100 }) })),
  })

const sets = fc
  .record({
    roms: fc.tuple(rom('r0'), rom('r1'), rom('r2')),
    deployments: fc.tuple(...Array.from({ length: 6 }, (_, i) => deployment(`d${i}`))),
    withdrawn: fc.uniqueArray(fc.record({ rom: fc.constantFrom('r0'), reason: fc.constant('why') })),
  })
  .map((set): DeploymentSet => parseDeployments({ version: 1, ...set }))

const fact = <T>(value: fc.Arbitrary<T>) => maybe(value.map((one) => ({ value: one, source: 'test' })))
const terminals: fc.Arbitrary<TerminalFacts> = fields({
  mode: fc.constant<Mode>('system'),
  surveyed: fc.constant<Mode[]>(['system', 'bootloader']),
  bay: fc.constant('usb:1-1'),
  serial: fact(fc.string({ minLength: 1, maxLength: 8 })),
  names: fc
    .uniqueArray(model, { maxLength: 2 })
    .map((all) => all.map((value) => ({ value, source: 'test' }))),
  variant: fact(fc.constantFrom('SM_ UFS', 'SM_ EMMC')),
  hwRevision: fact(fc.constantFrom('1', '2', '3')),
  slotCount: fact(fc.constantFrom(1, 2)),
  batteryPercent: fact(fc.integer({ min: 0, max: 100 })),
  securityPatch: fact(date),
  build: fact(build),
  fingerprint: fact(build),
  rollback: fact(fields({ '0': maybe(small) })) as fc.Arbitrary<TerminalFacts['rollback']>,
  edl: maybe(
    fields({
      hwId: fact(fc.constantFrom('000460e100040000', '000460e100290000')),
      pkHash: fact(fc.constantFrom('d741a1a1a1', 'ffffffffff')),
      luns: fc.constant([]),
      writable: fc.constant(true),
      digests: fc.constant(true),
    }),
  ) as fc.Arbitrary<TerminalFacts['edl']>,
  slots: fc.constant({}),
  partitions: fc.constantFrom({}, { userdata: { size: 2_000 } }),
  hasSlot: fc.constant({}),
  variables: fields({
    'ro.region': maybe(fc.constantFrom(...REGIONS)),
    'ro.build.date.utc': maybe(fc.constantFrom('0', '2')),
  }) as fc.Arbitrary<Record<string, string>>,
}) as fc.Arbitrary<TerminalFacts>

const ask = (set: DeploymentSet, facts: TerminalFacts, channels = ['stable', 'beta']) =>
  checkEligibility(compileDeployments(set), facts, { channels })
const ids = (list: Eligibility['eligible']) => new Set(list.map(({ rom: { id } }) => id))
const lost = (before: ReadonlySet<string>, after: ReadonlySet<string>) =>
  [...before].filter((id) => !after.has(id))

it('answers the same for any order of the rules, and what it answers is of the shape', () => {
  const shuffled = sets.chain((set) =>
    fc.record({
      set: fc.constant(set),
      roms: fc.shuffledSubarray(set.roms, { minLength: set.roms.length }),
      deployments: fc.shuffledSubarray(set.deployments, { minLength: set.deployments.length }),
      models: fc.boolean(),
    }),
  )
  fc.assert(
    fc.property(shuffled, terminals, ({ set, roms, deployments, models }, facts) => {
      const turned = deployments.map((d) => (models ? { ...d, models: d.models.toReversed() } : d))
      const answer = ask(set, facts)
      expect(ask({ ...set, roms, deployments: turned }, facts)).toEqual(answer)
      eligibilitySchema.parse(answer)
    }),
  )
})

it('puts every ROM that a deployment for the model names into exactly one list', () => {
  fc.assert(
    fc.property(sets, terminals, (set, facts) => {
      const { eligible, undecided, refused } = ask(set, facts)
      const all = [...eligible, ...undecided, ...refused].map((one) => one.rom.id)
      expect(new Set(all).size).toBe(all.length)
      for (const { judgements, verdict } of eligible) expect(judgements[0]).toMatchObject({ verdict })
    }),
  )
})

it('never takes unknown for yes: what is eligible stays so, and what is refused stays so, when more is known', () => {
  const FIELDS = [
    'serial',
    'variant',
    'hwRevision',
    'slotCount',
    'batteryPercent',
    'securityPatch',
    'build',
    'fingerprint',
    'rollback',
    'edl',
    'partitions',
    'variables',
  ] as const
  fc.assert(
    fc.property(sets, terminals, fc.subarray([...FIELDS]), (set, facts, forgotten) => {
      const gone = new Set<string>(forgotten)
      const kept = Object.fromEntries(Object.entries(facts).filter(([name]) => !gone.has(name)))
      const less = { partitions: {}, variables: {}, ...kept } as TerminalFacts
      const [knowing, ignorant] = [ask(set, facts), ask(set, less)]
      expect(lost(ids(ignorant.eligible), ids(knowing.eligible))).toEqual([])
      expect(lost(ids(ignorant.refused), ids(knowing.refused))).toEqual([])
    }),
    { numRuns: 500 },
  )
})

it('gives nothing to a terminal of which nothing is known', () => {
  const nothing: TerminalFacts = {
    mode: 'unknown',
    bay: 'usb:1-1',
    slots: {},
    partitions: {},
    hasSlot: {},
    variables: {},
  }
  fc.assert(
    fc.property(sets, (set) => {
      expect(ask(set, nothing)).toMatchObject({ eligible: [], otherModels: set.deployments.length })
    }),
  )
})

it('takes no terminal out of a rollout whose percentage rises', () => {
  const raised = (set: DeploymentSet, by: number): DeploymentSet => ({
    ...set,
    deployments: set.deployments.map(
      ({ rollout, ...rest }): Deployment =>
        rollout === undefined
          ? rest
          : { ...rest, rollout: { ...rollout, percent: Math.min(100, rollout.percent + by) } },
    ),
  })
  fc.assert(
    fc.property(sets, terminals, fc.double({ min: 0, max: 100, noNaN: true }), (set, facts, by) => {
      const [before, after] = [ask(set, facts), ask(raised(set, by), facts)]
      expect(lost(ids(before.eligible), ids(after.eligible))).toEqual([])
    }),
  )
})

it('finds by the index what comparing every deployment would find', () => {
  fc.assert(
    fc.property(sets, terminals, (set, facts) => {
      const together = ids(ask(set, facts).eligible)
      const alone = set.deployments.flatMap((one) => [
        ...ids(ask({ ...set, deployments: [one] }, facts).eligible),
      ])
      expect(together).toEqual(new Set(alone))
    }),
  )
})

it('reads any JSON as rules or refuses it', () => {
  const roms: OfferedRom[] = [{ id: 'r', target: 't', build: 'b' }]
  const base = { version: 1, roms, deployments: [{ id: 'd', rom: 'r', channel: 'c', models: ['m'] }] }
  const mutated = fc
    .record({ path: fc.constantFrom('version', 'roms', 'deployments', 'withdrawn'), value: fc.jsonValue() })
    .map(({ path, value }) => ({ ...base, [path]: value }))
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), mutated), (value) => {
      try {
        compileDeployments(parseDeployments(value))
      } catch (error) {
        expect(error).toBeInstanceOf(SlotbenchError)
        expect((error as SlotbenchError).code).toBe('deployments-invalid')
      }
    }),
  )
})
