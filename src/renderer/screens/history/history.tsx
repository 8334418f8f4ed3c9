// Every job of this bench: searched, counted, exported, each with its certificate.
import { useCallback, useEffect, useRef, useState } from 'react'
import type { JobQuery, Result } from '../../../shared/contract.ts'
import { JOB_STATES, type JobState } from '../../../shared/job.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { useScreenKey } from '../../shortcuts.ts'
import { order, useBench } from '../../state/bench.ts'
import { go } from '../../state/place.ts'
import { Button, Select, TextField } from '../../ui/controls.tsx'
import { Icon } from '../../ui/icon.tsx'
import { saveText } from '../../ui/save-file.ts'
import { stateTone, stateWords } from '../wall/tile-status.ts'
import { CertificateView } from './certificate-view.tsx'

const PAGE = 50

export function History({ job }: { readonly job: string | undefined }) {
  return <div className="screen">{job === undefined ? <JobTable /> : <CertificateView id={job} />}</div>
}

function JobTable() {
  const t = useText()
  const [text, setText] = useState('')
  const [state, setState] = useState<JobState | ''>('')
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const [limit, setLimit] = useState(PAGE)
  const search = useRef<HTMLElement>(null)
  useScreenKey(
    'search',
    useCallback(() => search.current?.querySelector('input')?.focus(), []),
  )
  const query: JobQuery = {
    ...(text.trim() !== '' && { text: text.trim() }),
    ...(state !== '' && { state }),
    ...(from !== '' && { from }),
    ...(to !== '' && { to }),
  }
  const found = useJobs(query, limit)
  const exportCsv = async (): Promise<void> => {
    const answer = await order('jobs.csv', query)
    if (answer !== undefined) saveText('slotbench-jobs.csv', 'text/csv', answer.csv)
  }
  return (
    <>
      <div className="screen-head">
        <h1 className="grow">{t('nav.history')}</h1>
        <Button icon="download" onClick={() => void exportCsv()}>
          {t('history.csv')}
        </Button>
      </div>
      <search className="card history-search" ref={search}>
        <TextField type="search" label={t('history.search')} value={text} onChange={setText} />
        <Select<JobState>
          label={t('history.result')}
          value={state}
          choices={[
            { value: '', label: t('history.all') },
            ...JOB_STATES.map((value) => ({ value, label: stateWords(value, t) })),
          ]}
          onChange={setState}
        />
        <TextField type="date" label={t('history.from')} value={from} onChange={setFrom} />
        <TextField type="date" label={t('history.to')} value={to} onChange={setTo} />
      </search>
      {found !== undefined && (
        <p className="row" role="status">
          <span>{t('history.total', { count: found.total })}</span>
          <span className="chip" data-tone="good">
            <Icon name="done" /> {t('history.passed', { count: found.passed })}
          </span>
          <span className="chip" data-tone={found.failed > 0 ? 'bad' : 'calm'}>
            <Icon name="failed" /> {t('history.failed', { count: found.failed })}
          </span>
        </p>
      )}
      {found !== undefined && <Rows found={found} />}
      {found !== undefined && found.total > limit && (
        <Button icon="down" onClick={() => setLimit((now) => Math.min(200, now + PAGE))}>
          {t('history.more')}
        </Button>
      )}
    </>
  )
}

function Rows({ found }: { readonly found: Result<'jobs.search'> }) {
  const t = useText()
  const { when } = useFormats()
  if (found.jobs.length === 0)
    return (
      <div className="empty">
        <Icon name="history" />
        <p>{t('history.empty')}</p>
      </div>
    )
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className="table-frame card" tabIndex={0} aria-label={t('nav.history')}>
      <table>
        <thead>
          <tr>
            <th>{t('history.result')}</th>
            <th>{t('history.when')}</th>
            <th>{t('history.model')}</th>
            <th>{t('history.serial')}</th>
            <th>{t('history.build')}</th>
            <th>{t('history.bay')}</th>
            <th>{t('operators.one')}</th>
            <th>{t('history.job')}</th>
          </tr>
        </thead>
        <tbody>
          {found.jobs.map((job) => (
            <tr key={job.id}>
              <td>
                <span className="chip" data-tone={stateTone(job.state)}>
                  {stateWords(job.state, t)}
                </span>
              </td>
              <td className="small">{when(job.updatedAt)}</td>
              <td>
                <bdi>{job.product}</bdi>
              </td>
              <td className="mono">
                <bdi>{job.serial}</bdi>
              </td>
              <td>
                <bdi>{job.build}</bdi>
              </td>
              <td className="small">{job.bay}</td>
              <td>
                <bdi>{job.operator}</bdi>
              </td>
              <td>
                <Button size="small" kind="quiet" icon="file" onClick={() => go('history', job.id)}>
                  {job.id}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** Asked for again as jobs end, and not for every key that is typed. */
function useJobs(query: JobQuery, limit: number): Result<'jobs.search'> | undefined {
  const [found, setFound] = useState<Result<'jobs.search'>>()
  const ended = useBench(({ bench }) => bench?.jobs.filter(({ state }) => state !== 'running').length ?? 0)
  const key = JSON.stringify(query)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a job that ended asks again
  useEffect(() => {
    let wanted = true
    const timer = setTimeout(() => {
      void order('jobs.search', { ...(JSON.parse(key) as JobQuery), limit, offset: 0 }).then(
        (answer) => wanted && answer !== undefined && setFound(answer),
      )
    }, 120)
    return () => {
      wanted = false
      clearTimeout(timer)
    }
  }, [key, limit, ended])
  return found
}
