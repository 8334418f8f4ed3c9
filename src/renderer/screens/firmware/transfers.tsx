// What is on its way: ROMs into the cache, ROMs to a stick and from one.
import type { TransferView } from '../../../shared/contract.ts'
import { clock, useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { order, useBench } from '../../state/bench.ts'
import { useNow } from '../../state/now.ts'
import { Button } from '../../ui/controls.tsx'
import { Note, ProblemNote } from '../../ui/note.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'

const NONE: readonly TransferView[] = []

/** Those of sticks, and downloads whose ROM is not in sight. */
export function Transfers() {
  const t = useText()
  const transfers = useBench(({ bench }) => bench?.firmware.transfers ?? NONE)
  if (transfers.length === 0) return null
  return (
    <ul className="stack" aria-label={t('transfer.title')}>
      {transfers.map((transfer) => (
        <li key={transfer.id} className="card" data-transfer={transfer.kind}>
          <div className="card-head">
            <h2 className="wrap">
              {t(`transfer.${transfer.kind}`)} <bdi>{transfer.name}</bdi>
            </h2>
          </div>
          <TransferProgress transfer={transfer} />
        </li>
      ))}
    </ul>
  )
}

export function TransferProgress({ transfer }: { readonly transfer: TransferView }) {
  const t = useText()
  const { bytes } = useFormats()
  const { id, kind, state, done, total, received, copied, problem } = transfer
  const active = state === 'running' || state === 'waiting'
  const on = { transfer: id }
  return (
    <div className="stack" data-tone={state === 'failed' ? 'bad' : 'work'}>
      {total > 0 && state !== 'done' && (
        <ProgressBar share={done / total} label={`${t(`transfer.${kind}`)} ${transfer.name}`} />
      )}
      {state !== 'done' && (
        <p className="small" role="status">
          {t(`transfer.state.${state}`)} · {t('job.of', { done: bytes(done), total: bytes(total) })}
          {received > 0 && ` · ${t('transfer.received', { size: bytes(received) })}`}
          {copied > 0 && ` · ${t('transfer.copied', { size: bytes(copied) })}`}
          {state === 'running' && <Speed transfer={transfer} />}
        </p>
      )}
      {transfer.owner !== undefined && state === 'running' && (
        <p className="quiet small">{t('transfer.owner', { owner: transfer.owner })}</p>
      )}
      {state === 'done' && (
        <Note tone="good" title={t(kind === 'export' ? 'transfer.exported' : 'transfer.imported')}>
          <p>
            <bdi>{transfer.roms?.join(', ')}</bdi>
          </p>
        </Note>
      )}
      {problem !== undefined && <ProblemNote problem={problem} tone={active ? 'warn' : 'bad'} />}
      {transfer.retryAt !== undefined && state === 'failed' && <Retry at={transfer.retryAt} />}
      <div className="row">
        {active && (
          <Button size="small" icon="stop" onClick={() => void order('transfer.stop', on)}>
            {t('action.stop')}
          </Button>
        )}
        {!active && kind === 'download' && transfer.rom !== undefined && (
          <Button
            size="small"
            kind="main"
            icon="download"
            onClick={() => void order('download.start', { rom: transfer.rom ?? '' })}
          >
            {t('transfer.go-on')}
          </Button>
        )}
        {!active && (
          <Button size="small" kind="quiet" icon="trash" onClick={() => void order('transfer.drop', on)}>
            {t(kind === 'download' ? 'transfer.drop' : 'action.close')}
          </Button>
        )}
      </div>
    </div>
  )
}

function Speed({ transfer }: { readonly transfer: TransferView }) {
  const t = useText()
  const { speed } = useFormats()
  const { bytesPerSecond, done, total } = transfer
  if (bytesPerSecond === 0) return null
  const left = clock((total - done) / bytesPerSecond)
  return ` · ${speed(bytesPerSecond)} · ${t('job.left', { time: left })}`
}

function Retry({ at }: { readonly at: string }) {
  const t = useText()
  const now = useNow()
  return <p className="small">{t('transfer.retry', { time: clock((Date.parse(at) - now) / 1000) })}</p>
}
