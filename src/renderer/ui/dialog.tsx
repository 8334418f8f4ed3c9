// A dialog of the browser's own: it keeps the focus inside, closes with Escape, and needs no styles put into the page.
import { type ReactNode, useEffect, useId, useRef } from 'react'
import { useText } from '../i18n/index.ts'
import { IconButton } from './controls.tsx'

export function Dialog({
  title,
  children,
  onClose,
}: {
  readonly title: string
  readonly children: ReactNode
  readonly onClose: () => void
}) {
  const t = useText()
  const id = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={id} onClose={onClose}>
      <div className="dialog-body">
        <div className="card-head">
          <h2 id={id}>{title}</h2>
          <IconButton icon="close" label={t('action.close')} onClick={() => dialog.current?.close()} />
        </div>
        {children}
      </div>
    </dialog>
  )
}
