// The steps of a job: done, under way, still to come.
import { useEffect, useRef } from 'react'
import type { JobView, StepView } from '../../../shared/contract.ts'
import { clock, useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { Icon } from '../../ui/icon.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'
import { stepWords } from '../../ui/words.ts'
import { stepIcon } from '../wall/tile-status.ts'

export function StepList({ job }: { readonly job: JobView }) {
  const t = useText()
  const list = useRef<HTMLOListElement>(null)
  const { step } = job
  useEffect(() => {
    if (step === undefined) return
    const current = list.current?.querySelector('[aria-current]')
    // Within the list only: the page itself stays where it is.
    if (current instanceof HTMLElement && list.current)
      list.current.scrollTop = current.offsetTop - list.current.clientHeight / 2
  }, [step])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <ol className="step-list scroll" ref={list} tabIndex={0} aria-label={t('side.steps')}>
      {job.steps.map((one) => (
        <Step key={one.id} step={one} job={job} />
      ))}
    </ol>
  )
}

function Step({ step, job }: { readonly step: StepView; readonly job: JobView }) {
  const t = useText()
  const formats = useFormats()
  const current = job.step === step.id
  const failed = !current && step.state === 'started'
  const tone = step.state === 'proven' ? 'good' : current ? 'work' : failed ? 'bad' : 'calm'
  const took =
    step.startedAt !== undefined && step.provenAt !== undefined
      ? (Date.parse(step.provenAt) - Date.parse(step.startedAt)) / 1000
      : undefined
  const { progress } = job
  return (
    <li className="step" data-tone={tone} {...(current && { 'aria-current': 'step' as const })}>
      <Icon name={step.state === 'proven' ? 'done' : failed ? 'failed' : stepIcon(step)} />
      <span className="grow">
        {stepWords(step, t, formats)}
        <span className="unseen">{t(`step.state.${failed ? 'failed' : step.state}`)}</span>
        {current && progress !== undefined && progress.total > 0 && (
          <ProgressBar share={progress.done / progress.total} label={stepWords(step, t, formats)} />
        )}
      </span>
      {step.attempts > 1 && <span className="chip">{t('step.attempts', { count: step.attempts })}</span>}
      <span className="quiet small">
        {took !== undefined && took >= 1
          ? clock(took)
          : step.kind === 'write' && formats.bytes(step.bytes ?? 0)}
      </span>
    </li>
  )
}
