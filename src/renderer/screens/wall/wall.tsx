// The wall: every port of the bench at a glance.
import type { BayView } from '../../../shared/contract.ts'
import { useText } from '../../i18n/index.ts'
import { order, useBench } from '../../state/bench.ts'
import { go } from '../../state/place.ts'
import { Button } from '../../ui/controls.tsx'
import { Icon } from '../../ui/icon.tsx'
import { ProblemNote } from '../../ui/note.tsx'
import { Tile } from './tile.tsx'

/** Up to so many bays have room to be large. */
const ROOMY = 8
const NO_BAYS: readonly BayView[] = []
const NO_NOTICES: readonly never[] = []

export function Wall() {
  const t = useText()
  const bays = useBench(({ bench }) => bench?.bays ?? NO_BAYS)
  const notices = useBench(({ bench }) => bench?.notices ?? NO_NOTICES)
  return (
    <div className="wall-screen">
      <h1 className="unseen">{t('nav.bays')}</h1>
      {notices.map((notice) => (
        <ProblemNote key={notice.code} problem={notice} tone="warn" />
      ))}
      {bays.length === 0 ? (
        <EmptyWall />
      ) : (
        <ol className="wall" data-density={bays.length <= ROOMY ? 'roomy' : 'dense'}>
          {bays.map((bay, index) => (
            <Tile key={bay.bay} bay={bay} number={index + 1} onMove={moveBay} />
          ))}
        </ol>
      )}
    </div>
  )
}

/** Puts one bay in the place of another; those between make room. */
function moveBay(from: string, to: string): void {
  const ids = useBench.getState().bench?.bays.map(({ bay }) => bay) ?? []
  const target = ids.indexOf(to)
  const rest = ids.filter((id) => id !== from)
  if (target >= 0) void order('bays.order', { bays: rest.toSpliced(target, 0, from) })
}

function EmptyWall() {
  const t = useText()
  return (
    <section className="empty empty-wall" aria-labelledby="empty-title">
      <Icon name="plug" />
      <h2 id="empty-title">{t('wall.empty.title')}</h2>
      <ol className="steps-plain">
        <li>{t('wall.empty.off')}</li>
        <li>{t('wall.empty.keys')}</li>
        <li>{t('wall.empty.plug')}</li>
      </ol>
      <p className="quiet">{t('wall.empty.hint')}</p>
      <div className="row">
        <Button icon="guide" onClick={() => go('guides')}>
          {t('nav.guides')}
        </Button>
        <Button icon="phone" onClick={() => void order('simulation.add', { profile: 'nx769j' })}>
          {t('action.try-simulated')}
        </Button>
      </div>
    </section>
  )
}
