// The line above every screen: how the bench is doing, and the session that runs.
import { useText } from './i18n/index.ts'
import { OperatorMenu } from './screens/supervisor/operator-menu.tsx'
import { SupervisorChip } from './screens/supervisor/supervisor-chip.tsx'
import { order, romIn, useBench } from './state/bench.ts'
import { Button } from './ui/controls.tsx'
import { Icon, type IconName } from './ui/icon.tsx'
import type { Tone } from './ui/note.tsx'

export function StatusBar() {
  const t = useText()
  const attached = useBench(
    ({ bench }) => bench?.bays.filter(({ sighting }) => sighting !== undefined).length ?? 0,
  )
  const running = useBench(({ bench }) => bench?.jobs.filter(({ state }) => state === 'running').length ?? 0)
  const done = useBench(({ bench }) => bench?.jobs.filter(({ state }) => state === 'done').length ?? 0)
  const calls = useBench(({ bench }) => bench?.jobs.filter(({ acknowledged }) => !acknowledged).length ?? 0)
  const session = useBench(({ bench }) => bench?.session)
  const rom = useBench(({ bench }) => romIn(bench, bench?.session.rom))
  return (
    <header className="bar">
      <span className="bar-title">Slotbench</span>
      <span className="counters">
        <Counter icon="phone" tone="calm" words={t('count.attached', { count: attached })} />
        {running > 0 && <Counter icon="write" tone="work" words={t('count.running', { count: running })} />}
        {done > 0 && <Counter icon="done" tone="good" words={t('count.done', { count: done })} />}
        {calls > 0 && <Counter icon="failed" tone="bad" words={t('count.calls', { count: calls })} />}
      </span>
      <span className="grow" />
      {session?.active === true && (
        <span className="row">
          <span className="chip" data-tone="ready">
            <Icon name="session" />
            <span className="clip bar-session">
              {t('session.on', { rom: rom?.summary?.build ?? rom?.name ?? '' })}
            </span>
          </span>
          <Button size="small" icon="stop" onClick={() => void order('session.stop', {})}>
            {t('session.stop')}
          </Button>
        </span>
      )}
      <OperatorMenu />
      <SupervisorChip />
    </header>
  )
}

function Counter({
  icon,
  tone,
  words,
}: {
  readonly icon: IconName
  readonly tone: Tone
  readonly words: string
}) {
  return (
    <span className="chip" data-tone={tone}>
      <Icon name={icon} />
      {words}
    </span>
  )
}
