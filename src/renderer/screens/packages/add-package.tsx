// Ways to bring a package in: the system's dialog, the folders of this computer, or a file dropped on the page.
import { type DragEvent, type ReactNode, useState } from 'react'
import { type Notice, noticeSchema } from '../../../shared/contract.ts'
import { SlotbenchError } from '../../../shared/errors.ts'
import { desktop } from '../../host-port.ts'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { say } from '../../state/messages.ts'
import { Button } from '../../ui/controls.tsx'
import { Icon } from '../../ui/icon.tsx'
import { FolderDialog } from './folder-dialog.tsx'

/** Opens and verifies. */
async function addPath(path: string): Promise<void> {
  const added = await order('rom.add', { path })
  if (added !== undefined) await order('rom.verify', { rom: added.rom })
}

export function AddPackageButton({ kind = 'main' }: { readonly kind?: 'main' | 'plain' }) {
  const t = useText()
  const [choosing, setChoosing] = useState(false)
  const choose = async (): Promise<void> => {
    if (desktop === undefined) {
      setChoosing(true)
      return
    }
    const path = await desktop.pickPackage()
    if (path !== undefined) await addPath(path)
  }
  return (
    <>
      <Button kind={kind} icon="folder" onClick={() => void choose()}>
        {t('packages.open')}
      </Button>
      {choosing && (
        <FolderDialog
          onClose={() => setChoosing(false)}
          onChoose={(path) => {
            setChoosing(false)
            void addPath(path)
          }}
        />
      )}
    </>
  )
}

/** Around a screen: a file that is dropped on it becomes a package of the bench. */
export function DropZone({ children }: { readonly children: ReactNode }) {
  const t = useText()
  const [over, setOver] = useState(false)
  const [sending, setSending] = useState(0)
  const isFile = ({ dataTransfer }: DragEvent) => dataTransfer.types.includes('Files')
  const drop = async (files: readonly File[]): Promise<void> => {
    for (const file of files) {
      setSending((count) => count + 1)
      await addFile(file)
      setSending((count) => count - 1)
    }
  }
  return (
    <section
      className="drop-zone"
      data-over={over}
      aria-label={t('packages.drop')}
      onDragOver={(event) => {
        if (!isFile(event)) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false)
        if (!isFile(event)) return
        event.preventDefault()
        void drop([...event.dataTransfer.files])
      }}
    >
      {children}
      <p className="drop-hint quiet small" aria-live="polite">
        <Icon name="download" /> {sending > 0 ? t('packages.sending') : t('packages.drop')}
      </p>
    </section>
  )
}

/** In the desktop program the file is opened where it lies; a browser hands over its bytes. */
async function addFile(file: File): Promise<void> {
  const path = desktop?.pathOf(file)
  if (path !== undefined && path !== '') return addPath(path)
  try {
    const response = await fetch(`/packages/${encodeURIComponent(file.name)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: file,
    })
    const answer: unknown = await response.json()
    const rom = typeof answer === 'object' && answer !== null && 'rom' in answer ? answer.rom : undefined
    if (typeof rom === 'string') await order('rom.verify', { rom })
    else say(noticeIn(answer))
  } catch {
    say(noticeIn(undefined))
  }
}

function noticeIn(answer: unknown): Notice {
  const error = typeof answer === 'object' && answer !== null && 'error' in answer ? answer.error : undefined
  const parsed = noticeSchema.safeParse(error)
  if (parsed.success) return parsed.data
  const { code, message, meaning, next } = new SlotbenchError('bench-unreachable', 'the file did not arrive')
  return { code, detail: message, meaning, next }
}
