// A backup on its way back, or a file for one partition: planned first, shown with all that it writes, and confirmed by typing.
import { useEffect, useState } from 'react'
import type { PlanView } from '../../../shared/contract.ts'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Note } from '../../ui/note.tsx'
import { TypeToConfirm } from '../session/confirm-by-typing.tsx'
import { PlanFindings } from './plan-findings.tsx'

/** What goes where. */
export type FilePlan =
  /** `backup`: one of this bench, or the folder of an exported one. */
  | { readonly kind: 'restore'; readonly bay: string; readonly backup: string }
  | {
      readonly kind: 'write-partition'
      readonly bay: string
      readonly partition: string
      readonly path: string
    }

export function FilePlanDialog({ of, onClose }: { readonly of: FilePlan; readonly onClose: () => void }) {
  const t = useText()
  const { kind } = of
  const plan = useFilePlan(of, onClose)
  const start = (id: string): void => {
    // What goes wrong is told by the screen, which a dialog would cover.
    onClose()
    void order('job.start', { plan: id })
  }
  return (
    <Dialog title={t(`file-plan.${kind}.title`)} onClose={onClose}>
      {plan === undefined ? (
        <p role="status">{t(`file-plan.${kind}.planning`)}</p>
      ) : (
        <>
          <PlanFindings
            plan={plan}
            fits={t(`file-plan.${kind}.fits`)}
            blocked={t(`file-plan.${kind}.blocked`)}
            open
          />
          {plan.blockers.length > 0 ? (
            <div className="row">
              <Button onClick={onClose}>{t('action.close')}</Button>
            </div>
          ) : (
            <>
              <Note tone="bad" title={t(`file-plan.${kind}.warning`)}>
                <p>{t(`file-plan.${kind}.words`)}</p>
              </Note>
              <TypeToConfirm
                action={t(`file-plan.${kind}.confirm`)}
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
function useFilePlan(of: FilePlan, onFail: () => void): PlanView | undefined {
  const [plan, setPlan] = useState<PlanView>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the dialog opens
  useEffect(() => {
    void makePlan(of).then((made) => (made ? setPlan(made.plan) : onFail()))
  }, [])
  return plan
}

function makePlan(of: FilePlan): Promise<{ readonly plan: PlanView } | undefined> {
  const { kind, ...request } = of
  return 'backup' in request ? order('backups.plan', request) : order('partitions.plan', request)
}
