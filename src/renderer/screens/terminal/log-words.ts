// Lines of the log in words.
import type { LogEvent } from '../../../shared/contract.ts'
import type { WaitReason } from '../../../shared/job.ts'
import { missingCase } from '../../../shared/missing-case.ts'
import { clock, type Formats } from '../../i18n/format.ts'
import type { Translate } from '../../i18n/index.ts'
import { meaningOf } from '../../ui/note.tsx'
import { stepWords } from '../../ui/words.ts'
import { stateWords } from '../wall/tile-status.ts'

export function logWords(event: LogEvent, t: Translate, formats: Formats): string {
  switch (event.kind) {
    case 'attached':
      return t('log.attached', { mode: t(`mode.${event.mode}`), name: event.name ?? '' })
    case 'left':
      return t('log.left')
    case 'facts-read':
      return t('log.facts-read', { mode: t(`mode.${event.mode}`) })
    case 'restarting':
      return t('log.restarting', { mode: t(`mode.${event.mode}`) })
    case 'job-state':
      return t('log.job', { state: stateWords(event.state, t) })
    case 'step-started':
      return `${event.index + 1}/${event.of} ${stepWords(event.step, t, formats)}`
    case 'step-proven':
      return t('log.step-proven', { step: `${stepWords(event.step, t, formats)}${measure(event, formats)}` })
    case 'waiting':
      return t(`waiting.${event.reason as WaitReason}`)
    case 'terminal-says':
      return t('log.terminal-says', { text: event.text })
    case 'problem':
      return `${meaningOf(event.problem)} ${event.problem.detail} [${event.problem.code}]`
    case 'rom':
      return t(event.state === 'bad' ? 'log.rom-bad' : 'log.rom-good', { name: event.name })
    case 'session':
      return t(event.active ? 'log.session-on' : 'log.session-off')
    case 'supervisor':
      return t(`log.supervisor.${event.what}`)
    default:
      return missingCase(event)
  }
}

function measure({ bytes, ms }: { readonly bytes?: number; readonly ms?: number }, formats: Formats): string {
  if (bytes === undefined || ms === undefined || ms <= 0) return ''
  return ` · ${formats.bytes(bytes)}, ${clock(ms / 1000)}, ${formats.speed((bytes / ms) * 1000)}`
}
