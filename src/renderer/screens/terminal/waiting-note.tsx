// What is waited for, how long still, and what hands do meanwhile.
import type { WaitingView } from '../../../shared/contract.ts'
import { GUIDE_BOOK } from '../../../shared/guide-book.ts'
import { GUIDE_IDS } from '../../../shared/guides.ts'
import { clock } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { useNow } from '../../state/now.ts'
import { Note } from '../../ui/note.tsx'
import { GuideSteps } from '../guides/guide-steps.tsx'

export function WaitingNote({ waiting }: { readonly waiting: WaitingView }) {
  const t = useText()
  const now = useNow()
  const { reason, until } = waiting
  const guide = GUIDE_IDS.find((id) => id === waiting.guide)
  const calm = reason === 'boot' || reason === 'terminal' || reason === 'merge'
  const left = until === undefined ? undefined : (Date.parse(until) - now) / 1000
  return (
    <Note tone={calm ? 'work' : 'warn'} title={t(`waiting.${reason}.short`)}>
      <p>{t(`waiting.${reason}`)}</p>
      {left !== undefined && left > 0 && <p className="quiet">{t('waiting.left', { time: clock(left) })}</p>}
      {guide !== undefined && <GuideSteps guide={GUIDE_BOOK[guide]} />}
    </Note>
  )
}
