// What a bay is about, in one word with its icon and its tone. Pure: from the state to what is shown.
import type { BayView, JobView, SessionBayView, StepView } from '../../../shared/contract.ts'
import type { JobState } from '../../../shared/job.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import type { Translate } from '../../i18n/index.ts'
import type { IconName } from '../../ui/icon.tsx'
import type { Tone } from '../../ui/note.tsx'

export interface TileStatus {
  readonly tone: Tone
  readonly icon: IconName
  readonly words: string
  /** One more line, where there is a reason to tell. */
  readonly reason?: string
}

export interface TileInput {
  readonly bay: BayView
  readonly job: JobView | undefined
  readonly place: SessionBayView | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

/** The most pressing first: a job, what somebody has to look at, the session, what is being done, what stands there. */
export function tileStatus(input: TileInput, t: Translate): TileStatus {
  const { bay, job, place } = input
  if (job?.state === 'running') return runningStatus(job, t)
  if (job !== undefined && !job.acknowledged) return endedStatus(job, t)
  if (place !== undefined && bay.sighting !== undefined) return placeStatus(place, input.now, t)
  if (bay.work !== undefined) return workStatus(bay, t)
  if (bay.sighting === undefined) return { tone: 'calm', icon: 'plug', words: t('status.empty') }
  const problem = bay.sighting.problem ?? bay.problem
  if (problem !== undefined)
    return { tone: 'warn', icon: 'warning', words: t('status.not-readable'), reason: problem.meaning }
  if (job?.state === 'done') return { tone: 'good', icon: 'done', words: t('status.done') }
  if (bay.sighting.protocol === undefined)
    return { tone: 'warn', icon: 'hands', words: t('status.recognised-only'), ...reasonOf(bay) }
  return { tone: 'ready', icon: 'ready', words: t('status.ready') }
}

function reasonOf({ sighting }: BayView): Pick<TileStatus, 'reason'> {
  return sighting?.personality === undefined ? {} : { reason: sighting.personality.name }
}

function runningStatus(job: JobView, t: Translate): TileStatus {
  if (job.waiting !== undefined) {
    const needsHands =
      job.waiting.reason !== 'boot' && job.waiting.reason !== 'terminal' && job.waiting.reason !== 'merge'
    return {
      ...{ tone: needsHands ? 'warn' : 'work', icon: needsHands ? 'hands' : 'wait' },
      words: t(`waiting.${job.waiting.reason}.short`),
    }
  }
  const step = job.steps.find(({ id }) => id === job.step)
  if (step === undefined) return { tone: 'work', icon: 'wait', words: t('status.starting') }
  return { tone: 'work', icon: stepIcon(step), words: t(`step.${step.kind}.short`) }
}

export function stepIcon({ kind }: Pick<StepView, 'kind'>): IconName {
  switch (kind) {
    case 'write':
    case 'write-file':
    case 'sideload':
    case 'write-table':
      return 'write'
    case 'verify':
    case 'identify':
      return 'verify'
    case 'backup':
      return 'download'
    case 'reboot':
    case 'enter-mode':
      return 'restart'
    case 'prove-boot':
      return 'phone'
    case 'erase':
    case 'delete-logical':
      return 'trash'
    case 'set-active':
      return 'ready'
    case 'snapshot':
    case 'resize-logical':
    case 'update-super':
    case 'new-super':
      return 'settings'
    default:
      return missingCase(kind)
  }
}

function endedStatus(job: JobView, t: Translate): TileStatus {
  const tone = job.state === 'written' ? 'warn' : 'bad'
  const icon = tone === 'warn' ? 'warning' : 'failed'
  const reason = job.problem?.meaning
  return { tone, icon, words: stateWords(job.state, t), ...(reason !== undefined && { reason }) }
}

export function stateWords(state: JobState, t: Translate): string {
  return t(`state.${state}`)
}

export function stateTone(state: JobState): Tone {
  switch (state) {
    case 'done':
      return 'good'
    case 'written':
      return 'warn'
    case 'failed':
    case 'fell-back':
    case 'interrupted':
      return 'bad'
    case 'running':
      return 'work'
    case 'planned':
      return 'calm'
    default:
      return missingCase(state)
  }
}

function placeStatus(place: SessionBayView, now: number, t: Translate): TileStatus {
  switch (place.state) {
    case 'checking':
      return { tone: 'work', icon: 'read', words: t('place.checking') }
    case 'counting': {
      const seconds = Math.max(0, Math.ceil((Date.parse(place.startsAt ?? '') - now) / 1000))
      return { tone: 'ready', icon: 'wait', words: t('place.counting', { seconds: seconds || 0 }) }
    }
    case 'ready':
      return { tone: 'ready', icon: 'ready', words: t('place.ready') }
    case 'unfit': {
      const [first] = place.reasons ?? []
      const reason = first === undefined ? place.problem?.meaning : t(`finding.${first.code}`)
      return {
        tone: 'warn',
        icon: 'warning',
        words: t('place.unfit'),
        ...(reason !== undefined && { reason }),
      }
    }
    case 'working':
      return { tone: 'work', icon: 'wait', words: t('status.starting') }
    case 'finished':
      return { tone: 'good', icon: 'done', words: t('status.done') }
    case 'aside':
      return { tone: 'calm', icon: 'aside', words: t('place.aside') }
    default:
      return missingCase(place.state)
  }
}

function workStatus({ work }: BayView, t: Translate): TileStatus {
  if (work?.waiting !== undefined)
    return { tone: 'warn', icon: 'hands', words: t(`waiting.${work.waiting.reason}.short`) }
  switch (work?.kind) {
    case 'planning':
      return { tone: 'work', icon: 'read', words: t('place.checking') }
    case 'rebooting':
      return { tone: 'work', icon: 'restart', words: t('status.restarting') }
    case 'backing-up':
      return { tone: 'work', icon: 'download', words: t('step.backup.short') }
    default:
      return { tone: 'ready', icon: 'read', words: t('status.reading') }
  }
}
