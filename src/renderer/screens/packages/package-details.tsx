// What is inside a package, and every check behind its verdict.
import type { RomInfo } from '../../../shared/rom.ts'
import type { CheckResult, TrustReason } from '../../../shared/trust.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { Icon, type IconName } from '../../ui/icon.tsx'
import type { Tone } from '../../ui/note.tsx'

export function PackageDetails({ info }: { readonly info: RomInfo }) {
  return (
    <>
      {info.trust !== undefined && <Checks reasons={info.trust.reasons} />}
      <Images info={info} />
    </>
  )
}

const LOOKS: Readonly<Record<CheckResult, { readonly tone: Tone; readonly icon: IconName }>> = {
  holds: { tone: 'good', icon: 'done' },
  weak: { tone: 'warn', icon: 'warning' },
  'not-checked': { tone: 'calm', icon: 'question' },
  absent: { tone: 'calm', icon: 'info' },
  alarming: { tone: 'warn', icon: 'warning' },
  broken: { tone: 'bad', icon: 'failed' },
}

function Checks({ reasons }: { readonly reasons: readonly TrustReason[] }) {
  const t = useText()
  return (
    <ul className="checks small" aria-label={t('trust.checks')}>
      {reasons.map(({ check, result, partition, text }) => (
        <li key={`${check} ${partition ?? ''} ${text}`} className="step" data-tone={LOOKS[result].tone}>
          <Icon name={LOOKS[result].icon} />
          <span className="unseen">{t(`check.${result}`)}</span>
          <bdi className="grow">{text}</bdi>
        </li>
      ))}
    </ul>
  )
}

function Images({ info }: { readonly info: RomInfo }) {
  const t = useText()
  const { bytes } = useFormats()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className="table-frame" tabIndex={0} aria-label={t('packages.images')}>
      <table>
        <thead>
          <tr>
            <th>{t('packages.image')}</th>
            <th>{t('packages.slot')}</th>
            <th>{t('packages.size')}</th>
            <th>SHA-256</th>
          </tr>
        </thead>
        <tbody>
          {info.images.map((image) => (
            <tr key={`${image.name} ${image.slot ?? ''}`}>
              <td>
                <bdi>{image.name}</bdi>
              </td>
              <td>{image.slot?.toUpperCase() ?? '–'}</td>
              <td>{bytes(image.size)}</td>
              <td className="mono small">{image.sha256?.slice(0, 16) ?? t('packages.no-digest')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
