// What a plan would do, and what stands against it.
import type { PlanView } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { Icon } from '../../ui/icon.tsx'
import { FindingNote, Note } from '../../ui/note.tsx'
import { stepWords } from '../../ui/words.ts'
import { DeviationNote } from '../supervisor/deviation-note.tsx'
import { stepIcon } from '../wall/tile-status.ts'

const WRITES: readonly string[] = ['write', 'write-file']

export function PlanFindings({
  plan,
  fits,
  blocked,
  open = false,
}: {
  readonly plan: PlanView
  /** Titles: it may be started, or it may not. */
  readonly fits: string
  readonly blocked: string
  /** The steps are shown from the start. */
  readonly open?: boolean
}) {
  const t = useText()
  const formats = useFormats()
  const { blockers, warnings, steps, totals } = plan
  return (
    <>
      {blockers.length > 0 ? (
        <Note tone="bad" title={blocked}>
          <p>{t('plan.blocked.words')}</p>
        </Note>
      ) : (
        <Note tone="good" title={fits}>
          <p>{t('plan.totals', { steps: steps.length, size: formats.bytes(totals.writeBytes) })}</p>
        </Note>
      )}
      {blockers.map((finding) => (
        <FindingNote key={`${finding.code} ${finding.detail}`} finding={finding} tone="bad" />
      ))}
      {warnings.map((finding) => (
        <FindingNote key={`${finding.code} ${finding.detail}`} finding={finding} tone="warn" />
      ))}
      {blockers.length === 0 && <DeviationNote deviations={plan.deviations} />}
      <details open={open}>
        <summary>{t('plan.steps', { count: steps.length })}</summary>
        <ol className="step-list">
          {steps.map((step) => (
            <li key={step.id} className="step">
              <Icon name={stepIcon(step)} />
              <span className="grow">{stepWords(step, t, formats)}</span>
              {WRITES.includes(step.kind) && (
                <span className="quiet small">{formats.bytes(step.bytes ?? 0)}</span>
              )}
            </li>
          ))}
        </ol>
      </details>
    </>
  )
}
