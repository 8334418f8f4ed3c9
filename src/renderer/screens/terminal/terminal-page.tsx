// Everything about one bay: what stands there, its slots, its job, its log, and what can be done.
import * as Tabs from '@radix-ui/react-tabs'
import { useCallback, useEffect, useState } from 'react'
import type { BayView, JobView, SessionBayView } from '../../../shared/contract.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { useText } from '../../i18n/index.ts'
import { useScreenKey } from '../../shortcuts.ts'
import { ask, bayIn, jobOn, order, placeOf, useBench } from '../../state/bench.ts'
import { go } from '../../state/place.ts'
import { Button } from '../../ui/controls.tsx'
import { ProblemNote } from '../../ui/note.tsx'
import { PlaceReasons } from '../session/place-reasons.tsx'
import { BackupsView } from './backups-view.tsx'
import { BayHead } from './bay-head.tsx'
import { FactTable } from './fact-table.tsx'
import { JobCard } from './job-card.tsx'
import { LogView } from './log-view.tsx'
import { PlanCard } from './plan-card.tsx'
import { SlotLanes } from './slot-lanes.tsx'
import { StepList } from './step-list.tsx'
import { WaitingNote } from './waiting-note.tsx'

export function TerminalPage({ id }: { readonly id: string }) {
  const t = useText()
  const bay = useBench(({ bench }) => bayIn(bench, id))
  const job = useBench(({ bench }) => jobOn(bench, bayIn(bench, id)))
  if (bay === undefined)
    return (
      <div className="screen">
        <p>{t('bay.unknown', { bay: id })}</p>
        <Button icon="back" onClick={() => go('bays')}>
          {t('nav.bays')}
        </Button>
      </div>
    )
  return <Bay bay={bay} job={job} />
}

function Bay({ bay, job }: { readonly bay: BayView; readonly job: JobView | undefined }) {
  const facts = useFacts(bay)
  const place = useBench(({ bench }) => placeOf(bench, bay.bay))
  const { sighting, work } = bay
  const problem = sighting?.problem ?? bay.problem
  // While it is planned for, a terminal restarts into other modes and is away in between; the plan must find its card again.
  const mayPlan = sighting?.protocol !== undefined || work?.kind === 'planning'
  return (
    <div className="screen terminal">
      <BayHead bay={bay} job={job} />
      {problem !== undefined && <ProblemNote problem={problem} tone="warn" />}
      {place?.state === 'unfit' && <Unfit place={place} />}
      {work?.waiting !== undefined && <WaitingNote waiting={work.waiting} />}
      <div className="columns">
        <div className="stack">
          {job !== undefined && <JobCard job={job} />}
          {job?.state !== 'running' && mayPlan && (
            <PlanCard key={String(sighting?.protocol === 'edl')} bay={bay} />
          )}
          {sighting !== undefined && sighting.protocol === undefined && <Recognised bay={bay} />}
          <SlotLanes facts={facts} job={job} />
        </div>
        <Sides bay={bay} job={job} facts={facts} />
      </div>
    </div>
  )
}

/** In the session that runs, this terminal waits with its reason. */
function Unfit({ place }: { readonly place: SessionBayView }) {
  const t = useText()
  return (
    <section className="card" aria-labelledby="unfit-title">
      <div className="card-head">
        <h2 id="unfit-title">{t('place.unfit.session')}</h2>
        <Button icon="restart" shortcut="R" onClick={() => void order('session.recheck', { bay: place.bay })}>
          {t('session.recheck')}
        </Button>
      </div>
      <PlaceReasons place={place} />
    </section>
  )
}

/** What cannot be opened is explained, with the way out. */
function Recognised({ bay }: { readonly bay: BayView }) {
  const t = useText()
  const { personality, known } = bay.sighting ?? {}
  return (
    <section className="card">
      <h2>{personality?.name ?? t('status.recognised-only')}</h2>
      {personality !== undefined && <p>{personality.explanation}</p>}
      {known !== undefined && (
        <p className="quiet">
          {t('bay.known-because', { why: known.why })} {known.caution}
        </p>
      )}
      <div className="row">
        <Button icon="guide" onClick={() => go('guides')}>
          {t('nav.guides')}
        </Button>
      </div>
    </section>
  )
}

type Side = 'steps' | 'facts' | 'backups' | 'log'

interface SidesProps {
  readonly bay: BayView
  readonly job: JobView | undefined
  readonly facts: TerminalFacts | undefined
}

function Sides({ bay, job, facts }: SidesProps) {
  const t = useText()
  const [chosen, setChosen] = useState<Side>()
  const side = chosen ?? (job === undefined ? 'facts' : 'steps')
  useScreenKey(
    'log',
    useCallback(() => setChosen('log'), []),
  )
  return (
    <Tabs.Root className="card sides" value={side} onValueChange={(value) => setChosen(value as Side)}>
      <Tabs.List className="tabs" aria-label={t('bay.sides')}>
        {(['steps', 'facts', 'backups', 'log'] as const).map((value) => (
          <Tabs.Trigger key={value} className="tab" value={value}>
            {t(`side.${value}`)}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      <Tabs.Content value="steps">
        {job === undefined ? <p className="quiet">{t('job.none')}</p> : <StepList job={job} />}
      </Tabs.Content>
      <Tabs.Content value="facts">
        <FactTable facts={facts} bay={bay} />
      </Tabs.Content>
      <Tabs.Content value="backups">
        <BackupsView bay={bay} job={job} />
      </Tabs.Content>
      <Tabs.Content value="log">
        <LogView bay={bay.bay} />
      </Tabs.Content>
    </Tabs.Root>
  )
}

/** The whole reading, asked for again whenever a new one was made. */
function useFacts({ bay, facts }: BayView): TerminalFacts | undefined {
  const [reading, setReading] = useState<TerminalFacts>()
  const at = facts?.at
  useEffect(() => {
    let wanted = true
    if (at === undefined) setReading(undefined)
    else
      ask('terminal.facts', { bay, fresh: false })
        .then((result) => wanted && setReading(result.facts))
        // The tile has what there is; the next reading asks again.
        .catch(() => {})
    return () => {
      wanted = false
    }
  }, [bay, at])
  return reading
}
