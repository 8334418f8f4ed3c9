// ROMs of repositories and of the cache → what a window is shown of them. Pure.
import { type BayVerdict, MOST_REASONS, type OfferView, TEXT } from '../../../../shared/contract.ts'
import type { Reason } from '../../../../shared/eligibility.ts'
import type { CompiledDeployments } from '../../../core/eligibility/compile.ts'
import type { PublishedRom } from '../../../repository/format.ts'
import type { JudgedRom } from '../../judge-roms.ts'
import { clip } from '../clip.ts'

export interface OfferSource {
  readonly rom: PublishedRom
  /** Undefined for one of the cache that nobody lists. */
  readonly repository: string | undefined
  readonly rules: CompiledDeployments | undefined
}

const MOST_NAMES = 32
const MOST_WORDS = 16

/** What does not hang on any terminal. */
export function offerView({ rom, repository, rules }: OfferSource): Omit<OfferView, 'terminals' | 'cached'> {
  const { facts, target, publisher, name } = rom
  const offers = rules?.offers.get(target.path) ?? []
  const deployments = offers.flatMap((offer) => offer.deployments)
  const withdrawn = offers.flatMap((offer) => rules?.withdrawn.get(offer.rom.id) ?? [])
  const models = [...facts.models, ...deployments.flatMap((one) => one.models)]
  const regions = deployments.flatMap(({ when }) => when?.region?.anyOf ?? [])
  return {
    ...{ id: target.sha256, publisher: clip(publisher), name: clip(name), size: target.size },
    ...(repository !== undefined && { repository }),
    ...{ kind: facts.kind, full: facts.delta !== true && facts.full },
    models: names(models, MOST_NAMES),
    channels: names(
      deployments.map(({ channel }) => channel),
      MOST_WORDS,
    ),
    regions: names(regions, MOST_WORDS),
    ...(facts.build !== undefined && { build: clip(facts.build) }),
    ...(facts.securityPatch !== undefined && { securityPatch: clip(facts.securityPatch) }),
    ...(facts.timestamp !== undefined && { timestamp: facts.timestamp }),
    ...(facts.notes !== undefined && { notes: clip(facts.notes, TEXT.line) }),
    ...(withdrawn.length > 0 && { withdrawn: clip(withdrawn.join('; '), TEXT.line) }),
  }
}

function names(all: readonly string[], most: number): string[] {
  return [...new Set(all.slice(0, 4 * most).map((name) => clip(name)))].slice(0, most)
}

export function bayVerdict(bay: string, { verdict, installed, reasons }: JudgedRom): BayVerdict {
  const of = (outcome: Reason['outcome']) => reasons.filter((reason) => reason.outcome === outcome)
  const shown = verdict === 'refused' ? of('not-met') : verdict === 'undecided' ? of('unknown') : reasons
  return {
    ...{ bay, verdict, installed },
    reasons: shown
      .slice(0, MOST_REASONS)
      .map((reason) => ({ ...reason, detail: clip(reason.detail, TEXT.line) })),
  }
}

/** Whether every word of `text` is somewhere in what names the ROM. */
export function matches({ rom, repository }: OfferSource, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return true
  const { facts, publisher, name } = rom
  const models = facts.models.slice(0, MOST_NAMES)
  const where = [name, publisher, repository, facts.build, facts.securityPatch, ...models]
    .map((word) => clip(word ?? ''))
    .join(' ')
    .toLowerCase()
  return words.every((word) => where.includes(word))
}
