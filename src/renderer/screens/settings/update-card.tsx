// Updates of the program: what is known, and what somebody may ask for now. Nothing is shown where the host does not renew itself.
import type { UpdateView } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { order, useBench } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { ProblemNote } from '../../ui/note.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'

export function UpdateCard() {
  const t = useText()
  const update = useBench(({ bench }) => bench?.update)
  if (update === undefined || update.phase === 'unsupported') return null
  return (
    <section className="card">
      <h2>{t('update.title')}</h2>
      <div className="stack" aria-live="polite">
        <State update={update} />
      </div>
      <div className="row">
        <Actions update={update} />
      </div>
    </section>
  )
}

function State({ update }: { readonly update: UpdateView }) {
  const t = useText()
  const { when } = useFormats()
  switch (update.phase) {
    case 'idle':
      return (
        <p>
          {update.checkedAt === undefined
            ? t('update.unchecked')
            : t('update.newest', { when: when(update.checkedAt) })}
        </p>
      )
    case 'downloading':
      return (
        <>
          <p>{t('update.downloading', { version: update.version })}</p>
          <ProgressBar
            share={update.total === 0 ? 0 : update.done / update.total}
            label={t('update.downloading', { version: update.version })}
          />
        </>
      )
    case 'failed':
      return <ProblemNote problem={update.problem} tone="warn" />
    case 'available':
    case 'waiting':
    case 'downloaded':
    case 'installing':
      return <p>{t(`update.${update.phase}`, { version: update.version })}</p>
    case 'off':
    case 'checking':
      return <p>{t(`update.${update.phase}`)}</p>
    case 'unsupported':
      return null
  }
}

function Actions({ update: { phase } }: { readonly update: UpdateView }) {
  const t = useText()
  const busy = useBench(({ bench }) => bench?.jobs.some(({ state }) => state === 'running') === true)
  if (phase === 'idle' || phase === 'failed')
    return (
      <Button icon="search" onClick={() => void order('update.check', {})}>
        {t('update.check')}
      </Button>
    )
  if (phase === 'available')
    return (
      <Button icon="download" onClick={() => void order('update.download', {})}>
        {t('update.fetch')}
      </Button>
    )
  if (phase !== 'downloaded') return null
  return (
    <>
      <Button icon="restart" kind="main" disabled={busy} onClick={() => void order('update.install', {})}>
        {t('update.install')}
      </Button>
      {busy && <p className="quiet small">{t('update.busy')}</p>}
    </>
  )
}
