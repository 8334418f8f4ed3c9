// The backups of the terminal that stands there: what is kept of it, whether it is still whole, and the way back.
import { useState } from 'react'
import type { BackupView, BayView, JobView } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { useAnswer } from '../../state/answer.ts'
import { order } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { Icon } from '../../ui/icon.tsx'
import { ProblemNote } from '../../ui/note.tsx'
import { FolderDialog } from '../packages/folder-dialog.tsx'
import { FilePlanDialog } from './file-plan-dialog.tsx'

export function BackupsView({ bay, job }: { readonly bay: BayView; readonly job: JobView | undefined }) {
  const t = useText()
  const [made, setMade] = useState(0)
  const [choosing, setChoosing] = useState(false)
  const [restoring, setRestoring] = useState<string>()
  const { sighting, facts, work } = bay
  // A job keeps backups, a restart shows other marks, a reading tells whose they are.
  const stamp = `${made} ${job?.state} ${job?.step} ${sighting?.mode} ${sighting?.serial} ${facts?.at}`
  const { result, problem } = useAnswer('backups.list', { bay: bay.bay }, stamp)
  const free = sighting !== undefined && work === undefined && job?.state !== 'running'
  const canKeep = result?.canKeep === true
  const make = async (): Promise<void> => {
    await order('backups.make', { bay: bay.bay })
    setMade(made + 1)
  }
  return (
    <section className="stack scroll" aria-label={t('side.backups')}>
      <p className="quiet small">{t('backups.words')}</p>
      {problem !== undefined && <ProblemNote problem={problem} />}
      <div className="row">
        <Button icon="download" disabled={!free || !canKeep} onClick={() => void make()}>
          {t('backups.make')}
        </Button>
        <Button icon="folder" disabled={!free || !canKeep} onClick={() => setChoosing(true)}>
          {t('backups.open')}
        </Button>
      </div>
      {work?.kind === 'backing-up' && <p role="status">{t('backups.making')}</p>}
      {result?.canKeep === false && <p className="quiet small">{t('backups.mode')}</p>}
      {result?.backups.length === 0 && <p>{t(result.nameless ? 'backups.nameless' : 'backups.none')}</p>}
      <ul className="stack backups" aria-label={t('backups.list')}>
        {result?.backups.map((backup) => (
          <Backup
            key={`${backup.id} ${backup.at}`}
            backup={backup}
            mayRestore={free && canKeep}
            onRestore={() => setRestoring(backup.id)}
          />
        ))}
      </ul>
      {choosing && (
        <FolderDialog
          kind="folder"
          onClose={() => setChoosing(false)}
          onChoose={(folder) => {
            setChoosing(false)
            setRestoring(folder)
          }}
        />
      )}
      {restoring !== undefined && (
        <FilePlanDialog
          of={{ kind: 'restore', bay: bay.bay, backup: restoring }}
          onClose={() => setRestoring(undefined)}
        />
      )}
    </section>
  )
}

interface BackupProps {
  readonly backup: BackupView
  readonly mayRestore: boolean
  readonly onRestore: () => void
}

function Backup({ backup, mayRestore, onRestore }: BackupProps) {
  const t = useText()
  const { bytes, when } = useFormats()
  const [exporting, setExporting] = useState(false)
  const [copy, setCopy] = useState<string>()
  const { id, at, partitions } = backup
  const save = async (folder: string): Promise<void> => {
    setExporting(false)
    setCopy((await order('backups.export', { backup: id, folder }))?.folder)
  }
  return (
    <li className="stack backup" data-backup={id}>
      <div>
        <strong>{when(at)}</strong>{' '}
        <span className="small">
          {t('backups.holds', { count: partitions.length, size: bytes(backup.bytes) })}
        </span>
        <br />
        <code className="quiet small">{id}</code>
      </div>
      <Digests id={id} stamp={at} />
      <details>
        <summary>{t('facts.partitions', { count: partitions.length })}</summary>
        <table>
          <tbody>
            {partitions.map((one) => (
              <tr key={one.name}>
                <td className="mono">
                  <bdi>{one.name}</bdi>
                </td>
                <td>{bytes(one.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
      <div className="row">
        <Button size="small" icon="restart" disabled={!mayRestore} onClick={onRestore}>
          {t('backups.restore')}
        </Button>
        <Button size="small" icon="up" onClick={() => setExporting(true)}>
          {t('backups.export')}
        </Button>
      </div>
      <p className="quiet small wrap" role="status">
        {copy !== undefined && t('backups.exported', { path: copy })}
      </p>
      {exporting && (
        <FolderDialog
          kind="folder"
          onClose={() => setExporting(false)}
          onChoose={(folder) => void save(folder)}
        />
      )}
    </li>
  )
}

/** Every image is read and compared while the list is looked at. */
function Digests({ id, stamp }: { readonly id: string; readonly stamp: string }) {
  const t = useText()
  const { result, problem } = useAnswer('backups.check', { backup: id }, stamp)
  if (problem !== undefined) return <ProblemNote problem={problem} />
  const whole = result !== undefined
  return (
    <p className="small row backup-check" data-tone={whole ? 'good' : 'work'}>
      <Icon name={whole ? 'done' : 'wait'} /> {t(whole ? 'backups.whole' : 'backups.checking')}
    </p>
  )
}
