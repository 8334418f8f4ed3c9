// A job that needs somebody: what happened, why, what to do, and the ways to go on. Stays until it was looked at.
import { useState } from 'react'
import type { JobView } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { order, useBench } from '../../state/bench.ts'
import { go } from '../../state/place.ts'
import { Button } from '../../ui/controls.tsx'
import { Icon } from '../../ui/icon.tsx'
import { meaningOf, nextOf } from '../../ui/note.tsx'
import { bayLabel, stepWords } from '../../ui/words.ts'
import { SupportButton } from '../support/support-dialog.tsx'
import { stateTone, stateWords } from '../wall/tile-status.ts'

export function FailureCard({ job }: { readonly job: JobView }) {
  const t = useText()
  const formats = useFormats()
  const [busy, setBusy] = useState(false)
  const moved = useBench(({ bench }) =>
    bench?.bays.find(
      ({ bay, sighting }) => bay !== job.bay && job.serial !== undefined && sighting?.serial === job.serial,
    ),
  )
  const { problem } = job
  const step = job.steps.find(({ id }) => id === problem?.step)
  const run = (work: Promise<unknown>): void => {
    setBusy(true)
    void work.finally(() => setBusy(false))
  }
  const tone = stateTone(job.state)
  const resumable = job.state !== 'fell-back'
  return (
    <section className="card failure" data-tone={tone} aria-labelledby="failure-title">
      <h2 id="failure-title" className="job-verdict">
        <Icon name={tone === 'warn' ? 'warning' : 'failed'} /> {stateWords(job.state, t)}
      </h2>
      <dl className="failure-words">
        <div>
          <dt>{t('failure.what')}</dt>
          <dd>
            {step !== undefined && <p>{stepWords(step, t, formats)}</p>}
            {problem !== undefined && (
              <p>
                <bdi>{problem.detail}</bdi> <code className="quiet">{problem.code}</code>
              </p>
            )}
          </dd>
        </div>
        <div>
          <dt>{t('failure.cause')}</dt>
          <dd>{problem === undefined ? t('failure.cut-off') : meaningOf(problem)}</dd>
        </div>
        <div>
          <dt>{t('failure.next')}</dt>
          <dd>{problem === undefined ? t('failure.resume') : nextOf(problem)}</dd>
        </div>
        <div>
          <dt>{t('failure.safe')}</dt>
          <dd>
            {t(job.fromSlot === undefined ? 'failure.safe.single' : 'failure.safe.slots', {
              slot: job.fromSlot?.toUpperCase() ?? '',
            })}
          </dd>
        </div>
      </dl>
      <div className="row">
        {resumable && (
          <Button
            kind="main"
            icon="session"
            disabled={busy}
            shortcut="R"
            onClick={() => run(order('job.resume', { job: job.id }))}
          >
            {t('failure.retry')}
          </Button>
        )}
        {moved !== undefined && (
          <Button
            icon="cable"
            disabled={busy}
            onClick={() =>
              run(
                order('job.resume', { job: job.id, bay: moved.bay }).then((done) => {
                  if (done !== undefined) go('bay', moved.bay)
                }),
              )
            }
          >
            {t('failure.retry-moved', { bay: bayLabel(moved) })}
          </Button>
        )}
        <Button icon="restart" disabled={busy} onClick={() => run(order('job.again', { job: job.id }))}>
          {t('failure.again')}
        </Button>
        <Button icon="aside" disabled={busy} onClick={() => run(order('job.acknowledge', { job: job.id }))}>
          {t('failure.aside')}
        </Button>
        <Button kind="quiet" icon="file" onClick={() => go('history', job.id)}>
          {t('job.certificate')}
        </Button>
        <SupportButton job={job.id} />
      </div>
    </section>
  )
}
