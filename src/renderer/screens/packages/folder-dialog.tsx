// The folders of the computer that the bench runs on, where there is no dialog of the system.
import { useEffect, useState } from 'react'
import type { Params, Result } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { Button, TextField } from '../../ui/controls.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Icon } from '../../ui/icon.tsx'

const TITLES = {
  package: 'packages.choose',
  image: 'choose.image',
  root: 'choose.root',
  key: 'choose.key',
  folder: 'choose.folder',
} as const

/** What is looked for: a package (a file or a folder), an image, a root.json, a key, or a folder. */
type Kind = NonNullable<Params<'files.list'>['kind']>

export function FolderDialog({
  kind = 'package',
  onChoose,
  onClose,
}: {
  readonly kind?: Kind
  readonly onChoose: (path: string) => void
  readonly onClose: () => void
}) {
  const t = useText()
  const { bytes } = useFormats()
  const [listing, setListing] = useState<Result<'files.list'>>()
  const [path, setPath] = useState('')
  const open = async (folder?: string): Promise<void> => {
    const found = await order('files.list', folder === undefined ? { kind } : { kind, folder })
    if (found === undefined) return
    setListing(found)
    // What somebody has typed while the folder was read stays.
    setPath((now) => (now === path ? found.folder : now))
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the dialog opens
  useEffect(() => void open(), [])
  return (
    <Dialog title={t(TITLES[kind])} onClose={onClose}>
      <form
        className="folder-path"
        onSubmit={(event) => {
          event.preventDefault()
          if (kind !== 'folder' && /\.[a-z0-9]{2,4}$/i.test(path)) onChoose(path)
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
        {listing?.entries.length === 0 && (
          <li className="quiet">{t(kind === 'package' ? 'packages.folder-empty' : 'choose.empty')}</li>
        )}
        {listing?.cut === true && <li className="quiet">{t('packages.folder-cut')}</li>}
      </ul>
      {listing !== undefined && (kind === 'package' || kind === 'folder') && (
        <Button icon="folder" onClick={() => onChoose(listing.folder)}>
          {t(kind === 'folder' ? 'choose.this-folder' : 'packages.use-folder')}
        </Button>
      )}
    </Dialog>
  )
}
