// The keys of publishers that this bench trusts: what they are, a new one from a file, one less.
import { useState } from 'react'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { useAnswer } from '../../state/answer.ts'
import { order } from '../../state/bench.ts'
import { Button, IconButton } from '../../ui/controls.tsx'
import { Note, ProblemNote } from '../../ui/note.tsx'
import { FolderDialog } from '../packages/folder-dialog.tsx'

export function TrustCard() {
  const t = useText()
  const { when } = useFormats()
  const [changes, setChanges] = useState(0)
  const [choosing, setChoosing] = useState(false)
  const [added, setAdded] = useState<string>()
  const { result, problem } = useAnswer('trust.list', {}, changes)
  const add = async (path: string): Promise<void> => {
    setChoosing(false)
    const done = await order('trust.add-key', { path })
    setAdded(done?.anchor.fingerprint)
    setChanges(changes + 1)
  }
  const remove = async (name: string): Promise<void> => {
    await order('trust.remove-key', { name })
    setChanges(changes + 1)
  }
  return (
    <section className="card" aria-labelledby="trust-title">
      <h2 id="trust-title">{t('keys-trusted.title')}</h2>
      <p className="quiet">{t('keys-trusted.words')}</p>
      {problem !== undefined && <ProblemNote problem={problem} />}
      {result?.anchors.length === 0 && <p>{t('keys-trusted.none')}</p>}
      <ul className="stack">
        {result?.anchors.map(({ name, kind, fingerprint, addedAt, addedBy }) => (
          <li key={fingerprint} className="row">
            <span className="grow wrap">
              <strong>
                <bdi>{name}</bdi>
              </strong>{' '}
              <span className="small">{t(`keys-trusted.${kind}`)}</span>
              <br />
              <code className="small">{fingerprint}</code>
              <br />
              <span className="quiet small">
                {t('keys-trusted.added', { time: when(addedAt), by: addedBy })}
              </span>
            </span>
            <IconButton
              icon="trash"
              label={t('keys-trusted.remove', { name })}
              onClick={() => void remove(name)}
            />
          </li>
        ))}
      </ul>
      {added !== undefined && (
        <Note tone="warn" title={t('keys-trusted.compare')}>
          <p>
            <code>{added}</code>
          </p>
        </Note>
      )}
      <div className="row">
        <Button icon="add" onClick={() => setChoosing(true)}>
          {t('keys-trusted.add')}
        </Button>
      </div>
      {choosing && (
        <FolderDialog kind="key" onClose={() => setChoosing(false)} onChoose={(path) => void add(path)} />
      )}
    </section>
  )
}
