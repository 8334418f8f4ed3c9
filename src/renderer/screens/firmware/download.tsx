// The way of a ROM into the cache: what it needs is shown first, then how it comes.
import { useState } from 'react'
import type { OfferView } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { firmwareStamp, useAnswer } from '../../state/answer.ts'
import { order, useBench } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { Note, ProblemNote } from '../../ui/note.tsx'
import { TransferProgress } from './transfers.tsx'

/** For a ROM that is not in the cache. */
export function Download({ offer }: { readonly offer: OfferView }) {
  const t = useText()
  const [asking, setAsking] = useState(false)
  const transfer = useBench(({ bench }) =>
    bench?.firmware.transfers.find(({ kind, rom }) => kind === 'download' && rom === offer.id),
  )
  if (transfer !== undefined) return <TransferProgress transfer={transfer} />
  if (asking) return <Need offer={offer} onClose={() => setAsking(false)} />
  return (
    <div className="row">
      <Button icon="download" kind="main" size="small" onClick={() => setAsking(true)}>
        {t('offer.download')}
      </Button>
    </div>
  )
}

function Need({ offer, onClose }: { readonly offer: OfferView; readonly onClose: () => void }) {
  const t = useText()
  const { bytes } = useFormats()
  const stamp = useBench(({ bench }) => firmwareStamp(bench))
  const { result, problem } = useAnswer('firmware.need', { rom: offer.id }, stamp)
  const start = async (): Promise<void> => {
    await order('download.start', { rom: offer.id })
    onClose()
  }
  const need = result?.need
  const freed = need?.removed.reduce((sum, { size }) => sum + size, 0) ?? 0
  const room = need === undefined || need.free + freed >= need.total - need.there
  return (
    <section className="stack" aria-label={t('need.title')} aria-live="polite">
      {need === undefined && problem === undefined && <p className="quiet">{t('need.asking')}</p>}
      {problem !== undefined && <ProblemNote problem={problem} />}
      {need !== undefined && (
        <dl className="facts">
          <div>
            <dt>{t('need.missing')}</dt>
            <dd>{bytes(need.missing)}</dd>
          </div>
          <div>
            <dt>{t('need.held')}</dt>
            <dd>{bytes(need.held + need.there)}</dd>
          </div>
          <div>
            <dt>{t('need.disk')}</dt>
            <dd>{bytes(need.total - need.there)}</dd>
          </div>
          <div>
            <dt>{t('need.free')}</dt>
            <dd>{bytes(need.free)}</dd>
          </div>
        </dl>
      )}
      {need !== undefined && need.removed.length > 0 && (
        <Note tone="warn" title={t('need.removes', { size: bytes(freed) })}>
          <p>
            <bdi>{need.removed.map(({ name }) => name).join(', ')}</bdi>
          </p>
        </Note>
      )}
      {!room && <Note tone="bad" title={t('need.no-room')} />}
      <div className="row">
        <Button
          kind="main"
          size="small"
          icon="download"
          disabled={need === undefined || !room}
          onClick={() => void start()}
        >
          {t('need.start')}
        </Button>
        <Button size="small" onClick={onClose}>
          {t('action.cancel')}
        </Button>
      </div>
    </section>
  )
}
