// What a benchmark case is, what it is given, and what it gives back.

export type Unit = 'MB/s' | 'ms' | 'MB' | 'kB' | '×' | '%' | '/s'

/** One thing measured several times, in the order of the runs. */
export interface Series {
  readonly what: string
  readonly unit: Unit
  readonly samples: readonly number[]
  /** What the median has to reach, or must not exceed. */
  readonly target?: { readonly atLeast: number } | { readonly atMost: number }
}

export type Outcome =
  | { readonly kind: 'measured'; readonly notes: readonly string[]; readonly series: readonly Series[] }
  /** A program or a system facility is missing. */
  | { readonly kind: 'not-measured'; readonly reason: string }

export interface BenchContext {
  /** Small sizes and few runs: shows that everything works; its figures mean nothing. */
  readonly quick: boolean
  /** How often each thing is measured, after one warm-up. */
  readonly runs: number
  /** Test files are made here once and kept. */
  readonly cache: string
  /** Also what needs a virtual machine, which takes minutes. */
  readonly guest: boolean
  readonly signal: AbortSignal
  /** Tells what is being done. */
  note(words: string): void
}

export interface BenchCase {
  /** For `--only`. */
  readonly name: string
  readonly title: string
  measure(bench: BenchContext): Promise<Outcome>
}

export const MIB = 1024 * 1024
export const GIB = 1024 * MIB

/** Decimal megabytes a second, as disks, cables and `sha256sum | pv` count. */
export function megabytesPerSecond(bytes: number, ms: number): number {
  return bytes / 1000 / ms
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

/** How many times faster (or larger) each of `ours` is than its partner in `theirs`. */
export function pairRatios(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.map((value, i) => value / (theirs[i] ?? Number.NaN))
}

/** Undefined without a target. */
export function targetMet({ samples, target }: Series): boolean | undefined {
  if (target === undefined) return undefined
  const reached = median(samples)
  return 'atLeast' in target ? reached >= target.atLeast : reached <= target.atMost
}
