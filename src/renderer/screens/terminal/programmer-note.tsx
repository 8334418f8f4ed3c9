// In EDL nothing is read or written without a programmer of the maker's; packages for EDL bring theirs.
import { useState } from 'react'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { Note } from '../../ui/note.tsx'
import { usePackageChooser } from '../packages/add-package.tsx'

export function ProgrammerNote() {
  const t = useText()
  const [added, setAdded] = useState(false)
  const { choose, dialog } = usePackageChooser(async (path) => {
    setAdded((await order('loader.add', { path })) !== undefined)
  })
  return (
    <Note tone={added ? 'good' : 'calm'} title={t(added ? 'edl.programmer-added' : 'edl.programmer')}>
      <p>{t('edl.programmer.words')}</p>
      <div className="row">
        <Button size="small" icon="folder" onClick={choose}>
          {t('edl.programmer.open')}
        </Button>
      </div>
      {dialog}
    </Note>
  )
}
