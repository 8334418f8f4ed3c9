// A session: package and recipe once, then one terminal after the other is plugged in.
import { useCallback, useState } from 'react'
import type { SessionBayView, SessionView } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { useScreenKey } from '../../shortcuts.ts'
import { bayIn, jobOn, order, romIn, useBench } from '../../state/bench.ts'
import { useNow } from '../../state/now.ts'
import { go } from '../../state/place.ts'
import { Button, NumberField } from '../../ui/controls.tsx'
import { Icon } from '../../ui/icon.tsx'
import { bayLabel, modelOf, serialOf } from '../../ui/words.ts'
import { tileStatus } from '../wall/tile-status.ts'
import { ConfirmByTyping } from './confirm-by-typing.tsx'
import { PlaceReasons } from './place-reasons.tsx'
import { FIRST_DRAFT, RecipeForm } from './recipe-form.tsx'

export function SessionScreen() {
  const t = useText()
  const session = useBench(({ bench }) => bench?.session)
  return (
    <div className="screen">
      <h1>{t('nav.session')}</h1>
      {session?.active === true ? <ActiveSession session={session} /> : <NewSession />}
    </div>
  )
}

function NewSession() {
  const t = useText()
  const wanted = useBench(({ bench }) => bench?.settings.countdown ?? 5)
  const [draft, setDraft] = useState(FIRST_DRAFT)
  const [countdown, setCountdown] = useState(wanted)
  const [asking, setAsking] = useState(false)
  const { rom, choice } = draft
  const start = useCallback(() => {
    setAsking(false)
    if (rom !== undefined) void order('session.start', { rom, choice, countdown })
  }, [rom, choice, countdown])
  const ask = useCallback(() => (choice.wipe ? setAsking(true) : start()), [choice.wipe, start])
  useScreenKey('start', ask)
  return (
    <section className="card session-form" aria-labelledby="session-title">
      <h2 id="session-title">{t('session.title')}</h2>
      <p className="quiet">{t('session.words')}</p>
      <RecipeForm draft={draft} onChange={setDraft} session />
      <div className="session-countdown">
        <NumberField
          label={t('session.countdown')}
          value={countdown}
          min={0}
          max={60}
          onChange={setCountdown}
        />
        <p className="quiet small">
          {t(countdown === 0 ? 'session.by-key' : 'session.by-itself', { count: countdown })}
        </p>
      </div>
      <div className="row">
        <Button kind="main" icon="session" disabled={rom === undefined} onClick={ask} shortcut="Space">
          {t('session.start')}
        </Button>
      </div>
      {asking && <ConfirmByTyping what="wipe" onConfirm={start} onClose={() => setAsking(false)} />}
    </section>
  )
}

function ActiveSession({ session }: { readonly session: SessionView }) {
  const t = useText()
  const { when } = useFormats()
  const rom = useBench(({ bench }) => romIn(bench, session.rom))
  const ready = session.bays.filter(({ state }) => state === 'ready' || state === 'counting')
  const startAll = useCallback(() => {
    for (const { bay } of ready) void order('session.go', { bay })
  }, [ready])
  useScreenKey('start', startAll)
  return (
    <>
      <section className="card" aria-labelledby="session-now">
        <div className="card-head">
          <h2 id="session-now">
            <bdi>{rom?.summary?.build ?? rom?.name}</bdi>
          </h2>
          <Button
            kind="main"
            icon="session"
            disabled={ready.length === 0}
            onClick={startAll}
            shortcut="Space"
          >
            {t('session.start-ready', { count: ready.length })}
          </Button>
          <Button icon="stop" onClick={() => void order('session.stop', {})}>
            {t('session.stop')}
          </Button>
        </div>
        <p className="quiet">
          {t(`policy.${session.policy}`)}
          {session.wipe && ` · ${t('recipe.wipe')}`}
          {session.startedAt !== undefined && ` · ${t('session.since', { time: when(session.startedAt) })}`}
        </p>
        <p>{t('session.plug-in')}</p>
      </section>
      <ul className="session-bays" aria-label={t('nav.bays')}>
        {session.bays.map((place) => (
          <SessionBay key={place.bay} place={place} />
        ))}
      </ul>
    </>
  )
}

function SessionBay({ place }: { readonly place: SessionBayView }) {
  const t = useText()
  const now = useNow()
  const bay = useBench(({ bench }) => bayIn(bench, place.bay))
  const job = useBench(({ bench }) => jobOn(bench, bayIn(bench, place.bay)))
  if (bay === undefined) return null
  const status = tileStatus({ bay, job, place, now }, t)
  const on = { bay: place.bay }
  return (
    <li className="card session-bay" data-tone={status.tone} data-bay={place.bay}>
      <div className="card-head">
        <span className="session-status">
          <Icon name={status.icon} /> {status.words}
        </span>
        <span className="grow" />
        <span className="quiet small">{bayLabel(bay)}</span>
      </div>
      <p>
        <strong>
          <bdi>{modelOf(bay, job) ?? t('bay.unnamed')}</bdi>
        </strong>{' '}
        <bdi className="mono quiet">{serialOf(bay, job)}</bdi>
      </p>
      <PlaceReasons place={place} />
      <div className="row">
        {(place.state === 'ready' || place.state === 'counting') && (
          <Button size="small" kind="main" icon="session" onClick={() => void order('session.go', on)}>
            {t('session.go')}
          </Button>
        )}
        {place.problem?.code === 'supervisor-needed' && (
          <Button size="small" kind="main" icon="session" onClick={() => void order('session.go', on)}>
            {t('session.go')}
          </Button>
        )}
        {(place.state === 'unfit' || place.state === 'aside') && (
          <Button size="small" icon="restart" onClick={() => void order('session.recheck', on)}>
            {t('session.recheck')}
          </Button>
        )}
        {place.state !== 'working' && place.state !== 'aside' && place.state !== 'finished' && (
          <Button size="small" icon="aside" onClick={() => void order('session.hold', on)}>
            {t('session.hold')}
          </Button>
        )}
        <Button size="small" kind="quiet" icon="phone" onClick={() => go('bay', place.bay)}>
          {t('action.open')}
        </Button>
      </div>
    </li>
  )
}
