// A support bundle before it leaves the bench: every file of it to be read, and what was put in the place of what.
import { useEffect, useState } from 'react'
import type { Result } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { Button, Select } from '../../ui/controls.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { saveBytes } from '../../ui/save-file.ts'

type Made = Result<'support.make'>

/** The way to it, wherever a job is shown. */
export function SupportButton({ job }: { readonly job: string }) {
  const t = useText()
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button kind="quiet" icon="package" onClick={() => setOpen(true)}>
        {t('support.title')}
      </Button>
      {open && <SupportDialog job={job} onClose={() => setOpen(false)} />}
    </>
  )
}

function SupportDialog({ job, onClose }: { readonly job: string; readonly onClose: () => void }) {
  const t = useText()
  const made = useBundle(job, onClose)
  const [saved, setSaved] = useState<string>()
  const save = async ({ bundle }: Made): Promise<void> => {
    const answer = await order('support.save', { bundle })
    if (answer === undefined) return
    saveBytes(
      answer.name,
      'application/zip',
      Uint8Array.from(atob(answer.zip), (c) => c.charCodeAt(0)),
    )
    setSaved(answer.path)
  }
  return (
    <Dialog title={t('support.title')} onClose={onClose}>
      <p>{t('support.words')}</p>
      {made === undefined ? (
        <p role="status">{t('support.making')}</p>
      ) : (
        <>
          <Replaced made={made} />
          <Files made={made} />
          <div className="row">
            <Button kind="main" icon="download" onClick={() => void save(made)}>
              {t('support.save')}
            </Button>
            <Button onClick={onClose}>{t('action.cancel')}</Button>
          </div>
          <p className="quiet small wrap" role="status">
            {saved !== undefined && t('certificate.stored', { path: saved })}
          </p>
        </>
      )}
    </Dialog>
  )
}

/** Made anew each time: the log has grown. Closes when there is nothing to show. */
function useBundle(job: string, onFail: () => void): Made | undefined {
  const [made, setMade] = useState<Made>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the way out is not a reason to make it again
  useEffect(() => {
    let wanted = true
    void order('support.make', { jobs: [job] }).then((answer) => {
      if (!wanted) return
      if (answer === undefined) onFail()
      else setMade(answer)
    })
    return () => {
      wanted = false
    }
  }, [job])
  return made
}

function Replaced({ made }: { readonly made: Made }) {
  const t = useText()
  const { replaced } = made
  return (
    <div className="stack">
      <h3 id="support-replaced">{t('support.replaced', { count: replaced.length })}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section className="table-frame support-table" tabIndex={0} aria-labelledby="support-replaced">
        <table>
          <thead>
            <tr>
              <th>{t('support.here')}</th>
              <th>{t('support.there')}</th>
              <th>{t('support.kind')}</th>
              <th>{t('support.times')}</th>
            </tr>
          </thead>
          <tbody>
            {replaced.map(({ pseudonym, original, kind, count }) => (
              <tr key={pseudonym}>
                <td className="wrap">
                  <bdi>{original}</bdi>
                </td>
                <td className="mono">{pseudonym}</td>
                <td>{t(`secret.${kind}`)}</td>
                <td>{count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  )
}

function Files({ made }: { readonly made: Made }) {
  const t = useText()
  const { bytes } = useFormats()
  const [chosen, setChosen] = useState(made.files[0]?.name ?? '')
  const file = made.files.find(({ name }) => name === chosen)
  return (
    <div className="stack">
      <Select
        label={t('support.files')}
        value={chosen}
        choices={made.files.map((one) => ({ value: one.name, label: `${one.name} (${bytes(one.bytes)})` }))}
        onChange={setChosen}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section className="support-text" dir="ltr" tabIndex={0} aria-label={chosen}>
        <pre>{file?.text}</pre>
      </section>
      {file?.cut === true && <p className="quiet small">{t('support.cut')}</p>}
    </div>
  )
}
