// Every fact of a terminal, with where it was read.
import type { BayView } from '../../../shared/contract.ts'
import type { Fact, TerminalFacts } from '../../../shared/terminal.ts'
import { type Formats, useFormats } from '../../i18n/format.ts'
import { type TextKey, type Translate, useText } from '../../i18n/index.ts'
import { PartitionList } from './partition-list.tsx'

interface Line {
  readonly name: TextKey
  readonly value: string
  readonly source: string
}

export function FactTable({
  facts,
  bay,
}: {
  readonly facts: TerminalFacts | undefined
  readonly bay: BayView
}) {
  const t = useText()
  const formats = useFormats()
  if (facts === undefined)
    return <p className="quiet">{t(bay.work === undefined ? 'facts.none' : 'facts.reading')}</p>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className="scroll" tabIndex={0} aria-label={t('side.facts')}>
      {bay.facts !== undefined && (
        <p className="quiet small">{t('facts.read-at', { time: formats.when(bay.facts.at) })}</p>
      )}
      <table className="fact-table">
        <thead>
          <tr>
            <th>{t('facts.fact')}</th>
            <th>{t('facts.value')}</th>
            <th>{t('facts.source')}</th>
          </tr>
        </thead>
        <tbody>
          {linesOf(facts, t, formats).map(({ name, value, source }) => (
            <tr key={`${name} ${value} ${source}`}>
              <td>{t(name)}</td>
              <td>
                <bdi>{value}</bdi>
              </td>
              <td className="quiet small mono">
                <bdi>{source}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <PartitionList facts={facts} bay={bay} />
    </section>
  )
}

function linesOf(f: TerminalFacts, t: Translate, { bytes, percent }: Formats): readonly Line[] {
  const yesNo = (truth: boolean) => t(truth ? 'word.yes' : 'word.no')
  return [
    ...line('fact.serial', f.serial),
    ...line('fact.chip-serial', f.chipSerial),
    ...line('fact.product', f.product),
    ...(f.names ?? []).flatMap((name) => line('fact.name', name)),
    ...line('fact.variant', f.variant),
    ...line('fact.hardware', f.hwRevision),
    ...line('fact.build', f.build),
    ...line('fact.fingerprint', f.fingerprint),
    ...line('fact.patch', f.securityPatch),
    ...line('fact.bootloader', f.versionBootloader),
    ...line('fact.baseband', f.versionBaseband),
    ...line('fact.rollback', f.rollback, (value) =>
      Object.entries(value)
        .map(([place, index]) => `${place}: ${index}`)
        .join(', '),
    ),
    ...line('fact.lock', f.unlocked, (unlocked) => t(unlocked ? 'fact.unlocked' : 'fact.locked')),
    ...line('fact.secure', f.secure, yesNo),
    ...line('fact.booted', f.bootCompleted, yesNo),
    ...line('fact.battery', f.batteryPercent, (value) => percent(value / 100)),
    ...line('fact.millivolts', f.batteryMillivolts, (value) => `${value} mV`),
    ...line('fact.battery-enough', f.batteryOk, yesNo),
    ...line('fact.snapshot', f.snapshotStatus),
    ...line('fact.slots', f.slotCount),
    ...line('fact.active-slot', f.currentSlot, (slot) => slot.toUpperCase()),
    ...line('fact.download', f.maxDownload, bytes),
    ...line('fact.fetch', f.maxFetch, bytes),
    ...line('fact.data-free', f.dataFree, bytes),
    ...line('fact.super', f.superPartition),
  ]
}

function line<T>(name: TextKey, fact: Fact<T> | undefined, words: (value: T) => string = String): Line[] {
  return fact === undefined || words(fact.value) === ''
    ? []
    : [{ name, value: words(fact.value), source: fact.source }]
}
