// What the repositories offer to attached terminals, where a ROM is chosen: the best one, why, and the way to it.
import { useState } from 'react'
import type { BestView, OfferView } from '../../../shared/contract.ts'
import { useText } from '../../i18n/index.ts'
import { firmwareStamp, useAnswer } from '../../state/answer.ts'
import { bayIn, order, useBench } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { bayLabel } from '../../ui/words.ts'
import { Reasons, VerdictChip } from './bay-verdicts.tsx'
import { Download } from './download.tsx'

interface BestRomProps {
  readonly onUse: (rom: string) => void
}

/** For the terminal on one bay. */
export function BestRom({ bay, onUse }: BestRomProps & { readonly bay: string }) {
  const t = useText()
  const any = useBench(({ bench }) => (bench?.firmware.repositories.length ?? 0) > 0)
  const stamp = useBench(({ bench }) => firmwareStamp(bench))
  const { result } = useAnswer('firmware.best', { bay, limit: 1 }, stamp)
  const best = result?.terminals[0]
  if (!any || best === undefined) return null
  return (
    <section className="stack best-rom" aria-labelledby="best-title">
      <h3 id="best-title">{t('best.title')}</h3>
      {best.installedWithdrawn !== undefined && (
        <p className="wrap">
          {t('best.withdrawn')} <bdi>{best.installedWithdrawn}</bdi>
        </p>
      )}
      {best.offers.map(({ offer, own }) => (
        <div key={offer.id} className="stack">
          <p className="row">
            <strong className="wrap">
              <bdi>{offer.build ?? offer.name}</bdi>
            </strong>
            <VerdictChip {...own} />
          </p>
          <details className="small">
            <summary>{t('best.why')}</summary>
            <Reasons reasons={own.reasons} />
          </details>
          {own.verdict !== 'refused' && <Way offer={offer} onUse={onUse} />}
        </div>
      ))}
      {best.offers.length === 0 && <p className="quiet">{t('best.none')}</p>}
    </section>
  )
}

function Way({ offer, onUse }: BestRomProps & { readonly offer: OfferView }) {
  const t = useText()
  const use = async (): Promise<void> => {
    const used = await order('cache.use', { rom: offer.id })
    if (used !== undefined) onUse(used.rom)
  }
  if (offer.cached === undefined) return <Download offer={offer} />
  return (
    <div className="row">
      <Button size="small" icon="ready" onClick={() => void use()}>
        {t('best.use')}
      </Button>
    </div>
  )
}

/** For all attached terminals: each ROM once, with those that it is best for. */
export function BestForAll({ onUse }: BestRomProps) {
  const t = useText()
  const any = useBench(({ bench }) => (bench?.firmware.repositories.length ?? 0) > 0)
  const stamp = useBench(({ bench }) => firmwareStamp(bench))
  const { result } = useAnswer('firmware.best', { limit: 1 }, stamp)
  const [open, setOpen] = useState<string>()
  const groups = groupsOf(result?.terminals ?? [])
  if (!any || groups.length === 0) return null
  return (
    <section className="stack best-rom" aria-labelledby="best-all-title">
      <h3 id="best-all-title">{t('best.all')}</h3>
      <ul className="stack">
        {groups.map(({ offer, bays }) => (
          <li key={offer.id} className="stack">
            <p className="row">
              <strong className="wrap">
                <bdi>{offer.build ?? offer.name}</bdi>
              </strong>
              <Bays bays={bays} />
              <Button
                size="small"
                kind="quiet"
                icon={open === offer.id ? 'up' : 'down'}
                onClick={() => setOpen(open === offer.id ? undefined : offer.id)}
              >
                {t('best.why')}
              </Button>
            </p>
            {open === offer.id && <Reasons reasons={offer.terminals[0]?.reasons ?? []} />}
            <Way offer={offer} onUse={onUse} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Bays({ bays }: { readonly bays: readonly string[] }) {
  const labels = useBench(({ bench }) =>
    bays
      .map((id) => bayIn(bench, id))
      .map((bay) => (bay === undefined ? '' : bayLabel(bay)))
      .join(', '),
  )
  return <bdi className="quiet small">{labels}</bdi>
}

function groupsOf(terminals: readonly BestView[]) {
  const groups = new Map<string, { readonly offer: OfferView; readonly bays: string[] }>()
  for (const { bay, offers } of terminals)
    for (const { offer, own } of offers) {
      if (own.verdict === 'refused') continue
      const group = groups.get(offer.id) ?? { offer, bays: [] }
      group.bays.push(bay)
      groups.set(offer.id, group)
    }
  return [...groups.values()]
}
