// The supervisor of the bench: whether it has one, what only that person may do, and the PIN.
import { useState } from 'react'
import { pinSchema } from '../../../shared/role.ts'
import { useText } from '../../i18n/index.ts'
import { useBench } from '../../state/bench.ts'
import { Button, TextField } from '../../ui/controls.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Note } from '../../ui/note.tsx'
import { PinForm } from './pin-form.tsx'

type Doing = 'set' | 'change' | 'remove'

export function SupervisorCard() {
  const t = useText()
  const pin = useBench(({ role }) => role?.pin === true)
  const [doing, setDoing] = useState<Doing>()
  const close = (): void => setDoing(undefined)
  return (
    <section className="card">
      <h2>{t('supervisor.title')}</h2>
      {pin ? (
        <>
          <p>{t('supervisor.on')}</p>
          <p className="quiet small">{t('supervisor.forgotten')}</p>
        </>
      ) : (
        <Note tone="calm" title={t('supervisor.off')}>
          <p>{t('supervisor.off.words')}</p>
        </Note>
      )}
      <p className="quiet">{t('supervisor.what')}</p>
      <div className="row">
        {pin ? (
          <>
            <Button icon="edit" onClick={() => setDoing('change')}>
              {t('supervisor.change')}
            </Button>
            <Button icon="trash" onClick={() => setDoing('remove')}>
              {t('supervisor.remove')}
            </Button>
          </>
        ) : (
          <Button icon="locked" onClick={() => setDoing('set')}>
            {t('supervisor.set')}
          </Button>
        )}
      </div>
      {doing === 'remove' && <RemovePin onClose={close} />}
      {(doing === 'set' || doing === 'change') && <NewPin change={doing === 'change'} onClose={close} />}
    </section>
  )
}

function NewPin({ change, onClose }: { readonly change: boolean; readonly onClose: () => void }) {
  const t = useText()
  const [old, setOld] = useState('')
  const [pin, setPin] = useState('')
  const [again, setAgain] = useState('')
  const good = pinSchema.safeParse(pin).success && pin === again && (!change || old !== '')
  const title = t(change ? 'supervisor.change' : 'supervisor.set')
  return (
    <Dialog title={title} onClose={onClose}>
      <PinForm
        command="supervisor.set-pin"
        params={good ? { pin, ...(change && { old }) } : undefined}
        confirm={title}
        onDone={onClose}
        onCancel={onClose}
      >
        {change && (
          <TextField type="password" label={t('supervisor.pin.old')} value={old} onChange={setOld} />
        )}
        <TextField type="password" label={t('supervisor.pin.new')} value={pin} onChange={setPin} />
        <TextField type="password" label={t('supervisor.pin.again')} value={again} onChange={setAgain} />
        <p className="quiet small" role="status">
          {t(again !== '' && again !== pin ? 'supervisor.pin.differs' : 'supervisor.pin.hint')}
        </p>
      </PinForm>
    </Dialog>
  )
}

function RemovePin({ onClose }: { readonly onClose: () => void }) {
  const t = useText()
  const [old, setOld] = useState('')
  return (
    <Dialog title={t('supervisor.remove')} onClose={onClose}>
      <p>{t('supervisor.remove.words')}</p>
      <PinForm
        command="supervisor.remove-pin"
        params={old === '' ? undefined : { old }}
        confirm={t('supervisor.remove')}
        onDone={onClose}
        onCancel={onClose}
      >
        <TextField type="password" label={t('supervisor.pin.old')} value={old} onChange={setOld} />
      </PinForm>
    </Dialog>
  )
}
