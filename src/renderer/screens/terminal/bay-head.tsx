// The head of a bay's page: who stands there, and the actions.
import * as Menu from '@radix-ui/react-dropdown-menu'
import { useState } from 'react'
import type { BayView, JobView, Params } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { order, useBench } from '../../state/bench.ts'
import { go } from '../../state/place.ts'
import { Button, IconButton } from '../../ui/controls.tsx'
import { Icon } from '../../ui/icon.tsx'
import { bayLabel, linkOf, modelOf, serialOf } from '../../ui/words.ts'

type Target = Params<'terminal.reboot'>['to']
const TARGETS: readonly Target[] = ['system', 'bootloader', 'fastbootd', 'recovery', 'sideload', 'edl']

export function BayHead({ bay, job }: { readonly bay: BayView; readonly job: JobView | undefined }) {
  const t = useText()
  const { percent } = useFormats()
  const [naming, setNaming] = useState(false)
  const { sighting, facts } = bay
  const link = linkOf(bay, t)
  const names = facts?.names.slice(1) ?? []
  return (
    <header className="bay-head">
      <IconButton icon="back" label={t('nav.bays')} onClick={() => go('bays')} />
      <div className="grow">
        <p className="row quiet small">
          {naming ? (
            <NameForm bay={bay} onDone={() => setNaming(false)} />
          ) : (
            <>
              <strong>{bayLabel(bay)}</strong>
              {bay.name !== undefined && <span className="mono">{bay.bay}</span>}
              <IconButton icon="edit" label={t('bay.rename')} onClick={() => setNaming(true)} />
            </>
          )}
        </p>
        <h1 className="wrap">
          <bdi>{modelOf(bay, job) ?? (sighting === undefined ? t('status.empty') : t('bay.unnamed'))}</bdi>
        </h1>
        <p className="row small">
          <bdi className="mono">{serialOf(bay, job) ?? t('bay.no-serial')}</bdi>
          {names.length > 0 && <bdi className="quiet">{names.join(', ')}</bdi>}
          {sighting !== undefined && <span className="chip">{t(`mode.${sighting.mode}`)}</span>}
          {bay.simulated && <span className="chip">{t('bay.simulated')}</span>}
          {facts?.unlocked !== undefined && (
            <span className="chip" data-tone={facts.unlocked ? 'calm' : 'warn'}>
              <Icon name={facts.unlocked ? 'unlocked' : 'locked'} />
              {t(facts.unlocked ? 'fact.unlocked' : 'fact.locked')}
            </span>
          )}
          {facts?.battery !== undefined && (
            <span className="chip">
              <Icon name="battery" />
              {percent(facts.battery / 100)}
            </span>
          )}
          {link !== undefined && (
            <span className="chip" data-tone={link.slow ? 'warn' : 'calm'}>
              <Icon name={link.slow ? 'slow' : 'cable'} />
              {link.slow ? t('link.slow', { link: link.words }) : link.words}
            </span>
          )}
        </p>
      </div>
      <Actions bay={bay} job={job} />
    </header>
  )
}

function NameForm({ bay, onDone }: { readonly bay: BayView; readonly onDone: () => void }) {
  const t = useText()
  const [name, setName] = useState(bay.name ?? '')
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault()
        void order('bays.rename', { bay: bay.bay, name }).then(onDone)
      }}
    >
      <input
        className="input bay-name"
        aria-label={t('bay.name')}
        maxLength={40}
        value={name}
        // biome-ignore lint/a11y/noAutofocus: the field was asked for a moment ago
        autoFocus
        onChange={({ target }) => setName(target.value)}
      />
      <button type="submit" className="button" data-size="small">
        {t('action.save')}
      </button>
    </form>
  )
}

function Actions({ bay, job }: { readonly bay: BayView; readonly job: JobView | undefined }) {
  const t = useText()
  const runs = job?.state === 'running'
  const on = { bay: bay.bay }
  const openable = bay.sighting?.protocol !== undefined
  if (bay.work !== undefined && !runs)
    return (
      <Button icon="stop" onClick={() => void order('terminal.stop', on)}>
        {t('action.stop')}
      </Button>
    )
  return (
    <div className="row">
      {openable && !runs && (
        <Button icon="read" onClick={() => void order('terminal.facts', { ...on, fresh: true })}>
          {t('action.read')}
        </Button>
      )}
      {bay.sighting !== undefined && !runs && <RestartMenu bay={bay.bay} />}
      {bay.simulated && bay.sighting !== undefined && !runs && (
        <Button icon="trash" onClick={() => void order('simulation.remove', on)}>
          {t('action.remove-simulated')}
        </Button>
      )}
      {bay.sighting === undefined && !runs && <Forget bay={bay.bay} />}
    </div>
  )
}

function RestartMenu({ bay }: { readonly bay: string }) {
  const t = useText()
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="button">
        <Icon name="restart" />
        {t('action.restart-into')}
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content className="menu" align="end" sideOffset={4}>
          {TARGETS.map((to) => (
            <Menu.Item
              key={to}
              className="menu-item"
              onSelect={() => void order('terminal.reboot', { bay, to })}
            >
              {t(`mode.${to}`)}
            </Menu.Item>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  )
}

function Forget({ bay }: { readonly bay: string }) {
  const t = useText()
  const known = useBench(({ bench }) => bench?.settings.bays.some((one) => one.bay === bay) === true)
  if (!known) return null
  return (
    <Button
      icon="trash"
      onClick={() => {
        go('bays')
        void order('bays.forget', { bay })
      }}
    >
      {t('bay.forget')}
    </Button>
  )
}
