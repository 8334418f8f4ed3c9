// Why a terminal does not fit the session.
import type { SessionBayView } from '../../../shared/contract.ts'
import type { Finding } from '../../../shared/plan.ts'
import { useText } from '../../i18n/index.ts'
import { FindingNote, ProblemNote } from '../../ui/note.tsx'

export function PlaceReasons({ place }: { readonly place: SessionBayView }) {
  return (
    <>
      {place.reasons !== undefined && <Reasons reasons={place.reasons} />}
      {place.problem !== undefined && <ProblemNote problem={place.problem} tone="warn" />}
    </>
  )
}

/** The first says why; the rest often follow from it. */
function Reasons({ reasons }: { readonly reasons: readonly Finding[] }) {
  const t = useText()
  const [first, ...rest] = reasons.map((finding) => (
    <FindingNote key={`${finding.code} ${finding.detail}`} finding={finding} tone="warn" />
  ))
  return (
    <>
      {first}
      {rest.length > 0 && (
        <details>
          <summary>{t('session.more-reasons', { count: rest.length })}</summary>
          <div className="stack">{rest}</div>
        </details>
      )}
    </>
  )
}
