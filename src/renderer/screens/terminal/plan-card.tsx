// From a package and a recipe to a plan that is looked at before it is run.
import { useCallback, useState } from 'react'
import type { BayView, Choice, PlanView } from '../../../shared/contract.ts'
import { useText } from '../../i18n/index.ts'
import { useScreenKey } from '../../shortcuts.ts'
import { order } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { BestRom } from '../firmware/best-rom.tsx'
import { ConfirmByTyping, destructiveIn } from '../session/confirm-by-typing.tsx'
import { FIRST_DRAFT, type RecipeDraft, RecipeForm } from '../session/recipe-form.tsx'
import { PlanFindings } from './plan-findings.tsx'
import { ProgrammerNote } from './programmer-note.tsx'

const RESCUE_DRAFT: RecipeDraft = { rom: undefined, choice: { policy: 'rescue', wipe: false } }

export function PlanCard({ bay }: { readonly bay: BayView }) {
  const t = useText()
  const inEdl = bay.sighting?.protocol === 'edl'
  const [draft, setDraft] = useState(inEdl ? RESCUE_DRAFT : FIRST_DRAFT)
  const [plan, setPlan] = useState<PlanView>()
  const [making, setMaking] = useState(false)
  const { rom, choice } = draft
  const make = async (): Promise<void> => {
    if (rom === undefined) return
    setMaking(true)
    const made = await order('plan.make', { bay: bay.bay, rom, choice, survey: true })
    setMaking(false)
    setPlan(made?.plan)
  }
  return (
    <section className="card" aria-labelledby="plan-title">
      <h2 id="plan-title">{t('plan.title')}</h2>
      {inEdl && <ProgrammerNote />}
      <BestRom
        bay={bay.bay}
        onUse={(chosen) => {
          setDraft({ ...draft, rom: chosen })
          setPlan(undefined)
        }}
      />
      <RecipeForm
        inEdl={inEdl}
        draft={draft}
        onChange={(next) => {
          setDraft(next)
          // A plan is for what was chosen, and for nothing else.
          setPlan(undefined)
        }}
      />
      <div className="row">
        <Button
          kind={plan === undefined ? 'main' : 'plain'}
          icon="verify"
          disabled={rom === undefined || making || bay.work !== undefined}
          onClick={() => void make()}
        >
          {t(plan === undefined ? 'plan.make' : 'plan.make-again')}
        </Button>
        {making && (
          <span className="quiet" role="status">
            {t('plan.making')}
          </span>
        )}
      </div>
      {plan !== undefined && <Preview plan={plan} choice={choice} onStarted={() => setPlan(undefined)} />}
    </section>
  )
}

interface PreviewProps {
  readonly plan: PlanView
  /** What it was made for. */
  readonly choice: Choice
  readonly onStarted: () => void
}

function Preview({ plan, choice, onStarted }: PreviewProps) {
  const t = useText()
  const [asking, setAsking] = useState(false)
  const blocked = plan.blockers.length > 0
  const what = destructiveIn(choice)
  const start = useCallback(async () => {
    setAsking(false)
    if ((await order('job.start', { plan: plan.id })) !== undefined) onStarted()
  }, [plan.id, onStarted])
  const ask = useCallback(() => {
    if (blocked) return
    if (what !== undefined) setAsking(true)
    else void start()
  }, [blocked, what, start])
  useScreenKey('start', ask)
  return (
    <section className="stack" aria-label={t('plan.preview')}>
      <PlanFindings
        plan={plan}
        fits={t('plan.fits')}
        blocked={t('plan.blocked', { count: plan.blockers.length })}
      />
      {!blocked && (
        <div className="row">
          <Button kind="main" icon="session" onClick={ask} shortcut="Space">
            {t('plan.start')}
          </Button>
        </div>
      )}
      {asking && what !== undefined && (
        <ConfirmByTyping what={what} onConfirm={() => void start()} onClose={() => setAsking(false)} />
      )}
    </section>
  )
}
