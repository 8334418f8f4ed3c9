// Every rule of a deployment put to a terminal. Each function gives the reasons of its own rules, none where they are not set.
import type { Deployment, OfferedRom } from '../../../shared/deployment.ts'
import type { Reason, RuleName } from '../../../shared/eligibility.ts'
import type { Fact, TerminalFacts } from '../../../shared/terminal.ts'
import { compareBuilds } from './build-order.ts'
import { decided, oneOf, type Question, unknown, within } from './judge.ts'
import * as known from './known-facts.ts'
import { reached, rolloutPosition } from './rollout.ts'

export interface Case {
  readonly deployment: Deployment
  readonly rom: OfferedRom
  readonly facts: TerminalFacts
  /** Channels that whoever asks takes part in. */
  readonly channels: ReadonlySet<string>
}

type Rule = (one: Case) => readonly (Reason | undefined)[]

/** All but the model's and the withdrawal's, which are judged for many deployments at once.
 * @returns in the order of this table, with facts that the deployment does without marked so. */
export function applyRules(one: Case): Reason[] {
  const waived = new Set(one.deployment.waive ?? [])
  return RULES.flatMap((rule) => rule(one))
    .filter((reason) => reason !== undefined)
    .map((reason) =>
      reason.outcome === 'unknown' &&
      reason.fact !== undefined &&
      reason.fact !== 'model' &&
      waived.has(reason.fact)
        ? { ...reason, outcome: 'waived' }
        : reason,
    )
}

const RULES: readonly Rule[] = [
  channel,
  names,
  sourceBuild,
  sourceDate,
  patchLevels,
  rollbackIndices,
  chip,
  storage,
  slots,
  battery,
  rollout,
]

function channel({ deployment, channels }: Case) {
  const asked = [...channels].toSorted().join(', ') || 'none'
  const detail = `in channel ${deployment.channel}; asked for: ${asked}`
  return [decided('channel', channels.has(deployment.channel), detail)]
}

function names({ deployment: { when }, facts }: Case) {
  const region = when?.region?.variables
    .map((name) => known.variable(facts, name))
    .find((fact) => fact !== undefined)
  return [
    when?.hwRevisions && oneOf(asks('hw-revision', facts), facts.hwRevision, when.hwRevisions),
    when?.variants && oneOf(asks('variant', facts), facts.variant, when.variants),
    when?.region && oneOf(asks('region', facts), region, when.region.anyOf),
  ]
}

/** `brand/product/device:release/id/incremental:type/tags` (Android CDD, Build.FINGERPRINT). */
const isFingerprint = (build: string) => /^[^/:]+\/[^/:]+\/[^/:]+:/.test(build)

function sourceBuild({ deployment: { when }, facts }: Case) {
  const { anyOf, noneOf, minimum, maximum } = when?.source ?? {}
  const build = known.installedBuild(facts)
  const isRange = minimum !== undefined || maximum !== undefined
  const question: Question = { rule: 'source-build', fact: 'build', facts }
  return [
    anyOf && listed(anyOf, facts, true),
    noneOf && listed(noneOf, facts, false),
    isRange ? within(question, build, { minimum, maximum }, compareBuilds) : undefined,
  ]
}

/** Whether the installed build is, or is not, in the list. Display ids and fingerprints are two facts: as long as one of those that the
 * list speaks of is missing, its absence from the list is not known. */
function listed(builds: readonly string[], facts: TerminalFacts, wanted: boolean): Reason {
  const build = known.installedBuild(facts)
  const fingerprint = known.installedFingerprint(facts)
  const own = [build, fingerprint].filter((fact) => fact !== undefined)
  const hit = own.find(({ value }) => builds.includes(value.trim()))
  const words = `${wanted ? '' : 'none of '}${builds.join(' or ')}`
  const rule = 'source-build'
  if (hit !== undefined) return decided(rule, wanted, `wanted: ${words}; ${hit.source} says ${hit.value}`)
  if (build === undefined && !builds.every(isFingerprint))
    return unknown({ rule, fact: 'build', facts }, words)
  if (fingerprint === undefined && builds.some(isFingerprint))
    return unknown({ rule, fact: 'fingerprint', facts }, words)
  const said = own.map(({ value, source }) => `${source} says ${value}`).join(', ')
  return decided(rule, !wanted, `wanted: ${words}; ${said}`)
}

function sourceDate({ deployment: { when }, facts }: Case) {
  const { builtFrom: minimum, builtUntil: maximum } = when?.source ?? {}
  if (minimum === undefined && maximum === undefined) return []
  const question: Question = { rule: 'source-date', fact: 'build-date', facts }
  return [within(question, known.installedDate(facts), { minimum, maximum })]
}

/** The ROM's own level may not be below the installed one, whatever the rules say (design, rule 8). */
function patchLevels({ deployment: { when }, rom, facts }: Case) {
  const patch = known.installedPatch(facts)
  const question = (rule: RuleName): Question => ({ rule, fact: 'security-patch', facts })
  const range = when?.securityPatch
  return [
    range && within(question('security-patch'), patch, range),
    rom.securityPatch === undefined
      ? undefined
      : within(question('security-patch-not-lower'), patch, { maximum: rom.securityPatch }),
  ]
}

function rollbackIndices({ deployment: { when }, rom, facts }: Case) {
  const at = (location: string): Fact<number> | undefined => {
    const fact = known.rollbackAt(facts, location)
    return fact && { ...fact, source: `${fact.source}, location ${location},` }
  }
  const question = (rule: RuleName): Question => ({ rule, fact: 'rollback', facts })
  const locations = Object.entries(when?.rollback ?? {}).toSorted(byKey)
  const offered = Object.entries(rom.rollback ?? {}).toSorted(byKey)
  return [
    ...locations.map(([location, range]) => within(question('rollback'), at(location), range)),
    ...offered.map(([location, maximum]) =>
      within(question('rollback-not-lower'), at(location), { maximum }),
    ),
  ]
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return Number(a) - Number(b)
}

function chip({ deployment: { when }, facts }: Case) {
  const { oemIds, pkHashes } = when?.chip ?? {}
  return [
    oemIds && oneOf(asks('oem-id', facts), known.oemId(facts), oemIds),
    pkHashes && pkHash(pkHashes, facts),
  ]
}

function pkHash(prefixes: readonly string[], facts: TerminalFacts): Reason {
  const own = known.pkHash(facts)
  const wanted = `begins with ${prefixes.join(' or ')}`
  if (own === undefined) return unknown(asks('pk-hash', facts), wanted)
  const met = prefixes.some((prefix) => own.value.startsWith(prefix.toLowerCase()))
  return decided('pk-hash', met, `wanted: ${wanted}; ${own.source} says ${own.value}`)
}

function storage({ deployment: { when }, facts }: Case) {
  const { types, minimumBytes: minimum, maximumBytes: maximum } = when?.storage ?? {}
  const isRange = minimum !== undefined || maximum !== undefined
  return [
    types && oneOf(asks('storage-type', facts), known.storageType(facts), types),
    isRange ? storageSize(facts, { minimum, maximum }) : undefined,
  ]
}

/** A partition's size says how large the storage is at least, which may be enough. */
function storageSize(
  facts: TerminalFacts,
  range: { readonly minimum: number | undefined; readonly maximum: number | undefined },
): Reason {
  const question = asks('storage-size', facts)
  const size = known.storageSize(facts)
  if (size === undefined || size.exact) return within(question, size, range)
  const isAbove = range.maximum !== undefined && size.value > range.maximum
  const isEnough = range.maximum === undefined && size.value >= (range.minimum ?? 0)
  return within(question, isAbove || isEnough ? size : undefined, range)
}

function slots({ deployment: { when }, facts }: Case) {
  if (when?.slots === undefined) return []
  const { slotCount } = facts
  const layout = slotCount && { ...slotCount, value: slotCount.value >= 2 ? 'ab' : 'a-only' }
  return [oneOf(asks('slot-layout', facts), layout, [when.slots])]
}

function battery({ deployment: { when }, facts }: Case) {
  if (when?.battery === undefined) return []
  const minimum = when.battery.minimumPercent
  if (facts.batteryOk?.value === false)
    return [decided('battery', false, `${facts.batteryOk.source}: too low for flashing; charge it first`)]
  return [within(asks('battery', facts), facts.batteryPercent, { minimum })]
}

function rollout({ deployment: { rollout: staged }, facts }: Case) {
  if (staged === undefined) return []
  const wanted = `among the first ${staged.percent} % of rollout ${staged.id}`
  const { serial } = facts
  if (serial === undefined) {
    if (staged.percent === 100) return [decided('rollout', true, `rollout ${staged.id} is for everybody`)]
    if (staged.percent === 0) return [decided('rollout', false, `rollout ${staged.id} is for nobody yet`)]
    return [unknown({ rule: 'rollout', fact: 'serial', facts }, wanted)]
  }
  const position = rolloutPosition(staged.id, serial.value)
  const stands = ((position / 2 ** 32) * 100).toFixed(3)
  const detail = `wanted: ${wanted}; this serial number stands at ${stands} %`
  return [decided('rollout', reached(position, staged.percent), detail)]
}

/** For rules that are called as the fact they hang on. */
function asks(name: Question['fact'] & RuleName, facts: TerminalFacts): Question {
  return { rule: name, fact: name, facts }
}
