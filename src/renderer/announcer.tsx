// Says what changes on the bench to whoever does not look at it: a live region for screen readers, and a tone where that is wanted.
import { useEffect, useRef, useState } from 'react'
import type { BenchState, JobView } from '../shared/contract.ts'
import { type Translate, useText } from './i18n/index.ts'
import { stateWords } from './screens/wall/tile-status.ts'
import { useBench } from './state/bench.ts'
import { playTone } from './ui/tone.ts'
import { bayLabel, modelOf } from './ui/words.ts'

const SHOWN = 3

export function Announcer() {
  const t = useText()
  const bench = useBench((store) => store.bench)
  const before = useRef<BenchState | undefined>(undefined)
  const [lines, setLines] = useState<readonly string[]>([])
  useEffect(() => {
    const last = before.current
    before.current = bench
    if (bench === undefined || last === undefined) return
    const news = [...jobNews(last, bench, t), ...bayNews(last, bench, t)]
    if (news.length > 0) setLines((old) => [...old, ...news].slice(-SHOWN))
    if (bench.settings.sounds) for (const job of ended(last, bench)) playTone(job.state === 'done')
  }, [bench, t])
  return (
    <div className="unseen" role="status" aria-live="polite">
      {lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their place
        <p key={`${index} ${line}`}>{line}</p>
      ))}
    </div>
  )
}

function ended(last: BenchState, now: BenchState): readonly JobView[] {
  if (last.jobs === now.jobs) return []
  const before = new Map(last.jobs.map((job) => [job.id, job.state]))
  return now.jobs.filter(({ id, state }) => before.get(id) === 'running' && state !== 'running')
}

function jobNews(last: BenchState, now: BenchState, t: Translate): readonly string[] {
  if (last.jobs === now.jobs) return []
  const before = new Map(last.jobs.map((job) => [job.id, job.state]))
  return now.jobs
    .filter(({ id, state }) => before.get(id) !== state)
    .map((job) => {
      const bay = now.bays.find(({ bay: id }) => id === job.bay)
      return t('say.job', { bay: bay ? bayLabel(bay) : job.bay, state: stateWords(job.state, t) })
    })
}

function bayNews(last: BenchState, now: BenchState, t: Translate): readonly string[] {
  if (last.bays === now.bays) return []
  const before = new Map(last.bays.map((bay) => [bay.bay, bay]))
  return now.bays.flatMap((bay) => {
    const old = before.get(bay.bay)
    if (old === bay || old?.sighting?.mode === bay.sighting?.mode) return []
    const name = bayLabel(bay)
    if (bay.sighting === undefined) return [t('say.left', { bay: name })]
    return [t('say.attached', { bay: name, model: modelOf(bay) ?? '', mode: t(`mode.${bay.sighting.mode}`) })]
  })
}
