// The order of the ports on the wall, for those who do not drag tiles.
import type { BayView } from '../../../shared/contract.ts'
import { useText } from '../../i18n/index.ts'
import { order, useBench } from '../../state/bench.ts'
import { IconButton } from '../../ui/controls.tsx'
import { bayLabel } from '../../ui/words.ts'

const NO_BAYS: readonly BayView[] = []

export function BayOrder() {
  const t = useText()
  const bays = useBench(({ bench }) => bench?.bays ?? NO_BAYS)
  const move = (index: number, by: -1 | 1): void => {
    const ids = bays.map(({ bay }) => bay)
    const [moved] = ids.splice(index, 1)
    if (moved !== undefined) void order('bays.order', { bays: ids.toSpliced(index + by, 0, moved) })
  }
  return (
    <section className="card">
      <h2>{t('settings.bays')}</h2>
      <p className="quiet">{t('settings.bays.hint')}</p>
      <ol className="bay-order">
        {bays.map((bay, index) => (
          <li key={bay.bay} className="row">
            <span className="grow">
              {bayLabel(bay)} {bay.name !== undefined && <span className="quiet small mono">{bay.bay}</span>}
            </span>
            {index > 0 && (
              <IconButton
                icon="up"
                label={t('settings.up', { bay: bayLabel(bay) })}
                onClick={() => move(index, -1)}
              />
            )}
            {index < bays.length - 1 && (
              <IconButton
                icon="down"
                label={t('settings.down', { bay: bayLabel(bay) })}
                onClick={() => move(index, 1)}
              />
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}
