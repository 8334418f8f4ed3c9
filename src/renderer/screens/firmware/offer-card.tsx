// One ROM of a repository or of the cache: what it is, whom it is for, whether it is genuine, and the way to it.
import type { ReactNode } from 'react'
import type { OfferView } from '../../../shared/contract.ts'
import { formatDay } from '../../../shared/format.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { order, romIn, useBench } from '../../state/bench.ts'
import { go } from '../../state/place.ts'
import { Button } from '../../ui/controls.tsx'
import { FactList } from '../../ui/fact-list.tsx'
import { Icon } from '../../ui/icon.tsx'
import { Note, ProblemNote } from '../../ui/note.tsx'
import { TrustNote, Verdict } from '../packages/verdict.tsx'
import { BayVerdicts } from './bay-verdicts.tsx'
import { Download } from './download.tsx'

export interface OfferCardProps {
  readonly offer: OfferView
  /** Chosen for a stick. */
  readonly chosen: boolean
  readonly onChoose: (chosen: boolean) => void
  readonly children?: ReactNode
}

export function OfferCard({ offer, chosen, onChoose, children }: OfferCardProps) {
  const t = useText()
  const { cached, withdrawn, repository } = offer
  const where = [repository, offer.publisher, offer.name].filter(Boolean).join('/')
  return (
    <li className="card package" data-offer={offer.name}>
      <div className="card-head">
        <h2 className="wrap">
          <bdi>{offer.build ?? offer.name}</bdi>
        </h2>
        {withdrawn !== undefined && (
          <span className="chip" data-tone="bad">
            <Icon name="failed" />
            {t('offer.withdrawn')}
          </span>
        )}
        {cached !== undefined && (
          <span className="chip" data-tone="good">
            <Icon name="done" />
            {t(cached.pinned ? 'offer.pinned' : 'offer.cached')}
          </span>
        )}
        <PackageVerdict id={cached?.package} />
      </div>
      <p className="quiet small mono wrap">
        <bdi>{where}</bdi>
      </p>
      {withdrawn !== undefined && (
        <Note tone="bad" title={t('offer.withdrawn.why')}>
          <p>
            <bdi>{withdrawn}</bdi>
          </p>
        </Note>
      )}
      <OfferFacts offer={offer} />
      <PackageTrust id={cached?.package} />
      <BayVerdicts terminals={offer.terminals} />
      {children}
      {cached === undefined ? <Download offer={offer} /> : <CachedActions offer={offer} />}
      {repository !== undefined && (
        <label className="row small">
          <input type="checkbox" checked={chosen} onChange={({ target }) => onChoose(target.checked)} />
          {t('offer.for-stick')}
        </label>
      )}
    </li>
  )
}

function OfferFacts({ offer }: { readonly offer: OfferView }) {
  const t = useText()
  const { bytes } = useFormats()
  const facts = [
    [t('packages.for'), offer.models.join(', ') || t('packages.for-unknown')],
    [t('packages.kind'), t(offer.full ? 'packages.full' : 'packages.delta')],
    [t('packages.format'), t(`format.${offer.kind}`)],
    [t('packages.patch'), offer.securityPatch || undefined],
    [t('packages.date'), offer.timestamp ? formatDay(offer.timestamp) : undefined],
    [t('packages.size'), bytes(offer.size)],
    [t('offer.channel'), offer.channels.join(', ') || undefined],
    [t('offer.region'), offer.regions.join(', ') || undefined],
  ] as const
  return (
    <>
      <FactList facts={facts} />
      {offer.notes !== undefined && (
        <p className="small wrap">
          <bdi>{offer.notes}</bdi>
        </p>
      )}
    </>
  )
}

function PackageVerdict({ id }: { readonly id: string | undefined }) {
  const rom = useBench(({ bench }) => romIn(bench, id))
  return rom === undefined ? null : <Verdict rom={rom} />
}

function PackageTrust({ id }: { readonly id: string | undefined }) {
  const rom = useBench(({ bench }) => romIn(bench, id))
  if (rom?.problem !== undefined) return <ProblemNote problem={rom.problem} />
  const trust = rom?.state === 'verified' ? rom.summary?.trust : undefined
  return trust === undefined ? null : <TrustNote trust={trust} />
}

function CachedActions({ offer }: { readonly offer: OfferView }) {
  const t = useText()
  const { id, cached } = offer
  const pinned = cached?.pinned === true
  const use = async (): Promise<void> => {
    if ((await order('cache.use', { rom: id })) !== undefined) go('session')
  }
  return (
    <div className="row">
      <Button size="small" kind="main" icon="session" onClick={() => void use()}>
        {t('offer.session')}
      </Button>
      <Button
        size="small"
        icon={pinned ? 'unlocked' : 'locked'}
        onClick={() => void order('cache.pin', { rom: id, pinned: !pinned })}
      >
        {t(pinned ? 'offer.unpin' : 'offer.pin')}
      </Button>
      <Button size="small" kind="quiet" icon="trash" onClick={() => void order('cache.remove', { rom: id })}>
        {t('offer.remove')}
      </Button>
    </div>
  )
}
