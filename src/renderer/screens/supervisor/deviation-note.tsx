// What a supervisor has to stand behind, told before it is started.
import type { Deviation } from '../../../shared/role.ts'
import { useText } from '../../i18n/index.ts'
import { useBench } from '../../state/bench.ts'
import { Note } from '../../ui/note.tsx'

export function DeviationNote({ deviations }: { readonly deviations: readonly Deviation[] }) {
  const t = useText()
  const locked = useBench(({ role }) => role?.pin === true && role.unlockedUntil === undefined)
  if (!locked || deviations.length === 0) return null
  return (
    <Note tone="warn" title={t('supervisor.needed')}>
      <ul>
        {deviations.map((deviation) => (
          <li key={deviation}>{t(`deviation.${deviation}`)}</li>
        ))}
      </ul>
    </Note>
  )
}
