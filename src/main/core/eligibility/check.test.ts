import { describe, expect, it } from 'vitest'
import type { Conditions, Deployment, DeploymentSet, OfferedRom } from '../../../shared/deployment.ts'
import { eligibilitySchema, type Reason } from '../../../shared/eligibility.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { checkEligibility, type EligibilityRequest } from './check.ts'
import { compileDeployments, parseDeployments } from './compile.ts'

const fact = <T>(value: T, source = 'test') => ({ value, source })

const SYSTEM: TerminalFacts = {
  mode: 'system',
  surveyed: ['system', 'bootloader', 'edl'],
  bay: 'usb:1-2',
  serial: fact('ABC123', 'getprop ro.serialno'),
  product: fact('NX679J', 'getprop ro.product.device'),
  names: [fact('NX679J', 'getprop ro.product.model')],
  variant: fact('SM_ UFS', 'getvar variant'),
  hwRevision: fact('20000', 'getvar hw-revision'),
  slotCount: fact(2, 'getvar slot-count'),
  batteryPercent: fact(60, 'dumpsys battery'),
  securityPatch: fact('2023-06-01', 'getprop ro.build.version.security_patch'),
  build: fact('NX679J_CNCommon_V3.11', 'getprop ro.build.display.id'),
  fingerprint: fact('nubia/NX679J/NX679J:12/SKQ1/311:user/release-keys', 'getprop ro.build.fingerprint'),
  rollback: fact({ '0': 3, '1': 7 }, 'fetch vbmeta_a'),
  edl: {
    hwId: fact('001990e100040000', 'Sahara'),
    pkHash: fact('D741A1A1A10B5C6C00', 'Sahara'),
    memory: fact('ufs', 'Firehose'),
    sectorSize: fact(4096, 'Firehose'),
    luns: [
      { lun: 0, sectors: 60_000_000, primary: 'valid', backup: 'valid' },
      { lun: 1, sectors: 2048, primary: 'valid', backup: 'valid' },
    ],
    writable: true,
    digests: true,
  },
  slots: {},
  partitions: { userdata: { size: 200_000_000_000 } },
  hasSlot: {},
  variables: { 'ro.build.date.utc': '1680000000', 'ro.vendor.region': 'CN' },
}

const ROM: OfferedRom = { id: 'v320', target: 'nx679j/v320.zip', build: 'NX679J_CNCommon_V3.20' }
const DEPLOYMENT: Deployment = { id: 'd1', rom: 'v320', channel: 'stable', models: ['NX679J'] }

function setOf(when: Conditions = {}, more: Partial<Deployment> = {}, rom: Partial<OfferedRom> = {}) {
  return {
    version: 1 as const,
    roms: [{ ...ROM, ...rom }],
    deployments: [{ ...DEPLOYMENT, when, ...more }],
  }
}

function ask(set: DeploymentSet, facts: TerminalFacts = SYSTEM, request: EligibilityRequest = {}) {
  const answer = checkEligibility(compileDeployments(parseDeployments(set)), facts, request)
  return eligibilitySchema.parse(answer)
}

/** The verdict on the only ROM, and the reasons that are not simply met. */
function judge(set: DeploymentSet, facts?: TerminalFacts, request?: EligibilityRequest) {
  const answer = ask(set, facts, request)
  const [candidate] = [...answer.eligible, ...answer.undecided, ...answer.refused]
  const reasons = candidate?.judgements[0]?.reasons ?? []
  return { verdict: candidate?.verdict, telling: reasons.filter(({ outcome }) => outcome !== 'met') }
}

function without(...names: (keyof TerminalFacts)[]): TerminalFacts {
  const gone = new Set<string>(names)
  return Object.fromEntries(Object.entries(SYSTEM).filter(([name]) => !gone.has(name))) as TerminalFacts
}

const IN_SYSTEM: TerminalFacts = { ...SYSTEM, surveyed: ['system'] }

describe('one rule', () => {
  it.each<[string, Conditions]>([
    ['hardware revision', { hwRevisions: ['10000', '20000'] }],
    ['variant, in any case', { variants: ['sm_ ufs'] }],
    ['region', { region: { variables: ['ro.none', 'ro.vendor.region'], anyOf: ['CN'] } }],
    ['build', { source: { anyOf: ['NX679J_CNCommon_V3.11'] } }],
    ['fingerprint', { source: { anyOf: ['nubia/NX679J/NX679J:12/SKQ1/311:user/release-keys'] } }],
    ['no such build', { source: { noneOf: ['NX679J_CNCommon_V3.10'] } }],
    ['builds from to', { source: { minimum: 'NX679J_CNCommon_V3.9', maximum: 'NX679J_CNCommon_V3.11' } }],
    ['dates from to', { source: { builtFrom: 1_680_000_000, builtUntil: 1_680_000_000 } }],
    ['patch level', { securityPatch: { minimum: '2023-06-01', maximum: '2023-06-01' } }],
    ['rollback', { rollback: { '0': { minimum: 3, maximum: 3 }, '1': { maximum: 7 } } }],
    ['OEM id and PK hash', { chip: { oemIds: ['0004'], pkHashes: ['d741a1a1'] } }],
    [
      'storage',
      { storage: { types: ['ufs'], minimumBytes: 245_768_388_608, maximumBytes: 245_768_388_608 } },
    ],
    ['slots', { slots: 'ab' }],
    ['battery', { battery: { minimumPercent: 60 } }],
  ])('%s is met', (_, when) => {
    expect(judge(setOf(when))).toEqual({ verdict: 'eligible', telling: [] })
  })

  it.each<[string, Conditions, Reason['rule'], string]>([
    ['hardware revision', { hwRevisions: ['10000'] }, 'hw-revision', 'getvar hw-revision says 20000'],
    ['variant', { variants: ['EU'] }, 'variant', 'wanted: EU'],
    ['region', { region: { variables: ['ro.vendor.region'], anyOf: ['EU', 'US'] } }, 'region', 'EU or US'],
    ['build', { source: { anyOf: ['NX679J_CNCommon_V3.10'] } }, 'source-build', 'V3.11'],
    ['bad build', { source: { noneOf: ['NX679J_CNCommon_V3.11'] } }, 'source-build', 'none of'],
    ['too old', { source: { minimum: 'NX679J_CNCommon_V3.12' } }, 'source-build', 'at least'],
    ['too new', { source: { maximum: 'NX679J_CNCommon_V3.9' } }, 'source-build', 'at most'],
    ['built too early', { source: { builtFrom: 1_680_000_001 } }, 'source-date', '1680000001'],
    ['patch too old', { securityPatch: { minimum: '2023-07-01' } }, 'security-patch', '2023-06-01'],
    ['rollback too high', { rollback: { '1': { maximum: 6 } } }, 'rollback', 'location 1'],
    ['other OEM', { chip: { oemIds: ['0029'] } }, 'oem-id', 'says 0004'],
    ['other root', { chip: { pkHashes: ['c37eae7e'] } }, 'pk-hash', 'c37eae7e'],
    ['eMMC only', { storage: { types: ['emmc'] } }, 'storage-type', 'ufs'],
    ['too small', { storage: { minimumBytes: 300_000_000_000 } }, 'storage-size', '300000000000'],
    ['too large', { storage: { maximumBytes: 200_000_000_000 } }, 'storage-size', 'at most'],
    ['A-only', { slots: 'a-only' }, 'slot-layout', 'ab'],
    ['battery', { battery: { minimumPercent: 61 } }, 'battery', 'says 60'],
  ])('%s refuses', (_, when, rule, words) => {
    const { verdict, telling } = judge(setOf(when))
    expect(verdict).toBe('refused')
    expect(telling).toEqual([{ rule, outcome: 'not-met', detail: expect.stringContaining(words) as unknown }])
  })

  it.each<[string, Conditions, (keyof TerminalFacts)[], Reason['fact'], readonly string[]]>([
    ['hwRevision', { hwRevisions: ['1'] }, ['hwRevision'], 'hw-revision', ['bootloader']],
    ['region', { region: { variables: ['x'], anyOf: ['EU'] } }, [], 'region', ['recovery', 'bootloader']],
    ['build', { source: { anyOf: ['V1'] } }, ['build'], 'build', []],
    ['fingerprint', { source: { noneOf: ['a/b/c:1'] } }, ['fingerprint'], 'fingerprint', []],
    [
      'patch',
      { securityPatch: { minimum: '2020-01-01' } },
      ['securityPatch'],
      'security-patch',
      ['bootloader', 'fastbootd'],
    ],
    [
      'rollback',
      { rollback: { '0': { maximum: 9 } } },
      ['rollback'],
      'rollback',
      ['bootloader', 'fastbootd', 'edl'],
    ],
    ['OEM id', { chip: { oemIds: ['0004'] } }, ['edl'], 'oem-id', ['edl']],
    ['storage', { storage: { maximumBytes: 300_000_000_000 } }, ['edl'], 'storage-size', ['edl']],
    ['slots', { slots: 'ab' }, ['slotCount'], 'slot-layout', ['bootloader', 'fastbootd']],
    ['battery', { battery: { minimumPercent: 1 } }, ['batteryPercent'], 'battery', ['bootloader', 'rescue']],
  ])('without %s it is undecided, and says where to read it', (_, when, gone, name, readIn) => {
    const facts = { ...without(...gone), surveyed: ['system' as const] }
    const answer = ask(setOf(when), facts)
    expect(answer.eligible).toEqual([])
    expect(answer.undecided).toHaveLength(1)
    expect(answer.missing).toEqual([{ fact: name, readIn, deployments: 1 }])
  })
})

describe('what the ROM says of itself', () => {
  it('never lets patch level or rollback index go down', () => {
    const lower = judge(setOf({}, {}, { securityPatch: '2023-05-01', rollback: { '0': 3, '1': 6 } }))
    expect(lower.verdict).toBe('refused')
    expect(lower.telling.map(({ rule }) => rule)).toEqual(['security-patch-not-lower', 'rollback-not-lower'])
    const equal = setOf({}, {}, { securityPatch: '2023-06-01', rollback: { '0': 3, '1': 8 } })
    expect(judge(equal).verdict).toBe('eligible')
  })

  it('is undecided where the terminal does not tell, unless the deployment does without', () => {
    const rom = { rollback: { '0': 3 } }
    const facts = without('rollback')
    expect(judge(setOf({}, {}, rom), facts).verdict).toBe('undecided')
    const { verdict, telling } = judge(setOf({}, { waive: ['rollback'] }, rom), facts)
    expect(verdict).toBe('eligible')
    expect(telling).toMatchObject([{ rule: 'rollback-not-lower', outcome: 'waived', fact: 'rollback' }])
    expect(judge(setOf({}, { waive: ['rollback'] }, { rollback: { '0': 2 } })).verdict).toBe('refused')
  })
})

describe('the model', () => {
  it('is found by any of its names', () => {
    const set = setOf({}, { models: ['PQ85A01'] })
    const facts = { ...SYSTEM, product: fact('NX741J'), names: [fact('NX741J')] }
    expect(judge(set, facts).verdict).toBe('eligible')
  })

  it('is not that of a regional variant, which is named as the reason', () => {
    for (const [own, offered] of [
      ['A2017G', 'A2017'],
      ['A2017', 'A2017G'],
      ['NX789J', 'NX789S'],
    ] as const) {
      const facts = { ...SYSTEM, product: fact(own), names: [fact(own)] }
      const { verdict, telling } = judge(setOf({}, { models: [offered] }), facts)
      expect(verdict).toBe('refused')
      expect(telling).toMatchObject([{ rule: 'model', outcome: 'not-met' }])
    }
  })

  it('of other products is only counted', () => {
    const answer = ask(setOf({}, { models: ['NX769J'] }))
    expect(answer).toMatchObject({ eligible: [], undecided: [], refused: [], otherModels: 1, missing: [] })
  })

  it('decides everything where no name is known, as in EDL', () => {
    const facts = {
      ...without('product', 'names', 'variant'),
      mode: 'edl' as const,
      surveyed: ['edl' as const],
    }
    const answer = ask(setOf(), facts)
    expect(answer).toMatchObject({ eligible: [], otherModels: 1 })
    expect(answer.missing).toEqual([
      { fact: 'model', readIn: ['system', 'bootloader', 'recovery', 'fastbootd'], deployments: 1 },
    ])
    expect(judge(setOf(), facts, { assumedModel: 'nx679j' }).verdict).toBe('eligible')
  })

  it('of a terminal that contradicts itself is unknown', () => {
    const facts = { ...SYSTEM, names: [fact('NX679J'), fact('NX769J')] }
    expect(judge(setOf(), facts)).toMatchObject({
      verdict: 'undecided',
      telling: [{ rule: 'model', outcome: 'unknown', fact: 'model' }],
    })
  })
})

describe('builds', () => {
  it('of recovery and fastbootd are not the installed system’s', () => {
    const facts = { ...SYSTEM, surveyed: ['recovery' as const, 'fastbootd' as const] }
    const answer = ask(setOf({ source: { anyOf: ['NX679J_CNCommon_V3.11'] } }), facts)
    expect(answer.missing).toEqual([{ fact: 'build', readIn: ['system'], deployments: 1 }])
  })

  it('that are named otherwise leave the rule unknown, whatever is waived', () => {
    const set = setOf({ source: { minimum: 'V3.0' } }, { waive: ['build'] })
    const { verdict, telling } = judge(set)
    expect(verdict).toBe('undecided')
    expect(telling).toMatchObject([{ rule: 'source-build', outcome: 'unknown' }])
    expect(telling[0]?.fact).toBeUndefined()
  })

  it('that were withdrawn are offered to nobody, and named when they are installed', () => {
    const set = {
      ...setOf({}, {}, { build: 'NX679J_CNCommon_V3.11' }),
      withdrawn: [{ rom: 'v320', reason: 'camera' }],
    }
    const answer = ask(set)
    expect(answer.installedWithdrawn).toBe('camera')
    expect(answer.refused[0]).toMatchObject({
      installed: true,
      judgements: [
        {
          reasons: expect.arrayContaining([
            { rule: 'withdrawn', outcome: 'not-met', detail: 'withdrawn: camera' },
          ]) as unknown,
        },
      ],
    })
  })
})

describe('channel and rollout', () => {
  it('offers only what was asked for', () => {
    const beta = setOf({}, { channel: 'beta' })
    expect(judge(beta)).toMatchObject({ verdict: 'refused', telling: [{ rule: 'channel' }] })
    expect(judge(beta, SYSTEM, { channels: ['stable', 'beta'] }).verdict).toBe('eligible')
  })

  // ABC123 stands at 91.37 % of `spring` (0xe9eca252 of 2^32).
  it.each([
    [91, 'refused'],
    [92, 'eligible'],
  ])('at %s %% the terminal is %s', (percent, verdict) => {
    expect(judge(setOf({}, { rollout: { id: 'spring', percent } })).verdict).toBe(verdict)
  })

  it('cannot be decided without a serial number, but for nobody and everybody', () => {
    const at = (percent: number) =>
      judge(setOf({}, { rollout: { id: 'spring', percent } }), without('serial')).verdict
    expect([0, 50, 100].map(at)).toEqual(['refused', 'undecided', 'eligible'])
  })
})

describe('storage', () => {
  it('is at least as large as its largest partition', () => {
    const facts = without('edl')
    const verdictAt = (storage: NonNullable<Conditions['storage']>) =>
      judge(setOf({ storage }), facts).verdict
    expect(verdictAt({ minimumBytes: 200_000_000_000 })).toBe('eligible')
    expect(verdictAt({ minimumBytes: 200_000_000_001 })).toBe('undecided')
    expect(verdictAt({ maximumBytes: 199_999_999_999 })).toBe('refused')
    expect(verdictAt({ types: ['ufs'] })).toBe('eligible')
  })
})

describe('the order', () => {
  const roms: OfferedRom[] = [
    { id: 'old', target: 'old', build: 'o', timestamp: 1 },
    { id: 'new', target: 'new', build: 'n', timestamp: 2 },
    { id: 'preferred', target: 'p', build: 'p' },
    { id: 'undated', target: 'u', build: 'u' },
  ]
  const deployments: Deployment[] = roms.map(({ id }) => ({
    ...DEPLOYMENT,
    id,
    rom: id,
    ...(id === 'preferred' ? { priority: 1 } : {}),
  }))

  it('is by priority, then by date', () => {
    const { eligible } = ask({ version: 1, roms, deployments })
    expect(eligible.map(({ rom }) => rom.id)).toEqual(['preferred', 'new', 'old', 'undated'])
  })

  it('puts a ROM in one list only, with all that was said of it, the kindest first', () => {
    const second: Deployment = { ...DEPLOYMENT, id: 'a-refusing', when: { slots: 'a-only' } }
    const answer = ask({ ...setOf(), deployments: [second, DEPLOYMENT] })
    expect(answer.refused).toEqual([])
    expect(answer.eligible[0]?.judgements.map(({ deployment, verdict }) => [deployment, verdict])).toEqual([
      ['d1', 'eligible'],
      ['a-refusing', 'refused'],
    ])
  })

  it('limits what is refused and says how much is left out', () => {
    const when = { slots: 'a-only' as const }
    const set = { version: 1 as const, roms, deployments: deployments.map((d) => ({ ...d, when })) }
    const answer = ask(set, IN_SYSTEM, { limit: 3 })
    expect(answer.refused).toHaveLength(3)
    expect(answer.omitted).toBe(1)
  })
})

describe('a set', () => {
  it.each<[string, unknown]>([
    ['an unknown condition', { ...setOf(), deployments: [{ ...DEPLOYMENT, when: { colour: 'red' } }] }],
    ['another version', { ...setOf(), version: 2 }],
    ['a ROM that is not there', { ...setOf(), roms: [] }],
    ['an id twice', { ...setOf(), deployments: [DEPLOYMENT, DEPLOYMENT] }],
    ['no models', { ...setOf(), deployments: [{ ...DEPLOYMENT, models: [] }] }],
    ['a percentage above 100', setOf({}, { rollout: { id: 'x', percent: 101 } })],
    ['a waived model', { ...setOf(), deployments: [{ ...DEPLOYMENT, waive: ['model'] }] }],
    ['nothing at all', undefined],
  ])('with %s is refused', (_, value) => {
    const compile = () => compileDeployments(parseDeployments(value))
    expect(compile).toThrow(expect.objectContaining({ code: 'deployments-invalid' }) as Error)
  })
})
