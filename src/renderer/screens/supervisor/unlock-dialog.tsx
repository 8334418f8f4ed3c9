// Asks for the supervisor's PIN, whatever wanted it.
import { useState } from 'react'
import { useText } from '../../i18n/index.ts'
import { answerThoseWhoWait, useUnlocking } from '../../state/unlocking.ts'
import { TextField } from '../../ui/controls.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { PinForm } from './pin-form.tsx'

export function UnlockDialog() {
  const asked = useUnlocking(({ waiting }) => waiting !== undefined)
  return asked ? <Asking /> : null
}

function Asking() {
  const t = useText()
  const [pin, setPin] = useState('')
  const cancel = (): void => answerThoseWhoWait(false)
  return (
    <Dialog title={t('supervisor.ask')} onClose={cancel}>
      <p>{t('supervisor.ask.words')}</p>
      <PinForm
        command="supervisor.unlock"
        params={pin === '' ? undefined : { pin }}
        confirm={t('supervisor.unlock')}
        onDone={() => answerThoseWhoWait(true)}
        onCancel={cancel}
      >
        <TextField type="password" label={t('supervisor.pin')} value={pin} onChange={setPin} />
      </PinForm>
    </Dialog>
  )
}
