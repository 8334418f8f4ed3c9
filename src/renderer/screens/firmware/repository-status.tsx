// How each repository answered: what it lists, how old the list is, and what works without it.
import type { RepositoryView } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { useNow } from '../../state/now.ts'
import { Note, ProblemNote } from '../../ui/note.tsx'

const MINUTE = 60_000

export function RepositoryStatus({ repository }: { readonly repository: RepositoryView }) {
  const t = useText()
  const { when } = useFormats()
  const { name, roms, listedAt, expires, problem, publishers } = repository
  return (
    <div className="stack" data-repository={name}>
      <p className="small">
        <strong>
          <bdi>{name}</bdi>
        </strong>{' '}
        · {t('repository.roms', { count: roms })}
        {listedAt !== undefined && (
          <span className="quiet">
            {' '}
            · <Age since={listedAt} />
          </span>
        )}
      </p>
      {problem !== undefined && (
        <ProblemNote problem={problem} tone={expires === undefined ? 'bad' : 'warn'}>
          <p>
            {expires === undefined
              ? t('repository.nothing')
              : t('repository.offline', { time: when(expires) })}
          </p>
        </ProblemNote>
      )}
      {publishers.map((notice) => (
        <Note key={notice.detail} tone="warn" title={t('repository.publisher')}>
          <p className="small">
            <bdi>{notice.detail}</bdi> <code>{notice.code}</code>
          </p>
        </Note>
      ))}
    </div>
  )
}

function Age({ since }: { readonly since: string }) {
  const t = useText()
  const now = useNow()
  const minutes = Math.max(0, Math.floor((now - Date.parse(since)) / MINUTE))
  if (minutes < 120) return t('repository.age.minutes', { count: minutes })
  if (minutes < 2_880) return t('repository.age.hours', { count: Math.floor(minutes / 60) })
  return t('repository.age.days', { count: Math.floor(minutes / 1_440) })
}
