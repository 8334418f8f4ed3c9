// ROMs to a stick, and from one: a folder is chosen, how it goes is among the transfers.
import { useState } from 'react'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { FolderDialog } from '../packages/folder-dialog.tsx'

export function StickButtons({
  chosen,
  onExported,
}: {
  readonly chosen: readonly string[]
  readonly onExported: () => void
}) {
  const t = useText()
  const [asking, setAsking] = useState<'export' | 'import'>()
  const use = async (folder: string): Promise<void> => {
    setAsking(undefined)
    if (asking === 'import') await order('stick.import', { folder })
    else if ((await order('stick.export', { roms: [...chosen], folder })) !== undefined) onExported()
  }
  return (
    <>
      <Button icon="up" disabled={chosen.length === 0} onClick={() => setAsking('export')}>
        {t('stick.export', { count: chosen.length })}
      </Button>
      <Button icon="down" onClick={() => setAsking('import')}>
        {t('stick.import')}
      </Button>
      {asking !== undefined && (
        <FolderDialog
          kind="folder"
          onClose={() => setAsking(undefined)}
          onChoose={(folder) => void use(folder)}
        />
      )}
    </>
  )
}
