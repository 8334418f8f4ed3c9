// A problem or a finding as a person needs it: what it means, what happened here, what to do next.
import type { ReactNode } from 'react'
import type { Notice } from '../../shared/contract.ts'
import type { Finding } from '../../shared/plan.ts'
import { translated, useText } from '../i18n/index.ts'
import { Icon, type IconName } from './icon.tsx'

export type Tone = 'calm' | 'ready' | 'work' | 'good' | 'warn' | 'bad'

const ICONS: Readonly<Record<Tone, IconName>> = {
  calm: 'info',
  ready: 'info',
  work: 'wait',
  good: 'done',
  warn: 'warning',
  bad: 'failed',
}

export function Note({
  tone,
  title,
  children,
}: {
  readonly tone: Tone
  readonly title: string
  readonly children?: ReactNode
}) {
  return (
    <div className="note" data-tone={tone}>
      <Icon name={ICONS[tone]} />
      <p className="note-title">{title}</p>
      {children}
    </div>
  )
}

export function ProblemNote({
  problem,
  tone = 'bad',
  children,
}: {
  readonly problem: Notice
  readonly tone?: Tone
  readonly children?: ReactNode
}) {
  const { code, detail } = problem
  return (
    <Note tone={tone} title={meaningOf(problem)}>
      <p>{nextOf(problem)}</p>
      <p className="quiet small">
        <bdi>{detail}</bdi> <code>{code}</code>
      </p>
      {children}
    </Note>
  )
}

export function meaningOf({ code, meaning }: Pick<Notice, 'code' | 'meaning'>): string {
  return translated(`error.${code}.meaning`, meaning)
}

export function nextOf({ code, next }: Pick<Notice, 'code' | 'next'>): string {
  return translated(`error.${code}.next`, next)
}

export function FindingNote({ finding, tone }: { readonly finding: Finding; readonly tone: 'warn' | 'bad' }) {
  const t = useText()
  return (
    <Note tone={tone} title={t(`finding.${finding.code}`)}>
      <p>
        <bdi>{finding.detail}</bdi>
      </p>
      {finding.next !== undefined && (
        <p className="quiet">{translated(`finding.${finding.code}.next`, finding.next)}</p>
      )}
    </Note>
  )
}
