// Fields for PINs and what came of them: wrong, too early, or done.
import { type ReactNode, useState } from 'react'
import type { CommandName, Notice, Params } from '../../../shared/contract.ts'
import { asSlotbenchError } from '../../../shared/errors.ts'
import { useText } from '../../i18n/index.ts'
import { ask } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { ProblemNote } from '../../ui/note.tsx'

interface PinFormProps<N extends CommandName> {
  readonly command: N
  /** Undefined while there is something left to type. */
  readonly params: Params<N> | undefined
  readonly confirm: string
  readonly children: ReactNode
  readonly onDone: () => void
  readonly onCancel: () => void
}

export function PinForm<N extends CommandName>(props: PinFormProps<N>) {
  const { command, params, confirm, children, onDone, onCancel } = props
  const t = useText()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Notice>()
  const send = async (): Promise<void> => {
    if (params === undefined || busy) return
    setBusy(true)
    try {
      await ask(command, params)
      onDone()
    } catch (thrown) {
      const { code, message: detail, meaning, next } = asSlotbenchError(thrown)
      setProblem({ code, detail, meaning, next })
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      {children}
      <div role="alert">{problem !== undefined && <ProblemNote problem={problem} tone="warn" />}</div>
      <div className="row">
        <button
          type="submit"
          className="button"
          data-kind="main"
          data-size="normal"
          disabled={params === undefined || busy}
        >
          {confirm}
        </button>
        <Button onClick={onCancel}>{t('action.cancel')}</Button>
      </div>
    </form>
  )
}
