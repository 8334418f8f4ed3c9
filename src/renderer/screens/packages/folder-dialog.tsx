// The folders of the computer that the bench runs on, where there is no dialog of the system.
import { useEffect, useState } from 'react'
import type { Result } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { Button, TextField } from '../../ui/controls.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Icon } from '../../ui/icon.tsx'

export function FolderDialog({
  onChoose,
  onClose,
}: {
  readonly onChoose: (path: string) => void
  readonly onClose: () => void
}) {
  const t = useText()
  const { bytes } = useFormats()
  const [listing, setListing] = useState<Result<'files.list'>>()
  const [path, setPath] = useState('')
  const open = async (folder?: string): Promise<void> => {
    const found = await order('files.list', folder === undefined ? {} : { folder })
    if (found === undefined) return
    setListing(found)
    setPath(found.folder)
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the dialog opens
  useEffect(() => void open(), [])
  return (
    <Dialog title={t('packages.choose')} onClose={onClose}>
      <form
        className="folder-path"
        onSubmit={(event) => {
          event.preventDefault()
          if (/\.[a-z0-9]{2,4}$/i.test(path)) onChoose(path)
          else void open(path)
        }}
      >
        <TextField label={t('packages.path')} value={path} onChange={setPath} />
        <button type="submit" className="button">
          {t('action.go')}
        </button>
      </form>
      <ul className="folder-list" aria-label={t('packages.folder')}>
        {listing?.parent !== undefined && (
          <li>
            <button type="button" className="folder-entry" onClick={() => void open(listing.parent)}>
              <Icon name="up" />
              <span>{t('packages.parent')}</span>
            </button>
          </li>
        )}
        {listing?.entries.map((entry) => (
          <li key={entry.path}>
            <button
              type="button"
              className="folder-entry"
              onClick={() => (entry.kind === 'folder' ? void open(entry.path) : onChoose(entry.path))}
            >
              <Icon name={entry.kind} />
              <bdi className="clip grow">{entry.name}</bdi>
              {entry.kind === 'file' && <span className="quiet small">{bytes(entry.bytes)}</span>}
            </button>
          </li>
        ))}
        {listing?.entries.length === 0 && <li className="quiet">{t('packages.folder-empty')}</li>}
        {listing?.cut === true && <li className="quiet">{t('packages.folder-cut')}</li>}
      </ul>
      {listing !== undefined && (
        <Button icon="folder" onClick={() => onChoose(listing.folder)}>
          {t('packages.use-folder')}
        </Button>
      )}
    </Dialog>
  )
}
