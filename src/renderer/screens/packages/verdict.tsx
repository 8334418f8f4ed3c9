// What is known of a package: not looked at, being read, proven whole, or bad.
import type { RomSummary, RomView } from '../../../shared/contract.ts'
import { useFormats } from '../../i18n/format.ts'
import { useText } from '../../i18n/index.ts'
import { Icon, type IconName } from '../../ui/icon.tsx'
import { Note, type Tone } from '../../ui/note.tsx'

const LOOKS: Readonly<Record<RomView['state'], { readonly tone: Tone; readonly icon: IconName }>> = {
  opening: { tone: 'work', icon: 'wait' },
  opened: { tone: 'calm', icon: 'question' },
  verifying: { tone: 'work', icon: 'verify' },
  verified: { tone: 'good', icon: 'done' },
  bad: { tone: 'bad', icon: 'failed' },
}

type Trust = NonNullable<RomSummary['trust']>

const TRUST_LOOKS: Readonly<Record<Trust['verdict'], { readonly tone: Tone; readonly icon: IconName }>> = {
  genuine: { tone: 'good', icon: 'done' },
  intact: { tone: 'ready', icon: 'verify' },
  broken: { tone: 'bad', icon: 'failed' },
}

export function Verdict({ rom }: { readonly rom: RomView }) {
  const t = useText()
  const { percent } = useFormats()
  const trust = rom.state === 'verified' ? rom.summary?.trust?.verdict : undefined
  const { tone, icon } = trust === undefined ? LOOKS[rom.state] : TRUST_LOOKS[trust]
  const { progress } = rom
  const share = progress === undefined || progress.total === 0 ? undefined : progress.done / progress.total
  return (
    <span className="chip" data-tone={tone}>
      <Icon name={icon} />
      {trust === undefined ? t(`verdict.${rom.state}`) : t(`trust.${trust}`)}
      {share !== undefined && ` ${percent(share)}`}
    </span>
  )
}

/** The verdict in a sentence. */
export function TrustNote({ trust }: { readonly trust: Trust }) {
  const t = useText()
  return (
    <Note tone={TRUST_LOOKS[trust.verdict].tone} title={t(`trust.${trust.verdict}`)}>
      <p>
        <bdi>{trust.summary}</bdi>
      </p>
    </Note>
  )
}
