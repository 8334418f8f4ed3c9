// For which slots a package brings its images: many EDL packages fill one slot only, and the other then boots into "corrupt"
// (zte-domain §0.6).
import type { RomImageInfo, RomInfo } from '../../../shared/rom.ts'

export interface SlotCoverage {
  /** Base names with an image for that slot. */
  readonly a: readonly string[]
  readonly b: readonly string[]
  readonly both: readonly string[]
  /** Of `both`: the same content; another one; not known before the package is verified. */
  readonly identical: readonly string[]
  readonly different: readonly string[]
  readonly unknown: readonly string[]
  /** `neutral`: the package names no slots at all, and its images are for either. */
  readonly holds: 'neutral' | 'a' | 'b' | 'both' | 'mixed'
}

export function slotCoverage({ images }: Pick<RomInfo, 'images'>): SlotCoverage {
  const of = (slot: 'a' | 'b') =>
    new Map(images.filter((image) => image.slot === slot).map((image) => [image.name, image]))
  const [a, b] = [of('a'), of('b')]
  const both = [...a.keys()].filter((name) => b.has(name))
  const compared = Map.groupBy(both, (name) => sameContent(a.get(name), b.get(name)))
  return {
    a: [...a.keys()],
    b: [...b.keys()],
    both,
    identical: compared.get('identical') ?? [],
    different: compared.get('different') ?? [],
    unknown: compared.get('unknown') ?? [],
    holds: holds(a.size, b.size, both.length),
  }
}

/** Whether two images are the same, as far as it is known. */
export function sameContent(
  a: RomImageInfo | undefined,
  b: RomImageInfo | undefined,
): 'identical' | 'different' | 'unknown' {
  if (a === undefined || b === undefined || a.size !== b.size) return 'different'
  if (a.sha256 === undefined || b.sha256 === undefined) return 'unknown'
  return a.sha256 === b.sha256 ? 'identical' : 'different'
}

function holds(a: number, b: number, both: number): SlotCoverage['holds'] {
  if (a === 0 && b === 0) return 'neutral'
  if (b === 0) return 'a'
  if (a === 0) return 'b'
  return both === a && both === b ? 'both' : 'mixed'
}

/** One sentence for people. */
export function describeCoverage(coverage: SlotCoverage): string {
  const { a, b, both, different, unknown } = coverage
  switch (coverage.holds) {
    case 'neutral':
      return 'the package names no slots; its images are for either'
    case 'a':
    case 'b':
      return `the package holds slot ${coverage.holds} only`
    case 'both':
      return `the package holds both slots, ${comparison(different, unknown)}`
    default: {
      const only = (names: readonly string[], slot: string) => {
        const rest = names.filter((name) => !both.includes(name))
        return rest.length === 0 ? [] : [`for slot ${slot} only: ${rest.join(', ')}`]
      }
      const lone = [...only(a, 'a'), ...only(b, 'b')].join('; ')
      const compared =
        both.length === 0 ? '' : `; for both slots: ${both.length}, ${comparison(different, unknown)}`
      return `the package holds the slots in part (${lone}${compared})`
    }
  }
}

function comparison(different: readonly string[], unknown: readonly string[]): string {
  if (different.length > 0) return `which differ in ${different.join(', ')}`
  return unknown.length > 0 ? 'not compared before the package is verified' : 'with the same content'
}
