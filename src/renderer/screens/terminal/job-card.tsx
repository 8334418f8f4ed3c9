// The job of a bay: how far it is and how fast, how it ended, and what to do when it ended badly.
import type { JobView } from '../../../shared/contract.ts'
import { clock, useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { useNow } from '../../state/now.ts'
import { go } from '../../state/place.ts'
import { Button } from '../../ui/controls.tsx'
import { Icon } from '../../ui/icon.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'
import { remainingWords, stepWords } from '../../ui/words.ts'
import { shareOf } from '../wall/tile.tsx'
import { stateTone, stateWords } from '../wall/tile-status.ts'
import { FailureCard } from './failure-card.tsx'
import { ThroughputChart } from './throughput-chart.tsx'
import { WaitingNote } from './waiting-note.tsx'

export function JobCard({ job }: { readonly job: JobView }) {
  if (job.state === 'running') return <RunningJob job={job} />
  if (!job.acknowledged) return <FailureCard job={job} />
  return <EndedJob job={job} />
}

function RunningJob({ job }: { readonly job: JobView }) {
  const t = useText()
  const now = useNow()
  const formats = useFormats()
  const { percent, speed, bytes } = formats
  const { progress, steps } = job
  const step = steps.find(({ id }) => id === job.step)
  const elapsed = job.runningSince === undefined ? 0 : (now - Date.parse(job.runningSince)) / 1000
  const share = shareOf(job)
  return (
    <section className="card job" data-tone="work" aria-labelledby="job-title">
      <div className="card-head">
        <h2 id="job-title">
          <bdi>{job.rom.build ?? job.rom.path}</bdi>
        </h2>
        <Button icon="stop" kind="danger" onClick={() => void order('job.cancel', { job: job.id })}>
          {t('job.cancel')}
        </Button>
      </div>
      <div className="job-figures">
        <strong className="job-percent">{percent(share)}</strong>
        <dl className="figures">
          <Figure
            name={t('job.step')}
            value={t('job.step-of', {
              step: Math.max(1, steps.findIndex(({ id }) => id === job.step) + 1),
              steps: steps.length,
            })}
          />
          <Figure
            name={t('job.speed')}
            value={progress?.bytesPerSecond ? speed(progress.bytesPerSecond) : '–'}
          />
          <Figure name={t('job.remaining')} value={remainingWords(job, now, t) ?? '–'} />
          <Figure name={t('job.time')} value={clock(elapsed)} />
          {progress !== undefined && progress.jobTotal > 0 && (
            <Figure
              name={t('job.written')}
              value={t('job.of', { done: bytes(progress.jobDone), total: bytes(progress.jobTotal) })}
            />
          )}
        </dl>
      </div>
      <ProgressBar share={share} label={t('job.progress')} />
      {step !== undefined && <p>{stepWords(step, t, formats)}</p>}
      {job.waiting !== undefined && <WaitingNote waiting={job.waiting} />}
      <ThroughputChart job={job} />
    </section>
  )
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function EndedJob({ job }: { readonly job: JobView }) {
  const t = useText()
  const { when } = useFormats()
  const tone = stateTone(job.state)
  return (
    <section className="card job" data-tone={tone} aria-labelledby="job-title">
      <div className="card-head">
        <h2 id="job-title" className="job-verdict">
          <Icon name={tone === 'good' ? 'done' : 'warning'} /> {stateWords(job.state, t)}
        </h2>
        <Button icon="file" onClick={() => go('history', job.id)}>
          {t('job.certificate')}
        </Button>
      </div>
      <p>
        <bdi>{job.rom.build ?? job.rom.path}</bdi>
        <span className="quiet"> · {when(job.updatedAt)}</span>
      </p>
    </section>
  )
}
