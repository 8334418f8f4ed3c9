// A backup on its way back: planned first, shown with all that it writes, and confirmed by typing.
import { useEffect, useState } from 'react'
import type { PlanView } from '../../../shared/contract.ts'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Note } from '../../ui/note.tsx'
import { TypeToConfirm } from '../session/confirm-by-typing.tsx'
import { PlanFindings } from './plan-findings.tsx'

export function RestoreDialog({
  bay,
  backup,
  onClose,
}: {
  readonly bay: string
  /** One of this bench, or the folder of an exported one. */
  readonly backup: string
  readonly onClose: () => void
}) {
  const t = useText()
  const plan = useRestorePlan(bay, backup, onClose)
  const start = (id: string): void => {
    // What goes wrong is told by the screen, which a dialog would cover.
    onClose()
    void order('job.start', { plan: id })
  }
  return (
    <Dialog title={t('restore.title')} onClose={onClose}>
      {plan === undefined ? (
        <p role="status">{t('restore.planning')}</p>
      ) : (
        <>
          <PlanFindings plan={plan} fits={t('restore.fits')} blocked={t('restore.blocked')} open />
          {plan.blockers.length > 0 ? (
            <div className="row">
              <Button onClick={onClose}>{t('action.close')}</Button>
            </div>
          ) : (
            <>
              <Note tone="bad" title={t('restore.warning')}>
                <p>{t('restore.words')}</p>
              </Note>
              <TypeToConfirm
                action={t('restore.confirm')}
                onConfirm={() => start(plan.id)}
                onCancel={onClose}
              />
            </>
          )}
        </>
      )}
    </Dialog>
  )
}

/** Made anew each time: the terminal may have changed. Closes when there is nothing to show. */
function useRestorePlan(bay: string, backup: string, onFail: () => void): PlanView | undefined {
  const [plan, setPlan] = useState<PlanView>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the dialog opens
  useEffect(() => {
    void order('backups.plan', { bay, backup }).then((made) => (made ? setPlan(made.plan) : onFail()))
  }, [])
  return plan
}
