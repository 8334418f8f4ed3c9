// The partitions of a terminal, as far as its mode tells them: one read into a file, or written from one.
import { useState } from 'react'
import type { BayView } from '../../../shared/contract.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { jobOn, order, useBench } from '../../state/bench.ts'
import { IconButton } from '../../ui/controls.tsx'
import { FolderDialog } from '../packages/folder-dialog.tsx'
import { type FilePlan, FilePlanDialog } from './file-plan-dialog.tsx'

interface Choosing {
  readonly what: 'folder' | 'image'
  readonly partition: string
}

export function PartitionList({ facts, bay }: { readonly facts: TerminalFacts; readonly bay: BayView }) {
  const t = useText()
  const { bytes } = useFormats()
  const [choosing, setChoosing] = useState<Choosing>()
  const [writing, setWriting] = useState<FilePlan>()
  const [saved, setSaved] = useState<{ readonly partition: string; readonly path: string }>()
  const running = useBench(({ bench }) => jobOn(bench, bay)?.state === 'running')
  const partitions = Object.entries(facts.partitions).filter(([, { size }]) => size !== undefined)
  const mayUse = readsBack(facts) && bay.sighting?.mode === facts.mode && bay.work === undefined && !running
  const use = async ({ what, partition }: Choosing, path: string): Promise<void> => {
    setChoosing(undefined)
    if (what === 'image') setWriting({ kind: 'write-partition', bay: bay.bay, partition, path })
    else {
      const read = await order('partitions.read', { bay: bay.bay, partition, folder: path })
      setSaved(read && { partition, path: read.path })
    }
  }
  if (partitions.length === 0) return null
  return (
    <details>
      <summary>{t('facts.partitions', { count: partitions.length })}</summary>
      <table className="partition-list">
        <tbody>
          {partitions.map(([partition, { size, type, logical }]) => (
            <tr key={partition}>
              <td className="mono">
                <bdi>{partition}</bdi>
                {saved?.partition === partition && (
                  <p className="quiet small wrap" role="status">
                    {t('partitions.saved', { path: saved.path })}
                  </p>
                )}
              </td>
              <td>{bytes(size ?? 0)}</td>
              <td className="quiet">
                <bdi>
                  {[type, logical === true ? t('facts.logical') : undefined].filter(Boolean).join(', ')}
                </bdi>
              </td>
              {mayUse && (
                <td>
                  <IconButton
                    icon="download"
                    label={t('partitions.read', { partition })}
                    onClick={() => setChoosing({ what: 'folder', partition })}
                  />
                  <IconButton
                    icon="edit"
                    label={t('partitions.write', { partition })}
                    onClick={() => setChoosing({ what: 'image', partition })}
                  />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {choosing !== undefined && (
        <FolderDialog
          kind={choosing.what}
          onClose={() => setChoosing(undefined)}
          onChoose={(path) => void use(choosing, path)}
        />
      )}
      {writing !== undefined && <FilePlanDialog of={writing} onClose={() => setWriting(undefined)} />}
    </details>
  )
}

/** What cannot be read cannot be kept either, and is not written. */
function readsBack({ mode, readBackIn, maxFetch }: TerminalFacts): boolean {
  return readBackIn?.includes(mode) ?? maxFetch !== undefined
}
