// Errors of what was asked for, in a corner, until they are dismissed.
import { useText } from './i18n/index.ts'
import { dismiss, useMessages } from './state/messages.ts'
import { IconButton } from './ui/controls.tsx'
import { ProblemNote } from './ui/note.tsx'

export function Messages() {
  const t = useText()
  const { messages } = useMessages()
  return (
    <div className="messages" aria-live="assertive">
      {messages.map(({ id, notice }) => (
        <div key={id} className="message">
          <ProblemNote problem={notice} />
          <IconButton icon="close" label={t('action.dismiss')} onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  )
}
