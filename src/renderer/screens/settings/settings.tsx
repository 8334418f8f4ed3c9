// The settings of the bench: how it looks and sounds, what it does by itself, and its ports.
import { type Settings, THEMES } from '../../../shared/contract.ts'

import { LANGUAGE_NAMES, offeredLanguages, useText } from '../../i18n/index.ts'
import { order, useBench } from '../../state/bench.ts'
import { Button, Choices, NumberField, Select, Switch } from '../../ui/controls.tsx'
import { OperatorsCard } from '../supervisor/operators-card.tsx'
import { SupervisorCard } from '../supervisor/supervisor-card.tsx'
import { BayOrder } from './bay-order.tsx'
import { DoctorCard } from './doctor-card.tsx'

const change = (settings: Partial<Omit<Settings, 'bays'>>): void => void order('settings.set', settings)

export function SettingsScreen() {
  const t = useText()
  const settings = useBench(({ bench }) => bench?.settings)
  const host = useBench(({ bench }) => bench?.host)
  if (settings === undefined) return null
  return (
    <div className="screen">
      <h1>{t('nav.settings')}</h1>
      <div className="columns">
        <div className="stack">
          <LooksCard settings={settings} />
          <WorkCard settings={settings} />
          <OperatorsCard settings={settings} />
          <SupervisorCard />
        </div>
        <div className="stack">
          <BayOrder />
          <SimulationCard />
          <DoctorCard />
          <section className="card">
            <h2>{t('keys.title')}</h2>
            <Keys />
          </section>
          {host !== undefined && (
            <p className="quiet small">
              {t('settings.about', { version: host.version, platform: host.platform })} (
              {t(`host.${host.kind}`)})
            </p>
          )}
        </div>
      </div>
    </div>
  )
}

export function LooksCard({ settings }: { readonly settings: Settings }) {
  const t = useText()
  return (
    <section className="card">
      <h2>{t('settings.looks')}</h2>
      <Select<Settings['language']>
        label={t('settings.language')}
        value={settings.language}
        choices={[
          { value: 'system', label: t('settings.as-system') },
          ...offeredLanguages().map((value) => ({ value, label: LANGUAGE_NAMES[value] })),
        ]}
        onChange={(language) => language !== '' && change({ language })}
      />
      <Choices<Settings['theme']>
        label={t('settings.theme')}
        value={settings.theme}
        choices={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
        onChange={(theme) => change({ theme })}
      />
      <Switch
        label={t('settings.sounds')}
        hint={t('settings.sounds.hint')}
        checked={settings.sounds}
        onChange={(sounds) => change({ sounds })}
      />
    </section>
  )
}

function WorkCard({ settings }: { readonly settings: Settings }) {
  const t = useText()
  return (
    <section className="card">
      <h2>{t('settings.work')}</h2>
      <NumberField
        label={t('session.countdown')}
        value={settings.countdown}
        min={0}
        max={60}
        onChange={(countdown) => change({ countdown })}
      />
      <NumberField
        label={t('settings.battery')}
        value={settings.batteryLimit}
        min={0}
        max={100}
        onChange={(batteryLimit) => change({ batteryLimit })}
      />
      <NumberField
        label={t('settings.proof')}
        value={settings.proofTimeout}
        min={30}
        max={3_600}
        onChange={(proofTimeout) => change({ proofTimeout })}
      />
      <Switch
        label={t('settings.auto-read')}
        hint={t('settings.auto-read.hint')}
        checked={settings.autoRead}
        onChange={(autoRead) => change({ autoRead })}
      />
    </section>
  )
}

/** Profiles of the simulator, each with what distinguishes it. */
const MODELS = ['nx769j', 'nx679j', 'unisoc-ab', 'a-only'] as const

function SimulationCard() {
  const t = useText()
  return (
    <section className="card">
      <h2>{t('simulation.title')}</h2>
      <p className="quiet">{t('simulation.words')}</p>
      <div className="row">
        {MODELS.map((profile) => (
          <Button key={profile} icon="add" onClick={() => void order('simulation.add', { profile })}>
            {t(`simulation.${profile}`)}
          </Button>
        ))}
      </div>
    </section>
  )
}

const KEYS = [
  ['1–9', 'keys.bay'],
  ['Space', 'keys.start'],
  ['R', 'keys.retry'],
  ['L', 'keys.log'],
  ['/', 'keys.search'],
  ['Esc', 'keys.back'],
] as const

function Keys() {
  const t = useText()
  return (
    <ul className="keys">
      {KEYS.map(([key, words]) => (
        <li key={key} className="row">
          <kbd>{key}</kbd> {t(words)}
        </li>
      ))}
    </ul>
  )
}
