// Deployment rules made ready once for many questions: checked as a whole, and indexed by every name of a product.
import {
  type Deployment,
  type DeploymentSet,
  deploymentSetSchema,
  type OfferedRom,
} from '../../../shared/deployment.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { lookupKeys, type Name } from '../identity/same-product.ts'

/** Deployments that name the same models, so that models are compared once for all of them. */
export interface ModelGroup {
  readonly models: readonly Name[]
  readonly deployments: readonly Deployment[]
}

/** One ROM with every deployment that offers it. */
export interface Offer {
  readonly rom: OfferedRom
  readonly deployments: readonly Deployment[]
}

export interface CompiledDeployments {
  /** All of them. */
  readonly count: number
  readonly roms: ReadonlyMap<string, OfferedRom>
  /** Reasons by id of the ROM. */
  readonly withdrawn: ReadonlyMap<string, string>
  readonly groups: ReadonlyMap<string, readonly ModelGroup[]>
  /** By the name under which the repository holds the package. */
  readonly offers: ReadonlyMap<string, readonly Offer[]>
}

/** @throws SlotbenchError `deployments-invalid` saying where and why. */
export function parseDeployments(value: unknown): DeploymentSet {
  const parsed = deploymentSetSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw invalid(`${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'not understood'}`)
}

/** Ready for `checkEligibility`; takes a moment for a large set and is kept.
 * @throws SlotbenchError `deployments-invalid` for ids that are used twice or name a ROM that is not there. */
export function compileDeployments(set: DeploymentSet): CompiledDeployments {
  const roms = byId(set.roms, 'ROM')
  byId(set.deployments, 'deployment')
  const withdrawn = new Map<string, string>()
  for (const { rom, reason } of set.withdrawn ?? [])
    withdrawn.set(
      rom,
      [withdrawn.get(rom), reason]
        .filter((text) => text !== undefined)
        .toSorted()
        .join('; '),
    )
  for (const { id, rom } of set.deployments)
    if (!roms.has(rom)) throw invalid(`deployment ${id} offers the ROM ${rom}, which is not described`)
  const groups = groupByModels(set.deployments)
  const offers = offersByTarget(set)
  return { count: set.deployments.length, roms, withdrawn, groups: indexByName(groups), offers }
}

function offersByTarget({ roms, deployments }: DeploymentSet): ReadonlyMap<string, readonly Offer[]> {
  const byRom = Map.groupBy(deployments, ({ rom }) => rom)
  const offers = roms.map((rom): Offer => ({ rom, deployments: byRom.get(rom.id) ?? [] }))
  return Map.groupBy(offers, ({ rom }) => rom.target)
}

function groupByModels(deployments: readonly Deployment[]): readonly ModelGroup[] {
  const groups = new Map<string, { models: readonly Name[]; deployments: Deployment[] }>()
  for (const deployment of deployments) {
    const models = [...new Set(deployment.models)].toSorted()
    const key = JSON.stringify(models)
    const group = groups.get(key)
    if (group === undefined)
      groups.set(key, {
        models: models.map((value) => ({ value, source: 'deployment' })),
        deployments: [deployment],
      })
    else group.deployments.push(deployment)
  }
  return [...groups.values()]
}

function indexByName(groups: readonly ModelGroup[]): ReadonlyMap<string, readonly ModelGroup[]> {
  const index = new Map<string, ModelGroup[]>()
  for (const group of groups)
    for (const key of new Set(group.models.flatMap(({ value }) => lookupKeys(value)))) {
      const found = index.get(key)
      if (found === undefined) index.set(key, [group])
      else found.push(group)
    }
  return index
}

function byId<T extends { readonly id: string }>(items: readonly T[], what: string): ReadonlyMap<string, T> {
  const found = new Map<string, T>()
  for (const item of items) {
    if (found.has(item.id)) throw invalid(`two times a ${what} called ${item.id}`)
    found.set(item.id, item)
  }
  return found
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('deployments-invalid', detail)
}
