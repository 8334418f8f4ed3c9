// Whether this window is the supervisor's now: in the line above every screen, with the way in and the way out.
import { useEffect } from 'react'
import { clock } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { ask, order, useBench } from '../../state/bench.ts'
import { useNow } from '../../state/now.ts'
import { askForSupervisor } from '../../state/unlocking.ts'
import { Button } from '../../ui/controls.tsx'
import { Icon } from '../../ui/icon.tsx'

/** The bench need not hear of every key. */
const TOUCH_EVERY_MS = 15_000

export function SupervisorChip() {
  const t = useText()
  const role = useBench((state) => state.role)
  if (role?.pin !== true) return null
  if (role.unlockedUntil !== undefined) return <Unlocked until={role.unlockedUntil} />
  return (
    <Button size="small" kind="quiet" icon="locked" onClick={() => void askForSupervisor()}>
      {t('supervisor.title')}
    </Button>
  )
}

function Unlocked({ until }: { readonly until: string }) {
  const t = useText()
  // Its first tick is still to come.
  const now = Math.max(useNow(), Date.now())
  useTouch()
  const seconds = Math.max(0, (Date.parse(until) - now) / 1_000)
  return (
    <span className="row">
      <span className="chip" data-tone="warn">
        <Icon name="unlocked" />
        <span>{t('supervisor.title')}</span>
        <span className="mono" title={t('supervisor.left')}>
          {clock(seconds)}
        </span>
      </span>
      <Button size="small" icon="locked" onClick={() => void order('supervisor.lock', {})}>
        {t('supervisor.lock')}
      </Button>
    </span>
  )
}

/** Tells the bench that somebody is here. */
function useTouch(): void {
  useEffect(() => {
    let told = performance.now()
    const touch = (): void => {
      if (performance.now() - told < TOUCH_EVERY_MS) return
      told = performance.now()
      // A bench that is lost has locked by itself.
      ask('supervisor.touch', {}).catch(() => {})
    }
    window.addEventListener('pointerdown', touch)
    window.addEventListener('keydown', touch)
    return () => {
      window.removeEventListener('pointerdown', touch)
      window.removeEventListener('keydown', touch)
    }
  }, [])
}
