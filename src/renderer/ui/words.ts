// Names of things as they are shown: bays, models, serial numbers, links, steps.
import type { BayView, JobView, StepView } from '../../shared/contract.ts'
import { missingCase } from '../../shared/missing-case.ts'
import { clock, type Formats } from '../i18n/format.ts'
import type { Translate } from '../i18n/index.ts'

export function bayLabel({ bay, name }: Pick<BayView, 'bay' | 'name'>): string {
  return name ?? bay
}

/** The most telling name of what stands there. */
export function modelOf(bay: BayView, job?: JobView): string | undefined {
  const { facts, sighting } = bay
  // "Android" is what half of all bootloaders call themselves.
  const shown = sighting?.product === 'Android' ? undefined : sighting?.product
  return facts?.names[0] ?? sighting?.known?.names[0] ?? shown ?? job?.product
}

export function serialOf({ sighting }: BayView, job?: JobView): string | undefined {
  return sighting?.serial ?? sighting?.known?.serial ?? job?.serial
}

export interface LinkWords {
  readonly words: string
  readonly slow: boolean
}

/** Undefined for terminals over the network, and where the system does not tell. */
export function linkOf({ sighting }: BayView, t: Translate): LinkWords | undefined {
  switch (sighting?.link?.speed) {
    case 'low':
    case 'full':
      return { words: t('link.usb1'), slow: true }
    case 'high':
      return { words: t('link.usb2'), slow: false }
    case 'super':
    case 'superPlus':
      return { words: t('link.usb3'), slow: false }
    default:
      return undefined
  }
}

/** A step in words, for previews, lists and the log. */
export function stepWords(step: StepView, t: Translate, { bytes }: Formats): string {
  const partition = step.partition ?? ''
  switch (step.kind) {
    case 'identify':
      return t('step.identify')
    case 'backup':
      return t('step.backup', { partition })
    case 'write':
      return t('step.write', { partition })
    case 'verify':
      return t(step.how === 'read-back' ? 'step.verify.read-back' : 'step.verify.stream', { partition })
    case 'erase':
      return t('step.erase', { partition })
    case 'set-active':
      return t('step.set-active', { slot: (step.slot ?? '').toUpperCase() })
    case 'enter-mode':
      return t('step.enter-mode', { mode: step.mode === undefined ? '' : t(`mode.${step.mode}`) })
    case 'snapshot':
      return t(step.how === 'cancel' ? 'step.snapshot.cancel' : 'step.snapshot.merge')
    case 'delete-logical':
      return t('step.delete-logical', { partition })
    case 'resize-logical':
      return t('step.resize-logical', { partition, size: bytes(step.bytes ?? 0) })
    case 'update-super':
      return t('step.update-super')
    case 'new-super':
      return t('step.new-super', { partition })
    case 'write-table':
      return t(step.how === 'repair' ? 'step.write-table.repair' : 'step.write-table.package', {
        lun: step.lun ?? 0,
      })
    case 'write-file':
      return t(step.how === 'restore' ? 'step.write-file.restore' : 'step.write-file', { partition })
    case 'sideload':
      return t('step.sideload')
    case 'reboot':
      return t(step.how === 'system' ? 'step.reboot.system' : 'step.reboot.bootloader')
    case 'prove-boot':
      return step.slot === undefined
        ? t('step.prove-boot')
        : t('step.prove-boot.slot', { slot: step.slot.toUpperCase() })
    default:
      return missingCase(step.kind)
  }
}

/** By its own speed once it has one; before, about what earlier jobs took. Undefined where nobody knows. */
export function remainingWords(
  { progress, expected }: Pick<JobView, 'progress' | 'expected'>,
  now: number,
  t: Translate,
): string | undefined {
  if (progress?.remainingSeconds !== undefined) return clock(progress.remainingSeconds)
  if (expected === undefined) return undefined
  const gone = (now - Date.parse(expected.at)) / 1_000
  return t('job.about', { time: clock(Math.max(0, expected.seconds - gone)) })
}
