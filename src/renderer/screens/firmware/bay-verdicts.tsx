// Whether attached terminals may have a ROM, and what decided.
import type { BayVerdict } from '../../../shared/contract.ts'
import type { Reason, Verdict } from '../../../shared/eligibility.ts'
import { useText } from '../../i18n/index.ts'
import { bayIn, useBench } from '../../state/bench.ts'
import { Icon, type IconName } from '../../ui/icon.tsx'
import type { Tone } from '../../ui/note.tsx'
import { bayLabel, modelOf } from '../../ui/words.ts'

const LOOKS: Readonly<Record<Verdict, { readonly tone: Tone; readonly icon: IconName }>> = {
  eligible: { tone: 'good', icon: 'done' },
  undecided: { tone: 'warn', icon: 'question' },
  refused: { tone: 'bad', icon: 'failed' },
}

export function VerdictChip({ verdict, installed }: Pick<BayVerdict, 'verdict' | 'installed'>) {
  const t = useText()
  const { tone, icon } = LOOKS[verdict]
  return (
    <span className="chip" data-tone={tone}>
      <Icon name={icon} />
      {t(`eligible.${verdict}`)}
      {installed && ` · ${t('eligible.installed')}`}
    </span>
  )
}

export function BayVerdicts({ terminals }: { readonly terminals: readonly BayVerdict[] }) {
  const t = useText()
  if (terminals.length === 0) return null
  return (
    <ul className="stack" aria-label={t('offer.terminals')}>
      {terminals.map((one) => (
        <OneBay key={one.bay} verdict={one} />
      ))}
    </ul>
  )
}

function OneBay({ verdict }: { readonly verdict: BayVerdict }) {
  const bay = useBench(({ bench }) => bayIn(bench, verdict.bay))
  return (
    <li className="small">
      <details open={verdict.verdict !== 'eligible'}>
        <summary>
          <bdi>{bay === undefined ? verdict.bay : bayLabel(bay)}</bdi>{' '}
          <bdi className="quiet">{bay && modelOf(bay)}</bdi> <VerdictChip {...verdict} />
        </summary>
        <Reasons reasons={verdict.reasons} />
      </details>
    </li>
  )
}

const OUTCOMES: Readonly<Record<Reason['outcome'], { readonly tone: Tone; readonly icon: IconName }>> = {
  met: { tone: 'good', icon: 'ready' },
  'not-met': { tone: 'bad', icon: 'failed' },
  unknown: { tone: 'warn', icon: 'question' },
  waived: { tone: 'calm', icon: 'info' },
}

export function Reasons({ reasons }: { readonly reasons: readonly Reason[] }) {
  const t = useText()
  return (
    <ul className="checks">
      {reasons.map(({ rule, outcome, detail, readIn }) => (
        <li key={`${rule} ${detail}`} className="step" data-tone={OUTCOMES[outcome].tone}>
          <Icon name={OUTCOMES[outcome].icon} />
          <span className="grow wrap">
            <strong>{t(`rule.${rule}`)}</strong> <span className="unseen">{t(`outcome.${outcome}`)}</span>{' '}
            <bdi>{detail}</bdi>
            {readIn !== undefined && readIn.length > 0 && (
              <span className="quiet">
                {' '}
                {t('offer.read-in', { modes: readIn.map((mode) => t(`mode.${mode}`)).join(', ') })}
              </span>
            )}
          </span>
        </li>
      ))}
    </ul>
  )
}
