// The certificate of a job: what was done to which terminal, with which bytes, and what was seen.
import { useEffect, useState } from 'react'
import type { Certificate } from '../../../shared/certificate.ts'
import type { Result } from '../../../shared/contract.ts'
import { desktop } from '../../host-port.ts'
import { clock, useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { say } from '../../state/messages.ts'
import { go } from '../../state/place.ts'
import { Button, IconButton } from '../../ui/controls.tsx'
import { FactList } from '../../ui/fact-list.tsx'
import { Icon } from '../../ui/icon.tsx'
import { FindingNote, ProblemNote } from '../../ui/note.tsx'
import { saveText } from '../../ui/save-file.ts'
import { SupportButton } from '../support/support-dialog.tsx'
import { stateTone, stateWords } from '../wall/tile-status.ts'

export function CertificateView({ id }: { readonly id: string }) {
  const t = useText()
  const [report, setReport] = useState<Result<'job.report'>>()
  /** Where it was saved last. */
  const [pdf, setPdf] = useState<string>()
  useEffect(() => {
    let wanted = true
    void order('job.report', { job: id }).then((answer) => wanted && setReport(answer))
    return () => {
      wanted = false
    }
  }, [id])
  const savePdf = async (): Promise<void> => {
    const saved = await desktop?.savePdf(id)
    if (saved === undefined) return
    if ('error' in saved) say(saved.error)
    else setPdf(saved.path)
  }
  return (
    <>
      <div className="screen-head">
        <IconButton icon="back" label={t('nav.history')} onClick={() => go('history')} />
        <h1 className="grow">{t('certificate.title', { job: id })}</h1>
        <SupportButton job={id} />
        {report !== undefined && (
          <>
            <Button
              icon="download"
              onClick={() =>
                saveText(`${id}.json`, 'application/json', JSON.stringify(report.certificate, null, 2))
              }
            >
              JSON
            </Button>
            <Button icon="download" onClick={() => saveText(`${id}.html`, 'text/html', report.page)}>
              {t('certificate.page')}
            </Button>
            {desktop !== undefined && (
              <Button icon="download" onClick={() => void savePdf()}>
                {t('certificate.pdf')}
              </Button>
            )}
            <Button icon="print" onClick={() => window.print()}>
              {t('certificate.print')}
            </Button>
          </>
        )}
      </div>
      {report !== undefined && (
        <>
          <Sheet certificate={report.certificate} />
          <p className="quiet small wrap no-print">{t('certificate.stored', { path: report.files.page })}</p>
          <p className="quiet small wrap no-print" role="status">
            {pdf !== undefined && t('certificate.pdf-saved', { path: pdf })}
          </p>
        </>
      )}
    </>
  )
}

function Sheet({ certificate }: { readonly certificate: Certificate }) {
  const t = useText()
  const { when, bytes } = useFormats()
  const { terminal, rom, totals, recipe, problem } = certificate
  const tone = stateTone(certificate.state)
  const facts = [
    [t('history.model'), terminal.product],
    [t('history.serial'), terminal.serial],
    [t('history.bay'), terminal.bay],
    [t('operators.one'), certificate.operator],
    [t('history.build'), rom.build],
    [t('packages.patch'), rom.securityPatch],
    [t('recipe.policy'), t(`policy.${recipe.policy}`)],
    [t('recipe.wipe'), t(recipe.wipe ? 'word.yes' : 'word.no')],
    [t('certificate.started'), when(certificate.createdAt)],
    [t('certificate.ended'), when(certificate.endedAt)],
    [t('certificate.took'), clock(totals.seconds)],
    [t('certificate.bytes'), bytes(totals.imageBytes)],
  ] as const
  return (
    <article className="card sheet" aria-labelledby="sheet-title">
      <h2 id="sheet-title" className="job-verdict" data-tone={tone}>
        <Icon name={tone === 'good' ? 'done' : 'warning'} /> {stateWords(certificate.state, t)}
      </h2>
      <FactList facts={facts} />
      {problem !== undefined && <ProblemNote problem={problem} />}
      {certificate.warnings.map((finding) => (
        <FindingNote key={`${finding.code} ${finding.detail}`} finding={finding} tone="warn" />
      ))}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section className="table-frame" tabIndex={0} aria-label={t('side.steps')}>
        <table>
          <thead>
            <tr>
              <th>{t('certificate.step')}</th>
              <th>{t('history.result')}</th>
              <th>SHA-256</th>
            </tr>
          </thead>
          <tbody>
            {certificate.steps.map((step) => (
              <tr key={step.id}>
                <td>{step.what}</td>
                <td>{t(`step.state.${step.state}`)}</td>
                <td className="mono small">
                  {step.receipt !== undefined && 'sha256' in step.receipt
                    ? step.receipt.sha256.slice(0, 16)
                    : ''}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </article>
  )
}
