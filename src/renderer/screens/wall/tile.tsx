// One port of the bench: what stands there, how it is, and what is being done with it, to be read from two metres.
import { memo, useRef } from 'react'
import type { BayFacts, BayView, JobView } from '../../../shared/contract.ts'
import { clock, useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { jobOn, placeOf, useBench } from '../../state/bench.ts'
import { useNow } from '../../state/now.ts'
import { go } from '../../state/place.ts'
import { Icon } from '../../ui/icon.tsx'
import { ProgressBar } from '../../ui/progress-bar.tsx'
import { bayLabel, linkOf, modelOf, remainingWords, serialOf } from '../../ui/words.ts'
import { tileStatus } from './tile-status.ts'

export interface TileProps {
  readonly bay: BayView
  /** Its place on the wall, from 1; the first nine have a key. */
  readonly number: number
  readonly onMove?: (from: string, to: string) => void
}

export const Tile = memo(function Tile({ bay, number, onMove }: TileProps) {
  const t = useText()
  const now = useNow()
  const job = useBench(({ bench }) => jobOn(bench, bay))
  const place = useBench(({ bench }) => placeOf(bench, bay.bay))
  const status = tileStatus({ bay, job, place, now }, t)
  const moving = useRef(false)
  const occupied = bay.sighting !== undefined || job?.state === 'running'
  return (
    <li
      className="tile-place"
      draggable={onMove !== undefined}
      onDragStart={({ dataTransfer }) => {
        moving.current = true
        dataTransfer.setData('application/x-slotbench-bay', bay.bay)
      }}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes('application/x-slotbench-bay')) event.preventDefault()
      }}
      onDrop={(event) => {
        const from = event.dataTransfer.getData('application/x-slotbench-bay')
        if (from !== '' && from !== bay.bay) onMove?.(from, bay.bay)
      }}
    >
      <button
        type="button"
        className="tile"
        data-tone={status.tone}
        data-empty={!occupied}
        data-bay={bay.bay}
        onClick={() => go('bay', bay.bay)}
        {...(number <= 9 && { 'aria-keyshortcuts': String(number) })}
      >
        <span className="tile-head">
          {number <= 9 && (
            <span className="tile-number" aria-hidden="true">
              {number}
            </span>
          )}
          <span className="tile-name clip">{bayLabel(bay)}</span>
          {bay.simulated && <span className="tile-mark">{t('bay.simulated')}</span>}
          {bay.sighting !== undefined && <span className="tile-mode">{t(`mode.${bay.sighting.mode}`)}</span>}
        </span>
        {occupied && (
          <span className="tile-who">
            <bdi className="tile-model clip">{modelOf(bay, job) ?? t('bay.unnamed')}</bdi>
            <bdi className="tile-serial mono clip">{serialOf(bay, job) ?? t('bay.no-serial')}</bdi>
          </span>
        )}
        <span className="tile-status">
          <Icon name={status.icon} />
          <span className="tile-word clip">{status.words}</span>
        </span>
        {status.reason !== undefined && <span className="tile-reason clip">{status.reason}</span>}
        {job?.state === 'running' ? (
          <Running job={job} now={now} />
        ) : (
          occupied && <Facts facts={bay.facts} bay={bay} />
        )}
      </button>
    </li>
  )
})

function Running({ job, now }: { readonly job: JobView; readonly now: number }) {
  const t = useText()
  const { percent, speed } = useFormats()
  const { progress, steps, step, runningSince } = job
  const at = steps.findIndex(({ id }) => id === step) + 1
  const share = shareOf(job)
  const remaining = remainingWords(job, now, t)
  const elapsed = runningSince === undefined ? undefined : (now - Date.parse(runningSince)) / 1000
  return (
    <span className="tile-run">
      <span className="tile-figures">
        <strong>{percent(share)}</strong>
        <span>{t('job.step-of', { step: Math.max(1, at), steps: steps.length })}</span>
      </span>
      <ProgressBar share={share} label={t('job.progress')} />
      <span className="tile-figures quiet">
        <span>
          {progress !== undefined && progress.bytesPerSecond > 0 ? speed(progress.bytesPerSecond) : ''}
        </span>
        <span>
          {remaining !== undefined
            ? t('job.left', { time: remaining })
            : elapsed !== undefined && t('job.elapsed', { time: clock(elapsed) })}
        </span>
      </span>
    </span>
  )
}

/** Bytes where they count, else steps: the last steps of a job move no bytes and take their time all the same. */
export function shareOf({ progress, steps }: JobView): number {
  const proven = steps.filter(({ state }) => state === 'proven').length
  const bySteps = steps.length === 0 ? 0 : proven / steps.length
  if (progress === undefined || progress.jobTotal === 0) return bySteps
  return Math.min(0.99, 0.9 * (progress.jobDone / progress.jobTotal) + 0.1 * bySteps)
}

function Facts({ bay, facts }: { readonly bay: BayView; readonly facts: BayFacts | undefined }) {
  const t = useText()
  const { percent } = useFormats()
  const link = linkOf(bay, t)
  return (
    <span className="tile-facts">
      {facts?.currentSlot !== undefined && <Slots facts={facts} />}
      {facts?.unlocked !== undefined && (
        <span className="tile-fact" data-tone={facts.unlocked ? undefined : 'warn'}>
          <Icon name={facts.unlocked ? 'unlocked' : 'locked'} />
          {t(facts.unlocked ? 'fact.unlocked' : 'fact.locked')}
        </span>
      )}
      {facts?.battery !== undefined && (
        <span className="tile-fact" data-tone={facts.battery < 30 ? 'warn' : undefined}>
          <Icon name="battery" />
          {percent(facts.battery / 100)}
        </span>
      )}
      {facts?.battery === undefined && facts?.batteryOk !== undefined && (
        <span className="tile-fact" data-tone={facts.batteryOk ? undefined : 'warn'}>
          <Icon name="battery" />
          {t(facts.batteryOk ? 'fact.battery-ok' : 'fact.battery-low')}
        </span>
      )}
      {link !== undefined && (
        <span className="tile-fact" data-tone={link.slow ? 'warn' : undefined}>
          <Icon name={link.slow ? 'slow' : 'cable'} />
          {link.words}
        </span>
      )}
    </span>
  )
}

/** `A ▸ good`: which slot runs, and which is known to boot. */
function Slots({ facts }: { readonly facts: BayFacts }) {
  const t = useText()
  const { currentSlot, slots } = facts
  return (
    <span className="tile-fact">
      {(['a', 'b'] as const).map((slot) => {
        const state = slots[slot]
        const good = state?.successful === true
        const words = `${t('slot.name', { slot: slot.toUpperCase() })}: ${[
          ...(slot === currentSlot ? [t('slot.runs')] : []),
          t(good ? 'slot.good' : state?.unbootable === true ? 'slot.broken' : 'slot.unproven'),
        ].join(', ')}`
        return (
          <span key={slot} className="slot-mark" data-runs={slot === currentSlot} title={words}>
            <span aria-hidden="true">
              {slot.toUpperCase()}
              {good ? '✓' : '·'}
            </span>
            <span className="unseen">{words}</span>
          </span>
        )
      })}
    </span>
  )
}
