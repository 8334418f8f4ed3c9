// What cannot be undone is confirmed by typing, not by pressing the same button twice.
import { useState } from 'react'
import type { Choice } from '../../../shared/contract.ts'
import { useText } from '../../i18n/index.ts'
import { Button, TextField } from '../../ui/controls.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Note } from '../../ui/note.tsx'

export type Destructive = 'wipe' | 'give-up'

/** What of a recipe takes something away for good. */
export function destructiveIn({ wipe, giveUpOtherSlot }: Choice): Destructive | undefined {
  if (wipe) return 'wipe'
  return giveUpOtherSlot === true ? 'give-up' : undefined
}

export function ConfirmByTyping({
  what,
  onConfirm,
  onClose,
}: {
  readonly what: Destructive
  readonly onConfirm: () => void
  readonly onClose: () => void
}) {
  const t = useText()
  return (
    <Dialog title={t(`confirm.${what}.title`)} onClose={onClose}>
      <Note tone="bad" title={t(`confirm.${what}.warning`)}>
        <p>{t(`confirm.${what}.words`)}</p>
      </Note>
      <TypeToConfirm action={t(`confirm.${what}.confirm`)} onConfirm={onConfirm} onCancel={onClose} />
    </Dialog>
  )
}

/** The last lines of a dialog, under what is confirmed. */
export function TypeToConfirm({
  action,
  onConfirm,
  onCancel,
}: {
  readonly action: string
  readonly onConfirm: () => void
  readonly onCancel: () => void
}) {
  const t = useText()
  const [typed, setTyped] = useState('')
  const word = t('confirm.word')
  return (
    <>
      <TextField label={t('confirm.type', { word })} value={typed} onChange={setTyped} />
      <div className="row">
        <Button kind="danger" icon="warning" disabled={typed.trim() !== word} onClick={onConfirm}>
          {action}
        </Button>
        <Button onClick={onCancel}>{t('action.cancel')}</Button>
      </div>
    </>
  )
}
