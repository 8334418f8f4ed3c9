// Guides for hands into each mode; a guide sees by itself when it has worked.
import { GUIDE_BOOK } from '../../../shared/guide-book.ts'
import { GUIDE_IDS, type Guide } from '../../../shared/guides.ts'
import { translated, useText } from '../../i18n/index.ts'
import { useBench } from '../../state/bench.ts'
import { go } from '../../state/place.ts'
import { Button, IconButton } from '../../ui/controls.tsx'
import { Icon } from '../../ui/icon.tsx'
import { Note } from '../../ui/note.tsx'
import { bayLabel } from '../../ui/words.ts'
import { GuideSteps } from './guide-steps.tsx'
import { PhoneDrawing } from './phone-drawing.tsx'

export function Guides({ item }: { readonly item: string | undefined }) {
  const t = useText()
  const id = GUIDE_IDS.find((known) => known === item)
  if (id !== undefined) return <GuidePage guide={GUIDE_BOOK[id]} />
  return (
    <div className="screen">
      <h1>{t('nav.guides')}</h1>
      <p className="quiet">{t('guide.words')}</p>
      <ul className="guide-list">
        {GUIDE_IDS.map((known) => {
          const guide = GUIDE_BOOK[known]
          const telling = guide.steps.find(({ keys }) => keys.length > 1) ?? guide.steps[0]
          return (
            <li key={known}>
              <a className="card guide-card" href={`#/guides/${known}`}>
                {telling !== undefined && <PhoneDrawing step={telling} />}
                <span>{titleOf(guide)}</span>
              </a>
            </li>
          )
        })}
      </ul>
    </div>
  )
}

function titleOf({ id, title }: Guide): string {
  return translated(`guide.${id}.title`, title)
}

function GuidePage({ guide }: { readonly guide: Guide }) {
  const t = useText()
  const there = useBench(({ bench }) =>
    bench?.bays.find(({ sighting }) => sighting !== undefined && guide.recognisedBy.includes(sighting.mode)),
  )
  return (
    <div className="screen">
      <div className="screen-head">
        <IconButton icon="back" label={t('nav.guides')} onClick={() => go('guides')} />
        <h1 className="grow">{titleOf(guide)}</h1>
      </div>
      <div role="status">
        {there === undefined ? (
          <p className="row quiet">
            <Icon name="read" /> {t('guide.watching')}
          </p>
        ) : (
          <Note tone="good" title={t('guide.recognised', { bay: bayLabel(there) })}>
            <div>
              <Button size="small" icon="phone" onClick={() => go('bay', there.bay)}>
                {t('action.open')}
              </Button>
            </div>
          </Note>
        )}
      </div>
      <section className="card">
        <GuideSteps guide={guide} />
      </section>
      <p className="quiet small">
        {t('guide.sources', { sources: guide.sources.map(({ words }) => words).join('; ') })}
      </p>
    </div>
  )
}
