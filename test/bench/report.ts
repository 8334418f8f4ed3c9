// The results as a table for people and as JSON for programs.
import { availableParallelism, cpus, totalmem } from 'node:os'
import { type BenchCase, median, type Outcome, type Series, targetMet } from './measurement.ts'

export interface CaseResult {
  readonly case: Pick<BenchCase, 'name' | 'title'>
  readonly outcome: Outcome
}

/** What the figures were measured on; nothing that names the machine. */
export function machine() {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  }
}

export function resultsAsJson(results: readonly CaseResult[], options: { readonly quick: boolean }) {
  return {
    machine: machine(),
    measuredAt: new Date().toISOString(),
    quick: options.quick,
    cases: results.map(({ case: { name, title }, outcome }) => ({ name, title, ...summarised(outcome) })),
  }
}

function summarised(outcome: Outcome) {
  if (outcome.kind === 'not-measured') return outcome
  const series = outcome.series.map((one) => ({ ...one, ...spread(one), targetMet: targetMet(one) }))
  return { ...outcome, series }
}

function spread({ samples }: Series) {
  return { min: Math.min(...samples), median: median(samples), max: Math.max(...samples) }
}

const COLUMNS = ['', 'median', 'min', 'max', 'runs', 'target'] as const

export function resultsAsTable(results: readonly CaseResult[]): string {
  const lines = results.flatMap(({ case: { title }, outcome }) => {
    if (outcome.kind === 'not-measured') return ['', title, `  not measured: ${outcome.reason}`]
    const rows = [COLUMNS, ...outcome.series.map(row)]
    return ['', title, ...outcome.notes.map((note) => `  ${note}`), ...aligned(rows)]
  })
  return lines.join('\n')
}

function row(series: Series): readonly string[] {
  const { min, median: middle, max } = spread(series)
  const shown = [middle, min, max].map((value) => shownValue(value, series.unit))
  return [series.what, ...shown, String(series.samples.length), shownTarget(series)]
}

function shownValue(value: number, unit: Series['unit']): string {
  return `${value.toFixed(unit === '×' ? 2 : unit === 'MB/s' ? 0 : 1)} ${unit}`
}

function shownTarget(series: Series): string {
  const { target, unit } = series
  if (target === undefined) return ''
  const words = 'atLeast' in target ? `≥ ${target.atLeast} ${unit}` : `≤ ${target.atMost} ${unit}`
  return `${words}: ${targetMet(series) === true ? 'met' : 'MISSED'}`
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0)))
  return rows.map((cells) => {
    const padded = cells.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
    )
    return `  ${padded.join('  ')}`.trimEnd()
  })
}
