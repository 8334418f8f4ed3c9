// The ROMs of all repositories: searched, narrowed to what attached terminals may have, fetched, put on sticks.
import { useState } from 'react'
import type { BayView, RepositoryView } from '../../../shared/contract.ts'
import { useText } from '../../i18n/index.ts'
import { firmwareStamp, useAnswer } from '../../state/answer.ts'
import { order, useBench } from '../../state/bench.ts'
import { go } from '../../state/place.ts'
import { Button, Choices, Select, TextField } from '../../ui/controls.tsx'
import { Icon } from '../../ui/icon.tsx'
import { ProblemNote } from '../../ui/note.tsx'
import { bayLabel, modelOf } from '../../ui/words.ts'
import { OfferCard } from './offer-card.tsx'
import { RepositoryStatus } from './repository-status.tsx'
import { StickButtons } from './sticks.tsx'
import { Transfers } from './transfers.tsx'

const NO_REPOSITORIES: readonly RepositoryView[] = []
const NO_BAYS: readonly BayView[] = []
const PAGE = 20
const ONLY = ['all', 'fitting', 'cached'] as const

export function RepositoryTab() {
  const t = useText()
  const repositories = useBench(({ bench }) => bench?.firmware.repositories ?? NO_REPOSITORIES)
  const refreshing = useBench(({ bench }) => bench?.firmware.refreshing === true)
  const [chosen, setChosen] = useState<readonly string[]>([])
  return (
    <div className="stack">
      <div className="row">
        <Button icon="restart" disabled={refreshing} onClick={() => void order('firmware.refresh', {})}>
          {t(refreshing ? 'repository.asking' : 'repository.refresh')}
        </Button>
        <StickButtons chosen={chosen} onExported={() => setChosen([])} />
      </div>
      {repositories.map((repository) => (
        <RepositoryStatus key={repository.name} repository={repository} />
      ))}
      <Transfers />
      {repositories.length === 0 ? <NoRepository /> : <Offers chosen={chosen} onChosen={setChosen} />}
    </div>
  )
}

function NoRepository() {
  const t = useText()
  return (
    <div className="empty">
      <Icon name="package" />
      <h2>{t('repository.none.title')}</h2>
      <p className="quiet">{t('repository.none.words')}</p>
      <Button kind="main" icon="settings" onClick={() => go('settings')}>
        {t('repository.none.add')}
      </Button>
    </div>
  )
}

function Offers({
  chosen,
  onChosen,
}: {
  readonly chosen: readonly string[]
  readonly onChosen: (chosen: readonly string[]) => void
}) {
  const t = useText()
  const bays = useBench(({ bench }) => bench?.bays ?? NO_BAYS)
  const stamp = useBench(({ bench }) => firmwareStamp(bench))
  const [text, setText] = useState('')
  const [only, setOnly] = useState<(typeof ONLY)[number]>('all')
  const [bay, setBay] = useState('')
  const [limit, setLimit] = useState(PAGE)
  const query = { text: text.slice(0, 200), only, limit, offset: 0, ...(bay !== '' && { bay }) }
  const { result, problem } = useAnswer('firmware.search', query, stamp)
  const attached = bays.filter(({ sighting, facts }) => sighting !== undefined && facts !== undefined)
  return (
    <>
      <section className="card offer-search" aria-label={t('offer.search')}>
        <TextField type="search" label={t('offer.search')} value={text} onChange={setText} />
        <Select
          label={t('offer.terminal')}
          value={bay}
          choices={[
            { value: '', label: t('offer.every-terminal') },
            ...attached.map((one) => ({
              value: one.bay,
              label: `${bayLabel(one)} ${modelOf(one) ?? ''}`,
            })),
          ]}
          onChange={setBay}
        />
        <Choices
          label={t('offer.show')}
          value={only}
          choices={ONLY.map((value) => ({ value, label: t(`offer.only.${value}`) }))}
          onChange={setOnly}
        />
      </section>
      {problem !== undefined && <ProblemNote problem={problem} />}
      {result !== undefined && (
        <p className="quiet small" role="status">
          {t('offer.found', { count: result.total })}
        </p>
      )}
      <ul className="stack" aria-label={t('offer.list')}>
        {result?.offers.map((offer) => (
          <OfferCard
            key={offer.id}
            offer={offer}
            chosen={chosen.includes(offer.id)}
            onChoose={(yes) => onChosen(yes ? [...chosen, offer.id] : chosen.filter((id) => id !== offer.id))}
          />
        ))}
      </ul>
      {result !== undefined && result.total > result.offers.length && limit < 100 && (
        <Button onClick={() => setLimit(Math.min(100, limit + PAGE))}>{t('history.more')}</Button>
      )}
    </>
  )
}
