// Where ROMs come from: the repositories with their mirrors, the channels taken part in, and the size of the cache.
import { useState } from 'react'
import type { RepositoryView, Settings } from '../../../shared/contract.ts'
import { useText } from '../../i18n/index.ts'
import { order, useBench } from '../../state/bench.ts'
import { Button, NumberField, TextField } from '../../ui/controls.tsx'
import { RepositoryStatus } from '../firmware/repository-status.tsx'
import { FolderDialog } from '../packages/folder-dialog.tsx'

const NO_REPOSITORIES: readonly RepositoryView[] = []
const GIB = 1024 ** 3

export function RepositoryCard({ settings }: { readonly settings: Settings }) {
  const t = useText()
  const repositories = useBench(({ bench }) => bench?.firmware.repositories ?? NO_REPOSITORIES)
  const [adding, setAdding] = useState(false)
  return (
    <section className="card" aria-labelledby="repositories-title">
      <h2 id="repositories-title">{t('repository.title')}</h2>
      <p className="quiet">{t('repository.words')}</p>
      {repositories.map((repository) => (
        <OneRepository key={repository.name} repository={repository} />
      ))}
      {adding ? (
        <AddRepository onClose={() => setAdding(false)} />
      ) : (
        <div className="row">
          <Button icon="add" onClick={() => setAdding(true)}>
            {t('repository.add')}
          </Button>
        </div>
      )}
      <NumberField
        label={t('cache.limit')}
        value={Math.round(settings.cacheLimit / GIB)}
        min={1}
        max={100_000}
        onChange={(size) => void order('settings.set', { cacheLimit: size * GIB })}
      />
      <Channels channels={settings.channels} />
    </section>
  )
}

/** Words between commas. */
function wordsIn(text: string): string[] {
  return text.split(/[,\s]+/).filter(Boolean)
}

/** Addresses one after the other; a folder's name may hold spaces. */
function addressesIn(text: string): string[] {
  return text
    .split(/[\s,]+(?=[a-z]+:|\/)/i)
    .map((address) => address.trim())
    .filter(Boolean)
    .slice(0, 16)
}

function Channels({ channels }: { readonly channels: readonly string[] }) {
  const t = useText()
  const [text, setText] = useState(channels.join(', '))
  const change = (next: string): void => {
    setText(next)
    const wanted = wordsIn(next).slice(0, 8)
    if (wanted.length > 0 && wanted.every((word) => word.length <= 128))
      void order('settings.set', { channels: wanted })
  }
  return <TextField label={t('repository.channels')} value={text} onChange={change} />
}

function OneRepository({ repository }: { readonly repository: RepositoryView }) {
  const t = useText()
  const { name, url, mirrors } = repository
  const [open, setOpen] = useState(false)
  const [addresses, setAddresses] = useState({ url: url ?? '', mirrors: mirrors.join(' ') })
  const save = async (): Promise<void> => {
    const change = { name, mirrors: addressesIn(addresses.mirrors), ...addressIn(addresses.url) }
    if ((await order('repository.change', change)) !== undefined) setOpen(false)
  }
  return (
    <div className="stack">
      <RepositoryStatus repository={repository} />
      <p className="quiet small mono wrap">
        <bdi>{url ?? t('repository.sticks-only')}</bdi>
        {mirrors.map((mirror) => (
          <span key={mirror}>
            {' · '}
            <bdi>{mirror}</bdi>
          </span>
        ))}
      </p>
      {open && (
        <>
          <TextField
            label={t('repository.url')}
            value={addresses.url}
            onChange={(next) => setAddresses({ ...addresses, url: next })}
          />
          <TextField
            label={t('repository.mirrors')}
            value={addresses.mirrors}
            onChange={(next) => setAddresses({ ...addresses, mirrors: next })}
          />
        </>
      )}
      <div className="row">
        {open && (
          <Button size="small" kind="main" onClick={() => void save()}>
            {t('action.save')}
          </Button>
        )}
        <Button size="small" icon="edit" onClick={() => setOpen(!open)}>
          {t(open ? 'action.cancel' : 'repository.edit')}
        </Button>
        <Button
          size="small"
          kind="quiet"
          icon="trash"
          onClick={() => void order('trust.remove-repository', { name })}
        >
          {t('repository.remove', { name })}
        </Button>
      </div>
    </div>
  )
}

function addressIn(text: string): { readonly url?: string } {
  return text.trim() === '' ? {} : { url: text.trim() }
}

function AddRepository({ onClose }: { readonly onClose: () => void }) {
  const t = useText()
  const [draft, setDraft] = useState({ name: '', url: '', mirrors: '', root: '' })
  const [choosing, setChoosing] = useState(false)
  const [asking, setAsking] = useState(false)
  const set = (key: keyof typeof draft) => (value: string) => setDraft({ ...draft, [key]: value })
  const nameOk = /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/.test(draft.name)
  const add = async (): Promise<void> => {
    setAsking(true)
    const added = await order('trust.add-repository', {
      ...{ name: draft.name, root: draft.root, mirrors: addressesIn(draft.mirrors) },
      ...addressIn(draft.url),
    })
    setAsking(false)
    if (added !== undefined) onClose()
  }
  return (
    <section className="stack" aria-label={t('repository.add')}>
      <TextField label={t('repository.name')} value={draft.name} onChange={set('name')} />
      <TextField label={t('repository.url')} value={draft.url} onChange={set('url')} />
      <TextField label={t('repository.mirrors')} value={draft.mirrors} onChange={set('mirrors')} />
      <div className="row row-end">
        <div className="grow">
          <TextField label={t('repository.root')} value={draft.root} onChange={set('root')} />
        </div>
        <Button icon="file" onClick={() => setChoosing(true)}>
          {t('repository.root.choose')}
        </Button>
      </div>
      <p className="quiet small">{t('repository.root.words')}</p>
      <div className="row">
        <Button kind="main" disabled={!nameOk || draft.root === '' || asking} onClick={() => void add()}>
          {t(asking ? 'repository.asking' : 'repository.trust')}
        </Button>
        <Button onClick={onClose}>{t('action.cancel')}</Button>
      </div>
      {choosing && (
        <FolderDialog
          kind="root"
          onClose={() => setChoosing(false)}
          onChoose={(root) => {
            setChoosing(false)
            set('root')(root)
          }}
        />
      )}
    </section>
  )
}
