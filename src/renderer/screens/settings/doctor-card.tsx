// Why a terminal is not seen, or not opened: what the doctor finds on this computer, and what to type.
import { useEffect, useState } from 'react'
import type { DoctorFinding, DoctorReport } from '../../../shared/doctor.ts'
import { useText } from '../../i18n/index.ts'
import { order } from '../../state/bench.ts'
import { Button } from '../../ui/controls.tsx'
import { Note, type Tone } from '../../ui/note.tsx'

const TONES: Readonly<Record<DoctorFinding['severity'], Tone>> = {
  blocks: 'bad',
  warning: 'warn',
  advice: 'calm',
}

/** @param props `atOnce`: looks without being asked. */
export function DoctorCard({ atOnce = false }: { readonly atOnce?: boolean }) {
  const t = useText()
  const [report, setReport] = useState<DoctorReport>()
  const [looking, setLooking] = useState(false)
  const look = async (): Promise<void> => {
    setLooking(true)
    setReport((await order('host.doctor', {}))?.report)
    setLooking(false)
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the card is shown
  useEffect(() => {
    if (atOnce) void look()
  }, [])
  return (
    <section className="card">
      <h2>{t('doctor.title')}</h2>
      <p className="quiet">{t('doctor.words')}</p>
      <div className="row">
        <Button icon="verify" disabled={looking} onClick={() => void look()}>
          {t(report === undefined ? 'doctor.look' : 'doctor.again')}
        </Button>
      </div>
      <div className="stack" aria-live="polite">
        {report?.healthy === true && <Note tone="good" title={t('doctor.healthy')} />}
        {report?.findings.map((finding) => (
          <Note
            key={`${finding.code} ${finding.place ?? ''}`}
            tone={TONES[finding.severity]}
            title={finding.meaning}
          >
            <p>{finding.next}</p>
            {finding.command !== undefined && (
              <p>
                <code className="command">{finding.command}</code>
              </p>
            )}
            <p className="quiet small">
              <bdi>{finding.detail}</bdi>
            </p>
          </Note>
        ))}
      </div>
    </section>
  )
}
