// How fast bytes go over the wire, over the time of the job.
import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import type { JobView, Result } from '../../../shared/contract.ts'
import { clock, useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { ask } from '../../state/bench.ts'
import { useNow } from '../../state/now.ts'

const HEIGHT = 120
/** The host has the samples; a chart asks for them this often, in milliseconds. */
const EVERY_MS = 2_000

type Samples = Result<'job.throughput'>['samples']

export function ThroughputChart({ job }: { readonly job: JobView }) {
  const t = useText()
  const { speed } = useFormats()
  const samples = useSamples(job.id)
  const frame = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>(undefined)
  useEffect(() => {
    const element = frame.current
    if (element === null) return
    chart.current = new uPlot(optionsFor(element, speed), [[], []], element)
    const observer = new ResizeObserver(([entry]) => {
      if (entry) chart.current?.setSize({ width: entry.contentRect.width, height: HEIGHT })
    })
    observer.observe(element)
    return () => {
      observer.disconnect()
      chart.current?.destroy()
      chart.current = undefined
    }
  }, [speed])
  useEffect(() => {
    const begin = samples[0]?.at ?? 0
    chart.current?.setData([
      samples.map(({ at }) => (at - begin) / 1000),
      samples.map(({ bytesPerSecond }) => bytesPerSecond),
    ])
  }, [samples])
  const last = samples.at(-1)
  return (
    <figure className="chart" hidden={samples.length < 3}>
      <figcaption className="small quiet">
        {t('chart.title')}
        {last !== undefined && `: ${speed(last.bytesPerSecond)}`}
      </figcaption>
      <div ref={frame} aria-hidden="true" />
    </figure>
  )
}

function useSamples(job: string): Samples {
  const [samples, setSamples] = useState<Samples>([])
  const tick = Math.floor(useNow() / EVERY_MS)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a tick asks again
  useEffect(() => {
    let wanted = true
    ask('job.throughput', { job })
      .then((result) => wanted && setSamples(result.samples))
      // The next tick asks again.
      .catch(() => {})
    return () => {
      wanted = false
    }
  }, [job, tick])
  return samples
}

function optionsFor(element: HTMLElement, speed: (bytesPerSecond: number) => string): uPlot.Options {
  const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim()
  const grid = { stroke: colour('--line'), width: 1 }
  const axis = { stroke: colour('--quiet'), grid, ticks: grid, font: '11px system-ui' }
  return {
    width: Math.max(200, element.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false }, y: { range: (_chart, _min, max) => [0, Math.max(1, max * 1.15)] } },
    axes: [
      { ...axis, size: 24, values: (_chart, splits) => splits.map(clock) },
      { ...axis, size: 74, values: (_chart, splits) => splits.map(speed) },
    ],
    series: [
      {},
      {
        stroke: colour('--work-band'),
        fill: `${colour('--work-band')}33`,
        width: 2,
        points: { show: false },
      },
    ],
  }
}
