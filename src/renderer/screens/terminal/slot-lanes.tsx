// A picture of the two slots and what is in them. While a job runs, the lane that is written fills.
import type { ReactNode } from 'react'
import type { JobView, StepView } from '../../../shared/contract.ts'
import type { TerminalFacts } from '../../../shared/terminal.ts'
import { SLOTS, type Slot, splitSlot } from '../../../shared/units.ts'
import { useFormats } from '../../i18n/format.ts'
import { type Translate, useText } from '../../i18n/index.ts'
import { Icon } from '../../ui/icon.tsx'

export interface Cell {
  readonly name: string
  readonly bytes: number
  readonly state: 'old' | 'pending' | 'writing' | 'written' | 'verified'
  /** 0 to 1, of what is being written. */
  readonly share: number
}

export function SlotLanes({
  facts,
  job,
}: {
  readonly facts: TerminalFacts | undefined
  readonly job: JobView | undefined
}) {
  const t = useText()
  const lanes = SLOTS.map((slot) => ({ slot, cells: cellsOf(slot, facts, job) }))
  const rest = restOf(job)
  if (lanes.every(({ cells }) => cells.length === 0) && rest.length === 0) return null
  return (
    <section className="card" aria-labelledby="lanes-title">
      <h2 id="lanes-title">{t('lanes.title')}</h2>
      {lanes.map(
        ({ slot, cells }) =>
          cells.length > 0 && (
            <Lane key={slot} title={<SlotTitle slot={slot} facts={facts} job={job} />} cells={cells} />
          ),
      )}
      {rest.length > 0 && <Lane title={<strong>{t('lanes.single')}</strong>} cells={rest} />}
      <p className="lane-legend small quiet" aria-hidden="true">
        {(['old', 'pending', 'writing', 'written', 'verified'] as const).map((state) => (
          <span key={state} className="row">
            <span className="cell-sample" data-state={state} /> {t(`lanes.${state}`)}
          </span>
        ))}
      </p>
    </section>
  )
}

function Lane({ title, cells }: { readonly title: ReactNode; readonly cells: readonly Cell[] }) {
  const t = useText()
  const { bytes } = useFormats()
  return (
    <div className="lane">
      <p className="row small">{title}</p>
      <ul className="cells">
        {cells.map((cell) => {
          const words = `${cell.name}: ${bytes(cell.bytes)}, ${t(`lanes.${cell.state}`)}`
          return (
            <li
              key={cell.name}
              className="cell"
              data-state={cell.state}
              title={words}
              style={{ flexGrow: widthOf(cell.bytes) }}
            >
              <span className="cell-fill" style={{ transform: `scaleX(${cell.share})` }} />
              <span className="cell-name" aria-hidden="true">
                {cell.name}
              </span>
              <span className="unseen">{words}</span>
            </li>
          )
        })}
      </ul>
    </div>
  )
}

/** Partitions differ by a factor of a million; a small one must still be seen. */
function widthOf(bytes: number): number {
  return Math.max(1, Math.log2(Math.max(2, bytes / 65_536)))
}

function SlotTitle({
  slot,
  facts,
  job,
}: {
  readonly slot: Slot
  readonly facts: TerminalFacts | undefined
  readonly job: JobView | undefined
}) {
  const t = useText()
  const state = facts?.slots[slot]
  const runs = facts?.currentSlot?.value === slot
  const goal = job?.state === 'running' && job.fromSlot !== undefined && job.fromSlot !== slot
  return (
    <>
      <strong>{t('slot.name', { slot: slot.toUpperCase() })}</strong>
      {runs && (
        <span className="chip" data-tone="ready">
          <Icon name="session" /> {t('slot.runs')}
        </span>
      )}
      <span className="quiet">{goodness(state, t)}</span>
      {goal && (
        <span className="chip" data-tone="work">
          <Icon name="write" /> {t('slot.being-written')}
        </span>
      )}
    </>
  )
}

function goodness(state: TerminalFacts['slots']['a'], t: Translate): string {
  if (state?.successful?.value === true) return t('slot.good')
  if (state?.unbootable?.value === true) return t('slot.broken')
  return t('slot.unproven')
}

export function cellsOf(
  slot: Slot,
  facts: TerminalFacts | undefined,
  job: JobView | undefined,
): readonly Cell[] {
  const known = Object.entries(facts?.partitions ?? {})
    .filter(([name, { size }]) => splitSlot(name).slot === slot && size !== undefined && size > 0)
    .map(([name, { size }]) => ({ name: splitSlot(name).base, full: name, bytes: size ?? 0 }))
  return joined(
    known,
    writesOf(job, (name) => splitSlot(name).slot === slot),
    job,
  )
}

function restOf(job: JobView | undefined): readonly Cell[] {
  // Of what has no slots, only what a job writes is of interest.
  return joined(
    [],
    writesOf(job, (name) => splitSlot(name).slot === undefined),
    job,
  )
}

function writesOf(job: JobView | undefined, isHere: (partition: string) => boolean): readonly StepView[] {
  return (job?.steps ?? []).filter(
    ({ kind, partition }) => kind === 'write' && partition !== undefined && isHere(partition),
  )
}

function joined(
  known: readonly { readonly name: string; readonly full: string; readonly bytes: number }[],
  writes: readonly StepView[],
  job: JobView | undefined,
): readonly Cell[] {
  const written = new Map(writes.map((step) => [step.partition ?? '', step]))
  const more = writes
    .filter(({ partition }) => known.every(({ full }) => full !== partition))
    .map(({ partition = '', bytes = 0 }) => ({ name: splitSlot(partition).base, full: partition, bytes }))
  return [...known, ...more].map(({ name, full, bytes }) => {
    const step = written.get(full)
    return step === undefined || job === undefined
      ? { name, bytes, state: 'old', share: 0 }
      : { name, bytes, ...progressOf(step, job) }
  })
}

function progressOf(step: StepView, job: JobView): Pick<Cell, 'state' | 'share'> {
  const verified = job.steps.some(
    ({ kind, partition, state }) => kind === 'verify' && partition === step.partition && state === 'proven',
  )
  if (verified) return { state: 'verified', share: 1 }
  if (step.state === 'proven') return { state: 'written', share: 1 }
  if (job.step !== step.id) return { state: 'pending', share: 0 }
  const { progress } = job
  return {
    state: 'writing',
    share: progress === undefined || progress.total === 0 ? 0 : progress.done / progress.total,
  }
}
