// What is in the cache: how large, how much of it other ROMs share, what stays and what may go.

import { useState } from 'react'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { firmwareStamp, useAnswer } from '../../state/answer.ts'
import { useBench } from '../../state/bench.ts'
import { Icon } from '../../ui/icon.tsx'
import { ProblemNote } from '../../ui/note.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'
import { OfferCard } from './offer-card.tsx'
import { StickButtons } from './sticks.tsx'

export function CacheTab() {
  const t = useText()
  const { bytes, when } = useFormats()
  const stamp = useBench(({ bench }) => firmwareStamp(bench))
  const limit = useBench(({ bench }) => bench?.settings.cacheLimit)
  const { result, problem } = useAnswer('cache.list', {}, `${stamp} ${limit}`)
  const [chosen, setChosen] = useState<readonly string[]>([])
  if (problem !== undefined) return <ProblemNote problem={problem} />
  if (result === undefined) return null
  const { cache } = result
  const used = cache.roms.reduce((sum, { offer }) => sum + offer.size, 0)
  return (
    <div className="stack">
      <section className="card" aria-labelledby="cache-title">
        <h2 id="cache-title">{t('cache.title', { used: bytes(used), limit: bytes(cache.limit) })}</h2>
        <ProgressBar share={Math.min(1, used / cache.limit)} label={t('cache.used')} />
        <p className="quiet small wrap">
          {t('cache.words', { free: bytes(cache.free) })} <bdi className="mono">{cache.folder}</bdi>
        </p>
        <div className="row">
          <StickButtons chosen={chosen} onExported={() => setChosen([])} />
        </div>
      </section>
      {cache.roms.length === 0 && (
        <div className="empty">
          <Icon name="package" />
          <h2>{t('cache.empty.title')}</h2>
          <p className="quiet">{t('cache.empty.words')}</p>
        </div>
      )}
      <ul className="stack" aria-label={t('cache.used')}>
        {cache.roms.map(({ offer, shared }) => (
          <OfferCard
            key={offer.id}
            offer={offer}
            chosen={chosen.includes(offer.id)}
            onChoose={(yes) =>
              setChosen(yes ? [...chosen, offer.id] : chosen.filter((id) => id !== offer.id))
            }
          >
            <p className="small">
              {t('cache.rom', { shared: bytes(shared), time: when(offer.cached?.usedAt ?? '') })}
            </p>
          </OfferCard>
        ))}
      </ul>
    </div>
  )
}
